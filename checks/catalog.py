"""The shipped checks and what pipeline.yml changes of them → the checks that hold here."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from checks.forms import Cadence
from checks.metrics import Metrics
from checks.model import Changes, Check
from checks.plausible import USUAL, Pace, impossible, of_other_units, unit_of, unmeasured, unmeasured_reasons
from checks.problems import Place, Written, nearest, problems


class CheckFile(BaseModel):
    """The form of a file of checks: checks, and what it changes of those of the groups before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: list[Check] = []
    limits: dict[str, Changes] = {}

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError('"checks" is missing, or limits of checks that stand elsewhere')
        return self


def read_checks(
    files: Iterable[Written],
    metrics: Metrics,
    cadence: Cadence,
    pace: Pace = USUAL,
    statements: str = "sql/checks",
) -> tuple[list[Check], list[str]]:
    """The checks in these files, in an order in which each stands behind those it depends on; every problem found.

    `statements` is the folder in which checks' own statements are, as it is told to people.
    """
    checks: dict[str, Check] = {}
    found: list[str] = []
    places: dict[str, tuple[Written, Place]] = {}
    written: set[str] = set()
    changes: list[tuple[Written, Mapping[str, Changes]]] = []
    units: dict[str, str] = {}  # by metric, that of its first check
    for file in files:
        written |= names_of_checks(file)
        read, limits = _readable(file, cadence, found)
        changes.append((file, limits))
        for n, check in read:
            unit = units.setdefault(check.metric, unit_of(check))
            found += of_other_units(check, unit, file, ("checks", n), strict=True)
            found += unmeasured(check, file, ("checks", n), metrics, statements)
            found += impossible(check, file, ("checks", n), pace)
            places[check.name] = file, ("checks", n, "depends_on")
            if check.name in checks:
                found.append(file.problem(("checks", n, "name"), f'there is another check named "{check.name}"'))
            checks[check.name] = check
    for check in checks.values():
        file, place = places[check.name]
        for name in check.depends_on:
            if name not in checks.keys() | written:
                found.append(file.problem(place, f'there is no check "{name}": {nearest(name, checks)}'))
    ordered = _ordered(checks, found)
    for file, limits in changes:
        ordered, wrong = change_limits(ordered, limits, file, pace, metrics=metrics)
        found += wrong
    return ordered, found


def names_of_checks(file: Written) -> set[str]:
    """What the checks in a file are called, those too that cannot be read."""
    listed = file.part(("checks",))
    named = [part.get("name") for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    return {name for name in named if isinstance(name, str)}


def _readable(
    file: Written, cadence: Cadence, found: list[str]
) -> tuple[Sequence[tuple[int, Check]], Mapping[str, Changes]]:
    """The checks of a file that can be read, each with its index, and its limits; what is wrong otherwise is found."""
    context = {"cadence": cadence}
    try:
        read = CheckFile.model_validate(file.data, context=context)
    except ValidationError as error:
        found += problems(file, CheckFile, error)
        wrong = {part["loc"][1] for part in error.errors(include_url=False) if len(part["loc"]) > 1}
    else:
        return list(enumerate(read.checks)), read.limits
    listed = file.part(("checks",))
    usable = [(n, part) for n, part in enumerate(listed) if n not in wrong] if isinstance(listed, list) else []
    return [(n, Check.model_validate(part, context=context)) for n, part in usable], {}


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
    pace: Pace = USUAL,
    at: Place = ("limits",),
    *,
    metrics: Metrics | None = None,
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
            renamed = next((one for one in checks if name in one.was), None)
            now = f"it is {renamed.name} of a sync now: write that under limits of the sync" if renamed else ""
            found.append(written.problem(place, f'there is no check "{name}": {now or nearest(name, by_name)}'))
            continue
        if not changes.enabled:
            if by_name[name].source == "bot":
                found.append(written.problem((*place, "enabled"), f'"{name}" is about the bot itself and stays on'))
            switched_off.add(name)
            continue
        found += of_other_units(changes, unit_of(by_name[name]), written, place)
        if metrics:
            found += unmeasured_reasons(changes, written, place, metrics["databricks"])
        by_name[name] = by_name[name].changed(changes)
        found += impossible(by_name[name], written, place, pace)
    return [check for name, check in by_name.items() if name not in switched_off], found
