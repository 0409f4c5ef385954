"""How long it took from a fault, and from the evaluation that first found it, until its alert stood in Slack: pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from bot.alerts.model import Did, Incident
from bot.facts import Run, RunStatus
from checks.model import Outcome

BREACHED = (Outcome.WARN, Outcome.CRITICAL)


@dataclass(frozen=True)
class Measured:
    """What one evaluation found of one check and sync; a value that was carried over is none."""

    at: datetime
    outcome: Outcome


@dataclass(frozen=True)
class Opening:
    """When an incident of a check and sync opened."""

    check: str
    sync: str | None
    at: datetime


@dataclass(frozen=True)
class Announced:
    """When the fault behind an incident was found, and when its alert stood in Slack; None where that is not known."""

    incident: Incident
    promised: bool  # within 15 minutes of the fault; else when it is measured next
    healthy_at: datetime | None = None  # the latest evaluation before it that found nothing: the fault is not older
    breached_at: datetime | None = None  # the first one that found it
    began_at: datetime | None = None  # when its source dates the fault
    posted_at: datetime | None = None  # by Slack's clock, the first time: a root may be moved, or posted again
    waits: bool = False  # it is to be posted still
    in_maintenance: bool = False  # …and a maintenance window is on

    @property
    def held_back(self) -> bool:
        """Whether a maintenance window kept it from the channel, as somebody asked."""
        if self.posted_at is None:
            return self.in_maintenance or not self.waits
        ends = (entry.at for entry in self.incident.timeline if entry.did is Did.MAINTENANCE_ENDED)
        return any(self.incident.opened_at <= at <= self.posted_at for at in ends)

    def since_fault(self, now: datetime) -> timedelta | None:
        """From the fault to Slack, at most; until `now` while it waits for Slack."""
        return self._until_posted(self.began_at or self.healthy_at, now)

    def since_breach(self, now: datetime) -> timedelta | None:
        """From the evaluation that found it to Slack; until `now` while it waits for Slack."""
        return self._until_posted(self.breached_at, now)

    def _until_posted(self, begin: datetime | None, now: datetime) -> timedelta | None:
        return None if begin is None else max((self.posted_at or now) - begin, timedelta(0))


def found_between(measured: Sequence[Measured], opened_at: datetime) -> tuple[datetime | None, datetime | None]:
    """The latest evaluation that found nothing before an incident opened, and the first one after it that did.

    `measured` are those of its check and sync, oldest first. Where nothing is known of a healthy one, both are None.
    """
    breached: datetime | None = None
    for n in range(bisect_right(measured, opened_at, key=attrgetter("at")) - 1, -1, -1):
        if measured[n].outcome is Outcome.OK:
            return measured[n].at, breached
        if measured[n].outcome in BREACHED:
            breached = measured[n].at
    return None, None


def ended_before(runs: Sequence[Run], at: datetime | None) -> datetime | None:
    """When the newest run ended that an evaluation at this time knew: what it found of runs began with that one.

    Of one that failed Census has no end; it failed after it began.
    """
    says = (run for run in runs if run.status is RunStatus.FAILED or run.counts_as_sync)
    ends = [ended for run in says if at and (ended := run.completed_at or run.created_at) <= at]
    return max(ends, default=None)
