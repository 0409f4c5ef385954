"""Environment + pipeline.yml → one frozen Settings, or every problem at once."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot.alerts.rejections import Known
from bot.config import shipped
from bot.config.environment import Databricks, Need, databricks_of, problems_of, warehouse_folder, with_secret_files
from bot.config.pipeline_file import (
    Links,
    Noun,
    Operators,
    PipelineFile,
    SyncSettings,
    Timetable,
    in_words,
    table_parts,
)
from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError
from checks.catalog import Metrics, Pace, change_limits, read_checks
from checks.model import Cadence, Check
from checks.problems import Place, Written, nearest, problems


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; secrets do not show in its repr."""

    pipeline: str
    zone: ZoneInfo
    channel: str
    operators: Operators
    syncs: tuple[SyncSettings, ...]
    tables: Mapping[str, str]
    checks: tuple[Check, ...]
    rejections: Known = field(repr=False)
    warehouse_folder: Path | None
    state_url: str
    slack_api_url: str
    census_api_url: str
    census_api_version: str
    census_group_id: str | None
    slack_bot_token: str = field(repr=False)
    slack_app_token: str = field(repr=False)
    census_api_token: str = field(repr=False)
    heartbeat_url: str = field(default="", repr=False)  # whoever knows it can keep the monitor quiet
    databricks: Databricks | None = None  # else it is DuckDB
    schedule: Timetable = field(default_factory=Timetable)
    links: Links = field(default_factory=Links)
    config: Path = shipped.FOLDER / "pipeline.yml"  # where this was read
    fallback_channel: str | None = None  # where alerts go while `channel` refuses them
    noun: Noun = field(default_factory=Noun)
    destination: str = "destination"
    owner: str | None = None  # a user or user group of Slack, for alerts whose check and sync name none

    def check_called(self, name: str) -> Check | None:
        """The check of this name, if it is still there."""
        return next((check for check in self.checks if check.name == name), None)

    def owner_of(self, check: str, sync: str | None) -> str | None:
        """Whom alerts of this check mention: its owner, else that of the sync, else that of the pipeline."""
        found = self.check_called(check)
        label = sync or (self.helping_sync(found, None) if found else None)
        of_sync = next((one.owner for one in self.syncs if one.name == label), None)
        return (found.owner if found else None) or of_sync or self.owner

    @property
    def has_owners(self) -> bool:
        """Whether each critical alert mentions somebody."""
        critical = [check for check in self.checks if check.critical]
        names = [sync.name for sync in self.syncs]
        return all(self.owner_of(one.name, name) for one in critical for name in (names if one.per else [None]))

    def helping_sync(self, check: Check, sync: str | None) -> str | None:
        """The sync whose rerun can help, as the check stands in its situation; another rerun may be no use."""
        if check.rerun == "same":
            return sync
        return next((one.name for one in self.syncs if one.direction == check.rerun), None)

    def sync_called(self, word: str) -> SyncSettings | None:
        """The sync that somebody means by `Sync B (UPDATE)`, `Sync B`, `b`, `update` or its id."""
        wanted = word.casefold().strip()
        called = [sync for sync in self.syncs if wanted in {*sync.names, sync.last_word, *sync.signs}]
        return called[0] if len(called) == 1 else None


def load_settings(
    environment: Mapping[str, str],
    *,
    metrics: Metrics,
    table_names: Iterable[str],
    needs: Collection[Need] = ("slack", "census", "warehouse"),
) -> Settings:
    """Read everything. Raises ConfigurationError with all problems: file, line, and what to write instead.

    `metrics` are what is measured, by source; `table_names` the tables that the statements in sql/ name.
    """
    environment, found = with_secret_files(environment)
    found += problems_of(environment, needs)
    path = config_file(environment)
    try:
        written = _read_pipeline_file(path)
        checks_of_ours = [read_yaml(file) for file in sorted(shipped.CHECKS.glob("*.yml"))]
    except ConfigurationError as error:
        raise ConfigurationError([*found, *error.problems]) from error
    pipeline, wrong = _pipeline(written)
    checks, wrong_checks = _checks(pipeline, written, checks_of_ours, metrics)
    found += [*wrong, *wrong_checks, *_inconsistent(pipeline, written, frozenset(table_names), checks)]
    if found:
        raise ConfigurationError(list(dict.fromkeys(found)))
    return _assembled(environment, pipeline, checks, path)


