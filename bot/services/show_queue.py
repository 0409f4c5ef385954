"""The backlogs: sizes, groups, first records and trend."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot.alerts.trends import trend_of
from bot.answers import Queue, WaitingRow
from bot.config.pipeline_file import SyncSettings
from bot.errors import SyncHealthError, TemporaryError
from bot.model import Evaluation
from bot.ports import Ports
from bot.sanitize import sanitize, shown_id
from checks.judge import judge
from checks.model import Reading

QUEUE = "measure/queue"
OTHER_PARTS = frozenset({"total", "first", "wrong", "measurable"})  # the rest are groups
MOST = 5  # records, and groups of a kind
LABEL = 100  # characters of a group's name
LOOKS = 24  # evaluations that the trend is read from: about two hours

Row = Mapping[str, object]


def show_queue(ports: Ports, sync: SyncSettings | None) -> list[Queue]:
    """This sync's queue, or all. Raises TemporaryError when the warehouse does not answer."""
    try:
        rows = ports.warehouse.ask(QUEUE, direction=sync.direction if sync else "both", most=MOST)
    except SyncHealthError as error:
        what = f"The warehouse did not answer: {error}. /sync-health shows the last known backlogs."
        raise TemporaryError(what) from error
    with ports.store.snapshot() as records:
        looks = records.latest_evaluations(LOOKS)
    try:
        known = any(row["part"] == "measurable" and row["waiting"] for row in rows)
        return [_queue(ports, one, rows, looks, known=known) for one in ([sync] if sync else ports.settings.syncs)]
    except (LookupError, ValueError, TypeError, OverflowError) as error:
        raise TemporaryError("The warehouse described the backlog in a way that cannot be read.") from error


def _queue(ports: Ports, sync: SyncSettings, rows: Sequence[Row], looks: Sequence[Evaluation], *, known: bool) -> Queue:
    now, mine = ports.clock.now(), [row for row in rows if row["direction"] == sync.direction]
    total = next((row for row in mine if row["part"] == "total"), {})
    size, oldest_at = _count(total, "waiting") if known else None, total.get("oldest_at")
    check = next((check for check in ports.settings.checks if check.metric == f"{sync.direction}_queue"), None)
    return Queue(
        label=sync.label,
        source=sync.queue,
        size=size,
        judged=judge(check, Reading(size)) if check else None,
        suspicious=_count(total, "suspicious"),
        oldest=now - oldest_at if isinstance(oldest_at, datetime) else None,
        trend=trend_of([*_sizes(looks, sync), (now, size)]) if size is not None else None,
        groups=tuple((part, _groups(mine, part)) for part in _grouped_by(mine)),
        first=tuple(_waiting(row) for row in mine if row["part"] == "first")[:MOST],
        wrong=tuple(_waiting(row) for row in mine if row["wrong"])[:MOST],
    )


def _sizes(looks: Sequence[Evaluation], sync: SyncSettings) -> Iterator[tuple[datetime, int]]:
    for look in looks:
        if look.warehouse_at == look.checked_at:
            yield from (
                (look.checked_at, one.queue) for one in look.syncs if one.name == sync.name and one.queue is not None
            )


def _grouped_by(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["part"]) for row in rows if row["part"] not in OTHER_PARTS))


def _groups(rows: Sequence[Row], part: str) -> tuple[tuple[str, int], ...]:
    labels = ((sanitize(str(row["label"] or ""), LABEL), row) for row in rows if row["part"] == part)
    return tuple((label, _count(row, "waiting")) for label, row in labels)[:MOST]


def _waiting(row: Row) -> WaitingRow:
    wrong = str(row["wrong"]) if row["wrong"] else None
    return WaitingRow(shown_id(row["rds_property_id"]), shown_id(row["sfdc_id"]), wrong)


def _count(row: Row, name: str) -> int:
    """A number of records; raises ValueError where it is none."""
    count = row.get(name) or 0
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"{name} is no number of records")
    return count
