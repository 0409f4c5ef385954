"""Look at the whole pipeline once: a few calls to Census, one statement to the warehouse where that is worth it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from bot.alerts.timetable import is_active, warehouse_is_due
from bot.errors import PermanentError, StartingError, SyncHealthError
from bot.model import Evaluation, Schedule, SyncStatus
from bot.pipeline_file import SyncSettings
from bot.ports import Sources
from bot.services.census_numbers import census_numbers, next_run
from checks.judge import judge, overall
from checks.model import Check, Outcome, Reading, Result

HEALTH = "measure/health"
WAREHOUSE = "the warehouse: "  # how its problems begin
MATCHED = "matched_coverage_percentage"
AT_ONCE = 8  # syncs that Census is asked for
START = timedelta(minutes=15)  # the longest that a warehouse takes to start, with some to spare
RUNS = 100  # one page: a day of runs every quarter of an hour
BLIND = frozenset({Outcome.NO_DATA, Outcome.ERROR})


@dataclass(frozen=True)
class Numbers:
    """What one look brought: the warehouse's row, and why something of it is missing."""

    row: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)  # by metric
    statements: int = 1
    starting: bool = False  # nothing was read, because the warehouse is not there yet

    def value(self, metric: str) -> float | None:
        """A number, None where there is none."""
        value = self.row.get(metric)
        return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True)
class SyncLook:
    """A sync as Census tells it, and its numbers by metric."""

    status: SyncStatus
    numbers: Mapping[str, float | None] = field(default_factory=dict)


def measure(sources: Sources, last: Evaluation | None = None, *, thrifty: bool = False) -> Evaluation:
    """What holds now. A source that cannot be asked makes its numbers unknown, never healthy.

    A `thrifty` one asks the warehouse only where that is worth its cost, else its numbers stay as they were in `last`.
    So they do while the warehouse starts, for as long as that may take.
    """
    began, now = sources.clock.monotonic(), sources.clock.now()
    with ThreadPoolExecutor(AT_ONCE + 1, "measure") as pool:
        asked = None if thrifty and last else pool.submit(ask_warehouse, sources)
        looks = list(pool.map(lambda sync: look_at(sources, sync, now), sources.settings.syncs))
        carried = last if thrifty and last and not _worth_asking(sources, last, looks, now) else None
        numbers = _numbers_of(carried) if carried else asked.result() if asked else ask_warehouse(sources)
        if last and numbers.starting and _stands_in(sources, last, now):
            carried, numbers = last, _numbers_of(last)
    syncs = tuple(with_queue(look.status, numbers) for look in looks)
    results = tuple(_results(sources, numbers, looks, now, carried))
    problems = [f"{WAREHOUSE}{reason}" for reason in dict.fromkeys(numbers.errors.values())]
    problems += [problem for problem in (carried.problems if carried else ()) if problem.startswith(WAREHOUSE)]
    problems += [f"Census, {sync.label}: {sync.error}" for sync in syncs if sync.error]
    return Evaluation(
        checked_at=now,
        outcome=overall([result.outcome for result in results] + [Outcome.ERROR] * bool(problems)),
        statements=numbers.statements,
        seconds=round(sources.clock.monotonic() - began, 3),
        results=results,
        syncs=syncs,
        problems=tuple(problems),
        warehouse_at=carried.warehouse_at if carried else now,
        matched_coverage=numbers.value(MATCHED),
    )


def _worth_asking(sources: Sources, last: Evaluation, looks: Sequence[SyncLook], now: datetime) -> bool:
    """Whether the warehouse may have something new, or is awake anyway."""
    runs = [run for look in looks for run in (look.status.latest, look.status.last_sync) if run and run.final]
    ended = [run.completed_at for run in runs if run.completed_at]
    floor = sources.settings.schedule.idle_floor
    return warehouse_is_due(last.warehouse_at, ended, floor, now) or sources.warehouse.awake()


def _stands_in(sources: Sources, last: Evaluation, now: datetime) -> bool:
    """Whether its numbers are young enough to stay while the warehouse starts; else it is missing, not starting."""
    return last.warehouse_at is not None and now - last.warehouse_at < sources.settings.schedule.idle_floor + START


def _numbers_of(last: Evaluation) -> Numbers:
    """What an earlier look brought, as far as it is shown beside the results."""
    row: dict[str, object] = {MATCHED: last.matched_coverage}
    for sync in last.syncs:
        row |= {f"{sync.direction}_queue": sync.queue, f"{sync.direction}_queue_suspicious": sync.suspicious}
    return Numbers(row, statements=0)


def with_queue(status: SyncStatus, numbers: Numbers) -> SyncStatus:
    """The same, with what waits for it."""
    queue, suspicious = (numbers.row.get(f"{status.direction}_queue{which}") for which in ("", "_suspicious"))
    return replace(
        status,
        queue=queue if isinstance(queue, int) else None,
        suspicious=suspicious if isinstance(suspicious, int) else None,
    )


