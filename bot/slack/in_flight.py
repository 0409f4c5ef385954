"""Whose interactions are in progress, so that one person cannot take the place of all others."""

import threading
from collections import Counter

MOST_PER_PERSON = 60


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
