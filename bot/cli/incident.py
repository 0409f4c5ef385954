"""`sync-health incident`: the post-mortem of one incident, as Markdown or as JSON, from the state alone."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import AsJson, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.errors import ConfigurationError, RefusedError

if TYPE_CHECKING:
    from bot.answers.history import PostMortem
    from bot.config.settings import Settings


def incident(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Of the incident: last word of its alert.")],
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As Markdown, for a wiki or a file; so it is without --json, too.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Write the post-mortem of an incident: causes, actions, evidence, durations, timeline.

    Reads what the bot remembers and changes nothing. Exit codes: 0 written, 2 there is no such incident, or it could
    not be read.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.cli.launch import announced_settings

        if markdown and as_json:
            raise ConfigurationError(["--markdown and --json: choose one"])
        settings = announced_settings()
        found = _post_mortem(settings, number)
        if as_json:
            from bot.cli.incident_as_json import post_mortem_as_json

            print_json(post_mortem_as_json(found))
        else:
            from bot.messages.incident_markdown import incident_markdown

            typer.echo(incident_markdown(found, settings), nl=False)


def _post_mortem(settings: "Settings", number: str) -> "PostMortem":
    from bot.runtime.composition import clock_from_environment, remembered
    from bot.services.show_post_mortem import show_post_mortem

    if (store := remembered(settings)) is None:
        raise RefusedError("There is no incident yet: no bot has run with this state")
    try:
        return show_post_mortem(store, clock_from_environment().now(), number)
    finally:
        store.close()
