"""Where one record is on its way, and how it arrived."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.alerts.model import Incident
from bot.alerts.trace import Carrier, Hop, Verdict
from bot.config.pipeline_file import Noun
from bot.facts import Run
from bot.sanitize import HIDDEN


@dataclass(frozen=True)
class Trace:
    """Where one record is on its way. Without hops no record, or more than one, has the ID, or the way is broken."""

    asked: str = field(repr=False)  # what somebody typed, who alone gets it back: it may be personal
    as_of: datetime
    noun: Noun
    destination: str
    verdict: Verdict
    records: tuple[str, ...] = ()  # the ids of the records that have it, or of some of these
    matches: int = 0  # how many do
    hops: tuple[Hop, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    alert: Incident | None = None  # the open one about the sync that holds it

    @property
    def record(self) -> str:
        """The one that it is about, by its own id; empty where it is about none, or its id may not be shown."""
        return self.records[0] if self.hops and self.records[0] != HIDDEN else ""

    @property
    def followed_by(self) -> str:
        """The id by which its one record is looked for again; where its own is not shown, what somebody typed."""
        return (self.record or self.asked) if self.hops else ""

    @property
    def remarks(self) -> list[str]:
        """What of Census' records was not looked at, and why."""
        return [remark for carrier in self.carriers for remark in carrier.remarks]


@dataclass(frozen=True)
class LoggedRun:
    """The row of a run in the audit log; None: it has no such count."""

    audit_id: str
    processed: int | None
    succeeded: int | None
    failed: int | None


@dataclass(frozen=True)
class LogLook:
    """A look for the row of a run in the audit log: without one there is none yet, or `unknown` says why."""

    row: LoggedRun | None = None
    unknown: str = ""
    last: bool = False  # whether nobody looks again


@dataclass(frozen=True)
class Arrival:
    """What shows that a record that was followed has arrived. None: not known."""

    trace: Trace
    after: timedelta  # since it was followed
    sync: str  # in whose backlog it stood; empty: in none
    run: Run | None = None
    confirmed: bool = False  # whether Census shows the record among those that the run wrote
    before: int | None = None  # the backlog when following began, and now
    now: int | None = None
