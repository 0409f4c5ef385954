"""Handlers of what is done to syncs: a button or typed words open a dialog, and its submission acts."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.alerts.model import Action, ActionKind, Incident
from bot.answers.consent import Consent, FactChange, PauseAllFacts, SyncFacts
from bot.config.syncs import ALL, SyncSettings
from bot.errors import RefusedError, SyncHealthError
from bot.messages.plain import action_answer
from bot.messages.sync_buttons import BY_SYNC
from bot.messages.sync_dialogs import (
    CHOICE,
    FULL,
    PAUSE_ALL,
    REASON,
    SUBMITS,
    THEN_RERUN,
    action_modal,
    pause_all_modal,
    read_consent,
)
from bot.services.act_on_sync import FactsChangedError, act_on_sync, pause_all, pause_all_facts
from bot.services.authorise import incident_to_change
from bot.services.shared_answers import Answer
from bot.services.sync_facts import incident_about, read_facts, sync_of
from bot.slack.context import COMMAND, Context, Work
from bot.slack.dialogs import dialog
from bot.slack.interaction import Interaction
from bot.slack.named_sync import sync_meant
from bot.slack.pressed_incident import pressed_about
from bot.transport.slack_api import call

MOST = 5  # syncs that an answer names
Meant = tuple[SyncSettings, Incident | None]
Naming = Callable[[ActionKind, Context, Interaction], Meant]


def pressed(kind: ActionKind, title: str = "") -> Work:
    """A button: of an alert with the incident's id, else with that of the sync."""
    return dialog(title or SUBMITS[kind], partial(_fill, kind, _meant_by_button))


def typed(kind: ActionKind) -> Work:
    """The same, typed with the name of a sync; `pause all` pauses every one."""
    one = dialog(SUBMITS[kind], partial(_fill, kind, _meant_by_name))

    def open_dialog(context: Context, interaction: Interaction) -> None:
        every = interaction.value.strip().lower() == ALL
        if every and kind is not ActionKind.PAUSE:
            each = ", ".join(f"{COMMAND} {kind} {sync.name}" for sync in context.ports.settings.syncs[:MOST])
            raise RefusedError(f"Only pause takes all syncs at once. For the others: {each}.")
        (pressed_pause_all if every else one)(context, interaction)

    return open_dialog


def _fill(kind: ActionKind, meant: Naming, context: Context, by: Interaction) -> None:
    """Show the facts, asked for now or found by a question that is in flight, never kept ones."""
    context.authorise(by)
    sync, incident = meant(kind, context, by)
    question = ("act", kind, sync.id, incident.id if incident else None)
    context.ask(by, question, partial(read_facts, context.ports, kind, sync, incident), _show_facts, keep=0)


def _fill_pause_all(context: Context, interaction: Interaction) -> None:
    context.authorise(interaction)
    context.ask(interaction, "pause all", partial(pause_all_facts, context.ports), _show_all, keep=0)


pressed_pause_all = dialog(PAUSE_ALL, _fill_pause_all)


def _show_facts(context: Context, interaction: Interaction, facts: Answer[SyncFacts]) -> None:
    context.show(interaction, action_modal(facts.value, context.ports.settings.zone))


def _show_all(context: Context, interaction: Interaction, facts: Answer[PauseAllFacts]) -> None:
    context.show(interaction, pause_all_modal(facts.value, context.ports.settings.zone))


def _meant_by_button(kind: ActionKind, context: Context, interaction: Interaction) -> Meant:
    ports, value = context.ports, interaction.value
    if not value.startswith(BY_SYNC):
        incident = incident_to_change(ports, str(pressed_about(context, interaction)))
        return sync_of(ports.settings, incident), incident
    sync = next((one for one in ports.settings.syncs if str(one.id) == value.removeprefix(BY_SYNC)), None)
    if sync is None:
        raise RefusedError("pipeline.yml has no such sync any more.")
    return _with_incident(kind, context, sync)


def _meant_by_name(kind: ActionKind, context: Context, interaction: Interaction) -> Meant:
    sync, syncs = sync_meant(context, interaction), context.ports.settings.syncs
    if sync is None and len(syncs) > 1:
        example = f"{COMMAND} {interaction.word} {syncs[0].name.split()[-1]}"
        raise RefusedError(f"Which sync? Write its name behind the command, such as {example}.")
    return _with_incident(kind, context, sync or syncs[0])


def _with_incident(kind: ActionKind, context: Context, sync: SyncSettings) -> Meant:
    """What is open about the sync: its thread reports what is done."""
    with context.ports.store.snapshot() as records:
        return sync, incident_about(records, context.ports.settings, sync, kind)


def confirmed(context: Context, interaction: Interaction) -> None:
    """Do what was shown, and report it in the thread; what has changed for the worse is shown again instead."""
    consent = read_consent(interaction.value)
    meant = replace(interaction, word=consent.kind.value, value=consent.sync or "all syncs")  # in the audit
    context.do(meant, partial(_confirmed, consent))


def _confirmed(consent: Consent, context: Context, interaction: Interaction) -> None:
    person, fields = context.authorise(interaction), interaction.fields or {}
    reason, chosen = fields.get(REASON, ""), fields.get(CHOICE, "")
    if consent.kind is ActionKind.PAUSE_ALL:
        act: Callable[[], Action] = partial(pause_all, context.ports, consent, person, reason)
    else:
        options = {"full_sync": chosen == FULL, "then_rerun": chosen == THEN_RERUN}
        act = partial(act_on_sync, context.ports, consent, person, reason, **options)
    each = object()  # submission is a question of its own
    context.ask(interaction, each, partial(_act_if_unchanged, context, act), partial(_show_outcome, reason))


def _act_if_unchanged(context: Context, act: Callable[[], Action]) -> Action | FactsChangedError:
    try:
        return act()
    except FactsChangedError as changed:
        return changed
    finally:
        context.shared.forget()  # whatever came of it: what was asked before may be from before the run


def _show_outcome(
    reason: str, context: Context, interaction: Interaction, found: Answer[Action | FactsChangedError]
) -> None:
    """An answer to each submission: the thread's report is for everybody, and may come later."""
    changed = found.value
    if isinstance(changed, Action):
        context.answer(interaction, action_answer(changed))
        return
    view = action_modal(changed.facts, context.ports.settings.zone, changed.changes, reason)
    try:
        call(context.client.views_open, trigger_id=interaction.trigger_id, view=view)
    except SyncHealthError:  # its three seconds are over: an answer says what to do
        raise changed from None
    if changed.changes != (FactChange.FULL_SYNC,):  # that one only asks once more
        context.audit(interaction, changed)
