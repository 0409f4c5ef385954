"""What the bot's statements cost a warehouse: how long it is awake because of them, by local day; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ASSUMED_AUTO_STOP = timedelta(
    minutes=10
)  # where a warehouse does not tell its own: the shortest that Databricks' API takes
Span = tuple[datetime, datetime]


class Purpose(StrEnum):
    """What a statement was sent for."""

    MEASURE = "measure"  # numbers, for an evaluation, a dialog or somebody who asked
    QUEUE = "queue"  # the groups and first records of a backlog, and which of it was rejected
    TRACE = "trace"  # of one record, and the row of the run that carried it
    EXAMPLES = "examples"  # records in an alert
    SNAPSHOT = "snapshot"  # written or read
    TILE = "tile"  # of the dashboard, for somebody who asked
    RUN_LOG = "run log"  # completed runs in the audit log
    DEPLOY = "deploy"
    START = "start"  # a command that waits for a stopped warehouse
    EXAMINE = "examine"  # what tables and columns there are


@dataclass(frozen=True)
class SentStatement:
    """One statement, from when to when it ran (the pipeline's time, UTC), answered or not."""

    purpose: Purpose
    begin: datetime
    end: datetime
    auto_stop: timedelta | None  # of the warehouse; zero: it never stops by itself, None: not known
    woke: bool = False  # the warehouse was stopped before

    @property
    def awake(self) -> Span:
        """From when to when the warehouse is awake because of it, at most."""
        stops = ASSUMED_AUTO_STOP if self.auto_stop is None else self.auto_stop
        return self.begin, max(self.begin, self.end) + stops


@dataclass(frozen=True)
class Usage:
    """How many statements were sent for a purpose on a local day, and what is known of the warehouse then."""

    day: date
    purpose: str
    statements: int
    woke: int
    auto_stop_unknown: int  # so many of them; ASSUMED_AUTO_STOP counts
    auto_stop_off: int  # the same; nothing is counted after their end


def usage_by_day(statements: Iterable[SentStatement], zone: ZoneInfo) -> list[Usage]:
    """Counted by the local day of their beginning and by purpose."""
    found: dict[tuple[date, Purpose], list[SentStatement]] = defaultdict(list)
    for one in statements:
        found[one.begin.astimezone(zone).date(), one.purpose].append(one)
    return [
        Usage(
            day,
            purpose,
            len(some),
            sum(one.woke for one in some),
            sum(one.auto_stop is None for one in some),
            sum(one.auto_stop == timedelta(0) for one in some),
        )
        for (day, purpose), some in sorted(found.items())
    ]


def awake_spans(spans: Iterable[Span]) -> list[Span]:
    """Their union, in order: what overlaps or meets is one."""
    union: list[Span] = []
    for begin, end in sorted(spans):
        if union and begin <= union[-1][1]:
            union[-1] = union[-1][0], max(union[-1][1], end)
        else:
            union.append((begin, end))
    return union


def awake_by_day(spans: Iterable[Span], zone: ZoneInfo, until: datetime) -> Mapping[date, timedelta]:
    """How much of each local day their union covers; what lies after `until` has not happened yet."""
    days: dict[date, timedelta] = defaultdict(timedelta)
    for begin, stops in awake_spans(spans):
        at, end = begin, min(stops, until)
        while at < end:
            day = at.astimezone(zone).date()
            midnight = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
            days[day] += min(end, midnight) - at
            at = min(end, midnight)
    return days
