"""The logins of Census and of the warehouse: asked for, tried out, asked for again where they are refused."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.cli.init.options import Options
from bot.cli.init.prompts import Prompter
from bot.cli.init.syncs import say_that_census_cannot_be_asked, workspace_syncs
from bot.config.databricks import ENTRA, HOST, HTTP_PATH, PRINCIPAL, TOKEN
from bot.config.databricks_profile import from_profile
from bot.config.environment import CENSUS, NO_WAREHOUSE, SECRETS, WAREHOUSE, Need, problems_of
from bot.config.new_pipeline import NewPipeline, pipeline_text
from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError, SyncHealthError
from bot.facts import Sync
from bot.ports import Sources
from bot.runtime.composition import SystemClock, connect_census, connect_sources, settings_from


def ask_census(prompter: Prompter, values: dict[str, str]) -> list[Sync] | None:
    """The syncs of the workspace; None where Census cannot be asked for them, and why is said."""
    ask_variable(prompter, values, *CENSUS)
    while True:
        try:
            return workspace_syncs(connect_census(draft_settings(values, ("census",))))
        except PermanentError as error:
            if not prompter.interactive or values.get(f"{CENSUS[0]}_FILE"):
                raise RefusedError(str(error)) from None
            prompter.refuse(error)
            question = f"Another {CENSUS[0]}, or Enter to go on and type the IDs of the syncs"
            token = prompter.ask(question, CENSUS[0], variable(CENSUS[0]), default="", secret=True)
            if not token:
                return None
            values[CENSUS[0]] = token
        except SyncHealthError as error:
            say_that_census_cannot_be_asked(error)
            return None


def ask_warehouse(prompter: Prompter, options: Options, values: dict[str, str]) -> None:
    """Which warehouse it is, and its login."""
    name, where = WAREHOUSE
    default = "databricks" if values.get(HOST[0]) else NO_WAREHOUSE if prompter.interactive else None
    given = options.warehouse or values.get(name)
    values[name] = prompter.ask(f"Warehouse: {where}", "--warehouse", _warehouse, given=given, default=default)
    if values[name] != "databricks":
        return
    profiled, _ = from_profile(values)  # what is wrong with it is said when the settings are loaded
    for one in (HOST, HTTP_PATH):
        if one[0] not in profiled:
            ask_variable(prompter, values, *one)
    if any(_has(values | profiled, name) for name in (TOKEN[0], ENTRA[0][0], ENTRA[1][0])):
        return
    principal = any(_has(values | profiled, one) for one, _ in PRINCIPAL)
    if prompter.interactive and not principal:
        question = f"{TOKEN[0]}: an access token, or Enter for a service principal"
        values[TOKEN[0]] = prompter.ask(question, TOKEN[0], variable(TOKEN[0]), default="", secret=True)
        principal = not values[TOKEN[0]]
    for one in PRINCIPAL if principal else (TOKEN,):
        if one[0] not in profiled:
            ask_variable(prompter, values, *one)


def ask_variable(prompter: Prompter, values: dict[str, str], name: str, where: str) -> None:
    """A variable of .env that has to be there; a secret is not shown while it is typed."""
    if values.get(f"{name}_FILE"):
        return  # read, and checked, by what loads the settings

    def check(text: str) -> str:
        if not text:
            raise ValueError(f"{name} is empty ({where})")
        return variable(name)(text)

    given, flag = values.get(name), f"--env {name}=…"
    values[name] = prompter.ask(f"{name}: {where}", flag, check, given=given, secret=name in SECRETS)


def draft_settings(values: Mapping[str, str], needs: tuple[Need, ...]) -> Settings:
    """The settings of a pipeline that is not written yet. Raises ConfigurationError."""
    with TemporaryDirectory(prefix="sync-health-init-") as folder:
        (config := Path(folder) / "pipeline.yml").write_text(pipeline_text(NewPipeline()), encoding="utf-8")
        return settings_from({**os.environ, **values, "SYNC_HEALTH_CONFIG": str(config)}, needs)


def draft_sources(values: Mapping[str, str]) -> Sources:
    """Census and the warehouse of such a pipeline; nothing is asked yet."""
    return connect_sources(draft_settings(values, ("census", "warehouse")), SystemClock())


def _has(values: Mapping[str, str], name: str) -> bool:
    return bool(values.get(name) or values.get(f"{name}_FILE"))


def variable(name: str) -> Callable[[str], str]:
    """Checks a value as it is checked at each start, without repeating what may be a secret."""

    def check(text: str) -> str:
        if problem := next(problems_of({name: text}, ()), None):
            raise ValueError(problem.removeprefix("environment: "))
        return text

    return check


def _warehouse(text: str) -> str:
    """The folder of an embedded warehouse in full: variables do not know where pipeline.yml is."""
    variable(WAREHOUSE[0])(text)
    kind, _, folder = text.partition(":")
    if kind != "duckdb":
        return text
    path = Path(folder).expanduser().absolute()
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}: create it, or name another")
    return f"duckdb:{path}"
