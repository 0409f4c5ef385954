"""What happened: the audit, snapshots, replays, post-mortems, success metrics, stakeholder notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.alerts.incident_figures import Figures
from bot.alerts.model import Action, Incident
from bot.alerts.stakeholders import Note, Reader
from bot.alerts.success import SuccessMetric, SuccessStanding, verdict
from bot.model import AuditRow, Place
from checks.model import Check


@dataclass(frozen=True)
class AuditTrail:
    """Rows of the audit since then (and before `until`), newest first, and how many there are besides."""

    since: datetime
    rows: tuple[AuditRow, ...]
    total: int
    until: datetime | None = None

    @property
    def hidden(self) -> int:
        """How many are older than those."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Snapshot:
    """A row of the audit log, and the numbers of the one before it."""

    id: str
    taken_at: datetime  # UTC
    by: str
    numbers: Mapping[str, float | None]  # by metric; None where there was nothing to measure
    previous_id: str | None = None
    previous: Mapping[str, float | None] = field(default_factory=dict)
    existed: bool = False  # it was taken before, and stays as it was
    dry_run: bool = False  # nothing was written
    foreign: str | None = None  # whose row has taken the id, and how old it is; ours was not written then

    def change(self, name: str) -> float | None:
        """By how much a number differs from the one before; None where either is unknown."""
        now, before = self.numbers.get(name), self.previous.get(name)
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Replayed:
    """What a check would have said of the past: when (UTC), why, in which words; what it was given, oldest first."""

    check: Check
    readings: tuple[float, ...]
    told: tuple[tuple[datetime, str, str], ...]
    sync: str | None = None


@dataclass(frozen=True)
class Replay:
    """The snapshots from the first to the last (UTC), judged; `others` are the checks that the log says nothing of."""

    first: datetime
    last: datetime
    snapshots: int
    checks: tuple[Replayed, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class PostMortem:
    """An incident, open or over, with all that is known of it. All times are UTC."""

    incident: Incident
    figures: Figures  # up to `as_of`
    as_of: datetime
    actions: tuple[Action, ...] = ()  # oldest first, also those that were asked for in a thread that it shares
    values: tuple[tuple[datetime, float], ...] = ()  # of its check, from an hour before to an hour after; oldest first
    beside: tuple[int, ...] = ()  # the other incidents of its thread


@dataclass(frozen=True)
class Slo:
    """The success metrics of a window, what is missed first, and its longest incidents. Times are UTC."""

    pipeline: str
    days: int
    since: datetime
    until: datetime
    metrics: tuple[SuccessMetric, ...]
    worst: tuple[Figures, ...] = ()
    roots: Mapping[int, Place] = field(default_factory=dict)  # where their threads begin, by incident

    @property
    def verdict(self) -> SuccessStanding:
        """Of all metrics: met where every one is."""
        return verdict(self.metrics)


@dataclass(frozen=True)
class NotePreview:
    """What somebody sees before sending: channels that refuse it, each with the reason, and the note sent last."""

    note: Note
    refused: tuple[tuple[Reader, str], ...] = ()
    last: Note | None = None

    @property
    def takers(self) -> tuple[Reader, ...]:
        """Whom it would reach."""
        refused = [reader for reader, _ in self.refused]
        return tuple(one for one in self.note.readers if one not in refused)
