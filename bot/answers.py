"""What services answer and messages render."""

from dataclasses import dataclass

from bot.alerts.model import Incident
from bot.ports import Evaluation, Run


@dataclass(frozen=True)
class Summary:
    """The pipeline as far as we know. `evaluation` is None before the first look."""

    pipeline: str
    evaluation: Evaluation | None
    incidents: tuple[Incident, ...] = ()
    undelivered: str | None = None  # why Slack does not show what it should
    measuring: bool = False  # newer numbers are on their way


@dataclass(frozen=True)
class RerunFacts:
    """What somebody should know before running a sync again. None: it could not be found out."""

    sync: str
    label: str
    incident_id: int
    queue: int | None
    suspicious: int | None
    running: Run | None
    latest_run_id: int  # 0 when there was none
    paused: bool
    source: str  # the view that the sync reads
    helps: str  # what the check says about it

    @property
    def risky(self) -> bool:
        """Whether it could do harm: it would write suspicious rows, or nobody knows what it would write."""
        return self.running is None and (self.suspicious is None or self.suspicious > 0)
