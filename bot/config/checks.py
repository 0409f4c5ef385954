"""The checks of a pipeline: groups of the product, files of its folder, inline ones, and its own thresholds."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bot.config import shipped
from bot.config.pipeline_file import PipelineFile, in_words
from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError, PermanentError
from checks.catalog import change_limits, names_of_checks, read_checks
from checks.metrics import MEASURED, Metrics
from checks.model import Check
from checks.plausible import Pace
from checks.problems import Place, Written, nearest, shown

ALWAYS = "bot"  # the group about the bot itself
GROUPS = tuple(sorted(path.name for path in shipped.CHECKS.iterdir() if next(path.glob("*.yml"), None)))
NOT_CHECKS = ("rejections",)
UNMEASURED = "nothing measures "
EVERY_PIPELINE = (ALWAYS, "sync")  # the other groups belong to a shipped pipeline, and to its statements


class Library(Protocol):
    """What the statements of a pipeline's folder offer, without their being read any further."""

    @property
    def own(self) -> frozenset[str]:
        """Every statement of the folder, by its path below sql/ without `.sql`."""

    def problems(self) -> Sequence[str]:
        """What is wrong with its files, a line each."""

    def own_objects(self) -> tuple[str, ...]:
        """Those that create the pipeline's own tables and views, each after what it reads."""

    def columns(self, name: str) -> tuple[str, ...]:
        """What a statement returns. Raises PermanentError where that cannot be read."""

    def parameters(self, name: str) -> frozenset[str]:
        """The names of its `:name` parameters."""

    def literals(self, name: str) -> frozenset[str]:
        """Every text that stands in it in quotes. Raises PermanentError where it cannot be read."""

    def table_names(self) -> Collection[str]:
        """The full names of the tables that the statements name."""

    def why_no_condition(self, text: str) -> str | None:
        """Why a text is not one boolean expression over the columns of a queue."""


@dataclass(frozen=True)
class Checks:
    """The checks that hold, those that are others for one sync (None: switched off there), and where each stands."""

    all: tuple[Check, ...]
    of_sync: Mapping[str, Mapping[str, Check | None]]
    files: Mapping[str, str]


def checks_of(
    pipeline: PipelineFile, written: Written, files: Sequence[Written], offered: Library, folder: Path
) -> tuple[Checks, list[str]]:
    """The checks in these files with the pipeline's words and thresholds, and every problem found.

    `folder` holds the statements of checks.
    """
    words = {"destination": pipeline.destination, "noun": pipeline.noun.one, "nouns": pipeline.noun.many}
    files = [Written(one.file, in_words(one.data, words), one.line) for one in files]
    pace = Pace(pipeline.schedule.tick, pipeline.schedule.idle_floor)
    statements = str(folder / "sql" / "checks")
    metrics = _metrics(pipeline, offered)
    checks, found = read_checks(files, metrics, pipeline.cadence, pace, statements)
    changed, wrong = change_limits(checks, pipeline.limits, written, pace, metrics=metrics)
    of_sync = {}
    off = {name for name, changes in pipeline.limits.items() if not changes.enabled}  # for every sync
    whole = {check.name for check in checks if not check.per}
    for n, sync in enumerate(pipeline.syncs):
        per_sync = [check for check in changed if check.per]
        for name in sorted(whole & sync.limits.keys()):
            what = "is not judged sync by sync: write it under limits of the pipeline"
            wrong.append(written.problem(("syncs", n, "limits", name), what))
        limits = {name: changes for name, changes in sync.limits.items() if name not in off | whole}
        own, more = change_limits(per_sync, limits, written, pace, ("syncs", n, "limits"), metrics=metrics)
        by_name = {check.name: check for check in own}
        of_sync[sync.name] = {name: by_name.get(name) for name in limits}
        wrong += more
    named = {name: file.file for file in files for name in names_of_checks(file)}
    found = [*_unmeasured_groups(pipeline, written, found), *_reruns_of_nothing(written, files)]
    return Checks(tuple(changed), of_sync, named), found + wrong


def _unmeasured_groups(pipeline: PipelineFile, written: Written, found: Sequence[str]) -> Iterator[str]:
    """The problems; those of a group of the product whose numbers nothing here measures are one."""
    told = set()
    for problem in found:
        group = problem.removeprefix("checks/").partition("/")[0] if problem.startswith("checks/") else ""
        if group not in pipeline.checks or group not in GROUPS or UNMEASURED not in problem:
            yield problem
        elif group not in told:
            told.add(group)
            what = f'nothing measures what the group "{group}" judges, such as {problem.partition(UNMEASURED)[2]}'
            example = what.partition('":')[0] + '"'
            yield written.problem(("checks", pipeline.checks.index(group)), f"{example}: take the group out")


