"""`check --replay`: the snapshots of the audit log, judged by the limits of today or by others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts.lifecycle import timer_ends
from bot.answers import Replay, Replayed
from bot.config.settings import Settings
from bot.errors import PermanentError
from bot.model import Evaluation
from bot.ports import Sources
from bot.services.in_memory_records import InMemoryRecords
from bot.services.move_alerts import Said, move_alerts, policy_of
from bot.services.take_snapshot import SNAPSHOTS, taken_at
from checks.judge import judge, overall
from checks.model import Check, Reading

MOST = 10_000  # snapshots: more than a day by hand and one at night for ten years
Snapshot = dict[str, object]


def replay(sources: Sources, span: timedelta) -> Replay:
    """Push the snapshots of this span through the checks of `sources.settings`; a number holds until the next one.

    Raises PermanentError when the audit log holds no snapshot of that span, TemporaryError as the warehouse does.
    """
    now = sources.clock.now()
    rows = sources.warehouse.ask(SNAPSHOTS, audit_id=None, now=now, most=MOST)
    past = [row for row in reversed(rows) if now - span <= taken_at(row)]
    if not past:
        raise PermanentError("the audit log has no snapshot of that time: `sync-health snapshot` takes one")
    known = tuple(c for c in sources.settings.checks if c.source == "databricks" and c.metric in past[0])
    settings = replace(sources.settings, checks=known)
    told: dict[str, list[tuple[datetime, str, str]]] = {check.name: [] for check in known}
    for at, said in _replay_snapshots(past, settings):
        told[said.incident.check].append((at, said.reason.value, said.incident.summary))
    readings = {check.name: tuple(v for row in past if (v := _value(row, check)) is not None) for check in known}
    others = tuple(check.name for check in sources.settings.checks if check not in known)
    replayed = tuple(Replayed(check, readings[check.name], tuple(told[check.name])) for check in known)
    return Replay(taken_at(past[0]), taken_at(past[-1]), len(past), replayed, others)


def _replay_snapshots(past: Sequence[Snapshot], settings: Settings) -> Iterator[tuple[datetime, Said]]:
    """What is said at each snapshot, and when patience ends before the next one comes."""
    in_memory = InMemoryRecords()
    policies = {check.name: policy_of(check) for check in settings.checks}
    for row, following in zip(past, [*past[1:], None], strict=True):
        at: datetime | None = taken_at(row)
        until = taken_at(following) if following else None
        while at and (until is None or at < until):
            for said in move_alerts(in_memory, _evaluation(row, at, settings), settings):
                yield at, said
            ends = [timer_ends(alert, policies[alert.check]) for alert in in_memory.waiting_alerts()]
            at = min((end for end in ends if end and end > at), default=None)


def _evaluation(row: Snapshot, at: datetime, settings: Settings) -> Evaluation:
    results = tuple(judge(check, Reading(_value(row, check))) for check in settings.checks)
    return Evaluation(at, overall([result.outcome for result in results]), 0, 0.0, results, (), warehouse_at=at)


def _value(row: Snapshot, check: Check) -> float | None:
    value = row[check.metric]
    return float(value) if isinstance(value, int | float) else None
