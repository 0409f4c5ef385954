"""Ask Census about each sync, some at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.config.syncs import SyncSettings
from bot.ports import Sources

T = TypeVar("T")
AT_ONCE = 32  # syncs that Census is asked for


def each_sync(sources: Sources, only: SyncSettings | None, ask: Callable[[SyncSettings], T]) -> list[T]:
    """The answers in the order of pipeline.yml, of one sync alone where it is given."""
    if only:
        return [ask(only)]
    with ThreadPoolExecutor(AT_ONCE, "each-sync") as pool:
        return list(pool.map(ask, sources.settings.syncs))
