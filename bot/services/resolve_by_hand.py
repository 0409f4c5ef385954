"""Resolve the open incidents of a thread by hand; the next evaluation verifies it."""

from dataclasses import replace

from bot.alerts.lifecycle import Reason, resolve_by_hand
from bot.alerts.model import Incident, State
from bot.errors import RefusedError
from bot.model import AuditRow
from bot.ports import Ports
from bot.sanitize import sanitize
from bot.services.authorise import find_incident, was_requested
from bot.services.move_alerts import Said, enqueue, record_change

LONGEST_REASON = 300


def resolve_thread(
    ports: Ports, incident_id: int, reason: str, by: str, *, request: str | None = None, team: str | None = None
) -> list[Incident]:
    """Resolve an incident and all that is open in its thread; acknowledgment, snooze and flapping end with it.

    What is still breached fires again at the next evaluation that measures it. A maintenance window goes on: it is of
    the whole pipeline. A `request` that comes again changes nothing. Raises RefusedError.
    """
    why, now = sanitize(reason.strip(), LONGEST_REASON), ports.clock.now()
    if not why:
        raise RefusedError("Write a reason: it stands in the thread and in the timeline.")
    with ports.store.transaction() as records:
        incident = find_incident(records, str(incident_id))
        thread = records.incidents_beside(incident) if incident else []
        still = [one for one in thread if one.resolved_at is None]
        if was_requested(thread, request):
            return [one for one in thread if was_requested([one], request)]
        if not still:
            raise RefusedError("This incident is already resolved.")
        if still[0].is_test:
            raise RefusedError("A test alert resolves by itself.")
        said: list[Said] = []
        for one in still:
            if (alert := records.alert(one.key)) and (change := resolve_by_hand(alert, by, now)):
                records.save_alert(change.alert)
            over = replace(one, state=State.OK, resolved_at=now, snoozed_until=None, snoozed_by=None)
            over = replace(over, flapping_until=None)
            records.save_incident(over)
            said.append(record_change(records, over, Reason.RESOLVED_BY_HAND, why, now, by=by, request=request))
            of, stood = f"incident {one.id}", f"{one.state}, {one.severity}"
            told = AuditRow(now, by, "resolve", of, "resolved by hand", team=team, reason=why, reference=of)
            records.audit(replace(told, before=stood, after="resolved"))
        for one_said in said:
            enqueue(records, one_said)
        return [one_said.incident for one_said in said]