def _reruns_of_nothing(written: Written, files: Sequence[Written]) -> Iterator[str]:
    """Checks that offer to rerun a sync that is not there; a role may have no sync."""
    syncs = written.part(("syncs",))  # as they are written: another thing that is wrong with one is told
    listed = [one.get("name") for one in syncs if isinstance(one, dict)] if isinstance(syncs, list) else []
    names = [name for name in listed if isinstance(name, str)]
    for file in files:
        entries = file.part(("checks",))
        for n, entry in enumerate(entries if isinstance(entries, list) else []):
            sync = entry.get("rerun") if isinstance(entry, dict) else None
            if isinstance(sync, str) and sync != "same" and not sync.startswith("role:") and sync not in names:
                what = f'there is no sync "{sync}": {nearest(sync, names)}'
                yield file.problem(("checks", n, "rerun"), what)


def _metrics(pipeline: PipelineFile, offered: Library) -> Metrics:
    """What is measured, by source: what a check may judge."""
    statement = statement_of(pipeline.measure) if pipeline.measure else None
    if pipeline.measure and statement not in offered.own:
        return {**MEASURED, "databricks": None}  # that there is no such file is said, and not what follows from it
    try:
        measured = offered.columns(statement) if statement else ()
    except PermanentError:
        return {**MEASURED, "databricks": None}  # likewise
    own = (f"sql/{name}.sql" for name in offered.own if name.startswith("checks/"))
    return {**MEASURED, "databricks": frozenset({*measured, *own})}


def checks_files(written: Written, folder: Path) -> tuple[list[Written], list[str]]:
    """The files of checks that pipeline.yml names, itself as the last one, and what is wrong with these names.

    Raises ConfigurationError for a file that is not YAML.
    """
    entries, found = written.part(("checks",)), list[str]()
    if not isinstance(entries, list):
        entries = ["sync"] if entries is None else []  # what else it is, is reported where it is read
    paths: list[Path] = sorted((shipped.CHECKS / ALWAYS).glob("*.yml"))
    for n, entry in enumerate(entries):
        if isinstance(entry, str):
            try:
                paths += _files_of(entry, folder)
            except ValueError as error:
                found.append(written.problem(("checks", n), str(error)))
        elif not isinstance(entry, dict):
            known = ", ".join(_groups())
            what = f"{shown(entry)} is no check: write a group ({known}), a path such as ./checks, or a check"
            found.append(written.problem(("checks", n), what))
    read = [_read(path, _shown(path, folder)) for path in dict.fromkeys(paths)]
    return [*read, _inline(written, entries)], found


def _read(path: Path, name: str) -> Written:
    """A file of checks under the name that people know it by. Raises ConfigurationError."""
    try:
        return replace(read_yaml(path), file=name)
    except ConfigurationError as error:
        named = [name + one.removeprefix(path.name) if one.startswith(path.name) else one for one in error.problems]
        raise ConfigurationError(named) from error


def _shown(path: Path, folder: Path) -> str:
    """The path of a file of checks as people know it: from the pipeline's folder, or from the product's checks/."""
    for root in (folder, shipped.CHECKS.parent):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name


def _groups() -> list[str]:
    return [group for group in GROUPS if group not in (ALWAYS, *NOT_CHECKS)]


def _files_of(entry: str, folder: Path) -> list[Path]:
    """The files of a group of the product, or of a path of the pipeline's folder. Raises ValueError."""
    if not re.search(r"[/\\]|\.ya?ml$", entry):
        if entry not in _groups():
            raise ValueError(
                f'there is no group "{entry}": {nearest(entry, _groups())}; a folder of yours is ./{entry}'
            )
        return sorted((shipped.CHECKS / entry).glob("*.yml"))
    path = folder / entry
    if Path(entry).is_absolute() or ".." in Path(entry).parts:
        raise ValueError(f"{entry} lies outside of the folder of pipeline.yml: copy it into that one")
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        what = "there is no file *.yml in" if path.is_dir() else "there is no"
        raise ValueError(f"{what} {entry} next to pipeline.yml: create it, or take it out")
    return files


def _inline(written: Written, entries: Sequence[object]) -> Written:
    """The checks that stand in pipeline.yml itself, each with its own line."""
    at = [n for n, entry in enumerate(entries) if isinstance(entry, dict)]

    def line(place: Place) -> int:
        where: Place = ("checks", at[int(place[1])], *place[2:]) if place[1:] else place
        return written.line(where) if written.line else 0

    return Written(written.file, {"checks": [entries[n] for n in at]}, line if written.line else None)


def statement_of(file: str) -> str | None:
    """`./sql/measure/health.sql` → `measure/health`; None where it lies elsewhere."""
    found = re.fullmatch(r"(?:\./)?sql/([\w/-]+)\.sql", file)
    return found[1] if found else None


def folder_of_statements(folder: Path, pipeline: PipelineFile) -> Path:
    """The pipeline's own; one that takes a shipped pipeline's checks and has no sql/ takes its statements, too."""
    takes = any(entry in _groups() and entry not in EVERY_PIPELINE for entry in pipeline.checks)
    is_shipped = folder.resolve() == shipped.FOLDER  # however its path is written
    return shipped.FOLDER if is_shipped or (takes and not (folder / "sql").is_dir()) else folder
