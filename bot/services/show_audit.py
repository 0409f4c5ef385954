"""Who did what: the audit as people read it. It is a log: nothing in the bot decides by what is read back here."""

from datetime import datetime, timedelta

from bot.answers.history import AuditTrail
from bot.errors import RefusedError
from bot.model import KEPT_DAYS
from bot.ports import Store

DAYS = 7  # that Slack shows where none are named


def show_audit(
    store: Store, since: datetime, until: datetime | None = None, *, action: str = "", most: int | None = None
) -> AuditTrail:
    """What was written since then, of one action where it is named; the newest `most` rows of it."""
    with store.snapshot() as records:
        rows = records.audit_rows(since, until, action=action, most=most)
        total = len(rows) if most is None else records.count_audit_rows(since, until, action=action)
    return AuditTrail(since, tuple(rows), total, until)


def days_meant(text: str, command: str = "audit") -> timedelta:
    """`30` or `30d`, typed behind the command; a week where nothing is. Raises RefusedError."""
    typed = text.strip().lower().removesuffix("d").strip()
    if not text.strip():
        return timedelta(days=DAYS)
    if not (typed.isascii() and typed.isdigit() and len(typed) < 4 and 1 <= int(typed) <= KEPT_DAYS):
        raise RefusedError(f"Write a number of days from 1 to {KEPT_DAYS}, such as /sync-health {command} 30.")
    return timedelta(days=int(typed))
