"""Short answers: help, refusals, confirmations."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bot.alerts.attention import ack_lasts_until
from bot.alerts.model import Action, ActionKind, ActionState, Did, Incident
from bot.messages.blocks import Message, actions, button, section
from bot.messages.text import anchor, code, day_and_time, escape, person, sentence


def help_message(command: str, commands: Mapping[str, str]) -> Message:
    """What can be typed: word → what it does."""
    lines = [f"`{command}{' ' + word if word else ''}` {what}" for word, what in commands.items()]
    return Message("Commands", (section("*Commands*", *lines),))


def unknown_command(command: str, word: str, nearest: str | None) -> Message:
    """Never silence: what was not understood, and what is; `nearest` is empty where the bare command is meant."""
    guess = "" if nearest is None else f" Did you mean `{f'{command} {nearest}'.strip()}`?"
    text = f"Unknown command {code(word, 100)}.{guess} `{command} help` lists the commands."
    return Message(text, (section(text),))


def note(text: str, people: tuple[str, ...] = (), thread: str | None = None) -> Message:
    """One sentence of ours to one person, ending with people or user groups, and the way to a thread."""
    way = f" {anchor('View thread', thread)}" if thread else ""
    safe = sentence(text, people) + way
    return Message(safe, (section(safe),))


def state_failure(reason: str) -> Message:
    """Nothing can be stored; what was asked for may be done in part where Census was asked before."""
    return note(
        f"Sync Health cannot write its state now ({reason}), so this may be incomplete. "
        "Try again once /sync-health no longer says so."
    )


def already_acknowledged(people: Sequence[str], incident_id: int) -> Message:
    """Who has acknowledged an incident, and the way to take it over."""
    text = f"Already acknowledged by {' and '.join(map(person, people))}."
    return Message(text, (section(text), actions(button("Take over", "take_over", str(incident_id)))))


def still_acknowledged(incident: Incident, zone: ZoneInfo) -> Message:
    """Nothing changed in the channel, so whoever pressed is told what their press did."""
    until = ack_lasts_until(incident, zone)
    lasts = f"; the acknowledgment now lasts until {day_and_time(until, zone)}" if until else ""
    text = f"Incident {incident.id} ({escape(incident.title, 150)}) was already acknowledged by you{lasts}."
    return Message(text, (section(text),))


def taken_over(incident: Incident) -> Message:
    """What an acknowledgment came to, for the one who typed it or took over."""
    entry = incident.timeline[-1]
    whom = f", taken over from {person(entry.detail)}" if entry.did is Did.TAKEN_OVER else ""
    text = f"Incident {incident.id} ({escape(incident.title, 150)}) is acknowledged by you{whom}."
    return Message(text, (section(text),))


def snooze_answer(snoozed: Sequence[Incident], zone: ZoneInfo) -> Message:
    """How many were snoozed until when."""
    what = f"Incident {snoozed[0].id} is" if len(snoozed) == 1 else f"{len(snoozed)} incidents of one thread are"
    until = snoozed[0].snoozed_until
    text = f"{what} snoozed{f' until {day_and_time(until, zone)}' if until else ''}."
    return Message(text, (section(text),))


def unacknowledged(freed: Incident, by: str) -> Message:
    """What was given back; `freed` is as it was before."""
    was = f"Incident {freed.id} is unacknowledged"
    whose = freed.acked_by if freed.acked_by != by else None
    return note(f"{was}; it was acknowledged by", (whose,)) if whose else note(f"{was}.")


def action_answer(action: Action) -> Message:
    """What a submission came to, for the one who submitted it; the thread reports the rest to everybody."""
    what, where = escape(action.sync or "All syncs", 100), "thread" if action.incident_id else "channel"
    match action.state:
        case ActionState.FAILED:
            text = f"{what}: {action.kind} failed. {escape(action.verdict, 300)}"
        case ActionState.REQUESTED:
            text = f"{what}: {action.kind} requested, not yet confirmed by Census. The {where} reports the outcome."
        case _ if action.adopted:
            text = f"{what} was already running. The {where} reports that run."
        case ActionState.RUNNING if action.kind is ActionKind.RERUN:
            text = f"{what} is running. The {where} reports its progress."
        case _:
            done = {ActionKind.RESUME: "resumed", ActionKind.CANCEL: "being canceled"}.get(action.kind, "paused")
            text = f"{what}: {done}. The {where} reports it."
    return Message(text, (section(text),))


def failure(reference: str) -> Message:
    """Something that we did not foresee; the reference is in the log next to the traceback."""
    known = "It may have taken effect: check the thread or `/sync-health` before you try again."
    text = f"❗ Unexpected error. {known} Reference `{reference}` in the log."
    return Message(text, (section(text),))
