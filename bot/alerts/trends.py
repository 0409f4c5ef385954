"""Where a queue is heading, from the sizes that were measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTEST = timedelta(minutes=10)  # less says nothing: runs come and go within it


@dataclass(frozen=True)
class Trend:
    """How a queue changed over a while; what comes in meanwhile is counted against what goes."""

    drained: int  # rows; negative where the queue grew
    over: timedelta
    to_empty: timedelta | None  # at this pace; None while it does not shrink

    @property
    def per_hour(self) -> float:
        """Rows that it lost in an hour."""
        return self.drained / (self.over.total_seconds() / 3600)


def trend_of(sizes: Sequence[tuple[datetime, int]]) -> Trend | None:
    """From the first size to the last; None where they are too close to say."""
    if not sizes or (over := sizes[-1][0] - sizes[0][0]) < SHORTEST:
        return None
    left = sizes[-1][1]
    drained = sizes[0][1] - left
    return Trend(drained, over, over * (left / drained) if drained > 0 else None)
