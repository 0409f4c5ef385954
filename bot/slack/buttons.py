"""What can be pressed and submitted."""

from collections.abc import Callable
from functools import partial

from bot.alerts.attention import acknowledged_again
from bot.alerts.model import Action
from bot.answers import RerunFacts
from bot.errors import SyncHealthError
from bot.messages.plain import already_acknowledged, still_acknowledged, taken_over
from bot.messages.rerun import REASON, read_consent, rerun_answer, rerun_modal
from bot.messages.summary import summary_message
from bot.services.acknowledge import AcknowledgedError, acknowledge
from bot.services.authorise import incident_for, incident_to_change, thread_for
from bot.services.rerun_sync import FactsChangedError, rerun_facts, rerun_sync
from bot.services.shared_answers import Answer
from bot.services.show_incident import incident_meant
from bot.slack.commands import fresh_summary, snapshot, summarised
from bot.slack.desk import Desk, Press
from bot.transport.slack_api import call


def refresh(desk: Desk, press: Press) -> None:
    """Measure now and show it in the same message."""
    fresh_summary(desk, press, replace=True)


def share(desk: Desk, press: Press) -> None:
    """The last numbers, for the whole channel."""
    shown = summary_message(summarised(desk, press.arrived), desk.ports.settings.zone, shared_by=press.person.id)
    desk.answer(press, shown, to_all=True)


def take(desk: Desk, press: Press) -> None:
    """Acknowledge what is open in the thread; the root says so. What others have acknowledged can be taken over."""
    desk.authorise(press)
    incident_id = thread_for(desk.ports, press.value, channel=press.channel, ts=press.message_ts)
    try:
        mine = acknowledge(desk.ports, incident_id, press.person.id, take_over=False)
    except AcknowledgedError as refusal:
        desk.audit(press, refusal)
        desk.answer(press, already_acknowledged(refusal.people, incident_id))
        return
    if acknowledged_again(mine):  # no message in the channel shows it
        desk.answer(press, still_acknowledged(mine, desk.ports.settings.zone))


def take_over(desk: Desk, press: Press) -> None:
    """Acknowledge in place of somebody else, from the answer that offers it."""
    desk.authorise(press)
    incident = incident_meant(desk.ports, press.value)
    desk.answer(press, taken_over(acknowledge(desk.ports, incident.id, press.person.id)), replace=True)


def rerun(desk: Desk, press: Press) -> None:
    """Fill the dialog with the facts, asked for now or found by a question that is in flight, never kept ones."""
    desk.authorise(press)
    incident = incident_for(desk.ports, press.value, channel=press.channel, ts=press.message_ts)
    desk.ask(press, ("rerun", incident.id), partial(rerun_facts, desk.ports, incident), _show_facts, keep=0)


def _show_facts(desk: Desk, press: Press, facts: Answer[RerunFacts]) -> None:
    desk.show(press, rerun_modal(facts.value, desk.ports.settings.zone))


def rerun_confirmed(desk: Desk, press: Press) -> None:
    """Run what was shown, and report it in the thread; what has changed for the worse is shown again instead."""
    desk.authorise(press)
    consent = read_consent(press.value)
    incident = incident_to_change(desk.ports, str(consent.incident_id))
    reason = (press.fields or {}).get(REASON, "")
    confirm = partial(rerun_sync, desk.ports, incident, consent, press.person.id, reason)
    each = object()  # submission is a question of its own
    desk.ask(press, each, partial(_confirm, desk, confirm), _show_outcome)


def _confirm(desk: Desk, confirm: Callable[[], Action]) -> Action | FactsChangedError:
    try:
        return confirm()
    except FactsChangedError as changed:
        return changed
    finally:
        desk.shared.forget()  # whatever came of it: what was asked before may be from before the run


def _show_outcome(desk: Desk, press: Press, found: Answer[Action | FactsChangedError]) -> None:
    """An answer to each submission: the thread's report is for everybody, and may come later."""
    changed = found.value
    if isinstance(changed, Action):
        desk.answer(press, rerun_answer(changed))
        return
    view = rerun_modal(changed.facts, desk.ports.settings.zone, changed.changes)
    try:
        call(desk.client.views_open, trigger_id=press.trigger_id, view=view)
    except SyncHealthError:  # its three seconds are over: an answer says what to do
        raise changed from None
    desk.audit(press, changed)


BUTTONS: dict[str, Callable[[Desk, Press], None]] = {
    "refresh": refresh,
    "share": share,
    "acknowledge": take,
    "take_over": take_over,
    "snapshot": snapshot,
}
DIALOGS: dict[str, Callable[[Desk, Press], None]] = {"rerun": rerun}  # buttons that open one
SUBMISSIONS: dict[str, Callable[[Desk, Press], None]] = {"rerun": rerun_confirmed}
