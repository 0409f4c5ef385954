"""Requests in progress per person, so that nobody can take the place of all others."""

import threading
import time
from collections import Counter

MOST_PER_PERSON = 60
REMEMBERED = 2000  # interactions: more than arrive within a minute
GRACE = 10.0  # real seconds


class InFlight:
    """Interactions that were acknowledged and are not answered yet; any thread may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._by_person: Counter[str] = Counter()

    def begin(self, person: str) -> None:
        """One more."""
        with self._changed:
            self._by_person[person] += 1

    def end(self, person: str) -> None:
        """One less."""
        with self._changed:
            self._by_person[person] -= 1
            if not self._by_person[person]:
                del self._by_person[person]
                self._changed.notify_all()

    def count(self) -> int:
        """Of everybody."""
        with self._changed:
            return self._by_person.total()

    def is_full(self, person: str) -> bool:
        """Whether this person has to wait for answers before they ask again."""
        with self._changed:
            return self._by_person[person] >= MOST_PER_PERSON

    def wait_until_none(self, seconds: float) -> bool:
        """Whether everything was answered within so many real seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._by_person, seconds)


class Deliveries:
    """Which interactions arrived, by the trigger that each has for itself; any thread may use it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seen: dict[str, None] = {}  # in the order in which they came

    def is_first(self, trigger_id: str) -> bool:
        """Whether this one has not arrived before; what has no trigger always is."""
        if not trigger_id:
            return True
        with self._guard:
            if trigger_id in self._seen:
                return False
            self._seen[trigger_id] = None
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
            return True


class Grace:
    """How long people are still answered once the bot stops taking anything: from the first time somebody asks."""

    def __init__(self, seconds: float = GRACE) -> None:
        self._seconds = seconds
        self._ends: float | None = None

    def lasts(self) -> bool:
        """Whether there is time for another answer."""
        if self._ends is None:
            self._ends = time.monotonic() + self._seconds
        return time.monotonic() < self._ends
