"""Tables and charts: sent as Slack's own blocks until a workspace refuses them, as text from then on."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from bot.errors import BlocksRefusedError, ContentRefusedError

log = logging.getLogger(__name__)
T = TypeVar("T")


class Sendable(Protocol):
    """A message that can be sent with Slack's own tables and charts, or with text in their place."""

    @property
    def is_native(self) -> bool: ...

    def payload(self, *, native: bool = True) -> dict[str, Any]: ...


class NativeBlocks:
    """Whether this workspace takes tables and charts; threads share it. `remember` is told once that it does not."""

    def __init__(self, *, refused: bool = False, remember: Callable[[], object] = lambda: None) -> None:
        self._refused = refused
        self._remember = remember

    def send(self, message: Sendable, send: Callable[[Mapping[str, Any]], T]) -> T:
        """Send it. What is refused with a table or chart in it is sent as text; raises what that raises."""
        if self._refused or not message.is_native:
            return send(message.payload(native=False))
        try:
            return send(message.payload())
        except ContentRefusedError as error:
            of_blocks = isinstance(error, BlocksRefusedError)  # else it was too long, and the next one may be taken
            self._refused = of_blocks  # at once: another attempt, after a 429, begins with text
            try:
                answer = send(message.payload(native=False))
            except ContentRefusedError:  # it was not about tables
                self._refused = False
                raise
            if of_blocks:
                log.warning("this workspace takes no tables and charts (%s): they are sent as text from now on", error)
                self._remember()
            return answer
