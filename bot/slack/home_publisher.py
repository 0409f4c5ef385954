"""Publishes App Home to those who opened it lately, whenever what it shows has changed, within Slack's limits."""

import dataclasses
import logging
from datetime import timedelta
from typing import Any

from bot.answers.health import Home, Summary
from bot.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PermanentError,
    RefusedError,
    StateError,
    TemporaryError,
)
from bot.messages.home import MOST, home_view, small_home_view, strangers_view
from bot.messages.summary import urgency
from bot.services.show_home import show_home
from bot.services.show_incident import as_it_stands
from bot.slack.commands import summarised
from bot.slack.context import Context
from bot.slack.home_views import Viewer, digest
from bot.transport.slack_api import call
from checks.numbers import duration

log = logging.getLogger(__name__)
LOOK = 15.0  # real seconds: how late is seen what is written nowhere, and what other processes have written
REFUSED = 300.0  # real seconds until an app whose Home is turned off, or whose token is refused, is tried again
TICKS, SHORTEST = 3, 60.0  # evaluations missed, and real seconds, after which what is known is too old to be a state

View = dict[str, Any]


class HomePublisher:
    """One thread uses it: who is published when stands in `context.app_home`."""

    def __init__(self, context: Context) -> None:
        self._context, self._homes = context, context.app_home
        self._facts: Home | None = None
        self._read_at = 0.0  # monotonic
        self._rendered: dict[tuple[bool, str | None], tuple[View, str]] = {}

    def publish_next(self) -> float:
        """Publish to one person whose Home is not as it should be; how many real seconds there is nothing else to do.

        Raises TemporaryError, UncertainError: Slack does not take it now.
        """
        for viewer in self._homes.in_turn():
            asked, (view, looks) = viewer.asked, self._view_for(viewer)
            if looks == viewer.shown:
                self._homes.served(viewer, asked, looks, viewer.hash)
                continue
            if wait := self._homes.seconds_until(waits=viewer.waits):
                return min(wait, LOOK)
            self._publish(viewer, asked, view, looks)
            return 0.0
        return LOOK

    def _publish(self, viewer: Viewer, asked: int, view: View, looks: str) -> None:
        try:
            version = self._send(viewer, view)
        except ConflictError:
            log.info("App Home of %s was published by another process; it is rendered again", viewer.person.id)
            self._homes.forget_version(viewer)
        except NotFoundError as error:
            log.info("App Home of %s is published no more: %s", viewer.person.id, error)
            self._homes.forget(viewer)
        except AccessError as error:
            log.warning("App Home is not published for %s: %s", duration(timedelta(seconds=REFUSED)), error)
            self._homes.pause(REFUSED)
        except PermanentError as error:
            log.warning("App Home of %s is shortened to its headline: %s", viewer.person.id, error)
            self._homes.served(viewer, asked, looks, self._send_small(viewer))
        except TemporaryError as error:
            if error.retry_after is None:
                raise
            log.info("App Home waits: %s", error)
            self._homes.pause(error.retry_after)
        else:
            self._homes.served(viewer, asked, looks, version)

    def _send(self, viewer: Viewer, view: View) -> str:
        """Slack's name for this version."""
        known = {"hash": viewer.hash} if viewer.hash else {}
        answer = call(self._context.client.views_publish, user_id=viewer.person.id, view=view, **known)
        published = answer.get("view")
        return str(published.get("hash") or "") if isinstance(published, dict) else ""

    def _send_small(self, viewer: Viewer) -> str:
        """Until something changes: what is refused as well is not tried again before that."""
        try:
            return self._send(viewer, small_home_view(self._known(), self._context.ports.settings))
        except PermanentError as error:
            log.warning("App Home of %s is refused, shortened as it is: %s", viewer.person.id, error)
            return ""

    def _view_for(self, viewer: Viewer) -> tuple[View, str]:
        """What this person sees, and its digest: all of our workspace the same, apart from their own Refresh."""
        try:
            self._context.home.admit(viewer.person)
        except RefusedError:
            return (strange := strangers_view()), digest(strange)
        known = self._known()
        evaluation = known.summary.evaluation
        if viewer.failed and evaluation:
            viewer.failed_after = viewer.failed_after or evaluation.checked_at
            viewer.failed = viewer.failed if viewer.failed_after == evaluation.checked_at else None
        own = (viewer.measuring, viewer.failed or known.summary.failed)
        if own not in self._rendered:  # once for all who see the same
            summary = dataclasses.replace(known.summary, measuring=own[0], failed=own[1])
            view = home_view(dataclasses.replace(known, summary=summary), self._context.ports.settings)
            self._rendered[own] = (view, digest(view))
        return self._rendered[own]

    def _known(self) -> Home:
        """What there is to show, read again once something was written, or after a while."""
        written, now = self._homes.take_written(), self._context.ports.clock.monotonic()
        if self._facts is None or written or now - self._read_at >= LOOK:
            self._facts, self._read_at = self._read(), now
            self._rendered.clear()
        return self._facts

    def _read(self) -> Home:
        ports = self._context.ports
        now, summary = ports.clock.now(), summarised(self._context, ports.clock.monotonic())
        incidents = tuple(as_it_stands(one, now) for one in summary.incidents)
        summary = dataclasses.replace(summary, incidents=incidents, failed=self._too_old(summary))
        shown = tuple(sorted(incidents, key=urgency)[:MOST])
        try:
            week, roots = show_home(ports, shown)
        except StateError as error:
            self._context.checker.state.failed(error)
            return Home(summary, shown)
        return Home(summary, shown, self._context.links_to(roots), week)

    def _too_old(self, summary: Summary) -> str | None:
        """Why nobody knows how it is now, where evaluations have stopped: the one shown is not of this hour."""
        ports, evaluation = self._context.ports, summary.evaluation
        if evaluation is None:
            return None
        patience = max(TICKS * ports.settings.schedule.tick, timedelta(seconds=SHORTEST * ports.clock.speed))
        return (
            f"none completed for more than {duration(patience)}"
            if ports.clock.now() - evaluation.checked_at > patience
            else None
        )