def unmeasured(evaluation: Evaluation, checks: Mapping[str, Check]) -> Mapping[str, Reading]:
    """How many checks of each source that was asked got no number, and why: what the bot's own checks judge."""
    asked = ["databricks", "census"] if evaluation.warehouse_at == evaluation.checked_at else ["census"]
    blind: dict[str, list[Result]] = {source: [] for source in asked}
    for result in evaluation.results:
        if result.outcome in BLIND and not result.carried:
            blind[checks[result.check].source].append(result)
    because = "; ".join(evaluation.problems)
    return {
        f"unmeasured_{source}": Reading(
            float(len(results)),
            detail=", ".join(dict.fromkeys(r.check for r in results)) + (f" ({because})" * bool(because)),
        )
        for source, results in blind.items()
    }


def ask_warehouse(sources: Sources) -> Numbers:
    """The one row of numbers, each by itself where a broken view spoils it, and those that have their own statement."""
    warehouse, metrics = sources.warehouse, _metrics(sources)
    own = {check.metric: check.statement for check in sources.settings.checks if check.statement}
    shared = [metric for metric in metrics if metric not in own]
    try:
        found = warehouse.ask(HEALTH)
        numbers = Numbers(found[0] if found else {})
    except PermanentError:
        numbers = _one_by_one(shared, lambda metric: warehouse.ask_column(HEALTH, metric)[metric])
    except SyncHealthError as error:
        starting = isinstance(error, StartingError)
        return Numbers(errors=dict.fromkeys(metrics, str(error)), starting=starting)
    others = _one_by_one(list(own), lambda metric: _first(warehouse.ask(own[metric])))
    row = {metric: _hours_ahead(value, sources.clock.now()) for metric, value in {**numbers.row, **others.row}.items()}
    return Numbers(row, {**numbers.errors, **others.errors}, numbers.statements + len(own))


def _hours_ahead(value: object, now: datetime) -> object:
    """A moment as hours from now, so that a limit can be compared with it; anything else as it is."""
    return (value - now).total_seconds() / 3600 if isinstance(value, datetime) else value


def _first(rows: Sequence[Mapping[str, object]]) -> object:
    return next(iter(rows[0].values())) if rows else None


def _one_by_one(metrics: Sequence[str], ask: Callable[[str], object]) -> Numbers:
    row: dict[str, object] = {}
    errors: dict[str, str] = {}
    for metric in metrics:
        try:
            row[metric] = ask(metric)
        except SyncHealthError as error:
            errors[metric] = str(error)
    return Numbers(row, errors, 1 + len(metrics))


def _metrics(sources: Sources) -> list[str]:
    """What the warehouse is asked for: by the checks, and by the summary."""
    shown = [f"{sync.direction}_queue{which}" for sync in sources.settings.syncs for which in ("", "_suspicious")]
    wanted = [check.metric for check in sources.settings.checks if check.source == "databricks"]
    return list(dict.fromkeys([*wanted, *shown]))


def _results(
    sources: Sources, numbers: Numbers, looks: Sequence[SyncLook], now: datetime, carried: Evaluation | None
) -> Iterator[Result]:
    for check in sources.settings.checks:
        if check.source == "databricks" and carried:
            yield from (replace(r, carried=True) for r in carried.results if r.check == check.name)
        elif check.source == "databricks":
            if is_active(check.active, now, sources.settings.zone, None):
                yield judge(check, Reading(numbers.value(check.metric), numbers.errors.get(check.metric)))
        elif check.source == "census":
            for look in looks:
                if is_active(check.active, now, sources.settings.zone, _daily_at(look.status.schedule)):
                    reading = Reading(look.numbers.get(check.metric), look.status.error)
                    yield judge(check, reading, look.status.name)


def _daily_at(schedule: Schedule | None) -> time | None:
    if schedule is None or schedule.frequency != "daily" or schedule.hour is None:
        return None
    return time(schedule.hour, schedule.minute or 0)


def look_at(sources: Sources, sync: SyncSettings, now: datetime) -> SyncLook:
    """One sync as Census tells it; what waits for it is not asked."""
    status = SyncStatus(sync.name, sync.label, sync.direction)
    try:
        schedule = sources.census.sync(sync.id).schedule
        runs = sources.census.runs(sync.id, most=RUNS)
    except SyncHealthError as error:
        return SyncLook(replace(status, error=str(error)))
    numbers = census_numbers(runs, schedule, now, sources.settings.zone)
    seen = replace(
        status,
        latest=runs[0] if runs else None,
        running=next((run for run in runs if run.is_going_on(now)), None),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=schedule,
        next_run=next_run(schedule, now),
        error_rate=numbers["error_rate"],
    )
    return SyncLook(seen, numbers)
