"""One evaluation: collect readings from Census and the warehouse, and judge every check by them."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot.alerts.timetable import is_active, warehouse_is_due
from bot.config.pipeline_file import SyncSettings
from bot.errors import AccessError, PermanentError, StartingError, StatementError, SyncHealthError, UnreadableError
from bot.facts import Run, Schedule, SyncStatus
from bot.model import Evaluation
from bot.ports import Sources
from bot.services.census_numbers import census_numbers, due_run, empty_runs, ended_at, next_run, pending, schedule_of
from bot.services.warehouse_numbers import Numbers, Row, one_row, only_value
from checks.judge import judge, overall
from checks.model import Check, Outcome, Reading, Result

log = logging.getLogger(__name__)
HEALTH = "measure/health"
SOURCES = frozenset({"databricks", "census"})
WAREHOUSE = "the warehouse: "  # how its problems begin
MATCHED = "matched_coverage_percentage"
AT_ONCE = 8  # syncs that Census is asked for, statements of the warehouse
TOGETHER = 90.0  # real seconds for all statements that are asked apart: longer than one may take
START = timedelta(minutes=15)  # the longest that a warehouse takes to start, with some to spare
RUNS = 100  # one page: a day of runs every quarter of an hour
BLIND = frozenset({Outcome.NO_DATA, Outcome.ERROR})


@dataclass(frozen=True)
class SyncLook:
    """A sync as Census tells it, and its readings by metric."""

    status: SyncStatus
    readings: Mapping[str, Reading] = field(default_factory=dict)
    due: datetime | None = None  # when a daily or rarer schedule asked for its latest run
    runs: Sequence[Run] = ()
    problem: str | None = None  # why something of it is missing


def measure(
    sources: Sources, last: Evaluation | None = None, *, thrifty: bool = False, needed: Collection[str] = SOURCES
) -> Evaluation:
    """What holds now. A source that cannot be asked makes its numbers unknown, never healthy; others than the
    `needed` ones are not asked at all.

    `last` is the evaluation before this one. A `thrifty` one asks the warehouse only where that is worth its cost, else
    its numbers stay as they were then. So they do while the warehouse starts, for as long as that may take.
    """
    began, now = sources.clock.monotonic(), sources.clock.now()
    thrifty = thrifty and last is not None
    with ThreadPoolExecutor(AT_ONCE + 1, "measure") as pool:
        ask = ask_warehouse if "databricks" in needed else lambda _: Numbers({}, statements=0)
        asked = None if thrifty else pool.submit(ask, sources)
        look = partial(look_at, sources) if "census" in needed else _not_asked
        looks = list(pool.map(look, sources.settings.syncs))
        carried = last if last and thrifty and not _worth_asking(sources, last, looks, now) else None
        numbers = _numbers_of(carried) if carried else asked.result() if asked else ask_warehouse(sources)
        starting = last is not None and numbers.starting and _stands_in(sources, last, now)
        if last and starting:
            carried, numbers = last, _numbers_of(last)
    looks = [_with_queue(look, numbers, last, now) for look in looks]
    syncs = tuple(look.status for look in looks)
    results = tuple(_results(sources, numbers, looks, now, carried))
    problems = [f"{WAREHOUSE}{reason}" for reason in dict.fromkeys(numbers.errors.values())]
    problems += [problem for problem in (carried.problems if carried else ()) if problem.startswith(WAREHOUSE)]
    problems += [f"Census, {look.status.label}: {look.problem}" for look in looks if look.problem]
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
        warehouse_reached=numbers.reached,
        warehouse_starting=starting,
    )


def _worth_asking(sources: Sources, last: Evaluation, looks: Sequence[SyncLook], now: datetime) -> bool:
    """Whether the warehouse may have something new, is awake anyway, or did not answer the last time."""
    ended, going_on = [at for look in looks for at in ended_at(look.runs)], any(look.status.running for look in looks)
    due = warehouse_is_due(last.warehouse_at, ended, sources.settings.schedule.idle_floor, now, going_on=going_on)
    return due or last.asked_in_vain or (not going_on and _is_awake(sources))


def _is_awake(sources: Sources) -> bool:
    try:
        return sources.warehouse.awake()
    except Exception:  # what nobody foresaw is an error of this source alone
        log.exception("whether the warehouse is awake is not known")
        return False


def _stands_in(sources: Sources, last: Evaluation, now: datetime) -> bool:
    """Whether its numbers are young enough to stay while the warehouse starts; else it is missing, not starting."""
    return last.warehouse_at is not None and now - last.warehouse_at < sources.settings.schedule.idle_floor + START


def _numbers_of(last: Evaluation) -> Numbers:
    """What an earlier evaluation brought, as far as it is shown next to the results."""
    row: dict[str, object] = {MATCHED: last.matched_coverage}
    for sync in last.syncs:
        row |= {f"{sync.direction}_queue": sync.queue, f"{sync.direction}_queue_suspicious": sync.suspicious}
    return Numbers(row, statements=0)


def with_queue(status: SyncStatus, numbers: Numbers) -> SyncStatus:
    """The same, with its backlog."""
    queue, suspicious = (numbers.count(f"{status.direction}_queue{which}") for which in ("", "_suspicious"))
    return replace(status, queue=queue, suspicious=suspicious)


def _with_queue(look: SyncLook, numbers: Numbers, last: Evaluation | None, now: datetime) -> SyncLook:
    """The same, with its backlog, since when there is one, and the runs that took nothing of it since."""
    status = with_queue(look.status, numbers)
    before = next((sync.pending_since for sync in last.syncs if sync.name == status.name), None) if last else None
    # While the warehouse is silent the backlog stays what it was; an empty or missing table has none to be taken.
    gone = status.queue == 0 or (status.queue is None and numbers.reached and numbers.statements > 0)
    since = None if gone else before or (now if status.queue else None)
    status = replace(status, pending_since=since)
    empty = None if status.error else empty_runs(look.runs, status.queue, status.pending_since)
    readings = {**look.readings, **({"empty_runs": empty} if empty else {})}
    if (on := readings.get("schedule_on")) and on.value == 0 and status.queue:
        readings["schedule_on"] = replace(on, detail=pending(status.queue))  # what stands still meanwhile
    return replace(look, status=status, readings=readings)


def unmeasured(evaluation: Evaluation, checks: Mapping[str, Check]) -> Mapping[str, Reading]:
    """How many checks of each source that was asked got no number, and why: what the bot's own checks judge."""
    asked = ["databricks", "census"] if evaluation.warehouse_at == evaluation.checked_at else ["census"]
    blind: dict[str, list[Result]] = {source: [] for source in asked}
    for result in evaluation.results:
        if result.outcome in BLIND and not result.carried:
            blind[checks[result.check].source].append(result)
    return {f"unmeasured_{source}": _blinded(evaluation, results) for source, results in blind.items()}


