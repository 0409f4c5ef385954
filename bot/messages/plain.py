"""Short answers: help, refusals, confirmations."""

from collections.abc import Mapping

from bot.messages.blocks import Message, section
from bot.messages.text import code, sentence


def help_message(command: str, commands: Mapping[str, str]) -> Message:
    """What can be typed: word → what it does."""
    lines = [f"`{command}{' ' + word if word else ''}` {what}" for word, what in commands.items()]
    return Message("What I understand", (section("*What I understand*", *lines),))


def unknown_command(command: str, word: str, nearest: str | None) -> Message:
    """Never silence: what was not understood, and what is."""
    guess = f" Did you mean `{command} {nearest}`?" if nearest else ""
    text = f"I do not know {code(word, 100)}.{guess} `{command} help` lists what I do."
    return Message(text, (section(text),))


def note(text: str, people: tuple[str, ...] = ()) -> Message:
    """One sentence of ours to one person, ending with people or user groups."""
    safe = sentence(text, people)
    return Message(safe, (section(safe),))


def state_failure(reason: str) -> Message:
    """Nothing can be stored; what was asked for may be done in part where Census was asked before."""
    return note(
        f"Sync Health cannot write its state now ({reason}), so this may be incomplete. "
        "Try again once /sync-health no longer says so."
    )


def failure(reference: str) -> Message:
    """Something that we did not foresee; the reference is in the log next to the traceback."""
    known = "It may have taken effect: check the thread or `/sync-health` before you try again."
    text = f"❗ Something went wrong on my side. {known} Reference `{reference}`, which is in my log."
    return Message(text, (section(text),))
