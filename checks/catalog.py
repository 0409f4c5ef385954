"""The shipped checks and what pipeline.yml changes of them → the checks that hold here."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from string import Formatter

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from checks.model import LIMITS, Cadence, Case, Check, Duration, Limit, Owner, Situation, Thresholds
from checks.numbers import duration
from checks.problems import Place, Written, close_to, nearest, problems

FILLED_IN = ("limit", "percent", "s", "sync", "value")  # what every summary may name
WIDTH = r"(?:[<>^]?[1-9][0-9]?)?"  # of a text: the one format that it takes
FACTS = {  # …and what comes with a metric
    "hours_since_last_run": ("duration",),
    "error_rate": ("records", "rejected"),
    "failed_runs": ("runs",),
    "empty_runs": ("pending",),
    "runs_today": ("runs",),
    "unmeasured_databricks": ("blind", "checks", "reason"),
    "unmeasured_census": ("blind", "checks", "reason"),
}


class CheckFile(BaseModel):
    """The form of a file in checks/."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: list[Check]


class Changes(Thresholds):
    """What pipeline.yml may change of a shipped check; only what is written there counts."""

    enabled: StrictBool = True
    cases: dict[Situation, Case] = Field(default={})
    for_: Duration = Field(timedelta(0), alias="for")
    keep_firing_for: Duration = timedelta(0)
    reopen_within: Duration = timedelta(0)
    owner: Owner | None = None


PROMISED = timedelta(minutes=15)  # from the fault to Slack


@dataclass(frozen=True)
class Pace:
    """How often the pipeline is evaluated."""

    tick: timedelta = timedelta(minutes=5)  # Census
    idle_floor: timedelta = timedelta(minutes=60)  # the warehouse, at the latest


MEASURED_IN = {"": "a number without a unit", "%": "a percentage", "h": "hours"}
OPPOSITE = {"<": ">", ">": "<"}
DIRECTIONS = ("create", "update")  # of a sync, and of the queue it reads
Metrics = Mapping[str, frozenset[str]]  # by source, and for Census by sync: what is measured


def read_checks(
    files: Iterable[Written],
    metrics: Metrics,
    cadence: Cadence,
    pace: Pace = Pace(),
    statements: str = "sql/checks",
) -> tuple[list[Check], list[str]]:
    """The checks in these files, in an order in which each stands behind those it depends on; every problem found.

    `statements` is the folder in which checks' own statements are, as it is told to people.
    """
    checks: dict[str, Check] = {}
    found: list[str] = []
    places: dict[str, tuple[Written, Place]] = {}
    written: set[str] = set()
    for file in files:
        written |= names_of_checks(file)
        for n, check in _readable(file, cadence, found):
            unit = next((_unit(other) for other in checks.values() if other.metric == check.metric), _unit(check))
            found += _of_other_units(check, unit, file, ("checks", n), strict=True)
            found += _unmeasured(check, file, ("checks", n), metrics[check.source], statements)
            found += _impossible(check, file, ("checks", n), pace)
            places[check.name] = file, ("checks", n, "depends_on")
            if check.name in checks:
                found.append(file.problem(("checks", n, "name"), f'there is another check named "{check.name}"'))
            checks[check.name] = check
    for check in checks.values():
        file, place = places[check.name]
        for name in check.depends_on:
            if name not in checks.keys() | written:
                found.append(file.problem(place, f'there is no check "{name}": {nearest(name, checks)}'))
    return _ordered(checks, found), found


