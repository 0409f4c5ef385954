"""How the bot itself is, what was examined, and what the runbook says."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.alerts.model import Incident, Maintenance
from bot.alerts.warehouse_use import Usage
from bot.config.runbook import Section
from bot.model import Evaluation, Leader, Undelivered, UnsentPages, Watch


@dataclass(frozen=True)
class WarehouseDay:
    """What the bot cost the warehouse on a local day."""

    day: date
    usages: tuple[Usage, ...]  # one for each purpose
    awake: timedelta  # because of the bot, at most; until now

    @property
    def statements(self) -> int:
        """For every purpose."""
        return sum(one.statements for one in self.usages)

    @property
    def woke(self) -> int:
        """How often one of them found the warehouse stopped."""
        return sum(one.woke for one in self.usages)


@dataclass(frozen=True)
class BotStatus:
    """The bot itself, as far as its state tells. Times are UTC."""

    at: datetime
    trouble: str | None  # why it does not count as working; None: it works
    leader: Leader | None  # None: no process holds the lease
    completed_at: datetime | None  # the last evaluation on schedule
    evaluation: Evaluation | None  # the newest, of any kind
    open_incidents: int
    maintenance: Maintenance | None
    undelivered: tuple[Undelivered, ...]
    unsent_pages: tuple[UnsentPages, ...]
    watch: Watch
    days: tuple[WarehouseDay, ...]  # those on which the bot used the warehouse, newest first


@dataclass(frozen=True)
class AlertTest:
    """How far a test alert came, and what stopped it. All times are UTC."""

    incident_id: int
    channel: str  # where it went
    posted_at: datetime | None = None
    permalink: str | None = None
    escalated_at: datetime | None = None
    mentioned: str | None = None  # a Slack user or user group id
    acknowledged_by: str | None = None  # a Slack user id
    acknowledgeable: bool = True  # False: no bot was running that could have taken the click
    resolved_at: datetime | None = None
    paged: tuple[str, ...] = ()  # the pagers that took a trigger, an acknowledge and a resolve
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it went all the way."""
        return self.error is None


@dataclass(frozen=True)
class Finding:
    """One thing that was examined; `remedy` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class RunbookPage:
    """A section of the runbook, and what is known of the alert or topic that it was opened for."""

    section: Section
    next_step: str = ""
    owner: str | None = None  # a Slack id
    incident: Incident | None = None
