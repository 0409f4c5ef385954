"""Environment + pipeline.yml → one frozen Settings, or every problem at once."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot.errors import ConfigurationError
from bot.pipeline_file import Links, Operators, PipelineFile, SyncSettings, Timetable
from bot.yaml_lines import read_yaml
from checks.catalog import Changes, Metrics, Pace, change_limits, read_checks
from checks.model import Check
from checks.problems import Written, nearest, problems

HOME = Path(__file__).resolve().parent.parent
Need = Literal["slack", "census", "warehouse"]
ON_THIS_MACHINE = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Databricks:
    """Where a SQL warehouse is, and who asks there: the owner of a token, or a service principal."""

    host: str  # dbc-….cloud.databricks.com, or http://127.0.0.1:PORT, which is used as it is
    http_path: str
    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a server of our own, of the demo or a test."""
        return bool(ON_THIS_MACHINE.fullmatch(self.host))


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
    warehouse_folder: Path | None
    state_url: str
    slack_api_url: str
    census_api_url: str
    census_api_version: str
    census_group_id: str | None
    slack_bot_token: str = field(repr=False)
    slack_app_token: str = field(repr=False)
    census_api_token: str = field(repr=False)
    databricks: Databricks | None = None  # else it is DuckDB
    schedule: Timetable = field(default_factory=Timetable)
    links: Links = field(default_factory=Links)

    def check_called(self, name: str) -> Check | None:
        """The check of this name, if it is still there."""
        return next((check for check in self.checks if check.name == name), None)

    def sync_called(self, word: str) -> SyncSettings | None:
        """The sync that somebody means by `Sync B`, `b`, `update` or its id."""
        wanted = word.casefold().strip()
        called = [
            sync
            for sync in self.syncs
            if wanted in {sync.name.casefold(), sync.name.casefold().split()[-1], sync.direction, str(sync.id)}
        ]
        return called[0] if len(called) == 1 else None


SECRETS: dict[Need, tuple[tuple[str, str], ...]] = {
    "slack": (
        ("SLACK_BOT_TOKEN", "the bot token of your app (OAuth & Permissions)"),
        ("SLACK_APP_TOKEN", "an app-level token with connections:write (Basic Information)"),
    ),
    "census": (("CENSUS_API_TOKEN", "a personal access token of Census"),),
    "warehouse": (("SYNC_HEALTH_WAREHOUSE", "where the tables are: databricks, or duckdb:FOLDER"),),
}

DATABRICKS = (
    ("DATABRICKS_HOST", "your workspace, such as dbc-a1b2c3d4-e5f6.cloud.databricks.com"),
    ("DATABRICKS_HTTP_PATH", "the HTTP path of a SQL warehouse (its Connection details)"),
)
TOKEN = ("DATABRICKS_TOKEN", "an access token; a service principal has DATABRICKS_CLIENT_ID and _CLIENT_SECRET instead")
PRINCIPAL = (
    ("DATABRICKS_CLIENT_ID", "the application id of the service principal"),
    ("DATABRICKS_CLIENT_SECRET", "an OAuth secret of the service principal"),
)


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
    folder, wrong_warehouse = _warehouse_folder(environment.get("SYNC_HEALTH_WAREHOUSE", ""))
    found = [*_missing(environment, needs), *wrong_warehouse]
    path = Path(environment.get("SYNC_HEALTH_CONFIG") or HOME / "pipeline.yml")
    try:
        written = read_yaml(path)
        shipped = [read_yaml(file) for file in sorted((HOME / "checks").glob("*.yml"))]
        cadence = written.data.get("cadence") if isinstance(written.data, dict) else None
        pipeline = PipelineFile.model_validate(written.data, context={"cadence": cadence or "frequent"})
    except ConfigurationError as error:
        raise ConfigurationError([*found, *error.problems]) from error
    except ValidationError as error:
        raise ConfigurationError([*found, *problems(written, PipelineFile, error)]) from None
    checks, wrong = _checks(pipeline, written, shipped, metrics)
    found += wrong
    found += _inconsistent(pipeline, written, frozenset(table_names), checks)
    if found:
        raise ConfigurationError(found)
    return Settings(
        pipeline=pipeline.name,
        zone=ZoneInfo(pipeline.zone),
        channel=pipeline.channel,
        operators=pipeline.operators,
        syncs=pipeline.syncs,
        tables=pipeline.tables | _queue_tables(pipeline),
        checks=tuple(checks),
        schedule=pipeline.schedule,
        links=pipeline.links,
        warehouse_folder=folder,
        databricks=_databricks(environment),
        state_url=environment.get("SYNC_HEALTH_STATE") or f"sqlite:///{Path.cwd() / 'sync-health.db'}",
        slack_api_url=environment.get("SLACK_API_URL") or "https://slack.com/api/",
        census_api_url=environment.get("CENSUS_API_URL") or "https://app.getcensus.com/api",
        census_api_version=environment.get("CENSUS_API_VERSION") or "v2",
        census_group_id=environment.get("CENSUS_GROUP_ID") or None,
        slack_bot_token=environment.get("SLACK_BOT_TOKEN", ""),
        slack_app_token=environment.get("SLACK_APP_TOKEN", ""),
        census_api_token=environment.get("CENSUS_API_TOKEN", ""),
    )


