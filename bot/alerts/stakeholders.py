"""What people who use the data noticed of a week: wrong values, late changes, times that nobody could check; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.alerts.causes import BACKLOG, BEHIND
from bot.alerts.incident_figures import Figures
from bot.alerts.offers import SUSPECT
from checks.model import Check

WORTH_TELLING = timedelta(hours=2)  # of a delay; a shorter one is counted
TOGETHER = timedelta(hours=1)  # what begins so soon after the end of another is told as one
MOST = 5  # events that a note tells of
NONE = timedelta(0)
GROWTH = 1.1  # how much more records than a note says may be concerned by now
LONGEST_ADDED = 500  # characters of what somebody adds to one


class Effect(StrEnum):
    """What an incident means for people who use the data."""

    WRONG = "wrong"  # values in the destination were wrong or missing
    FOUND = "found"  # a check of the data found something, and does not say that it is about the destination
    LATE = "late"  # changes reached it later than usual
    UNCHECKED = "unchecked"  # nobody knows


DATA = (Effect.WRONG, Effect.FOUND)


@dataclass(frozen=True)
class Event:
    """One effect from its begin to its end, from incidents that overlap."""

    effect: Effect
    begin: datetime
    end: datetime
    lasted: timedelta  # while any was open
    is_open: bool
    in_hand: bool  # somebody has acknowledged what is open
    most: int | None = None  # records, where a check counts them
    is_solved: bool = True  # False while it is open, and where nothing looks at it any more


@dataclass(frozen=True)
class Effects:
    """A week for people who use the data; events oldest first. `checks_values`: whether anything looks at values."""

    since: datetime
    until: datetime
    events: tuple[Event, ...] = ()
    short_delays: int = 0  # that were over within two hours
    unchecked: timedelta = NONE
    checks_values: bool = True
    evaluated: bool = True
    next_note: date | None = None  # of the pipeline's zone

    @property
    def open(self) -> tuple[Event, ...]:
        """What is not over."""
        return tuple(one for one in self.events if one.is_open)

    def any_of(self, *effects: Effect) -> bool:
        """Whether there was any of these kinds."""
        return any(one.effect in effects for one in self.events)


@dataclass(frozen=True)
class Reader:
    """A channel that a note goes to, and who reads there."""

    channel: str
    audience: str


@dataclass(frozen=True)
class Note:
    """A note as somebody was shown it before sending, and when it was sent; its words follow from its facts alone.

    `seen` are the incidents as they stood, to see whether that changed meanwhile.
    """

    id: int
    by: str  # a Slack user id
    created_at: datetime
    effects: Effects
    readers: tuple[Reader, ...]
    seen: tuple[str, ...] = ()
    added: str = ""  # in the words of whoever sent it
    sent_at: datetime | None = None


def effect_of(one: Figures, check: Check | None) -> Effect | None:
    """What an incident means for them; None: nothing. `check` is its check, where pipeline.yml has it still."""
    incident = one.incident
    if incident.source == "bot":
        return Effect.UNCHECKED
    if (check.metric if check else incident.check) == SUSPECT:  # nothing of it is in the destination yet
        return None
    if incident.source != "databricks" or incident.sync is not None:
        return Effect.LATE
    return Effect.WRONG if check and BEHIND & check.cases.keys() else Effect.FOUND


def events_of(
    known: Iterable[tuple[Figures, Check | None]], since: datetime, until: datetime
) -> tuple[tuple[Event, ...], int, timedelta]:
    """What is told of a window: its events, how many short delays it had, and how long its checks could not run."""
    by_effect: dict[Effect, list[tuple[Figures, Check | None]]] = {effect: [] for effect in Effect}
    for one, check in known:
        if effect := effect_of(one, check):
            by_effect[effect].append((one, check))
    data = [one for effect in DATA for one in _merged(effect, by_effect[effect], since, until)]
    late = _merged(Effect.LATE, by_effect[Effect.LATE], since, until)
    told = [one for one in late if one.is_open or one.lasted >= WORTH_TELLING]
    unchecked = sum((one.lasted for one in _merged(Effect.UNCHECKED, by_effect[Effect.UNCHECKED], since, until)), NONE)
    return tuple(sorted([*data, *told], key=lambda one: one.begin)), len(late) - len(told), unchecked


def state_of(known: Iterable[tuple[Figures, Check | None]]) -> tuple[str, ...]:
    """What a note says of each incident: which, whether it is over, how many records, whether it is acknowledged."""
    return tuple(
        f"{one.incident.id} {one.is_open} {one.severity} {one.reopened} {_told(one, check)} {_in_hand(one):d}"
        for one, check in known
    )


def is_still_so(seen: Sequence[str], known: Iterable[tuple[Figures, Check | None]]) -> bool:
    """Whether what a note says of the incidents as they were `seen` may still be said.

    Also where somebody has acknowledged one since: that the team was alerted stays true. Not where an acknowledgment
    was given back, as nobody may be working on it, nor where many more records are concerned.
    """
    found = state_of(known)
    return len(found) == len(seen) and all(map(_is_no_worse, seen, found))


def _is_no_worse(then: str, now: str) -> bool:
    *facts, records, in_hand = then.split()
    *facts_now, records_now, in_hand_now = now.split()
    return facts == facts_now and int(records_now) <= int(records) * GROWTH and in_hand <= in_hand_now


def _told(one: Figures, check: Check | None) -> int:
    effect = effect_of(one, check)
    return (effect and _count(effect, one, check)) or 0


def _in_hand(one: Figures) -> bool:
    return one.is_open and one.incident.acked_by is not None


def _merged(
    effect: Effect, known: Sequence[tuple[Figures, Check | None]], since: datetime, until: datetime
) -> list[Event]:
    """Spans that overlap or follow soon as one event, oldest first."""
    spans = sorted(
        ((max(begin, since), min(end, until), one, check) for one, check in known for begin, end in one.spans),
        key=lambda span: span[:2],
    )
    groups: list[list[tuple[datetime, datetime, Figures, Check | None]]] = []
    for span in spans:
        if span[1] < span[0] or span[1] <= since:
            continue
        if groups and span[0] <= max(end for _, end, _, _ in groups[-1]) + TOGETHER:
            groups[-1].append(span)
        else:
            groups.append([span])
    return [_event(effect, group) for group in groups]


def _event(effect: Effect, group: Sequence[tuple[datetime, datetime, Figures, Check | None]]) -> Event:
    lasted, reached = NONE, group[0][0]
    for begin, end, _, _ in group:
        lasted += max(end - max(begin, reached), NONE)
        reached = max(reached, end)
    still = [one for _, end, one, _ in group if one.is_open and end == one.spans[-1][1]]
    counts = [count for _, _, one, check in group if (count := _count(effect, one, check)) is not None]
    in_hand = bool(still) and all(map(_in_hand, still))
    closed = any(one.ended is not None and one.recovered_at is None for _, _, one, _ in group)
    most, is_solved = max(counts, default=None), not still and not closed
    return Event(effect, group[0][0], reached, lasted, bool(still), in_hand, most, is_solved)


def _count(effect: Effect, one: Figures, check: Check | None) -> int | None:
    """The records that it was about at its worst, where its check counts records."""
    limit, peak = check.mildest if check else None, one.incident.peak
    if check is None or limit is None or limit.unit or limit.comparison != ">" or peak is None:
        return None
    counts = effect in DATA or check.metric in BACKLOG
    return int(peak) if counts and peak.is_integer() and peak > 0 else None
