"""The audit: who did what, and what came of it."""

import re
from zoneinfo import ZoneInfo

from bot.answers.history import AuditTrail
from bot.messages.blocks import Block, Message, Native, context, section
from bot.messages.native import MOST_ROWS, By, Cell, Told, rows_that_fit, table
from bot.messages.text import code, day_and_time
from bot.model import AuditRow, AuditState
from bot.sanitize import sanitize
from checks.numbers import count_of

COLUMNS = ("When", "Who", "Action", "Target", "Outcome", "Reason")
SHORT, LONG = 60, 120  # characters of a cell
USER = re.compile(r"[UW][A-Z0-9]{2,}")  # a Slack user id; what acted on its own has a name
NAMED = re.compile(r"(?<![\w{@])([UWS]0[A-Z0-9]+)(?!\w)")  # …or that of a group, as it stands in a text
ICONS = {
    AuditState.REQUESTED: "▶️",
    AuditState.SUCCEEDED: "✅",
    AuditState.FAILED: "❗",
    AuditState.REFUSED: "⛔",
    AuditState.UNKNOWN: "❔",
}


def audit_message(trail: AuditTrail, zone: ZoneInfo) -> Message:
    """The newest rows, as many as Slack takes, and how to get at the others."""
    rows = list(rows_that_fit(_row(row) for row in trail.rows[:MOST_ROWS]))
    since, found = day_and_time(trail.since, zone), count_of(trail.total, "audit entry", "audit entries")
    head = section(f"*{found}* since {since}" if trail.total else f"No audit entries since {since}.")
    blocks: list[Block | Native] = [head]
    if rows:
        blocks.append(table(COLUMNS, rows, zone))
    if hidden := trail.total - len(rows):
        command = code(f"sync-health audit --since {trail.since.astimezone(zone):%Y-%m-%d}")
        blocks.append(context(f"{hidden:,} older not shown. On the command line: {command}"))
    return Message(found if trail.total else "No audit entries", tuple(blocks))


def outcome_of(row: AuditRow) -> str:
    """`Run completed`, `Failed: no such table`: state and result as one sentence, with the state said once.

    What succeeded is only told, as is what says in a sentence of its own how it ended, and a row of an earlier version.
    """
    told = row.result[:1].upper() + row.result[1:]
    if row.state is None or (told and (row.state is AuditState.SUCCEEDED or row.result.startswith((told, row.state)))):
        return told
    return f"{row.state.capitalize()}: {row.result}" if told else row.state.capitalize()


def _row(row: AuditRow) -> tuple[Cell, ...]:
    who: Cell = By(row.user) if USER.fullmatch(row.user) else sanitize(row.user, SHORT)
    outcome = f"{ICONS[row.state]} {outcome_of(row)}" if row.state else outcome_of(row)
    return row.at, who, row.what, sanitize(row.target, SHORT), _told(outcome), _told(row.reason)


def _told(text: str) -> Told:
    """A text of a row, whose people are shown by name."""
    short = sanitize(text, LONG)
    if short.rfind("{") > short.rfind("}"):  # a time is not torn
        short = f"{short[: short.rfind('{')]}…"
    return Told(NAMED.sub(r"{@\1}", short))