def _blinded(evaluation: Evaluation, results: Sequence[Result]) -> Reading:
    names = ", ".join(dict.fromkeys(result.check for result in results))
    reasons = [result.error for result in results if result.outcome is Outcome.NO_DATA and result.error]
    because = "; ".join(dict.fromkeys([*evaluation.problems, *reasons]))
    return Reading(float(len(results)), detail=names + (f" ({because})" * bool(because)))


def ask_warehouse(sources: Sources, *, own_statements: bool = True) -> Numbers:
    """The one row of numbers, each by itself where a broken view spoils it, and those that have their own statement.

    All in one statement where that can be; else what does not fit is asked at once, each by itself. Where the warehouse
    cannot be reached, is starting or refuses the login nothing more is asked.
    """
    warehouse, metrics = sources.warehouse, _metrics(sources)
    own = {check.metric: check.statement for check in sources.settings.checks if check.statement}
    shared = [metric for metric in metrics if metric not in own]
    if not own_statements:
        metrics, own = shared, {}
    joined: Mapping[str, Sequence[Row]] = {}
    try:
        joined = _ask_joined(sources, [HEALTH, *own.values()]) if own else {}
        rows = joined[HEALTH] if HEALTH in joined else warehouse.ask(HEALTH)
        numbers = Numbers(one_row(rows, shared, sources.settings.tables), statements=1 + bool(own and not joined))
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this source alone
        if not isinstance(error, PermanentError) or isinstance(error, AccessError):
            starting = isinstance(error, StartingError)
            return Numbers(errors=dict.fromkeys(metrics, _reason(error)), reached=False, starting=starting)
        numbers = _ask_apart(shared, lambda metric: warehouse.ask_column(HEALTH, metric).get(metric))
        numbers = replace(numbers, statements=1 + bool(own) + len(shared))
    now = sources.clock.now()

    def own_value(metric: str) -> object:
        name = own[metric]
        return only_value(joined[name] if name in joined else warehouse.ask(name), now)

    others = _ask_apart(list(own), own_value)  # what cannot be read is an error of it alone, wherever it was asked
    row = {metric: _hours_ahead(value, now) for metric, value in {**numbers.row, **others.row}.items()}
    asked = sum(name not in joined for name in own.values())
    return Numbers(row, {**numbers.errors, **others.errors}, numbers.statements + asked)


