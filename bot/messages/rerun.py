"""The dialog before a rerun: what would be written, and whether that is wise."""

from typing import Any
from zoneinfo import ZoneInfo

from bot.answers import RerunFacts
from bot.messages.blocks import Block, Message, context, modal, question, section
from bot.messages.text import code, escape, number, rows, when

REASON = "reason"


def loading_modal(title: str) -> dict[str, Any]:
    """Open at once: a trigger lives three seconds, the facts may take longer."""
    return modal(title, [section("⏳ Loading …")], callback="loading")


def answer_modal(title: str, message: Message) -> dict[str, Any]:
    """A short answer in a dialog, instead of what it was opened for."""
    return modal(title, message.blocks, callback="answer")


def rerun_modal(facts: RerunFacts, zone: ZoneInfo) -> dict[str, Any]:
    """The facts, and a reason to give where it is risky."""
    title = f"Rerun {facts.sync}"
    blocks = [section(*_facts(facts, zone))]
    if facts.paused:
        blocks.append(
            context("Resume it in Census first: what Census does with a triggered paused sync is not documented.")
        )
        return modal(title, blocks, callback="answer")
    if facts.running:
        return modal(title, blocks, callback="rerun", metadata=str(facts.incident_id), submit="Follow it")
    blocks.append(_reason(facts))
    return modal(title, blocks, callback="rerun", metadata=str(facts.incident_id), submit="Rerun")


def _facts(facts: RerunFacts, zone: ZoneInfo) -> list[str]:
    label, source = escape(facts.label, 300), code(facts.source, 300)
    waiting = (
        "❔ How many rows wait is not known." if facts.queue is None else f"*{rows(facts.queue)}* wait in {source}."
    )
    lines = [f"*{label}*", waiting]
    if facts.paused:
        return [*lines, "⏸️ The sync is paused, so it cannot be run."]
    if facts.running:
        began = when(facts.running.created_at, zone)
        lines.append(f"▶️ A run is going on since {began}. None is started: you can follow that one in the thread.")
        return [*lines, "It took its rows when it began: what was mended since then is not in it."]
    if facts.suspicious is None:
        lines.append("⚠️ What these rows hold could not be looked at. The run writes them to Salesforce as they are.")
    elif facts.suspicious:
        lines.append(
            f"⚠️ *{number(facts.suspicious)} of them look wrong*: no company name, or the property's own. "
            "The run writes them to Salesforce as they are. Is the view mended?"
        )
    elif facts.queue:
        lines.append("✅ None of them looks wrong.")
    elif facts.queue == 0:
        lines.append("Nothing waits: a run would find no rows and change nothing.")
        lines += [f"*What helps:* {escape(facts.helps)}"] if facts.helps else []
    return lines


def _reason(facts: RerunFacts) -> Block:
    label = "Why run it all the same?" if facts.risky else "Why? (for the thread)"
    return question(REASON, label, hint="The view is mended", optional=not facts.risky)