def _assembled(environment: Mapping[str, str], pipeline: PipelineFile, checks: list[Check], path: Path) -> Settings:
    """Both sources in one, with what holds where the environment says nothing."""
    return Settings(
        pipeline=pipeline.name,
        zone=ZoneInfo(pipeline.zone),
        channel=pipeline.channel,
        fallback_channel=pipeline.fallback_channel,
        operators=pipeline.operators,
        syncs=pipeline.syncs,
        tables=pipeline.tables | _queue_tables(pipeline),
        checks=tuple(checks),
        noun=pipeline.noun,
        destination=pipeline.destination,
        owner=pipeline.owner,
        schedule=pipeline.schedule,
        links=pipeline.links,
        warehouse_folder=warehouse_folder(environment),
        databricks=databricks_of(environment),
        state_url=environment.get("SYNC_HEALTH_STATE") or f"sqlite:///{Path.cwd() / 'sync-health.db'}",
        slack_api_url=environment.get("SLACK_API_URL") or "https://slack.com/api/",
        census_api_url=environment.get("CENSUS_API_URL") or "https://app.getcensus.com/api",
        census_api_version=environment.get("CENSUS_API_VERSION") or "v2",
        census_group_id=environment.get("CENSUS_GROUP_ID") or None,
        slack_bot_token=environment.get("SLACK_BOT_TOKEN", "").strip(),
        slack_app_token=environment.get("SLACK_APP_TOKEN", "").strip(),
        census_api_token=environment.get("CENSUS_API_TOKEN", "").strip(),
        heartbeat_url=environment.get("HEARTBEAT_URL", "").strip(),
        config=path,
        rejections=_rejections(pipeline.destination),
    )


def _rejections(destination: str) -> Known:
    """What the destination's error codes mean. Raises ConfigurationError."""
    written = read_yaml(shipped.CHECKS / "rejections" / "salesforce.yml")
    try:
        return Known.model_validate(in_words(written.data, {"destination": destination}))
    except ValidationError as error:
        raise ConfigurationError(list(problems(written, Known, error))) from None


def config_file(environment: Mapping[str, str]) -> Path:
    """Which pipeline.yml holds: SYNC_HEALTH_CONFIG (a file or its folder), else ./pipeline.yml, else the shipped."""
    if named := environment.get("SYNC_HEALTH_CONFIG"):
        return Path(named) / "pipeline.yml" if os.path.isdir(named) else Path(named)  # noqa: PTH112 - raises nothing
    here = Path.cwd() / "pipeline.yml"  # also where it is a broken link: no other pipeline may take its place
    return here if os.path.lexists(here) or _misnamed(here) else shipped.FOLDER / "pipeline.yml"


def is_shipped(path: Path) -> bool:
    """Whether this pipeline.yml is the shipped one."""
    try:
        return path.samefile(shipped.FOLDER / "pipeline.yml")
    except OSError:
        return False


def _misnamed(path: Path) -> Path | None:
    """What was probably meant to be this pipeline.yml, where that is not there."""
    other = path.with_suffix(".yaml")
    return other if path.suffix == ".yml" and not os.path.lexists(path) and os.path.lexists(other) else None


def _read_pipeline_file(path: Path) -> Written:
    """pipeline.yml as it was written. Raises ConfigurationError."""
    if other := _misnamed(path):
        raise ConfigurationError([f"{other}: is not read: rename it to {path.name}"])
    return read_yaml(path)


def _pipeline(written: Written) -> tuple[PipelineFile, list[str]]:
    """The file, with the shipped value for every key that cannot work, so that the rest is examined, too."""
    ours = read_yaml(shipped.FOLDER / "pipeline.yml").data
    assert isinstance(ours, dict), "a test holds the shipped file"
    data = written.data if isinstance(written.data, dict) else {}
    cadence = data.get("cadence")
    context = {"cadence": cadence if cadence in get_args(Cadence) else "frequent"}
    try:
        return PipelineFile.model_validate(written.data, context=context), []
    except ValidationError as error:
        wrong = [problem["loc"] for problem in error.errors(include_url=False) if problem["loc"]]
        usable = _usable(data, wrong)
        said = list(problems(written, PipelineFile, error))
        return PipelineFile.model_validate(ours | usable, context=context), said


