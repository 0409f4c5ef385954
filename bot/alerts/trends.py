"""Whether a backlog grows or shrinks, from the sizes that were measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

SHORTEST = timedelta(minutes=10)  # less says nothing: runs come and go within it
FILLING = timedelta(hours=1)  # a queue grows for so long between two hourly runs, and that is no trend
FAR = timedelta(days=3)  # a trend of two hours says nothing of what comes later
Sizes = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Trend:
    """How a queue changed over a while; what comes in meanwhile is counted against what goes."""

    drained: float  # rows; negative where the queue grew
    over: timedelta
    to_empty: timedelta | None  # at this pace; None while it does not shrink

    @property
    def per_hour(self) -> float:
        """Rows that it lost in an hour."""
        return self.drained / (self.over.total_seconds() / 3600)


def trend_of(sizes: Sizes) -> Trend | None:
    """From the first size to the last that can be compared; None where that says nothing."""
    like = _comparable(sizes)
    if not like or (over := like[-1][0] - like[0][0]) < SHORTEST:
        return None
    drained = like[0][1] - like[-1][1]
    return Trend(drained, over, over * (sizes[-1][1] / drained) if drained > 0 else None)


def time_to_reach(trend: Trend, size: int, number: float) -> timedelta | None:
    """When a backlog that grows goes on to this number; None where it does not grow, is there, or that is far off."""
    if trend.per_hour >= 0 or size >= number:
        return None
    hours = (number - size) / -trend.per_hour
    return timedelta(hours=hours) if hours <= FAR / timedelta(hours=1) else None


def _comparable(sizes: Sizes) -> Sizes:
    """Of a queue that fills and is emptied again, only its sizes after each run; none where these go up and down."""
    if not sizes:
        return []
    steps = [later - earlier for (_, earlier), (_, later) in pairwise(sizes)]
    if not any(step > 0 for step in steps):
        return sizes
    if not any(step < 0 for step in steps):
        return sizes if sizes[-1][0] - sizes[0][0] > FILLING else []
    turns = [next(same) for _, same in groupby(sizes, key=lambda one: one[1])]
    after = [b for a, b, c in zip(turns, turns[1:], turns[2:], strict=False) if a[1] > b[1] < c[1]]
    if after and turns[-1][1] < after[-1][1]:  # being emptied, and further than the last time
        after.append(turns[-1])
    sides = {later > earlier for (_, earlier), (_, later) in pairwise(after) if later != earlier}
    return after if len(sides) == 1 else []
