"""The success metrics over some days, by what the state and Census tell of them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial

from bot.alerts.alert_times import Announced, Measured, Opening, ended_before, found_between
from bot.alerts.model import Incident
from bot.alerts.success import DAY, Evidence, Measurements, SyncRunsRead
from bot.alerts.success_metrics import success_metrics
from bot.answers.history import Slo
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError
from bot.facts import LONGEST_RUN
from bot.model import AuditRow, AuditState
from bot.ports import Census, Clock, Records, Store
from bot.services.each_sync import each_of
from bot.services.judge_all import what_is_lacking
from bot.services.prune import KEPT_EACH
from bot.services.watchdog import grace
from checks.model import Check, Outcome

DAYS = 7  # that are judged where none are named
RUNS_READ = timedelta(days=14)  # of Census, at most: a sync that runs every 15 minutes has 1,344 runs in them
WORST = 3  # cases
THINNED = timedelta(hours=2)  # between two evaluations of which the first of each hour is kept
OF_RUNS = frozenset({"failed_runs", "error_rate", "empty_runs"})  # metrics that a run makes what they are
PERSON = re.compile(r"[UW][A-Z0-9]{2,}|sync-health at a terminal")


def show_slo(settings: Settings, clock: Clock, census: Census, store: Store, days: int = DAYS) -> Slo:
    """The metrics of the last days, and the longest incidents with where their threads begin. Raises StateError."""
    until = clock.now()
    begin = until - 2 * days * DAY
    runs_since = max(begin, until - RUNS_READ)
    syncs = each_of(settings.syncs, partial(_runs_of, census, runs_since))
    with store.snapshot() as records:
        known = Evidence(
            until=until,
            days=days,
            longest_gap=_longest_gap(settings, clock, days),
            evaluations=tuple(records.evaluations_since(begin - DAY)),
            incidents=tuple(records.incidents_since(begin)),
            syncs=tuple(syncs),
            runs_since=runs_since,
            objectives=tuple(_objectives(records, settings, begin, until)),
            presses=tuple(_presses(records.audit_rows(begin))),
            has_warehouse=settings.has_warehouse,
        )
        evidence = replace(known, announced=tuple(_announced(records, settings, known)))
        worst = evidence.figures(evidence.window).slowest(WORST)
        roots = records.roots_of([one.incident.id for one in worst])
    return Slo(settings.pipeline, days, begin + days * DAY, until, success_metrics(evidence), worst, roots)


def _longest_gap(settings: Settings, clock: Clock, days: int) -> timedelta:
    """Between two evaluations of a bot that is at work, in the pipeline's time; of older ones few are kept."""
    usual = grace(settings, clock) * clock.speed
    return max(usual, THINNED) if 2 * days * DAY > KEPT_EACH else usual


def _runs_of(census: Census, since: datetime, sync: SyncSettings) -> SyncRunsRead:
    """The runs of a sync that ended since then."""
    try:
        return SyncRunsRead(sync.name, sync.label, tuple(census.runs_since(sync.id, since - LONGEST_RUN)))
    except SyncHealthError as error:
        return SyncRunsRead(sync.name, sync.label, error=str(error))


def _announced(records: Records, settings: Settings, known: Evidence) -> Iterator[Announced]:
    """When each incident that opened in the windows was found, and when it came to Slack."""
    opened = [one for one in known.incidents if one.opened_at > known.before[0]]
    posted = records.posted_at({one.thread for one in opened})
    in_maintenance = records.maintenance() is not None
    runs = {sync.name: sync.runs for sync in known.syncs}
    for one, measured in zip(opened, _measured_before(records, settings, opened, known), strict=True):
        check, at = settings.check_called(one.check, one.sync), posted.get(one.thread)
        healthy, breached = found_between(measured, one.opened_at)
        of_runs = check is not None and check.metric in OF_RUNS
        yield Announced(
            one,
            promised=check.promise == "always" if check else one.source != "databricks",
            healthy_at=healthy,
            breached_at=breached,
            began_at=ended_before(runs.get(one.sync or "", ()), breached) if of_runs else None,
            posted_at=at,
            waits=one.thread in posted and at is None,
            in_maintenance=in_maintenance,
        )


def _measured_before(
    records: Records, settings: Settings, opened: Sequence[Incident], known: Evidence
) -> Iterator[Sequence[Measured]]:
    """What was found of the check of each; the bot's own ones find what others have no number for."""
    openings = [Opening(one.check, one.sync, one.opened_at) for one in opened]
    measured = records.measured_before(openings, known.before[0] - DAY)
    seen = cache(partial(_seen_of, records, settings, known))
    for one in openings:
        check = settings.check_called(one.check, one.sync)
        own = check.metric.removeprefix("unmeasured_") if check and check.source == "bot" else None
        yield seen(own) if own else measured[one]


def _seen_of(records: Records, settings: Settings, known: Evidence, source: str) -> list[Measured]:
    """When a source was looked at, and whether a check had no number from it."""
    blinded = [one.name for one in settings.checks if one.source == source]
    blind = set(records.unmeasured_since(blinded, known.before[0] - DAY))
    looked = [one.at for one in known.evaluations if source == "census" or one.answered]
    return [Measured(at, Outcome.CRITICAL if at in blind else Outcome.OK) for at in sorted({*blind, *looked})]


def _objectives(
    records: Records, settings: Settings, since: datetime, until: datetime
) -> Iterator[tuple[Check, Measurements]]:
    """Every check with an objective, and what was measured of it, by sync."""
    for check in settings.checks:
        if check.slo:
            names = [sync.name for sync in settings.syncs if _has(settings, check, sync)] if check.per else [None]
            yield check, tuple((name or "", records.values_between(check.name, name, since, until)) for name in names)


def _has(settings: Settings, check: Check, sync: SyncSettings) -> bool:
    return settings.check_called(check.name, sync.name) is not None and not what_is_lacking(settings, check, sync)


def _presses(rows: Iterable[AuditRow]) -> Iterator[datetime]:
    """When a person did something: of what has a row for its end, too, and of a press on many, once.

    What was refused, such as a slip, is no work.
    """
    begun, seen = Counter[tuple[str, str, str]](), set[tuple[datetime, str, str]]()
    for row in sorted(rows, key=lambda one: one.at):
        if not PERSON.fullmatch(row.user) or row.state is AuditState.REFUSED:
            continue
        key, press = (row.user, row.what, row.target), (row.at, row.user, row.what)
        if row.state is AuditState.REQUESTED:
            begun[key] += 1
        elif begun[key]:
            begun[key] -= 1
            continue
        if press not in seen:
            seen.add(press)
            yield row.at
