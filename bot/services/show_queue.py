"""The backlogs: sizes, groups, first records and trend."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.alerts.causes import BACKLOG
from bot.alerts.offers import SUSPECT, runs_in_vain
from bot.alerts.trends import trend_of
from bot.answers.syncs import PendingRecord, Queue
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError, TemporaryError
from bot.facts import SyncStatus
from bot.model import Evaluation
from bot.ports import Ports
from bot.sanitize import sanitize, shown_id
from bot.services.ask_warehouse import ask_warehouse, describe_queue
from bot.services.find_rejected import ask_for_rejections, find_rejected
from bot.services.judge_all import facts_of_queue
from bot.services.look_at_sync import with_queue
from bot.services.warehouse_numbers import Numbers
from checks.judge import WORST_FIRST, judge
from checks.model import Outcome

SIZE = "backlog"  # the metric that a check on a queue judges
MOST = 5  # records, and groups of a kind
LABEL = 100  # characters of a group's name
EVALUATIONS = 24  # that the trend is read from: about two hours
KEYS = ("key_0", "key_1", "key_2")

BREACHES = (Outcome.CRITICAL, Outcome.WARN)
TOLD = frozenset({*BACKLOG, SUSPECT, "error_rate"})  # of which the answer tells itself

Row = Mapping[str, object]


def show_queue(ports: Ports, sync: SyncSettings | None) -> list[Queue]:
    """The queue of this sync, or of the only one, with its records and what would be rejected; else all in numbers.

    Raises TemporaryError where the warehouse is silent.
    """
    every = ports.settings.syncs
    sync = every[0] if len(every) == 1 else sync
    numbers = ask_warehouse(ports, own_statements=False, only=sync)
    if not numbers.reached:
        raise _no_answer(next(iter(numbers.errors.values()), "no reason"))
    errors = [numbers.errors.get(f"{one.name}/{SIZE}") for one in every if one.queue]
    if errors and all(errors):
        raise _no_answer(errors[0])
    with ports.store.snapshot() as records:
        evaluations = records.latest_evaluations(EVALUATIONS)
    shown = [_numbers_of(ports, one, numbers, evaluations) for one in ([sync] if sync else every)]
    if sync is None or not shown[0].size:
        return shown
    asked = ask_for_rejections(ports, sync)
    queue = _with_records(ports, sync, shown[0])
    return [replace(queue, rejected=find_rejected(ports, sync, asked))]


def _no_answer(why: object) -> TemporaryError:
    return TemporaryError(f"The warehouse did not answer: {why}. /sync-health shows the last known backlogs.")


def _numbers_of(ports: Ports, sync: SyncSettings, numbers: Numbers, evaluations: Sequence[Evaluation]) -> Queue:
    now, reading = ports.clock.now(), numbers.reading(f"{sync.name}/{SIZE}")
    status = with_queue(SyncStatus(sync.name, sync.label), sync, numbers)
    checks = (ports.settings.check_called(one.name, sync.name) for one in ports.settings.checks_of_metric(SIZE))
    check = next(filter(None, checks), None) if sync.queue else None
    facts = facts_of_queue(status.queue, status.suspects, ports.settings.noun)
    return Queue(
        label=sync.label,
        source=sync.queue,
        size=status.queue,
        judged=judge(check, replace(reading, facts=facts), sync.name) if check else None,
        suspects=status.suspects,
        oldest=now - status.oldest_pending if status.oldest_pending else None,
        trend=trend_of([*_sizes(evaluations, sync), (now, status.queue)]) if status.queue is not None else None,
        keys=sync.key,
        error=reading.error or reading.detail,
        noun=ports.settings.noun,
        measurable=ports.settings.has_warehouse,
        sync=None if ports.settings.observes else sync,
        **_at_last_evaluation(ports.settings, evaluations, sync),
    )


def _at_last_evaluation(settings: Settings, evaluations: Sequence[Evaluation], sync: SyncSettings) -> Mapping[str, Any]:
    """How the sync was found, besides its backlog."""
    last = max(evaluations, key=lambda one: one.checked_at, default=None)
    status = last.status_of.get(sync.name) if last else None
    if last is None or status is None:
        return {}
    known = ((settings.check_called(one.check, one.sync), one) for one in last.results if one.sync == sync.name)
    wrong = [(check, one) for check, one in known if check and check.metric not in TOLD and one.outcome in BREACHES]
    return {
        "paused": bool(status.schedule and status.schedule.paused),
        "running": status.running is not None,
        "troubles": tuple(sorted((one for _, one in wrong), key=lambda one: WORST_FIRST.index(one.outcome))),
        "in_vain": any(runs_in_vain(check, one) for check, one in wrong),
    }


def _with_records(ports: Ports, sync: SyncSettings, queue: Queue) -> Queue:
    try:
        rows = describe_queue(ports, sync, MOST)
    except SyncHealthError as error:
        raise _no_answer(error) from error
    try:
        return replace(
            queue,
            groups=tuple((name, _groups(rows, name)) for name in sync.group_by),
            first=tuple(_record(row, sync) for row in rows if row["part"] == "first" and sync.key)[:MOST],
            suspect=tuple(_record(row, sync) for row in rows if row["suspect"] is not None and sync.key)[:MOST],
        )
    except (LookupError, ValueError, TypeError, OverflowError) as error:
        raise TemporaryError("The warehouse described the backlog in a way that cannot be read.") from error


def _sizes(evaluations: Sequence[Evaluation], sync: SyncSettings) -> Iterator[tuple[datetime, int]]:
    for evaluation in evaluations:
        if evaluation.warehouse_at == evaluation.checked_at:
            status = evaluation.status_of.get(sync.name)
            if status and status.queue is not None:
                yield evaluation.checked_at, status.queue


def _groups(rows: Sequence[Row], name: str) -> tuple[tuple[str, int], ...]:
    of_part = (row for row in rows if row["kind"] == "group" and row["part"] == name)
    return tuple((sanitize(str(row["label"] or ""), LABEL), _count(row["records"])) for row in of_part)[:MOST]


def _record(row: Row, sync: SyncSettings) -> PendingRecord:
    suspect = None if row["suspect"] is None else sync.suspect[_count(row["suspect"])].label
    return PendingRecord(tuple(shown_id(row[key]) for key, _ in zip(KEYS, sync.key, strict=False)), suspect)


def _count(value: object) -> int:
    """A number of records; raises ValueError where it is none."""
    if not isinstance(value, int) or value < 0:
        raise ValueError("no number of records")
    return value
