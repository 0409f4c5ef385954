"""What reads well in a check and still cannot work: metrics, thresholds, promises, placeholders."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from string import Formatter

from checks.forms import LIMITS, Limit
from checks.metrics import FACTS, QUEUE, Metrics
from checks.model import Case, Changes, Check
from checks.numbers import duration
from checks.problems import Place, Written, close_to, nearest

FILLED_IN = ("limit", "percent", "s", "sync", "value")  # what every summary may name
WIDTH = r"(?:[<>^]?[1-9][0-9]?)?"  # of a text: the one format that it takes
PROMISED = timedelta(minutes=15)  # from the fault to Slack


@dataclass(frozen=True)
class Pace:
    """How often the pipeline is evaluated."""

    tick: timedelta = timedelta(minutes=5)  # Census
    idle_floor: timedelta = timedelta(minutes=60)  # the warehouse, at the latest


USUAL = Pace()
MEASURED_IN = {"": "a number without a unit", "%": "a percentage", "h": "hours"}
OPPOSITE = {"<": ">", ">": "<"}


def unmeasured(check: Check, file: Written, place: Place, all_metrics: Metrics, statements: str) -> Iterable[str]:
    """Why there is no number for this check, or for one of its reasons."""
    yield from unmeasured_reasons(check, file, place, all_metrics["databricks"])
    of_queue = check.per == "sync" and check.source == "databricks"
    metrics = all_metrics[QUEUE if of_queue else check.source]
    if metrics is None:
        return
    key = "metric" if file.part((*place, "sql")) is None else "sql"
    if key == "metric" and not check.statement:
        if check.metric not in metrics:
            yield file.problem((*place, key), _nothing_measures(check.metric, metrics))
    elif check.source != "databricks":
        yield file.problem((*place, "source"), "a statement is run in the warehouse: write databricks")
    elif check.per:
        yield file.problem((*place, "per"), 'a statement measures one number: leave "per" out')
    elif not check.statement or check.metric not in metrics:
        close = close_to(check.metric, [name for name in metrics if name.startswith("sql/")])
        remedy = f'did you mean "{close}"?' if close else "create it there and write sql/checks/NAME.sql"
        yield file.problem((*place, key), f'there is no file "{check.metric}" in {statements}: {remedy}')


def unmeasured_reasons(
    check: Check | Changes, file: Written, place: Place, metrics: frozenset[str] | None
) -> Iterable[str]:
    """Why the reasons of a check cannot be measured or told."""
    if isinstance(check, Check) and check.because and check.source != "databricks":
        yield file.problem((*place, "because"), "reasons are measured in the warehouse: leave it out")
    for n, reason in enumerate(check.because):
        at = (*place, "because", n)
        if metrics is not None and reason.metric not in metrics:
            yield file.problem((*at, "metric"), _nothing_measures(reason.metric, metrics))
        yield from _unfillable(reason.says, ("value",), file, (*at, "says"))


def _nothing_measures(metric: str, metrics: frozenset[str]) -> str:
    where = nearest(metric, metrics) if metrics else "pipeline.yml has no measure, the statement that would return it"
    return f'nothing measures "{metric}": {where}'


def impossible(check: Check, file: Written, place: Place, pace: Pace) -> Iterable[str]:
    """What reads well and still cannot work."""
    if check.per != "sync" and check.source == "census":
        yield file.problem(place, 'checks of Census are "per: sync", all of them')
    if check.per == "sync" and check.source == "bot":
        yield file.problem(place, '"per: sync" belongs to checks of Census and of the queues, not to those of the bot')
    if check.source == "databricks" and not check.per and check.active.after_schedule is not None:
        what = '"after schedule" waits for the run of a sync, and this check has none: write hours, like "08:00-24:00"'
        yield file.problem((*place, "active"), what)
    for at, limit in _written_limits(check):
        if limit.unit == "%" and not 0 <= limit.number <= 100:
            yield file.problem((*place, *at), f'"{limit}" is no percentage: write a number from 0 to 100')
    yield from _broken_promise(check, file, place, pace)
    yield from _impossible_limits(check, file, place)
    for situation, case in check.cases.items():
        if case.model_fields_set.isdisjoint({*LIMITS, "summary", "healthy"}):
            continue  # what is wrong there is wrong without it as well
        yield from _impossible_limits(check.in_case(situation), file, (*place, "cases", situation))


def _impossible_limits(check: Check, file: Written, place: Place) -> Iterable[str]:
    """Why these thresholds cannot work together, or their summary cannot be filled in."""
    if not check.warn and not check.critical:
        yield file.problem(place, f'"{check.name}" has no threshold: give it warn, critical or both')
    for limit in (check.warn, check.critical):
        if limit and check.clear and _overlap(limit, check.clear):
            yield file.problem((*place, "clear"), f'clear "{check.clear}" and the threshold "{limit}" can both hold')
    if check.warn and check.critical and OPPOSITE.get(check.warn.comparison[0]) == check.critical.comparison[0]:
        key = "critical" if file.part((*place, "critical")) else "warn"
        what = f'warn "{check.warn}" and critical "{check.critical}" look in opposite directions'
        yield file.problem((*place, key), f"{what}: write both with > or both with <")
    if check.warn and check.critical and check.warn.comparison[0] == check.critical.comparison[0] in "<>":
        milder = check.warn.number <= check.critical.number
        if milder != (check.warn.comparison[0] == ">") and check.warn.number != check.critical.number:
            yield file.problem((*place, "warn"), f'warn "{check.warn}" lies beyond critical "{check.critical}"')
    yield from _impossible_objective(check, file, (*place, "slo"))
    known = sorted((*FILLED_IN, *FACTS.get(check.metric, ())))
    yield from _unfillable(check.summary, known, file, (*place, "summary"))
    yield from _unfillable(check.healthy or "", known, file, (*place, "healthy"))


def _impossible_objective(check: Check, file: Written, place: Place) -> Iterable[str]:
    """Why a success metric cannot be what this check alerts on the lack of."""
    if check.slo is None:
        return
    opposite = OPPOSITE.get(check.slo.comparison[0])
    if opposite is None:
        yield file.problem(place, f'"{check.slo}" is no objective: write what every value has to be, such as "> 95%"')
        return
    for limit in (check.warn, check.critical):
        if limit and limit.comparison[0] == check.slo.comparison[0]:
            what = f'"{check.slo}" says what is good, and "{limit}" what is bad: write "{opposite} …"'
            yield file.problem(place, what)
            return


def unit_of(check: Check) -> str:
    """What its number is measured in: %, h or nothing."""
    return next((limit.unit for limit in (check.warn, check.critical, check.clear) if limit), "")


def _written_limits(part: Check | Changes) -> Iterator[tuple[Place, Limit]]:
    """Its thresholds and those of its cases, with their places in it."""
    cases: Iterable[tuple[Place, Case]] = ((("cases", situation), case) for situation, case in part.cases.items())
    for at, owner in ((), part), *cases:
        for name in LIMITS:
            if limit := getattr(owner, name):
                yield (*at, name), limit
    if part.slo:
        yield ("slo",), part.slo


def of_other_units(
    part: Check | Changes, unit: str, file: Written, place: Place, *, strict: bool = False
) -> Iterable[str]:
    """Thresholds that compare hours with a percentage; `strict`: one without a unit is not of this unit, either."""
    for at, limit in _written_limits(part):
        if limit.unit != unit and (limit.unit or (strict and len(at) == 1)):
            right = replace(limit, unit=unit)
            what = f'cannot compare "{limit}" with {MEASURED_IN[unit]}: write "{right}"'
            yield file.problem((*place, *at), what)


def _broken_promise(check: Check, file: Written, place: Place, pace: Pace) -> Iterable[str]:
    """Why this check cannot be told as soon as it promises. Source: alerting.md, "Promise"."""
    wakes = check.wakes_the_warehouse
    if not wakes and check.promise == "at-sync-time":
        yield file.problem((*place, "promise"), "Census is asked at every tick: leave the promise out, it is always")
    if check.promise == "at-sync-time":
        return
    latest = check.for_ + pace.tick + (pace.idle_floor if wakes else timedelta(0))
    if latest > PROMISED:
        parts = f"for {_minutes(check.for_)} + tick {_minutes(pace.tick)}"
        parts += f" + idle_floor {_minutes(pace.idle_floor)}" if wakes else ""
        remedy = "write promise: at-sync-time, or make one of them shorter" if wakes else "make one of them shorter"
        what = f"alerts only after {_minutes(latest)} ({parts}), and {_minutes(PROMISED)} are promised: {remedy}"
        yield file.problem((*place, "for"), what)


def _minutes(span: timedelta) -> str:
    return duration(span) if span >= timedelta(hours=2) else f"{span.total_seconds() / 60:g} min"


def _unfillable(summary: str, known: Sequence[str], file: Written, place: Place) -> Iterable[str]:
    """Why a summary cannot take the number: `{}` and `{value:.1f}` read well too."""
    listed = f"known are {', '.join(f'{{{name}}}' for name in known)}"
    try:
        fields = {
            (name, spec, conversion) for _, name, spec, conversion in Formatter().parse(summary) if name is not None
        }
    except ValueError:
        yield file.problem(
            place, "has a brace that is not closed or not opened: write {value}, and {{ or }} for a brace"
        )
        return
    for name, spec, conversion in sorted(fields, key=str):
        if not name:
            yield file.problem(place, f"has a placeholder without a name: {listed}")
        elif name not in known:
            yield file.problem(place, f'unknown placeholder "{{{name}}}": {listed}')
        elif not re.fullmatch(WIDTH, spec or "") or conversion not in (None, "s"):
            written = f"{{{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}"
            yield file.problem(place, f'"{written}" has a format, and what it stands for is text: write {{{name}}}')


def _overlap(one: Limit, other: Limit) -> bool:
    """Whether some number satisfies both: half-lines meet beside one of their ends, or nowhere."""
    ends = [one.number, other.number]
    step = max(1e-6, 1e-6 * max(map(abs, ends)))
    return any(one.holds(x) and other.holds(x) for end in ends for x in (end - step, end, end + step))
