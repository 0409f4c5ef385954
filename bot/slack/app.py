"""The Bolt app: every interaction goes to its handler in a pool of our own."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.errors import PermanentError
from bot.services.authorise import Person
from bot.slack.context import COMMAND, Context
from bot.slack.handlers import Kind, handle
from bot.slack.home import opened
from bot.slack.in_flight import Deliveries
from bot.slack.interaction import Interaction, interaction_from

log = logging.getLogger(__name__)
ANYTHING = re.compile("")


def build_app(ours: Context) -> App:
    """The Bolt app. It asks Slack nothing, neither at the start nor before it knows what somebody wants."""
    app = App(
        client=WebClient(),
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None),  # else Bolt calls auth.test before us
        process_before_response=True,  # listeners are over at once, and need none of Bolt's five threads
        request_verification_enabled=False,
        logger=logging.getLogger("slack_bolt"),
    )

    deliveries = Deliveries()

    def hand_over(kind: Kind) -> Callable[[Ack, dict[str, Any], BoltContext], None]:
        # Slack waits three seconds, and interactions stand in line here: all that happens is that our pool gets them.
        def listener(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
            ack()
            if not deliveries.is_first(str(body.get("trigger_id") or "")):
                log.info("Slack sent a %s again; it is done once", kind)
                return
            ours.receive(replace(interaction_from(body), arrived=context["arrived"]), partial(handle, kind))

        return listener

    app.command(COMMAND)(hand_over("command"))
    app.action(ANYTHING)(hand_over("button"))
    app.view(ANYTHING)(hand_over("submission"))

    @app.event("app_home_opened")
    def home_opened(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        if deliveries.is_first(str(body.get("event_id") or "")):  # events are sent again, and have no trigger
            opened(ours, body)

    @app.error
    def unreadable(error: Exception, body: dict[str, Any]) -> None:
        # Its form alone: what stands in it belongs to a person.
        log.error("Slack sent a %.40s that cannot be read", body.get("type") or "command", exc_info=error)
        if body.get("type") == "event_callback":
            return  # nobody waits for an answer
        ours.take(
            Interaction(Person("", "", ""), "?", response_url=str(body.get("response_url") or "")), _say_unreadable
        )

    return app


def _say_unreadable(_context: Context, _interaction: Interaction) -> None:
    raise PermanentError("Slack sent this in a form that cannot be read, so nothing was done. The log has its form.")
