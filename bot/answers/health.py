"""What is known of the pipeline's health: the summary, and Home."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.alerts.incident_figures import WindowFigures
from bot.alerts.model import Incident, Maintenance
from bot.config.syncs import SyncSettings
from bot.model import Evaluation, Outage, Undelivered, UnsentPages


@dataclass(frozen=True)
class Summary:
    """The pipeline as far as we know. `evaluation` is None before the first look."""

    pipeline: str
    evaluation: Evaluation | None
    incidents: tuple[Incident, ...] = ()
    maintenance: Maintenance | None = None  # the window that is on
    undelivered: tuple[Undelivered, ...] = ()  # what Slack does not show as it should
    unsent_pages: tuple[UnsentPages, ...] = ()  # what a pager has not accepted
    unscheduled: str | None = None  # why Slack would not tell if the bot stopped
    state_outage: Outage | None = None  # nothing can be stored, so what is shown is old
    measuring: bool = False  # newer numbers are on their way
    failed: str | None = None  # why there are none although somebody asked: words, or a reference into the log
    other_connections: int = 0  # with our Slack app token, that are not ours
    has_audit_log: bool = True  # whether a snapshot has a place
    observes: bool = False  # whether nothing outside of the bot may be changed
    syncs: tuple[SyncSettings, ...] = ()  # of the pipeline, for buttons


@dataclass(frozen=True)
class Home:
    """What App Home shows: the summary, the incidents of it that have room, and what stands around them."""

    summary: Summary
    shown: tuple[Incident, ...] = ()  # what needs somebody most comes first
    threads: Mapping[int, str] = field(default_factory=dict)  # addresses, by incident, where they are known
    week: WindowFigures | None = None  # how the incidents of the last 7 days went
