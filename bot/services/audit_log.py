"""The audit log as it is read: its snapshots, with their numbers under the names that checks have for them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from bot.config.settings import Settings
from bot.errors import PermanentError
from bot.ports import Sources

SNAPSHOTS = "measure/snapshots"
LARGEST, DIGITS = 2.0**63, 20  # more is no count of anything
SEPARATOR, STAND_IN = " | ", "¦"  # between two notes, and for the bar in the name of a sync
NOTE = re.compile(r"(.+): (-?[0-9]+(?:\.[0-9]+)?)")
ABOUT = ("audit_id", "execution_timestamp", "executed_by", "notes")  # a row, which are no numbers
Row = Mapping[str, object]


def read_log(sources: Sources, question: str, **parameters: object) -> list[dict[str, object]]:
    """Rows of the audit log. Raises as the warehouse does, with what creates a log that is not there."""
    try:
        return sources.warehouse.ask(question, **parameters)
    except PermanentError as error:
        raise PermanentError(f"{error} (`sync-health deploy` creates the audit log)") from error


def taken_at(row: Row) -> datetime:
    """When the snapshot of a row of the audit log was taken; a text without a zone is UTC, as a time without one is.

    Raises PermanentError where that is no time.
    """
    at = row.get("execution_timestamp")
    try:
        found = datetime.fromisoformat(at) if isinstance(at, str) else at
        if isinstance(found, date) and not isinstance(found, datetime):
            found = datetime.combine(found, time())
        if isinstance(found, datetime):
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    what = "no value" if at is None else "something that is no time"
    raise PermanentError(f"execution_timestamp of the audit log holds {what}: make it a TIMESTAMP")


def note(name: str, value: float) -> str:
    """`Contacts/backlog: 12`, as `numbers_in` reads it back."""
    plain = f"{value:.6f}".rstrip("0").rstrip(".")
    return f"{name.replace('|', STAND_IN)}: {plain}"


def numbers_in(row: Row, settings: Settings) -> dict[str, float | None]:
    """What a snapshot says: the columns of the pipeline's own statement, else its notes, `Contacts/backlog: 12 | …`."""
    columns = {name: value for name, value in row.items() if name not in ABOUT}
    if not columns:
        found = (NOTE.fullmatch(part) for part in str(row.get("notes") or "").split(SEPARATOR))
        named = ((one[1].replace(STAND_IN, "|"), one[2]) for one in found if one)
        columns = {name: int(text) if "." not in text and len(text) < DIGITS else float(text) for name, text in named}
    return {metric_called(name, settings): _number(value) for name, value in columns.items()}


def _number(value: object) -> float | None:
    """None for NaN, infinity and what no count comes to, as for a text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= LARGEST else None


def metric_called(name: str, settings: Settings) -> str:
    """The metric of a column of the log; one may have the name that a check of one sync once had.

    `update_queue` is the backlog of the sync of that role, also where nothing checks it.
    """
    if found := settings.check_that_was(name):
        return found[0].reading_of(found[1])
    backlogs = {f"{sync.role}_queue": f"{sync.name}/backlog" for sync in settings.syncs if sync.role}
    return backlogs.get(name, name)
