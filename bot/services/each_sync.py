"""Ask Census about each sync, some at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.config.syncs import SyncSettings
from bot.ports import Sources

T = TypeVar("T")
AT_ONCE = 32  # syncs that Census is asked for


def each_sync(sources: Sources, only: SyncSettings | None, ask: Callable[[SyncSettings], T]) -> list[T]:
    """The answers in the order of pipeline.yml, of one sync alone where it is given."""
    return [ask(only)] if only else each_of(sources.settings.syncs, ask)


def each_of(syncs: Sequence[SyncSettings], ask: Callable[[SyncSettings], T]) -> list[T]:
    """The answers in the order of the syncs."""
    with ThreadPoolExecutor(AT_ONCE, "each-sync") as pool:
        return list(pool.map(ask, syncs))