def names_of_checks(file: Written) -> set[str]:
    """What the checks in a file are called, those too that cannot be read."""
    listed = file.part(("checks",))
    named = [part.get("name") for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    return {name for name in named if isinstance(name, str)}


def _readable(file: Written, cadence: Cadence, found: list[str]) -> list[tuple[int, Check]]:
    """The checks of a file that can be read, each with its index; what is wrong with the others is found."""
    context = {"cadence": cadence}
    try:
        return list(enumerate(CheckFile.model_validate(file.data, context=context).checks))
    except ValidationError as error:
        found += problems(file, CheckFile, error)
        wrong = {part["loc"][1] for part in error.errors(include_url=False) if len(part["loc"]) > 1}
    listed = file.part(("checks",))
    usable = [(n, part) for n, part in enumerate(listed) if n not in wrong] if isinstance(listed, list) else []
    return [(n, Check.model_validate(part, context=context)) for n, part in usable]


def _ordered(checks: Mapping[str, Check], found: list[str]) -> list[Check]:
    """Those first on which others depend, the same in every process. A circle is a problem."""
    graph = {name: [other for other in check.depends_on if other in checks] for name, check in checks.items()}
    try:
        return [checks[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        found.append(f"checks: {' → '.join(error.args[1])} depend on each other in a circle")
        return list(checks.values())


def change_limits(
    checks: list[Check],
    limits: Mapping[str, Changes],
    written: Written,
    pace: Pace = Pace(),
    at: Place = ("limits",),
) -> tuple[list[Check], list[str]]:
    """The checks with other limits laid over them, and every problem found; `at` is where these limits are written."""
    found: list[str] = []
    by_name = {check.name: check for check in checks}
    switched_off = set()
    for name, changes in limits.items():
        place: Place = (*at, name)
        if name not in by_name and name in names_of_checks(written):
            continue  # why that one cannot be read is reported already
        if name not in by_name:
            found.append(written.problem(place, f'there is no check "{name}": {nearest(name, by_name)}'))
            continue
        if not changes.enabled:
            if by_name[name].source == "bot":
                found.append(written.problem((*place, "enabled"), f'"{name}" is about the bot itself and stays on'))
            switched_off.add(name)
            continue
        found += _of_other_units(changes, _unit(by_name[name]), written, place)
        by_name[name] = by_name[name].changed(changes)
        found += _impossible(by_name[name], written, place, pace)
    return [check for name, check in by_name.items() if name not in switched_off], found


def _unmeasured(check: Check, file: Written, place: Place, metrics: frozenset[str], statements: str) -> Iterable[str]:
    """Why there is no number for this check, or for one of its reasons."""
    if check.because and check.source != "databricks":
        yield file.problem((*place, "because"), "reasons are measured in the warehouse: leave it out")
    for n, reason in enumerate(check.because):
        at = (*place, "because", n)
        if reason.metric not in metrics:
            yield file.problem(
                (*at, "metric"), f'nothing measures "{reason.metric}": {nearest(reason.metric, metrics)}'
            )
        yield from _unfillable(reason.says, ("value",), file, (*at, "says"))
    key = "metric" if file.part((*place, "sql")) is None else "sql"
    if key == "metric" and not check.statement:
        if not _columns(check) <= metrics:
            what = f'nothing measures "{check.metric}": {nearest(check.metric, metrics)}'
            yield file.problem((*place, key), what)
    elif check.source != "databricks":
        yield file.problem((*place, "source"), "a statement is run in the warehouse: write databricks")
    elif check.per:
        yield file.problem((*place, "per"), 'a statement measures one number: leave "per" out')
    elif not check.statement or check.metric not in metrics:
        close = close_to(check.metric, [name for name in metrics if name.startswith("sql/")])
        remedy = f'did you mean "{close}"?' if close else "create it there and write sql/checks/NAME.sql"
        yield file.problem((*place, key), f'there is no file "{check.metric}" in {statements}: {remedy}')


def _impossible(check: Check, file: Written, place: Place, pace: Pace) -> Iterable[str]:
    """What reads well and still cannot work."""
    if check.per != "sync" and check.source == "census":
        yield file.problem(place, 'checks of Census are "per: sync", all of them')
    if check.per == "sync" and check.source == "bot":
        yield file.problem(place, '"per: sync" belongs to checks of Census and of the queues, not to those of the bot')
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
        yield file.problem(place, f'"{check.name}" has no limit: give it warn, critical or both')
    for limit in (check.warn, check.critical):
        if limit and check.clear and _overlap(limit, check.clear):
            yield file.problem((*place, "clear"), f'clear "{check.clear}" and the limit "{limit}" can both hold')
    if check.warn and check.critical and OPPOSITE.get(check.warn.comparison[0]) == check.critical.comparison[0]:
        key = "critical" if file.part((*place, "critical")) else "warn"
        what = f'warn "{check.warn}" and critical "{check.critical}" look in opposite directions'
        yield file.problem((*place, key), f"{what}: write both with > or both with <")
    if check.warn and check.critical and check.warn.comparison[0] == check.critical.comparison[0] in "<>":
        milder = check.warn.number <= check.critical.number
        if milder != (check.warn.comparison[0] == ">") and check.warn.number != check.critical.number:
            yield file.problem((*place, "warn"), f'warn "{check.warn}" lies beyond critical "{check.critical}"')
    known = sorted((*FILLED_IN, *FACTS.get(check.metric, ())))
    yield from _unfillable(check.summary, known, file, (*place, "summary"))
    yield from _unfillable(check.healthy or "", known, file, (*place, "healthy"))


def _unit(check: Check) -> str:
    """What its number is measured in: %, h or nothing."""
    return next((limit.unit for limit in (check.warn, check.critical, check.clear) if limit), "")


def _written_limits(part: Check | Changes) -> Iterator[tuple[Place, Limit]]:
    """Its thresholds and those of its cases, with their places in it."""
    cases: Iterable[tuple[Place, Case]] = ((("cases", situation), case) for situation, case in part.cases.items())
    for at, owner in ((), part), *cases:
        for name in LIMITS:
            if limit := getattr(owner, name):
                yield (*at, name), limit


def _of_other_units(
    part: Check | Changes, unit: str, file: Written, place: Place, *, strict: bool = False
) -> Iterable[str]:
    """Thresholds that compare hours with a percentage; `strict`: one without a unit is not of this unit, either."""
    for at, limit in _written_limits(part):
        if limit.unit != unit and (limit.unit or (strict and len(at) == 1)):
            right = replace(limit, unit=unit)
            what = f'cannot compare "{limit}" with {MEASURED_IN[unit]}: write "{right}"'
            yield file.problem((*place, *at), what)


def _columns(check: Check) -> frozenset[str]:
    """What has to be measured for a check."""
    per_queue = check.per == "sync" and check.source == "databricks"
    return frozenset(check.column(direction) for direction in DIRECTIONS) if per_queue else frozenset([check.metric])


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
        what = f"told only after {_minutes(latest)} ({parts}), and {_minutes(PROMISED)} are promised: {remedy}"
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
