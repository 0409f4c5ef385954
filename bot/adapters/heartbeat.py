"""Asks HEARTBEAT_URL, in bounded time whatever the other side does."""

import threading
from queue import Empty, Queue

import requests

from bot.errors import SyncHealthError, TemporaryError

TIMEOUT = 5.0  # seconds for a connection and for each silence
WHOLE = 10.0  # seconds for everything: an answer may come in drips


class UrlHeartbeat:
    """ports.Heartbeat. The address is a secret, as a rule: it stands in no error."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, whole: float = WHOLE) -> None:
        self._url, self._timeout, self._whole = url, timeout, whole
        self._late: Queue[SyncHealthError | None] | None = None  # where the answer of a silent monitor will come

    def beat(self) -> None:
        if self._late and self._late.empty():
            raise TemporaryError("the one before has no answer yet")
        outcome: Queue[SyncHealthError | None] = Queue()
        threading.Thread(target=self._ask, args=(outcome,), name="heartbeat", daemon=True).start()
        try:
            error = outcome.get(timeout=self._whole)
        except Empty:
            self._late = outcome
            raise TemporaryError(f"no answer within {self._whole:g} s") from None
        if error:
            raise error

    def _ask(self, outcome: "Queue[SyncHealthError | None]") -> None:
        try:
            with requests.get(self._url, timeout=self._timeout, stream=True, allow_redirects=False) as answer:
                good = answer.ok and not answer.is_redirect
                outcome.put(None if good else TemporaryError(f"the monitor answered {answer.status_code}"))
        except (requests.RequestException, ValueError) as error:  # ValueError: an answer that is no HTTP
            outcome.put(TemporaryError(f"the monitor cannot be reached ({type(error).__name__})"))