def _usable(data: Mapping[str, object], wrong: Collection[Place]) -> dict[str, object]:
    """What is left without the parts that are wrong; of the limits and tables only those entries go."""
    left: dict[str, object] = {}
    for key, value in data.items():
        here = [place[1:] for place in wrong if str(place[0]) == str(key)]
        if not here:
            left[key] = value
        elif key in ("limits", "tables") and isinstance(value, dict) and all(here):
            entries = {place[0] for place in here}
            left[key] = {name: entry for name, entry in value.items() if name not in entries}
    return left


def _checks(
    pipeline: PipelineFile, written: Written, ours: list[Written], metrics: Metrics
) -> tuple[list[Check], list[str]]:
    words = {"destination": pipeline.destination, "noun": pipeline.noun.one, "nouns": pipeline.noun.many}
    ours = [Written(one.file, in_words(one.data, words), one.line) for one in ours]
    own = Written(written.file, {"checks": in_words(written.part(("checks",)) or [], words)}, written.line)
    pace = Pace(pipeline.schedule.tick, pipeline.schedule.idle_floor)
    statements = str(shipped.FOLDER / "sql" / "checks")
    checks, found = read_checks([*ours, own], metrics, pipeline.cadence, pace, statements)
    changed, wrong = change_limits(checks, pipeline.limits, written, pace)
    return changed, found + wrong


def _inconsistent(
    pipeline: PipelineFile, written: Written, table_names: frozenset[str], checks: list[Check]
) -> Iterator[str]:
    """What reads well part by part and does not fit together."""
    for table in pipeline.tables:
        if table not in table_names:
            yield written.problem(("tables", table), f"no statement reads {table}: {nearest(table, table_names)}")
    named = [str(written.part((key,)) or key).lstrip("#") for key in ("channel", "fallback_channel")]
    if pipeline.fallback_channel and named[0] == named[1]:
        what = "is the same as channel: write another, where alerts go while that one refuses them"
        yield written.problem(("fallback_channel",), what)
    yield from _alike(pipeline.syncs, written)
    directions = {sync.direction for sync in pipeline.syncs}
    for check in checks:
        if check.rerun and check.rerun not in {*directions, "same"}:
            what = f'check "{check.name}" offers a rerun of the {check.rerun} sync, and there is none'
            yield written.problem(("syncs",), what)


def _alike(syncs: Sequence[SyncSettings], written: Written) -> Iterator[str]:
    """Syncs that cannot be told apart, by the bot or by people who name them in Slack."""
    for n, sync in enumerate(syncs):
        for what in ("id", "direction"):
            if any(getattr(sync, what) == getattr(other, what) for other in syncs[:n]):
                yield written.problem(("syncs", n, what), f"another sync has the {what} {getattr(sync, what)}")
        if any(_same_table(sync.queue, other.queue) for other in syncs[:n]):
            yield written.problem(("syncs", n, "queue"), f"another sync has the queue {sync.queue}: each has its own")
        for m, other in enumerate(syncs):
            if m < n and sync.name.casefold() == other.name.casefold():
                what = f"another sync has the name {other.name}: write one that differs in more than case"
                yield written.problem(("syncs", n, "name"), what)
            elif m != n and (taken := _taken(sync, other)):
                what = f'"{taken}" also means {other.label}: write a name that does not'
                yield written.problem(("syncs", n, "name"), what)


def _taken(sync: SyncSettings, other: SyncSettings) -> str | None:
    """What this sync is called and the other goes by."""
    words = {*sync.names, sync.last_word}
    full = set() if sync.name.casefold() == other.name.casefold() else other.names
    return min(words & (other.signs | full), default=None)


def _same_table(one: str, other: str) -> bool:
    return [part.casefold() for part in table_parts(one)] == [part.casefold() for part in table_parts(other)]


QUEUES = {"create": "crm.sfdc_dbx.properties_to_create", "update": "crm.sfdc_dbx.properties_to_update"}


def _queue_tables(pipeline: PipelineFile) -> dict[str, str]:
    return {QUEUES[sync.direction]: sync.queue for sync in pipeline.syncs if QUEUES[sync.direction] != sync.queue}
