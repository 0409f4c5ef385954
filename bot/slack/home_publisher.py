"""Publishes App Home to those who opened it lately, whenever what it shows has changed, within Slack's limits."""

import dataclasses
import logging
from collections.abc import Callable
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
    SyncHealthError,
    TemporaryError,
    UncertainError,
)
from bot.messages.home import MOST, home_view, small_home_view, strangers_view
from bot.messages.summary import urgency
from bot.services.show_home import show_home
from bot.services.show_incident import as_it_stands
from bot.slack.commands import summarised
from bot.slack.context import Context
from bot.slack.home_views import TRIES, Viewer, digest
from bot.transport.slack_api import call
from checks.numbers import duration

log = logging.getLogger(__name__)
LOOK = 15.0  # real seconds: how late is seen what is written nowhere, and what other processes have written
REFUSED = 300.0  # real seconds until an app whose Home is turned off, or whose token is refused, is tried again
TICKS, SHORTEST = 3, 60.0  # evaluations missed, and real seconds, after which what is known is too old to be a state

View = dict[str, Any]
Views = tuple[View, ...]  # in full, then what is shown where Slack refuses that


class HomePublisher:
    """One thread uses it: who is published when stands in `context.app_home`."""

    def __init__(self, context: Context, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self._context, self._homes, self._jitter = context, context.app_home, jitter
        self._facts: Home | None = None
        self._read_at = 0.0  # monotonic
        self._rendered: dict[tuple[bool, str | None], tuple[Views, str]] = {}

    def publish_next(self) -> float:
        """Publish to one person whose Home is not as it should be; how many real seconds there is nothing else to do.

        Raises TemporaryError, UncertainError: Slack takes nobody's now.
        """
        for viewer in self._homes.in_turn():
            asked, (views, looks) = viewer.asked, self._views_for(viewer)
            if looks == viewer.shown:
                self._homes.served(viewer, asked, looks, viewer.hash)
                continue
            if wait := self._homes.seconds_until(waits=viewer.waits):
                return min(wait, LOOK)
            self._publish(viewer, asked, views, looks)
            return 0.0
        return min(LOOK, self._homes.seconds_until_again())

    def _publish(self, viewer: Viewer, asked: int, views: Views, looks: str) -> None:
        named = viewer.hash
        try:
            version = self._send_first(viewer, views)
        except ConflictError as error:
            self._homes.forget_version(viewer)
            if not named:  # there was no version of ours to be in conflict
                self._try_later(viewer, error)
            else:
                log.info("App Home of %s was published by another process; it is rendered again", viewer.person.id)
        except NotFoundError as error:
            log.info("App Home of %s is published no more: %s", viewer.person.id, error)
            self._homes.forget(viewer)
        except AccessError as error:
            log.warning("App Home is not published for %s: %s", duration(timedelta(seconds=REFUSED)), error)
            self._homes.pause(REFUSED)
        except TemporaryError as error:
            if error.retry_after is None:
                raise
            log.info("App Home waits: %s", error)
            self._homes.pause(error.retry_after)
        except UncertainError as error:
            self._try_later(viewer, error)
        else:
            self._homes.served(viewer, asked, looks, version)

    def _try_later(self, viewer: Viewer, error: SyncHealthError) -> None:
        """The others go on, unless it fails for them too: then Slack takes nobody's now."""
        if self._homes.failed(viewer, self._jitter()):
            raise error
        level = logging.DEBUG if viewer.failures > 1 else logging.WARNING
        log.log(level, "App Home of %s is not published: %s; trying again later", viewer.person.id, error)
        if viewer.own >= TRIES:
            log.warning("App Home of %s is not published until it is opened again: %s", viewer.person.id, error)

    def _send_first(self, viewer: Viewer, views: Views) -> str:
        """The first of these that Slack takes: its name for this version.

        Empty where it refuses them all, which are not tried again until something changes.
        """
        for view in views:
            try:
                return self._send(viewer, view)
            except (ConflictError, NotFoundError, AccessError):
                raise
            except PermanentError as error:
                then = "refused, short as it is" if view is views[-1] else "shortened to its headline"
                log.warning("App Home of %s is %s: %s", viewer.person.id, then, error)
        return ""

    def _send(self, viewer: Viewer, view: View) -> str:
        known = {"hash": viewer.hash} if viewer.hash else {}
        answer = call(self._context.client.views_publish, user_id=viewer.person.id, view=view, **known)
        published = answer.get("view")
        return str(published.get("hash") or "") if isinstance(published, dict) else ""

    def _views_for(self, viewer: Viewer) -> tuple[Views, str]:
        """What this person sees, and its digest: all of our workspace the same, apart from their own Refresh."""
        try:
            self._context.home.admit(viewer.person)
        except RefusedError:
            strange = strangers_view()
            return (strange,), digest(strange)
        known = self._known()
        evaluation = known.summary.evaluation
        if viewer.failed and evaluation:
            viewer.failed_after = viewer.failed_after or evaluation.checked_at
            viewer.failed = viewer.failed if viewer.failed_after == evaluation.checked_at else None
        own = (viewer.measuring, viewer.failed or known.summary.failed)
        if own not in self._rendered:  # once for all who see the same
            summary = dataclasses.replace(known.summary, measuring=own[0], failed=own[1])
            mine, settings = dataclasses.replace(known, summary=summary), self._context.ports.settings
            view = home_view(mine, settings)
            self._rendered[own] = ((view, small_home_view(mine, settings)), digest(view))
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
