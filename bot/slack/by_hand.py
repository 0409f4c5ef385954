"""Handlers of what people do about an incident by hand: buttons, dialogs and commands."""

from bot.errors import RefusedError
from bot.messages.by_hand import (
    NOTE,
    REASON,
    SPAN,
    escalate_answer,
    more_modal,
    note_answer,
    note_modal,
    resolve_answer,
    resolve_modal,
    snooze_modal,
)
from bot.messages.evidence import runbook_of
from bot.messages.incidents import incident_message
from bot.messages.menu import behind_more, entries
from bot.messages.plain import snooze_answer, unacknowledged
from bot.services.acknowledge import unacknowledge
from bot.services.add_note import LONGEST_NOTE, add_note
from bot.services.authorise import incident_of_dialog
from bot.services.escalate_now import escalate_now
from bot.services.resolve_by_hand import resolve_thread
from bot.services.show_incident import incident_meant, open_incidents_beside
from bot.services.show_post_mortem import show_post_mortem
from bot.services.snooze import next_morning, snooze
from bot.slack.context import COMMAND, Context
from bot.slack.dialogs import dialog
from bot.slack.interaction import Interaction
from bot.slack.pressed_incident import pressed_about


def show_more(context: Context, interaction: Interaction) -> None:
    """What the menu has no room for."""
    incident = open_incidents_beside(context.ports, pressed_about(context, interaction))[0]
    found = entries(incident, runbook_of(incident, context.ports.settings.links))
    context.show(interaction, more_modal(incident, behind_more(found)))


def timeline(context: Context, interaction: Interaction) -> None:
    """What happened to the incident, for the one who pressed."""
    ports, about = context.ports, str(pressed_about(context, interaction))
    context.answer(
        interaction, incident_message(show_post_mortem(ports.store, ports.clock.now(), about), ports.settings)
    )


def snooze_pressed(context: Context, interaction: Interaction) -> None:
    """Open the dialog; an entry of an earlier version's menu says for how long, and nothing is asked."""
    about, _, span = interaction.value.partition(" ")
    if not span:
        dialog("Snooze", _ask_snooze)(context, interaction)
        return
    context.authorise(interaction)
    snooze_thread(context, interaction, pressed_about(context, interaction, about), span)


def _ask_snooze(context: Context, interaction: Interaction) -> None:
    context.authorise(interaction)
    still = open_incidents_beside(context.ports, pressed_about(context, interaction))
    now, zone = context.ports.clock.now(), context.ports.settings.zone
    context.show(interaction, snooze_modal(still, next_morning(now, zone), now, zone))


def snooze_confirmed(context: Context, interaction: Interaction) -> None:
    """Snooze what is open in the thread for as long as was chosen."""
    incident_id, span = _submitted(context, interaction, SPAN)
    snooze_thread(context, interaction, incident_id, span, (interaction.fields or {}).get(REASON, ""))


def snooze_thread(context: Context, interaction: Interaction, incident_id: int, span: str, reason: str = "") -> None:
    """Snooze what is open in the thread of an incident, and say until when."""
    by, request = interaction.person, interaction.request
    snoozed = snooze(context.ports, incident_id, span, by.id, reason=reason, team=by.team, request=request)
    context.answer(interaction, snooze_answer(snoozed, context.ports.settings.zone))


def _submitted(context: Context, interaction: Interaction, field: str) -> tuple[int, str]:
    """The incident that a submitted dialog is about, and what stands in a field of it. Raises RefusedError."""
    context.authorise(interaction)
    return incident_of_dialog(context.ports, interaction.value), (interaction.fields or {}).get(field, "")


def ask_note(context: Context, interaction: Interaction) -> None:
    """Fill the dialog that asks for a note."""
    context.authorise(interaction)
    incident = incident_meant(context.ports, str(pressed_about(context, interaction)))
    context.show(interaction, note_modal(incident, LONGEST_NOTE))


def note_confirmed(context: Context, interaction: Interaction) -> None:
    """Keep the note; the thread shows it to everybody."""
    _note(context, interaction, *_submitted(context, interaction, NOTE))


def ask_resolution(context: Context, interaction: Interaction) -> None:
    """Fill the dialog that asks why it is over, and says what it covers."""
    context.authorise(interaction)
    still = open_incidents_beside(context.ports, pressed_about(context, interaction))
    context.show(interaction, resolve_modal(still))


def resolution_confirmed(context: Context, interaction: Interaction) -> None:
    """Resolve what is open in the thread."""
    _resolve(context, interaction, *_submitted(context, interaction, REASON))


def escalate(context: Context, interaction: Interaction) -> None:
    """Mention the owner in the channel, and tell the one who pressed whom that was."""
    context.authorise(interaction)
    _escalate(context, interaction, pressed_about(context, interaction))


def unacknowledge_thread(context: Context, interaction: Interaction) -> None:
    """Give the acknowledgment back, so that it escalates again."""
    by = context.authorise(interaction)
    freed = unacknowledge(context.ports, pressed_about(context, interaction), by.id, team=by.team)
    context.answer(interaction, unacknowledged(freed, by.id))


def resolve_typed(context: Context, interaction: Interaction) -> None:
    """The dialog, typed."""
    _resolve(context, interaction, *_number_and_text(context, interaction, "the reason", "resolve 7 fixed the view"))


def note_typed(context: Context, interaction: Interaction) -> None:
    """The dialog, typed; also for an incident that is resolved."""
    _note(context, interaction, *_number_and_text(context, interaction, "the note", "note 7 asked the data team"))


def escalate_typed(context: Context, interaction: Interaction) -> None:
    """The menu entry, typed."""
    context.authorise(interaction)
    _escalate(context, interaction, incident_meant(context.ports, interaction.value).id)


def _note(context: Context, interaction: Interaction, incident_id: int, text: str) -> None:
    by, request = interaction.person, interaction.request
    context.answer(
        interaction, note_answer(add_note(context.ports, incident_id, text, by.id, request=request, team=by.team))
    )


def _resolve(context: Context, interaction: Interaction, incident_id: int, reason: str) -> None:
    by, request = interaction.person, interaction.request
    resolved = resolve_thread(context.ports, incident_id, reason, by.id, request=request, team=by.team)
    context.answer(interaction, resolve_answer(resolved))


def _escalate(context: Context, interaction: Interaction, incident_id: int) -> None:
    done = escalate_now(context.ports, incident_id, interaction.person.id, team=interaction.person.team)
    context.answer(interaction, escalate_answer(done.incident, done.owner))


def _number_and_text(context: Context, interaction: Interaction, what: str, example: str) -> tuple[int, str]:
    """The incident that is named, and what is typed behind it. Raises RefusedError."""
    context.authorise(interaction)
    number, _, text = interaction.value.partition(" ")
    if not number or not text.strip():
        raise RefusedError(f"Write the incident's number and {what}, such as {COMMAND} {example}.")
    return incident_meant(context.ports, number).id, text.strip()
