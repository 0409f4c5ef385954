"""Who may change something: decided when a button is pressed, from our own record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.model import Incident, State
from bot.errors import NotFoundError, PermanentError, RefusedError, SyncHealthError, UnconfirmedError
from bot.model import AuditRow, AuditState
from bot.ports import Ports, Records
from checks.model import Severity


@dataclass(frozen=True)
class Person:
    """Who pressed or typed, as Slack vouches for it."""

    id: str
    team: str
    home_team: str  # the workspace of ours that the event came from


def authorise(ports: Ports, person: Person) -> None:
    """Let operators pass. Raises RefusedError, with whom to ask. Fails closed."""
    require_member(person)
    if refusal := _refusal(ports, person):
        raise refusal


def require_member(person: Person) -> None:
    """Let people of our workspace pass. Raises RefusedError for those of another one, who may share a channel."""
    if not person.home_team or person.team != person.home_team:
        raise RefusedError("Only members of this workspace may do that.")


def note_refusal(
    ports: Ports, at: datetime, person: Person, what: str, target: str, why: SyncHealthError, reference: str = ""
) -> None:
    """Write down who was refused what, or for whom it failed, and when; `reference`: where the log has more."""
    state = AuditState.REFUSED if isinstance(why, RefusedError) else AuditState.FAILED
    people = f" {' or '.join(why.people)}" if isinstance(why, RefusedError) and why.people else ""
    told = AuditRow(at, person.id, what, target, f"{state}: {why}{people}", state, person.team, reference=reference)
    with ports.store.transaction() as records:
        records.audit(told)


def thread_for(ports: Ports, incident_id: str, *, channel: str, ts: str) -> int:
    """The id of an incident in the thread that a button belongs to. Raises RefusedError for one that was never ours.

    UnconfirmedError where it may be one that is being posted: nothing has been done then, and it is worth another look.
    """
    with ports.store.snapshot() as records:
        known = _is_id(incident_id) and records.message_at(int(incident_id), channel, ts)
        posting = not known and _is_id(incident_id) and records.is_posting(int(incident_id))
    if posting:
        raise UnconfirmedError(
            "Slack has not confirmed this message yet, so nothing was done. Click again in a minute."
        )
    if not known:
        raise RefusedError(
            "This message is not one that Sync Health posted here. Type /sync-health for the current state."
        )
    return int(incident_id)


def incident_in_home(ports: Ports, incident_id: str) -> int:
    """The id of an incident that App Home shows, which nobody but us publishes. Raises RefusedError for an unknown one.

    Whether it is open, and who may change it, is asked of our record as everywhere.
    """
    with ports.store.snapshot() as records:
        if known := find_incident(records, incident_id):
            return known.id
    raise RefusedError("This button is from another version of Sync Health. Type /sync-health for the current state.")


def incident_of_dialog(ports: Ports, metadata: str, value: str = "") -> int:
    """The id of the incident that a dialog of ours is about. Raises RefusedError where a `value` in it says another.

    Also where more of its thread is critical by now than the dialog showed.
    """
    about, _, shown = metadata.partition(" ")
    with ports.store.snapshot() as records:
        known = find_incident(records, about)
        thread = records.incidents_beside(known) if known else []
    critical = sum(one.resolved_at is None and one.severity is Severity.CRITICAL for one in thread)
    if shown and _is_id(shown) and critical > int(shown):
        raise RefusedError("Since this dialog opened, more of this thread turned critical. Open the dialog again.")
    if known is None or value not in ("", metadata) or (" " in metadata and not _is_id(shown)):
        raise RefusedError(
            "This dialog is from another version of Sync Health. Type /sync-health for the current state."
        )
    return known.id


def incident_to_change(ports: Ports, incident_id: str) -> Incident:
    """An open incident. Raises RefusedError for one that is over or unknown."""
    with ports.store.snapshot() as records:
        incident = find_incident(records, incident_id)
    if incident is None:
        raise RefusedError(f"There is no incident {incident_id[:20]}. Type /sync-health for the current state.")
    if incident.state is State.OK:
        raise RefusedError(f"“{incident.title}” is resolved already; there is nothing left to do here.")
    return incident


def open_in_thread(records: Records, incident_id: int) -> list[Incident]:
    """All that is open in an incident's thread, itself or not. Raises RefusedError when nothing is."""
    incident = records.incident(incident_id)
    still = [one for one in records.incidents_beside(incident) if one.resolved_at is None] if incident else []
    if not still:
        raise RefusedError("This incident is already resolved.")
    return still


def was_requested(incidents: Iterable[Incident], request: str | None) -> bool:
    """Whether this submission of a dialog did already what it asks for."""
    return request is not None and any(entry.request == request for one in incidents for entry in one.timeline)


def find_incident(records: Records, incident_id: str) -> Incident | None:
    """The incident of an id that came from outside: typed, or in a button."""
    return records.incident(int(incident_id)) if _is_id(incident_id) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16  # longer ones no database knows


def _refusal(ports: Ports, person: Person) -> RefusedError | None:
    operators = ports.settings.operators
    if person.id in operators.users:
        return None
    failed: dict[str, SyncHealthError] = {}
    for group in operators.groups:
        try:
            if person.id in ports.messenger.members(group):
                return None
        except SyncHealthError as error:
            failed[group] = error
    if failed:
        return _unknown_operators(failed, operators.users[:3])
    if not operators.users and not operators.groups:
        return RefusedError("Only operators may do that, and pipeline.yml names none yet: ask whoever keeps it.")
    return RefusedError("Only operators may do that. Ask", people=(*operators.users[:3], *operators.groups[:2]))


def _unknown_operators(failed: Mapping[str, SyncHealthError], others: tuple[str, ...]) -> RefusedError:
    """Who operates is not known as a whole: passing, or for somebody to correct in Slack or pipeline.yml."""
    for error in failed.values():
        if not isinstance(error, PermanentError):
            return RefusedError(
                f"The operators could not be looked up ({error}), so nothing was done. Try again in a minute."
            )
    group, error = next(iter(failed.items()))
    gone = isinstance(error, NotFoundError)
    why = "was deleted or disabled in Slack" if gone else f"cannot be read ({error})"
    correct = f"User group {group} in pipeline.yml {why}, so nobody is an operator by it. Correct operators.groups"
    return RefusedError(f"{correct}, or ask", people=others) if others else RefusedError(f"{correct}.")
