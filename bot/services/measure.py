"""Look at the whole pipeline once: one statement to the warehouse, a few calls to Census."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from bot.alerts.timetable import is_active
from bot.errors import PermanentError, SyncHealthError
from bot.ports import Evaluation, Ports, Schedule, SyncStatus
from bot.services.census_numbers import census_numbers
from bot.settings import SyncSettings
from checks.judge import judge, overall
from checks.model import Check, Outcome, Reading, Result

HEALTH = "measure/health"
RUNS = 100  # one page: a day of runs every quarter of an hour
BLIND = frozenset({Outcome.NO_DATA, Outcome.ERROR})


@dataclass
class Numbers:
    """What one look brought: the warehouse's row, each sync's numbers, and why something is missing."""

    warehouse: Mapping[str, object] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # by metric of the warehouse
    census: dict[str, Mapping[str, float | None]] = field(default_factory=dict)  # by sync
    statements: int = 1

    def reading(self, check: Check, status: SyncStatus | None) -> Reading:
        """The number that a check judges."""
        if check.source == "databricks":
            value = self.warehouse.get(check.metric)
            return Reading(float(value) if isinstance(value, int | float) else None, self.errors.get(check.metric))
        assert status, "checks of Census are per sync"
        return Reading(self.census.get(status.name, {}).get(check.metric), status.error)


def measure(ports: Ports) -> Evaluation:
    """What holds now. A source that cannot be asked makes its numbers unknown, never healthy."""
    began, now = ports.clock.monotonic(), ports.clock.now()
    numbers = ask_warehouse(ports)
    syncs = tuple(look_at(ports, sync, numbers, now) for sync in ports.settings.syncs)
    results = tuple(_results(ports, numbers, syncs, now))
    reasons = dict.fromkeys(numbers.errors.values())
    problems = [f"the warehouse: {reason}" for reason in reasons]
    problems += [f"Census, {sync.label}: {sync.error}" for sync in syncs if sync.error]
    return Evaluation(
        checked_at=now,
        outcome=overall([result.outcome for result in results] + [Outcome.ERROR] * bool(problems)),
        statements=numbers.statements,
        seconds=round(ports.clock.monotonic() - began, 3),
        results=results,
        syncs=syncs,
        problems=tuple(problems),
    )


def unmeasured(evaluation: Evaluation, checks: Mapping[str, Check]) -> Mapping[str, Reading]:
    """How many checks of each source got no number, and why: what the bot's own checks judge, by metric."""
    blind: dict[str, list[Result]] = {"databricks": [], "census": []}
    for result in evaluation.results:
        if result.outcome in BLIND:
            blind[checks[result.check].source].append(result)
    because = "; ".join(evaluation.problems)
    return {
        f"unmeasured_{source}": Reading(
            float(len(results)),
            detail=", ".join(dict.fromkeys(r.check for r in results)) + (f" ({because})" * bool(because)),
        )
        for source, results in blind.items()
    }


def ask_warehouse(ports: Ports) -> Numbers:
    """The one row of numbers. Where a broken view spoils the statement, each number by itself."""
    try:
        found = ports.warehouse.ask(HEALTH)
    except PermanentError:
        return _one_by_one(ports)
    except SyncHealthError as error:
        return Numbers(errors=dict.fromkeys(_metrics(ports), str(error)))
    return Numbers(found[0] if found else {})


def _one_by_one(ports: Ports) -> Numbers:
    numbers = Numbers()
    warehouse: dict[str, object] = {}
    for metric in _metrics(ports):
        numbers.statements += 1
        try:
            warehouse |= ports.warehouse.ask_column(HEALTH, metric)
        except SyncHealthError as error:
            numbers.errors[metric] = str(error)
    numbers.warehouse = warehouse
    return numbers


def _metrics(ports: Ports) -> list[str]:
    """What the warehouse is asked for: by the checks, and by the summary."""
    shown = [f"{sync.direction}_queue{which}" for sync in ports.settings.syncs for which in ("", "_suspicious")]
    wanted = [check.metric for check in ports.settings.checks if check.source == "databricks"]
    return list(dict.fromkeys([*wanted, *shown]))


def _results(ports: Ports, numbers: Numbers, syncs: tuple[SyncStatus, ...], now: datetime) -> Iterator[Result]:
    for check in ports.settings.checks:
        if check.source == "bot":
            continue
        for status in syncs if check.per == "sync" else (None,):
            daily_at = _daily_at(status.schedule) if status else None
            if is_active(check.active, now, ports.settings.zone, daily_at):
                yield judge(check, numbers.reading(check, status), status.name if status else None)


def _daily_at(schedule: Schedule | None) -> time | None:
    if schedule is None or schedule.frequency != "daily" or schedule.hour is None:
        return None
    return time(schedule.hour, schedule.minute or 0)


def _count(numbers: Numbers, name: str) -> int | None:
    value = numbers.warehouse.get(name)
    return value if isinstance(value, int) else None


def look_at(ports: Ports, sync: SyncSettings, numbers: Numbers, now: datetime) -> SyncStatus:
    """One sync as Census tells it, with the queue from the row of numbers; its own numbers are added to them."""
    queue, suspicious = (_count(numbers, f"{sync.direction}_queue{which}") for which in ("", "_suspicious"))
    status = SyncStatus(sync.name, sync.label, sync.direction, queue, suspicious)
    try:
        schedule = ports.census.sync(sync.id).schedule
        runs = ports.census.runs(sync.id, most=RUNS)
    except SyncHealthError as error:
        return replace(status, error=str(error))
    numbers.census[sync.name] = census_numbers(runs, schedule, now, ports.settings.zone)
    return replace(
        status,
        latest=runs[0] if runs else None,
        running=next((run for run in runs if not run.final), None),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=schedule,
    )
