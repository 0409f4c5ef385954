"""When an open incident has to be brought to mind again: pure, from its timeline alone."""

from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.model import Did, Incident, State
from checks.model import Severity

REMIND_EVERY = {Severity.CRITICAL: timedelta(hours=1), Severity.WARN: timedelta(hours=4)}
REMIND_FOR = timedelta(hours=24)  # afterwards whoever asks is told, nobody else
CALL_AFTER = timedelta(minutes=15)  # critical, and nobody has it
ACK_LASTS = timedelta(hours=2)  # of a critical incident
FLAPPING, FLAPPING_WITHIN = 3, timedelta(hours=6)  # re-opens

SAID = {Did.OPENED, Did.REOPENED, Did.ESCALATED, Did.EASED, Did.REMINDED, Did.CALLED, Did.ACK_LAPSED}
BEGINS = {Did.OPENED, Did.REOPENED, Did.ESCALATED, Did.ACK_LAPSED}  # from here on nobody has it


class Nudge(StrEnum):
    """What is due."""

    REMIND = "remind"
    CALL = "call"  # mention the owner, in the channel
    LAPSE = "lapse"  # the ack is too old to be believed


def nudge(incident: Incident, now: datetime) -> Nudge | None:
    """What is due for this incident now. Snoozed, recovering and flapping ones are left alone."""
    quiet = incident.snoozed_until is not None and now < incident.snoozed_until
    if incident.state is not State.FIRING or quiet or is_flapping(incident):
        return None
    critical = incident.severity is Severity.CRITICAL
    if incident.acked_at:
        return Nudge.LAPSE if critical and now - incident.acked_at >= ACK_LASTS else None
    called = _last(incident, {Did.CALLED}) >= _last(incident, BEGINS)
    if critical and not called and now - _last(incident, BEGINS) >= CALL_AFTER:
        return Nudge.CALL
    young = now - incident.opened_at < REMIND_FOR
    return Nudge.REMIND if young and now - _last(incident, SAID) >= REMIND_EVERY[incident.severity] else None


def is_flapping(incident: Incident) -> bool:
    """Whether it has come back so often that its replies say nothing any more."""
    if not incident.timeline:
        return False
    begin = incident.timeline[-1].at - FLAPPING_WITHIN
    return sum(entry.did is Did.REOPENED and entry.at > begin for entry in incident.timeline) >= FLAPPING


def _last(incident: Incident, kinds: set[Did]) -> datetime:
    """When one of these was last in the timeline; before the incident where none was."""
    times = [entry.at for entry in incident.timeline if entry.did in kinds]
    return times[-1] if times else incident.opened_at - timedelta(seconds=1)