def _missing(environment: Mapping[str, str], needs: Collection[Need]) -> Iterator[str]:
    wanted = [secret for need in needs for secret in SECRETS[need]]
    if "warehouse" in needs and environment.get("SYNC_HEALTH_WAREHOUSE") == "databricks":
        principal = any(environment.get(name) for name, _ in PRINCIPAL)
        wanted += [*DATABRICKS, *(PRINCIPAL if principal and not environment.get(TOKEN[0]) else [TOKEN])]
    for name, what in wanted:
        if not environment.get(name):
            yield f"environment: {name} is not set: it is {what} (or try --demo, which needs nothing)"
    host = environment.get("DATABRICKS_HOST", "").rstrip("/")
    if host.startswith("http:") and not ON_THIS_MACHINE.fullmatch(host):
        yield f'environment: DATABRICKS_HOST is "{host}": http would show the token to everybody, write the bare name'
    if (environment.get("CENSUS_API_VERSION") or "v2") not in ("v1", "v2"):
        yield f'environment: CENSUS_API_VERSION is "{environment["CENSUS_API_VERSION"]}": write v2'
    state = environment.get("SYNC_HEALTH_STATE") or "sqlite://"
    if not state.startswith("sqlite:"):
        yield f'environment: SYNC_HEALTH_STATE is "{state.partition(":")[0]}:…": write sqlite:///FILE'


def _checks(
    pipeline: PipelineFile, written: Written, shipped: list[Written], metrics: Metrics
) -> tuple[list[Check], list[str]]:
    own = Written(written.file, {"checks": [] if not pipeline.checks else written.data["checks"]}, written.line)  # type: ignore[index]
    pace = Pace(pipeline.schedule.tick, pipeline.schedule.idle_floor)
    checks, found = read_checks([*shipped, own], metrics, pipeline.cadence, pace)
    changed, wrong = change_limits(checks, pipeline.limits, written, pace)
    return changed, found + wrong


def _inconsistent(
    pipeline: PipelineFile, written: Written, table_names: frozenset[str], checks: list[Check]
) -> Iterator[str]:
    """What reads well part by part and does not fit together."""
    for table in pipeline.tables:
        if table not in table_names:
            yield written.problem(("tables", table), f"no statement reads {table}: {nearest(table, table_names)}")
    for what in ("name", "id", "direction"):
        seen = set()
        for n, sync in enumerate(pipeline.syncs):
            if getattr(sync, what) in seen:
                yield written.problem(("syncs", n, what), f"another sync has the {what} {getattr(sync, what)}")
            seen.add(getattr(sync, what))
    directions = {sync.direction for sync in pipeline.syncs}
    for check in checks:
        if check.rerun and check.rerun not in {*directions, "same"}:
            what = f'check "{check.name}" offers a rerun of the {check.rerun} sync, and there is none'
            yield written.problem(("syncs",), what)


QUEUES = {"create": "crm.sfdc_dbx.properties_to_create", "update": "crm.sfdc_dbx.properties_to_update"}


def _queue_tables(pipeline: PipelineFile) -> dict[str, str]:
    return {QUEUES[sync.direction]: sync.queue for sync in pipeline.syncs if QUEUES[sync.direction] != sync.queue}


def _warehouse_folder(text: str) -> tuple[Path | None, list[str]]:
    kind, _, folder = text.partition(":")
    if text in ("", "databricks") or (kind == "duckdb" and folder):
        return (Path(folder) if folder else None), []
    return None, [f'environment: SYNC_HEALTH_WAREHOUSE is "{text}": write databricks or duckdb:FOLDER']


def _databricks(environment: Mapping[str, str]) -> Databricks | None:
    if environment.get("SYNC_HEALTH_WAREHOUSE") != "databricks":
        return None
    return Databricks(
        host=environment.get("DATABRICKS_HOST", "").removeprefix("https://").rstrip("/"),
        http_path=environment.get("DATABRICKS_HTTP_PATH", ""),
        token=environment.get("DATABRICKS_TOKEN", ""),
        client_id=environment.get("DATABRICKS_CLIENT_ID", ""),
        client_secret=environment.get("DATABRICKS_CLIENT_SECRET", ""),
    )


def with_limits(settings: Settings, texts: Iterable[str]) -> Settings:
    """The same with other limits, each written like `coverage: warn < 94`. Raises ConfigurationError."""
    written = Written("--limit", None, lambda _: 1)
    changes: dict[str, dict[str, str]] = {}
    found = []
    for text in texts:
        read = re.fullmatch(r"\s*(\w+)\s*:\s*(warn|critical|clear)\s+(.+)", text)
        if read:
            changes.setdefault(read[1], {})[read[2]] = read[3]
        else:
            found.append(f'--limit: cannot read {text!r}: write it like "coverage: warn < 94"')
    try:
        limits = {name: Changes.model_validate(change) for name, change in changes.items()}
    except ValidationError as error:
        raise ConfigurationError([*found, *problems(written, Changes, error)]) from None
    pace = Pace(settings.schedule.tick, settings.schedule.idle_floor)
    checks, wrong = change_limits(list(settings.checks), limits, written, pace)
    if found or wrong:
        raise ConfigurationError([*found, *wrong])
    return replace(settings, checks=tuple(checks))
