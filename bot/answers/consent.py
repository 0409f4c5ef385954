"""The facts that a dialog shows before somebody acts on a sync, and what is confirmed by them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.model import Action, ActionKind
from bot.config.pipeline_file import Noun
from bot.facts import Run


@dataclass(frozen=True)
class Consent:
    """What a dialog showed to whoever submits it: what is confirmed is what is done. It travels with the dialog."""

    kind: ActionKind
    incident_id: int | None  # None: it was not opened from an alert
    sync: str  # by name; empty where all are meant
    queue: int | None
    suspicious: int | None
    running: int | None  # the id of the run to follow
    latest_run_id: int
    latest_action_id: int
    paused: bool
    full_sync: bool = False


class FactChange(StrEnum):
    """How the facts became worse between a dialog and its submission."""

    REQUESTED = "another action on this sync was requested"
    PAUSED = "the sync was paused"
    RESUMED = "the sync was resumed"
    RUN_BEGAN = "a run began"
    RUN_ENDED = "a run ended"
    UNKNOWN = "the backlog is unknown now"
    SUSPECT = "there are more suspect records"
    NOTHING_PENDING = "no record is pending any more"
    FULL_SYNC = "a full sync was chosen"  # which is confirmed by itself


@dataclass(frozen=True)
class SyncFacts:
    """What somebody should know before acting on a sync. None: it could not be found out."""

    kind: ActionKind
    sync: str
    label: str
    incident_id: int | None
    as_of: datetime
    queue: int | None
    suspicious: int | None
    running: Run | None
    latest_run_id: int  # 0 when there was none
    latest_action_id: int  # of this sync, ended or not; 0 when there was none
    paused: bool
    source: str | None  # the view that the sync reads, where pipeline.yml names it
    helps: str = ""  # what the check says about it
    suspects: tuple[str, ...] = ()  # what makes the suspect ones so
    examples: tuple[str, ...] = ()  # ids of suspect records
    last_run: Run | None = None  # the latest that has ended
    usual: timedelta | None = None  # that a run of this kind takes, by the runs before it
    next_run: datetime | None = None  # by its schedule, were it not paused
    counted_at: datetime | None = None  # when the backlog was measured, where that is not just now
    dependents: tuple[str, ...] = ()  # the syncs that run after this one
    critical: tuple[str, ...] = ()  # titles of critical alerts about what it has written
    paused_by: Action | None = None  # where it was paused here
    full_sync: bool = False  # a rerun of every record, changed or not
    noun: Noun = field(default_factory=Noun)

    @property
    def can_help(self) -> bool:
        """Whether a run could write anything; also where nobody knows."""
        return self.queue != 0 or self.full_sync

    @property
    def risky(self) -> bool:
        """Whether runs could do harm: they would write suspect records, nobody knows what, or what is wrong already.

        A run in progress is followed instead of starting one; a sync that is resumed starts others after it.
        """
        starts = self.kind is ActionKind.RESUME or (self.kind is ActionKind.RERUN and self.running is None)
        return starts and (self.suspicious is None or self.suspicious > 0 or bool(self.critical))

    @property
    def consent(self) -> Consent:
        """What somebody agrees to who was shown these."""
        return Consent(
            kind=self.kind,
            incident_id=self.incident_id,
            sync=self.sync,
            queue=self.queue,
            suspicious=self.suspicious,
            running=self.running.id if self.running else None,
            latest_run_id=self.latest_run_id,
            latest_action_id=self.latest_action_id,
            paused=self.paused,
            full_sync=self.full_sync,
        )

    def worse_than(self, shown: Consent) -> tuple[FactChange, ...]:
        """What somebody did not agree to who was shown those; smaller numbers are none of it, but 0 records."""
        found = {FactChange.REQUESTED: self.latest_action_id != shown.latest_action_id}
        match self.kind:
            case ActionKind.RERUN:
                resumed = shown.kind is ActionKind.RESUME and not self.paused  # a rerun behind it was chosen
                found |= {FactChange.RESUMED: resumed} | self._worse_to_run(shown)
            case ActionKind.RESUME:
                found |= {FactChange.RESUMED: not self.paused} | self._worse_to_write(shown)
            case ActionKind.PAUSE:
                found |= {FactChange.PAUSED: self.paused}
            case ActionKind.CANCEL:
                found |= {FactChange.RUN_ENDED: self.consent.running != shown.running}
        return tuple(change for change, happened in found.items() if happened)

    def _worse_to_run(self, shown: Consent) -> dict[FactChange, bool]:
        now = self.consent
        follows = now.running is not None and now.running == shown.running
        ended = (shown.running or now.latest_run_id != shown.latest_run_id) and not now.running
        return {
            FactChange.PAUSED: self.paused and not shown.paused,
            FactChange.RUN_BEGAN: bool(now.running) and not follows,
            FactChange.RUN_ENDED: bool(ended),
            **({} if follows else self._worse_to_write(shown)),
            FactChange.NOTHING_PENDING: not self.can_help and not now.running,
            FactChange.FULL_SYNC: self.full_sync and not shown.full_sync and not now.running,
        }

    def _worse_to_write(self, shown: Consent) -> dict[FactChange, bool]:
        unknown = (self.queue is None and shown.queue is not None) or (
            self.suspicious is None and shown.suspicious is not None
        )
        wider = (self.suspicious or 0) > (shown.suspicious or 0) and shown.suspicious is not None
        return {FactChange.UNKNOWN: unknown, FactChange.SUSPECT: wider}


@dataclass(frozen=True)
class PauseAllFacts:
    """What somebody should know before pausing every sync: each by name, and why it is not known, paused or running."""

    as_of: datetime
    on: tuple[str, ...]
    paused: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]  # …with the reason
    running: tuple[str, ...]  # whose run goes on
    latest_action_id: int

    @property
    def consent(self) -> Consent:
        """What somebody agrees to who was shown these."""
        return Consent(ActionKind.PAUSE_ALL, None, "", None, None, None, 0, self.latest_action_id, paused=False)
