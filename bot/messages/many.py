"""Many syncs in one message: the worst of them, and the rest as counts."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from checks.numbers import count_of

MOST = 20  # syncs of a message, so that checks and incidents have room beside them

T = TypeVar("T")


def worst_of(syncs: Sequence[T], rank: Callable[[T], object]) -> tuple[list[T], list[T]]:
    """Those to show, the lowest `rank` first, and the others; few stay in the order of pipeline.yml."""
    if len(syncs) <= MOST:
        return list(syncs), []
    ordered = sorted(syncs, key=rank)  # type: ignore[arg-type]
    return ordered[:MOST], ordered[MOST:]


def others_line(kinds: Iterable[str], command: str) -> str:
    """`180 more syncs: 8 paused, 172 on`, and which command shows one of them."""
    counts = Counter(kinds)
    listed = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    return f"{count_of(counts.total(), 'more sync')}: {listed} · `/sync-health {command}` and a sync's name shows one"
