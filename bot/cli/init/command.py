"""`sync-health init`: asks what a pipeline needs, writes its folder and examines it."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.doctor import doctor
from bot.cli.exit_codes import NoWait, Verbose, is_a_terminal, told
from bot.cli.init.options import Options, by_sync, variables
from bot.cli.logs import log_to_stderr

if TYPE_CHECKING:
    from bot.cli.init.prompts import Prompter

Several = list[str] | None
COSTS = """What it costs:
  The smallest warehouse, woken every hour, is about $375 a month; asked every 5 minutes it never stops: about $2,000.
  The bot asks it around runs, once an hour in between (schedule.idle_floor), and when somebody wants fresh values.
  sync-health status     statements and minutes awake, by day; an auto-stop of 10 minutes keeps them few"""


def init(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Where to; else this folder.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the pipeline; the name of the folder if left out.")] = None,
    zone: Annotated[str | None, typer.Option(help="Its time zone, such as Europe/Berlin; else this machine's.")] = None,
    record: Annotated[str | None, typer.Option(help="What one record is called: contact.")] = None,
    records: Annotated[str | None, typer.Option(help="What several are called: contacts.")] = None,
    destination: Annotated[str | None, typer.Option(help="Where they go, such as HubSpot or Braze.")] = None,
    sync: Annotated[
        Several, typer.Option("--sync", metavar="ID", help="A Census sync to watch, or all, or active (not paused).")
    ] = None,
    queue: Annotated[
        Several, typer.Option("--queue", metavar="ID=TABLE", help="The table or view of a sync's pending records.")
    ] = None,
    key: Annotated[
        Several, typer.Option("--key", metavar="ID=COLUMN", help="A column that identifies such a record; up to 3.")
    ] = None,
    changed_at: Annotated[
        Several, typer.Option("--changed-at", metavar="ID=COLUMN", help="The column that says when it changed.")
    ] = None,
    warehouse: Annotated[
        str | None, typer.Option(metavar="KIND", help="databricks, duckdb:FOLDER, or none for Census alone.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="The Slack channel for alerts, a name or an ID.")] = None,
    operator: Annotated[
        Several, typer.Option("--operator", metavar="ID", help="A Slack user (U…) or user group (S…) who may act.")
    ] = None,
    env: Annotated[
        Several,
        typer.Option("--env", metavar="NAME=VALUE", help="A variable of .env; secrets rather by the environment."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: flags, environment and defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace pipeline.yml and .env; they stay as .bak.")] = False,
    no_doctor: Annotated[bool, typer.Option("--no-doctor", help="Do not examine the folder at the end.")] = False,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Set up a pipeline: ask what it needs, write its pipeline.yml and .env, and examine it with doctor.

    Each question has a flag; variables of .env are also taken from the environment. Without a terminal, or with
    --yes, nothing is asked. Tokens are written to .env alone, which only you can read.
    Exit codes: 0 written, and doctor found all well, 2 nothing was written, or doctor found something.
    """
    log_to_stderr(verbose=verbose)
    with told():
        options = Options(
            folder=folder,
            name=name,
            zone=zone,
            record=record,
            records=records,
            destination=destination,
            channel=channel,
            operators=operator or (),
            syncs=sync or (),
            queues=by_sync("--queue", queue or ()),
            keys=by_sync("--key", key or ()),
            changed_at=by_sync("--changed-at", changed_at or ()),
            warehouse=warehouse,
            variables=variables(env or ()),
            force=force,
            wait=not no_wait,
        )
        set_up(options, interactive=is_a_terminal() and not yes, examine=not no_doctor)


def set_up(options: Options, *, interactive: bool, examine: bool) -> None:
    """Ask, write, help with the Slack app, examine. Raises SyncHealthError, and typer.Exit with doctor's code."""
    from bot.cli.init.dialogue import Dialogue
    from bot.cli.init.files import refuse_existing, write_files
    from bot.cli.init.prompts import Prompter, say
    from bot.config.env_file import env_text, inherited
    from bot.config.environment import WAREHOUSE
    from bot.config.new_pipeline import pipeline_text

    prompter = Prompter(interactive)
    folder = _folder(prompter, options)
    refuse_existing(folder, force=options.force)
    values = {**inherited(os.environ), **options.variables}
    if taken := sorted(values.keys() - options.variables.keys()):
        say(f"Taken from the environment: {', '.join(taken)}")
    new = Dialogue(prompter, options, folder).hold(values)
    for line in write_files(folder, pipeline_text(new), env_text(values), values):
        say(line)
    _create_the_app(prompter, folder, new.channel, values)
    code = _examine(folder, values) if examine else 0
    if values.get(WAREHOUSE[0]) == "databricks":
        typer.echo(f"\n{COSTS}")
    _say_what_is_next(folder)
    raise typer.Exit(code)


def _folder(prompter: "Prompter", options: Options) -> Path:
    given = str(options.folder) if options.folder else None
    return prompter.ask("Folder of the pipeline", "FOLDER", Path, given=given, default=".").expanduser().absolute()


def _create_the_app(prompter: "Prompter", folder: Path, channel: str, values: dict[str, str]) -> None:
    """Where the app comes from, and its tokens where somebody has them at hand."""
    from bot.cli.init.files import write_environment
    from bot.cli.init.slack import ask_tokens, steps
    from bot.config.env_file import env_text

    typer.echo("\nThe Slack app:")
    for step in steps(channel):
        typer.echo(step)
    if ask_tokens(prompter, values):
        write_environment(folder, env_text(values))


def _examine(folder: Path, values: Mapping[str, str]) -> int:
    """`doctor` as somebody would run it in the new folder; returns its exit code."""
    typer.echo("\nsync-health doctor:")
    try:
        with _loaded(folder, values):
            doctor()
    except typer.Exit as ended:
        return ended.exit_code
    return 0


@contextmanager
def _loaded(folder: Path, values: Mapping[str, str]) -> Iterator[None]:
    """In the folder, with its .env loaded."""
    from bot.config.env_file import VARIABLES

    before = dict(os.environ)
    os.environ.update({**dict.fromkeys(VARIABLES, ""), **values})
    try:
        with chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _say_what_is_next(folder: Path) -> None:
    typer.echo("\nNext, in a shell:")
    typer.echo(f"  cd {shlex.quote(str(folder))} && set -a && . ./.env && set +a")
    typer.echo("  sync-health check      the validation, once")
    typer.echo("  sync-health run        the bot, until Ctrl-C")
