"""App Home: who has opened it, and what its buttons do, which stand in no message and have no response_url."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from bot.model import Evaluation
from bot.services.authorise import Person
from bot.slack.commands import why_failed
from bot.slack.context import Context, Work
from bot.slack.dialogs import dialog
from bot.slack.interaction import Interaction

log = logging.getLogger(__name__)
ANSWERED = {  # in a dialog of this title: App Home has no place for an answer
    "take_over": "Take over",
    "unacknowledge": "Unacknowledge",
    "escalate": "Escalate now",
    "timeline": "Timeline",
    "snapshot": "Audit snapshot",
    "runs": "Runs",
    "queue": "Backlogs",
    "errors": "Rejected records",
    "schedules": "Schedules",
    "runbook": "Runbook",
    "help": "Commands",
}


def opened(context: Context, body: Mapping[str, Any]) -> None:
    """Somebody has opened a tab of the app, which Slack tells each time; nothing is asked here, so it never waits."""
    match body.get("event"):
        case {"tab": "messages" | "about"}:
            return
        case {"tab": "home", "user": str(user), "view": {"hash": str(version)}} if user:
            pass
        case {"tab": "home", "user": str(user), **rest} if user and not rest.get("view"):
            version = ""  # none before the first one was published
        case _:  # its form alone: what stands in it belongs to a person
            log.warning("Slack told of an opened App Home in a form that cannot be read; it is ignored")
            return
    context.app_home.ask(Person(user, str(body.get("team_id") or ""), home_team=""), version)


def in_home(word: str, work: Work) -> Work:
    """What a button does in App Home: its answer stands in a dialog, and Home shows at once what came of it."""
    if word in ("refresh", "check"):
        return refresh_home
    answered = dialog(ANSWERED[word], work) if word in ANSWERED else work

    def act(context: Context, interaction: Interaction) -> None:
        try:
            answered(context, interaction)
        finally:
            context.app_home.ask(interaction.person, interaction.home)

    return act


def refresh_home(context: Context, interaction: Interaction) -> None:
    """Evaluate now; Home says that newer values follow, and then shows them."""
    flight, _ = context.checker.begin(asked=interaction.arrived)
    context.app_home.ask(interaction.person, interaction.home, measuring=True, failed=None)
    context.follow(interaction, flight, _show_evaluated)


def _show_evaluated(context: Context, interaction: Interaction, flight: "Future[Evaluation]") -> None:
    why = why_failed(context, interaction, flight)
    context.app_home.ask(interaction.person, None, measuring=False, failed=why, failed_after=None)
    if why and (error := flight.exception()):
        context.audit(interaction, error)
