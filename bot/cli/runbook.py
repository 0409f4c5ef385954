"""`sync-health runbook`: what to do, also while Slack is down."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import told
from bot.cli.logs import log_to_stderr

if TYPE_CHECKING:
    from bot.answers.operations import RunbookPage
    from bot.config.settings import Settings


def runbook(
    topic: Annotated[
        list[str] | None, typer.Argument(metavar="TOPIC", help="A check, a class of rejections, an emergency.")
    ] = None,
) -> None:
    """Print a section of the runbook, or the topics that there are. Asks nothing outside of this machine.

    Exit codes: 0 printed, 2 there is no such topic.
    """
    log_to_stderr(verbose=False)
    with told():
        from bot.cli.launch import announced_settings
        from bot.cli.terminal import print_table
        from bot.services.show_runbook import show_runbook, topics

        settings = announced_settings()
        if topic:
            _print_page(show_runbook(settings, " ".join(topic)), settings)
        else:
            print_table(("topic", "what it is about"), (one for listed in topics(settings).values() for one in listed))


def _print_page(page: "RunbookPage", settings: "Settings") -> None:
    """The section as it is written, with whom to ask."""
    from bot.cli.terminal import print_line

    operators = " ".join((*settings.operators.users, *settings.operators.groups))
    people = f"Owner {page.owner or 'none'} · Operators {operators or 'none'} (owner and operators in pipeline.yml)"
    step = [f"Next step: {page.next_step}", ""] if page.next_step else []
    for line in (page.section.title, "", *step, *page.section.text.splitlines(), "", people):
        print_line(line)