def _ask_joined(sources: Sources, statements: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Their rows, as far as one statement has them; none where one of them spoilt it: then each is asked by itself.

    Raises what each of them would meet, too: an unreachable, starting or refusing warehouse.
    """
    try:
        return sources.warehouse.ask_joined(list(dict.fromkeys(statements)))
    except Exception as error:  # whatever is wrong with one of them does not blind the others
        if isinstance(error, SyncHealthError) and not _is_of_the_statement(error):
            raise
        log.info("one statement for all failed: %s", _reason(error))
        return {}


def _is_of_the_statement(error: Exception) -> bool:
    """Whether another statement may be answered although this one was not."""
    return isinstance(error, PermanentError | StatementError) and not isinstance(error, AccessError)


def _hours_ahead(value: object, now: datetime) -> object:
    """A moment as hours from now, so that a limit can be compared with it; anything else as it is."""
    return (value - now).total_seconds() / 3600 if isinstance(value, datetime) else value


def _ask_apart(metrics: Sequence[str], ask: Callable[[str], object]) -> Numbers:
    """Each by itself, a few at once; what is not answered when the time for all is over is an error of it alone."""
    row: dict[str, object] = {}
    errors: dict[str, str] = {}
    pool = ThreadPoolExecutor(AT_ONCE, "apart")
    asked = {metric: pool.submit(ask, metric) for metric in metrics}
    wait(asked.values(), TOGETHER)
    pool.shutdown(wait=False, cancel_futures=True)
    for metric, answer in asked.items():
        try:
            row[metric] = answer.result(0)
        except (TimeoutError, CancelledError):
            errors[metric] = f"no answer: all that was asked for by itself took more than {TOGETHER:g} s"
        except Exception as error:  # noqa: BLE001 - as above
            errors[metric] = _reason(error)
    return Numbers(row, errors, len(metrics))


def _reason(error: Exception) -> str:
    """Why there is no answer; of an error that nobody foresaw its kind, and the log has the rest."""
    if isinstance(error, SyncHealthError):
        return str(error)
    log.error("a source answered in a way that nobody foresaw", exc_info=error)
    return f"an answer that cannot be read ({type(error).__name__})"


def _metrics(sources: Sources) -> list[str]:
    """What the warehouse is asked for: by the checks, and by the summary."""
    directions = [sync.direction for sync in sources.settings.syncs]
    shown = [f"{direction}_queue{which}" for direction in directions for which in ("", "_suspicious")]
    checks = [check for check in sources.settings.checks if check.source == "databricks"]
    judged = [m for c in checks for m in ([c.column(d) for d in directions] if c.per else [c.metric])]
    return list(dict.fromkeys([*judged, *shown]))


def _results(
    sources: Sources, numbers: Numbers, looks: Sequence[SyncLook], now: datetime, carried: Evaluation | None
) -> Iterator[Result]:
    for check in sources.settings.checks:
        if check.source == "databricks" and carried:
            yield from (replace(r, carried=True) for r in carried.results if r.check == check.name)
        elif check.source == "databricks" and is_active(check.active, now, sources.settings.zone, None):
            if check.per:
                for status in (look.status for look in looks):
                    yield judge(check, numbers.reading(check.column(status.direction)), status.name)
            else:
                yield judge(check, numbers.reading(check.metric))
        elif check.source == "census":
            yield from _results_of_census(sources, check, looks, now)


def _results_of_census(sources: Sources, check: Check, looks: Sequence[SyncLook], now: datetime) -> Iterator[Result]:
    """One for each sync; none where the metric has no meaning now, or the check is not evaluated at this time."""
    for look in looks:
        if look.status.error:
            yield judge(check, Reading(error=look.status.error), look.status.name)
        elif reading := look.readings.get(check.metric):
            active = check.in_case(reading.case).active
            if is_active(active, now, sources.settings.zone, look.due):
                yield judge(check, reading, look.status.name)


def _not_asked(sync: SyncSettings) -> SyncLook:
    return SyncLook(SyncStatus(sync.name, sync.label, sync.direction))


def look_at(sources: Sources, sync: SyncSettings) -> SyncLook:
    """One sync as Census tells it; its backlog is not asked for. Never raises."""
    status = SyncStatus(sync.name, sync.label, sync.direction)
    try:
        return _look_at(sources, sync, status)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this sync alone
        reason = _reason(error)
        return SyncLook(replace(status, error=reason), problem=reason)


def _look_at(sources: Sources, sync: SyncSettings, status: SyncStatus) -> SyncLook:
    schedule, problem = _schedule_of(sources, sync)
    runs = sources.census.runs(sync.id, most=RUNS)
    now = sources.clock.now()  # not before it answered: what ended meanwhile did not end in the future
    readings = census_numbers(runs, schedule, now, sources.settings.zone, sources.settings.rejections)
    due = due_run(runs, schedule, now) if schedule else None
    seen = replace(
        status,
        latest=runs[0] if runs else None,
        running=next((run for run in runs if run.is_going_on(now)), None),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=schedule,
        next_run=next_run(schedule, now) if schedule else None,
        error_rate=readings["error_rate"].value if "error_rate" in readings else None,
    )
    return SyncLook(seen, readings, due.latest if due else None, runs, problem)


def _schedule_of(sources: Sources, sync: SyncSettings) -> tuple[Schedule | None, str | None]:
    """When the sync runs, or why that cannot be read: only what needs it is unknown then."""
    try:
        return schedule_of(sources.census.sync(sync.id), sync), None
    except UnreadableError as error:
        return None, str(error)
