"""Whether something is done without being asked, from facts that are at hand: pure. What is not known never acts."""

from dataclasses import dataclass
from enum import StrEnum

from bot.facts import RunStatus, SyncStatus
from checks.model import Outcome, Result
from checks.numbers import count_of

TRANSIENT = "transient"  # the case of runs that may pass when they are tried again
MOST_FAILURES = 3  # holds of one incident that Census refused
UNKNOWN = (Outcome.NO_DATA, Outcome.ERROR)


class Due(StrEnum):
    """What follows from the facts."""

    ACT = "act"
    LATE = "late"  # the run that was to be prevented is in progress
    NOTHING = "nothing"


@dataclass(frozen=True)
class Decision:
    """What is due, and why, or why not."""

    due: Due
    why: str


@dataclass(frozen=True)
class HoldFacts:
    """What is known when suspect records have been evaluated."""

    result: Result | None
    sync: SyncStatus | None  # now, as far as Census answers
    is_open: bool  # whether the alert has fired, so that there is a thread to say it in
    held_before: bool = False  # the bot paused the sync for this incident, and it has been resumed since
    well_since: bool = False  # …and fewer were measured since then
    peak: float | None = None  # the most that were measured for this incident before now
    failures: int = 0  # holds of this incident that failed
    observes: bool = False


@dataclass(frozen=True)
class RerunFacts:
    """What is known when failed runs have been evaluated."""

    result: Result | None
    sync: SyncStatus | None
    is_open: bool
    latest_tried: int = 0  # the newest run that there was before the latest automatic rerun
    used: int = 0  # automatic reruns of this sync within the window
    at_most: int = 2
    has_suspects: bool = False  # whether pipeline.yml calls any record of this sync suspect
    in_maintenance: bool = False
    observes: bool = False


def hold(facts: HoldFacts) -> Decision:
    """Whether the sync is paused before it writes what is suspect."""
    why = _why_not_measured(facts.result, "suspect records") or _why_not_held(facts)
    if why:
        return Decision(Due.NOTHING, why)
    if facts.sync and facts.sync.running:
        return Decision(Due.LATE, "a run began before they were measured")
    return Decision(Due.ACT, "critical suspect records are pending")


def rerun(facts: RerunFacts) -> Decision:
    """Whether a sync that failed for a transient cause is run again."""
    why = _why_not_measured(facts.result, "failed runs") or _why_not_rerun(facts)
    return Decision(Due.NOTHING, why) if why else Decision(Due.ACT, "its runs fail for a transient cause")


def _why_not_measured(result: Result | None, what: str) -> str:
    if result is None or result.outcome in UNKNOWN or result.value is None:
        return f"{what} are unknown"
    return f"{what} were not measured just now" if result.carried else ""


def _why_not_held(facts: HoldFacts) -> str:
    assert facts.result and facts.result.value is not None
    if facts.observes:
        return "observe mode: nothing is automatic"
    if facts.result.outcome is not Outcome.CRITICAL:
        return "suspect records are not critical"
    if not facts.is_open:
        return "the alert has not fired"
    if facts.sync and facts.sync.schedule and facts.sync.schedule.paused:
        return "the sync is paused already"
    if facts.failures >= MOST_FAILURES:
        return f"Census refused {count_of(facts.failures, 'pause')}"
    grown = facts.peak is not None and facts.result.value > facts.peak
    if facts.held_before and not (facts.well_since or grown):
        return "somebody resumed it with these records pending"
    return ""


def _why_not_rerun(facts: RerunFacts) -> str:
    assert facts.result
    if facts.observes:
        return "observe mode: nothing is automatic"
    if facts.in_maintenance:
        return "a maintenance window is open"
    if facts.result.outcome not in (Outcome.WARN, Outcome.CRITICAL) or facts.result.case != TRANSIENT:
        return "no transient failure"
    if not facts.is_open:
        return "the alert has not fired"
    if facts.used >= facts.at_most:
        return f"{facts.used} of {facts.at_most} automatic reruns are used"
    return _why_no_run(facts)


def _why_no_run(facts: RerunFacts) -> str:
    """What stands against a run of the sync now."""
    sync = facts.sync
    if sync is None or sync.schedule is None or sync.latest is None:
        return "Census does not say how the sync stands"
    if sync.schedule.paused:
        return "the sync is paused"
    if sync.running:
        return "a run is in progress"
    if sync.latest.status is not RunStatus.FAILED or sync.latest.id <= facts.latest_tried:
        return "no run has failed since the latest rerun"
    if facts.has_suspects and sync.suspicious != 0:
        pending = "unknown" if sync.suspicious is None else f"{sync.suspicious:,}"
        return f"it could write suspect records ({pending} pending)"
    return ""
