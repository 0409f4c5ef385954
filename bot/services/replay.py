"""`check --replay`: the snapshots of the audit log, judged by the limits of today or by others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts.lifecycle import timer_ends
from bot.answers.history import Replay, Replayed
from bot.config.pipeline_file import Noun
from bot.config.settings import Settings
from bot.errors import PermanentError
from bot.model import Evaluation
from bot.ports import Sources
from bot.services.audit_log import SNAPSHOTS, numbers_in, read_log, taken_at
from bot.services.in_memory_records import InMemoryRecords
from bot.services.judge_all import facts_of_queue
from bot.services.move_alerts import Said, move_alerts
from bot.services.rename_checks import policy_of
from bot.services.take_snapshot import refuse_without_log
from checks.judge import judge, overall
from checks.model import Check, Reading

MOST = 10_000  # snapshots: more than a day by hand and one at night for ten years
Subject = tuple[Check, str | None]  # a check, of one sync where it is evaluated per sync


@dataclass(frozen=True)
class _Snapshot:
    at: datetime
    numbers: Mapping[str, float | None]

    def value(self, subject: Subject) -> float | None:
        """What it says of a check."""
        return self.numbers.get(subject[0].reading_of(subject[1]))


def replay(sources: Sources, span: timedelta) -> Replay:
    """Push the snapshots of this span through the checks of `sources.settings`; a number holds until the next one.

    Raises RefusedError where there is no audit log, PermanentError when it holds no snapshot of that span,
    TemporaryError as the warehouse does.
    """
    refuse_without_log(sources.settings)
    now = sources.clock.now()
    rows = read_log(sources, SNAPSHOTS, audit_id=None, now=now, most=MOST)[::-1]
    past = [_Snapshot(taken_at(row), numbers_in(row, sources.settings)) for row in rows if now - span <= taken_at(row)]
    if not past:
        raise PermanentError("the audit log has no snapshot of that time: `sync-health snapshot` takes one")
    known = [one for one in _subjects(sources.settings) if one[0].reading_of(one[1]) in past[0].numbers]
    told: dict[tuple[str, str | None], list[tuple[datetime, str, str]]] = {}
    for at, said in _replay_snapshots(past, known, sources.settings):
        incident = said.incident
        told.setdefault((incident.check, incident.sync), []).append((at, said.reason.value, incident.summary))
    replayed = tuple(
        Replayed(check, tuple(_values(past, (check, sync))), tuple(told.get((check.name, sync), ())), sync)
        for check, sync in known
    )
    names = {check.name for check, _ in known}
    others = tuple(check.name for check in sources.settings.checks if check.name not in names)
    return Replay(past[0].at, past[-1].at, len(past), replayed, others)


def _subjects(settings: Settings) -> Iterator[Subject]:
    """Every check of the warehouse, for each sync whose queue it is about."""
    for check in settings.checks:
        if check.source != "databricks":
            continue
        if not check.per:
            yield check, None
            continue
        for sync in settings.syncs:
            if mine := settings.check_called(check.name, sync.name):
                yield mine, sync.name


def _replay_snapshots(
    past: Sequence[_Snapshot], known: Sequence[Subject], settings: Settings
) -> Iterator[tuple[datetime, Said]]:
    """What is said at each snapshot, and when patience ends before the next one comes."""
    in_memory = InMemoryRecords()
    judged = {check.name for check, _ in known}
    settings = replace(settings, checks=tuple(check for check in settings.checks if check.name in judged))
    policies = {(check.name, sync): policy_of(check) for check, sync in known}
    for one, following in zip(past, [*past[1:], None], strict=True):
        at: datetime | None = one.at
        until = following.at if following else None
        while at and (until is None or at < until):
            for said in move_alerts(in_memory, _evaluation(one, at, known, settings.noun), settings):
                yield at, said
            ends = [timer_ends(alert, policies[alert.check, alert.sync]) for alert in in_memory.waiting_alerts()]
            at = min((end for end in ends if end and end > at), default=None)


def _evaluation(one: _Snapshot, at: datetime, known: Sequence[Subject], noun: Noun) -> Evaluation:
    results = tuple(
        judge(check, Reading(value := one.value((check, sync)), facts=facts_of_queue(value, noun=noun)), sync)
        for check, sync in known
    )
    return Evaluation(at, overall([result.outcome for result in results]), 0, 0.0, results, (), warehouse_at=at)


def _values(past: Sequence[_Snapshot], subject: Subject) -> Iterator[float]:
    yield from (value for one in past if (value := one.value(subject)) is not None)
