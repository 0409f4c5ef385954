"""Single flight: equal questions to Census or the warehouse share one answer."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from bot.ports import Clock
from bot.services.fair_pool import FairPool

T = TypeVar("T")
KEPT = 5.0  # seconds of the pipeline's time that an answer serves those who ask the same again


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What was found, and when (UTC) it was asked for."""

    value: T
    as_of: datetime


@dataclass
class _Flight:
    future: Future[Answer[Any]]
    ended: float | None = None  # monotonic


class SharedAnswers:
    """Questions in flight, and for a few seconds after; each distinct one takes a single worker of `pool`."""

    def __init__(self, clock: Clock, pool: FairPool) -> None:
        self._clock, self._pool = clock, pool
        self._guard = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def ask(self, person: str, question: Hashable, find: Callable[[], T], *, keep: float = KEPT) -> Future[Answer[T]]:
        """The answer to come, or the one that was found less than `keep` seconds of the pipeline's time ago.

        Failures are not kept. Raises RuntimeError when the pool is shut down.
        """
        with self._guard:
            now, speed = self._clock.monotonic(), self._clock.speed
            for known, flight in list(self._flights.items()):
                if flight.ended is not None and now - flight.ended > KEPT / speed:
                    del self._flights[known]
            shared = self._flights.get(question)
            if shared and (shared.ended is None or now - shared.ended < keep / speed):
                self._pool.join(person, shared.future)
                return shared.future
            mine = _Flight(self._pool.submit(person, partial(self._find_dated, find)))
            self._flights[question] = mine
        mine.future.add_done_callback(lambda _: self._keep_answer(question, mine))
        return mine.future

    def forget(self) -> None:
        """After a write of ours: who asks from now on asks anew, also where an answer is on its way."""
        with self._guard:
            self._flights.clear()

    def _find_dated(self, find: Callable[[], T]) -> Answer[T]:
        as_of = self._clock.now()
        return Answer(find(), as_of)

    def _keep_answer(self, question: Hashable, flight: _Flight) -> None:
        with self._guard:
            flight.ended = self._clock.monotonic()
            failed = flight.future.cancelled() or flight.future.exception() is not None
            if failed and self._flights.get(question) is flight:
                del self._flights[question]
