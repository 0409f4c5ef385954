"""Environment + pipeline.yml → one frozen Settings, or every problem at once."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot.alerts.rejections import Known
from bot.config import shipped
from bot.config.checks import Checks, Library, checks_files, checks_of, folder_of_statements, statement_of
from bot.config.consistency import inconsistencies
from bot.config.databricks import Databricks, databricks_of
from bot.config.databricks_profile import from_profile
from bot.config.earlier import from_earlier, queue_names
from bot.config.environment import (
    NO_WAREHOUSE,
    Need,
    pagers_of,
    problems_of,
    warehouse_folder,
    with_secret_files,
)
from bot.config.pipeline_file import PipelineFile, in_words
from bot.config.runbook import read_runbook
from bot.config.settings import Settings
from bot.config.trace import words_of_trace
from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError
from checks.forms import Cadence
from checks.problems import Place, Written, problems

NO_CHECK = 'there is no check "'
UNSAID = {"name": "pipeline", "zone": "UTC", "channel": "channel", "syncs": [{"name": "Sync", "id": 1}]}


def load_settings(
    environment: Mapping[str, str],
    *,
    library: Callable[[Path], Library],
    needs: Collection[Need] = ("slack", "census", "warehouse"),
) -> Settings:
    """Read everything. Raises ConfigurationError with all problems: file, line, and what to write instead.

    `library` tells what the statements of a folder offer.
    """
    environment, found = with_secret_files(environment)
    profiled, wrong_profile = from_profile(environment)
    environment |= profiled
    found += [*wrong_profile, *problems_of(environment, set(needs) - ({"warehouse"} if wrong_profile else set()))]
    path = config_file(environment)
    try:
        _refuse_nothing_there(environment, path)
        read = _read_pipeline_file(path)
        written = from_earlier(read)
        files, wrong = checks_files(written, path.parent)
    except ConfigurationError as error:
        raise ConfigurationError([*found, *error.problems]) from error
    pipeline, unreadable = _pipeline(written)
    folder = folder_of_statements(path.parent, pipeline)
    offered = library(folder)
    checks, wrong_checks = checks_of(pipeline, written, files, offered, folder)
    if wrong:  # that the checks of such an entry are not there follows from it
        wrong_checks = [one for one in wrong_checks if NO_CHECK not in one]
    runbook, wrong_runbook = read_runbook(path.parent)
    found += [*wrong, *unreadable, *wrong_checks, *inconsistencies(pipeline, written, offered), *wrong_runbook]
    if found:
        raise ConfigurationError(list(dict.fromkeys(found)))
    databricks = databricks_of(environment, profiled)
    settings = _assembled(environment, databricks, pipeline, checks, path, folder, offered, written is not read)
    settings = replace(settings, runbook=runbook)
    return _from_census_alone(settings) if environment.get("SYNC_HEALTH_WAREHOUSE") == NO_WAREHOUSE else settings


def _from_census_alone(settings: Settings) -> Settings:
    """The same without what would have to be asked of a warehouse."""
    nothing = {"queue": None, "key": (), "changed_at": None, "group_by": (), "suspect": (), "needs": ()}
    return replace(
        settings,
        syncs=tuple(sync.model_copy(update=nothing) for sync in settings.syncs),
        checks=tuple(check for check in settings.checks if not check.wakes_the_warehouse),
        measure=None,
        deploy_to=None,
        has_warehouse=False,
        trace=None,
        remedies=tuple(one for one in settings.remedies if one.do != "pause"),  # nothing counts suspect records
    )


def _assembled(
    environment: Mapping[str, str],
    databricks: Databricks | None,
    pipeline: PipelineFile,
    checks: Checks,
    path: Path,
    folder: Path,
    offered: Library,
    is_earlier: bool,
) -> Settings:
    """Both sources in one, with what holds where the environment says nothing."""
    return Settings(
        pipeline=pipeline.name,
        zone=ZoneInfo(pipeline.zone),
        mode=pipeline.mode,
        channel=pipeline.channel,
        fallback_channel=pipeline.fallback_channel,
        operators=pipeline.operators,
        syncs=pipeline.syncs,
        tables={**(queue_names(pipeline.syncs) if folder == shipped.FOLDER else {}), **pipeline.tables},
        checks=checks.all,
        checks_of=checks.of_sync,
        files=checks.files,
        noun=pipeline.noun,
        destination=pipeline.destination,
        owner=pipeline.owner,
        schedule=pipeline.schedule,
        links=pipeline.links,
        report=pipeline.report,
        folder=folder,
        statements=offered.own,
        own_objects=offered.own_objects(),
        measure=statement_of(pipeline.measure) if pipeline.measure else None,
        row_counts=pipeline.row_counts,
        deploy_to=pipeline.deploy_to,
        audit_log=pipeline.audit_log,
        remedies=pipeline.remedy,
        trace=words_of_trace(offered),
        warehouse_folder=warehouse_folder(environment),
        databricks=databricks,
        state_url=environment.get("SYNC_HEALTH_STATE") or f"sqlite:///{Path.cwd() / 'sync-health.db'}",
        slack_api_url=environment.get("SLACK_API_URL") or "https://slack.com/api/",
        census_api_url=environment.get("CENSUS_API_URL") or "https://app.getcensus.com/api",
        census_api_version=environment.get("CENSUS_API_VERSION") or "v2",
        census_group_id=environment.get("CENSUS_GROUP_ID") or None,
        slack_bot_token=environment.get("SLACK_BOT_TOKEN", "").strip(),
        slack_app_token=environment.get("SLACK_APP_TOKEN", "").strip(),
        census_api_token=environment.get("CENSUS_API_TOKEN", "").strip(),
        heartbeat_url=environment.get("HEARTBEAT_URL", "").strip(),
        pager=pipeline.pager,
        pagers=pagers_of(environment),
        config=path,
        rejections=rejections_of(pipeline.destination, earlier=is_earlier),
        is_of_earlier_version=is_earlier,
    )


def rejections_of(destination: str, *, earlier: bool = False) -> Known:
    """What the destination's errors mean: by the table of its codes, else by words. Raises ConfigurationError."""
    tables = {path.stem: path for path in (shipped.CHECKS / "rejections").glob("*.yml")}
    unnamed = destination == PipelineFile.model_fields["destination"].default
    name = "salesforce" if earlier and unnamed else destination.casefold()  # the only one, before it was named
    written = read_yaml(tables.get(name, tables["generic"]))
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


def _refuse_nothing_there(environment: Mapping[str, str], path: Path) -> None:
    """Where a variable names the file, it is the variable that is wrong. Raises ConfigurationError."""
    if environment.get("SYNC_HEALTH_CONFIG") and not os.path.lexists(path) and not _misnamed(path):
        what = f"there is no {path}: write the path of a pipeline.yml, or of the folder that has one"
        raise ConfigurationError([f"environment: SYNC_HEALTH_CONFIG: {what}"])


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
    """The file, with some value for every key that cannot work, so that the rest is examined, too."""
    data = written.data if isinstance(written.data, dict) else {}
    cadence = data.get("cadence")
    context = {"cadence": cadence if cadence in get_args(Cadence) else "frequent"}
    try:
        return PipelineFile.model_validate(written.data, context=context), []
    except ValidationError as error:
        wrong = [problem["loc"] for problem in error.errors(include_url=False) if problem["loc"]]
        said = list(problems(written, PipelineFile, error))
        return PipelineFile.model_validate(UNSAID | _usable(data, wrong), context=context), said


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
