"""Whose App Home is kept up to date, what Slack shows there, and how many may be published when."""

import hashlib
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.services.authorise import Person
from bot.services.next_step import TRANSIENT

MOST = 300  # people
LATELY = 12 * 3600.0  # real seconds after somebody opened it last, for which it is kept up to date
MINUTE = 60.0
MOMENT = 1.0  # real seconds in which several changes become one
UPDATES, ALL = 30, 60  # publications in a minute: of what changed, and with those that somebody waits for
TRIES = 6  # that fail for one person, with others published in between: then only when they open it again
IN_FRONT = 1  # …after which the one who waits is still served before what has changed for others


@dataclass
class Viewer:
    """Somebody who has opened App Home lately. Times are monotonic."""

    person: Person
    opened: float = 0.0  # or clicked in it
    asked: int = 0  # how often somebody waited for it to be published
    served: int = 0  # …and up to which of these it was
    hash: str = ""  # Slack's name for the version that it shows
    shown: str = ""  # the digest of that version; empty where it is not one that we remember
    published: float = 0.0  # when
    measuring: bool = False  # Refresh was clicked and is not over
    failed: str | None = None  # why that failed; shown as long as nothing newer is known than `failed_after`
    failed_after: datetime | None = None
    failures: int = 0  # publications that failed, since the last that did not
    own: int = 0  # …not counting those with which everybody's did
    again: float = 0.0  # when it is tried after that

    @property
    def waits(self) -> bool:
        """Whether this person has just opened it, or clicked in it, and it is not their own Home that fails."""
        return self.asked > self.served and self.failures <= IN_FRONT


def digest(view: Mapping[str, Any]) -> str:
    """The same for views that look the same."""
    return hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()


class HomeViews:
    """Those who opened App Home lately, in memory: any thread may use it.

    A restart forgets them; Slack tells of each opening, and then it is published again.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._viewers: dict[str, Viewer] = {}  # who opened it last comes last
        self._published: deque[float] = deque()  # when, in the last minute
        self._paused_until = 0.0
        self._failing: set[str] = set()  # for whom it failed since it last succeeded for anybody
        self._woken, self._asked, self._written = threading.Event(), threading.Event(), threading.Event()

    def note_write(self) -> None:
        """What it shows may have changed."""
        self._written.set()
        self._woken.set()

    def take_written(self) -> bool:
        """Whether it may have since this was asked last."""
        written = self._written.is_set()
        self._written.clear()
        return written

    def wake(self) -> None:
        """Let `wait` return."""
        self._asked.set()
        self._woken.set()

    def wait(self, rest: float) -> None:
        """For so many real seconds, until somebody waits for theirs, or until a moment after something has changed."""
        if rest and self._woken.wait(rest):
            self._asked.wait(MOMENT)
        self._woken.clear()
        self._asked.clear()

    def ask(self, person: Person, hash_: str | None, **changes: Any) -> None:
        """Somebody has opened it or clicked in it: it is published at once, with `changes` of what is known of them.

        `hash_` names the version that Slack shows, empty where there is none; None where that is not known.
        """
        with self._guard:
            viewer = self._viewers.setdefault(person.id, Viewer(person))
            viewer.person, viewer.opened, viewer.asked = person, self._monotonic(), viewer.asked + 1
            viewer.failures, viewer.own, viewer.again = 0, 0, 0.0
            if hash_ not in (None, viewer.hash):  # what Slack shows there is not what we remember
                viewer.hash, viewer.shown = hash_ or "", ""
            for name, value in changes.items():
                setattr(viewer, name, value)
            if len(self._viewers) > MOST:
                del self._viewers[min(self._viewers.values(), key=lambda one: one.opened).person.id]
        self.wake()

    def in_turn(self) -> list[Viewer]:
        """Those who wait for it first, then those who were served longest ago; who has not opened it lately goes.

        For whom it failed comes behind the others, and is left out until the pause after that is over.
        """
        with self._guard:
            now = self._monotonic()
            self._viewers = {id_: one for id_, one in self._viewers.items() if one.opened >= now - LATELY}
            due = (one for one in self._viewers.values() if one.again <= now)
            return sorted(due, key=lambda one: (not one.waits, one.failures > 0, one.published))

    def seconds_until_again(self) -> float:
        """How long until the first of those for whom it failed is tried again; endless where there is none."""
        with self._guard:
            now = self._monotonic()
            return min((one.again - now for one in self._viewers.values() if one.again > now), default=math.inf)

    def served(self, viewer: Viewer, up_to: int, shown: str, hash_: str) -> None:
        """Slack shows this version, which is what was asked for `up_to` then."""
        with self._guard:
            if shown != viewer.shown:
                viewer.shown, viewer.published = shown, self._monotonic()
                self._failing.clear()
            viewer.hash, viewer.served = hash_, up_to
            viewer.failures, viewer.own, viewer.again = 0, 0, 0.0

    def failed(self, viewer: Viewer, jitter: float) -> bool:
        """It failed for this person, who is tried again ever later, and is forgotten where it fails for them alone.

        Whether it fails for others too: nobody was published since.
        """
        with self._guard:
            viewer.own += viewer.person.id not in self._failing
            viewer.failures += 1
            viewer.again = self._monotonic() + TRANSIENT.after(viewer.failures - 1, jitter).total_seconds()
            self._failing = {*self._failing & self._viewers.keys(), viewer.person.id}
            if viewer.own >= TRIES:
                self._viewers.pop(viewer.person.id, None)
            return len(self._failing) > 1

    def forget_version(self, viewer: Viewer) -> None:
        """Another process has published to this person."""
        with self._guard:
            viewer.shown = viewer.hash = ""

    def forget(self, viewer: Viewer) -> None:
        """This person is not there any more."""
        with self._guard:
            self._viewers.pop(viewer.person.id, None)

    def pause(self, seconds: float) -> None:
        """Publish nothing for so long."""
        with self._guard:
            self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def seconds_until(self, *, waits: bool) -> float:
        """How long to wait before the next publication; takes its place in this minute where that is not at all."""
        with self._guard:
            now, most = self._monotonic(), ALL if waits else UPDATES
            while self._published and self._published[0] <= now - MINUTE:
                self._published.popleft()
            if now < self._paused_until:
                return self._paused_until - now
            if len(self._published) >= most:
                return self._published[len(self._published) - most] + MINUTE - now
            self._published.append(now)
            return 0.0
