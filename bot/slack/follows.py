"""Which records are followed for whom: a few each, and no record twice."""

import threading
from datetime import datetime

MOST = 3  # records that one person follows at once
MOST_OF_ALL = 30


class Follows:
    """Any thread may use it. What is not ended in time is forgotten: whatever became of it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._until: dict[tuple[str, str], datetime] = {}  # by person and record

    def begin(self, person: str, record: str, until: datetime, now: datetime) -> bool:
        """Take it; False where this person follows it already or as many as one may, or all do."""
        with self._guard:
            self._until = {one: end for one, end in self._until.items() if end > now}
            mine = sum(who == person for who, _ in self._until)
            if (person, record) in self._until or mine >= MOST or len(self._until) >= MOST_OF_ALL:
                return False
            self._until[person, record] = until
            return True

    def end(self, person: str, record: str) -> None:
        """It is over."""
        with self._guard:
            self._until.pop((person, record), None)
