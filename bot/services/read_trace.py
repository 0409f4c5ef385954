"""The rows of a pipeline's trace → hops, with what may be shown alone: words of the statement, ids, numbers, times."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.alerts.causes import at
from bot.alerts.trace import Difference, Hop
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.config.trace import NEEDED, PLACE, TRACE
from bot.errors import PermanentError
from bot.sanitize import HIDDEN, redact, sanitize, shown_id

LONGEST, NAME, KEY = 300, 60, 200  # characters of a text, of a place or field, of an identifier
MOST_HOPS, MOST_FIELDS = 20, 30
FLAGS = frozenset({"true", "false", "0", "1"})  # values that say nothing about a person
EMPTY = "empty"

Row = Mapping[str, object]


def hops_of(rows: Sequence[Row], settings: Settings) -> tuple[Hop, ...]:
    """The way of one record. Raises PermanentError where a row is not as documented."""
    by_hop: dict[int, list[Row]] = {}
    for row in rows:
        if not isinstance(number := row.get("hop"), int) or any(name not in row for name in NEEDED):
            raise _not_as_documented(f"a row without {', '.join(NEEDED)}")
        by_hop.setdefault(number, []).append(row)
    if len(by_hop) > MOST_HOPS:
        raise _not_as_documented(f"{len(by_hop)} hops; at most {MOST_HOPS} are shown")
    carriers = [one for row in rows if (one := _sync(row, settings))] or settings.syncs[:1] * (len(settings.syncs) == 1)
    return tuple(_hop(by_hop[number], settings, carriers) for number in sorted(by_hop))


def _hop(rows: Sequence[Row], settings: Settings, carriers: Collection[SyncSettings]) -> Hop:
    first, sync = rows[0], _sync(rows[0], settings)
    changed = first.get("changed_at")
    known = settings.trace or frozenset()
    return Hop(
        place=_name(first["place"], known) or HIDDEN,
        found=bool(first["found"]),
        changed_at=changed if isinstance(changed, datetime) else None,
        stops=_text(first, "stops", known),
        next_step=_text(first, "next_step", known),
        note=_text(first, "note", known),
        suspect=_text(first, "suspect", known),
        sync=sync.name if sync else "",
        key=sanitize(str(first.get("key") or ""), KEY) if sync else "",
        differences=_differences(rows, known, carriers),
    )


def _sync(row: Row, settings: Settings) -> SyncSettings | None:
    """By its name, or its role."""
    if not (called := row.get("sync")):
        return None
    found = [one for one in settings.syncs if called in (one.name, one.role)]
    if len(found) != 1:
        raise _not_as_documented(f"the sync “{sanitize(str(called), NAME)}”, which pipeline.yml does not name")
    return found[0]


def _text(row: Row, column: str, known: Collection[str]) -> str:
    """A text as the statement has it, with ids, numbers and times of the row in its braces; any other is redacted."""
    text = str(row.get(column) or "")
    if text not in known:
        return redact(text, LONGEST)
    return sanitize(PLACE.sub(lambda found: _shown(row.get(found[1])), text), LONGEST)


def _name(value: object, known: Collection[str]) -> str:
    """What a place or a field is called in the statement; any other text is redacted."""
    text = str(value or "")
    return sanitize(text, NAME) if text in known else redact(text, NAME)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return at(value)
    return "–" if value is None else shown_id(value)


def _differences(
    rows: Sequence[Row], known: Collection[str], carriers: Collection[SyncSettings]
) -> tuple[Difference, ...]:
    """Each once, by name, with what is shown of its two values."""
    keys = {name for sync in carriers for name in sync.key}
    groups = {name for sync in carriers for name in sync.group_by} - keys
    found: dict[str, Difference] = {}
    for row in rows:
        if row.get("field") is None:
            continue
        field, values = row["field"], (row.get("ours"), row.get("theirs"))
        are_flags = all(value is None or str(value).casefold() in FLAGS for value in values)
        name = _name(field, known)
        if field in groups or are_flags:
            found[name] = Difference(name, *map(_value, values))
        elif field in keys:
            found[name] = Difference(name, *(EMPTY if value in (None, "") else shown_id(value) for value in values))
        else:
            found[name] = Difference(name, *(EMPTY if value in (None, "") else None for value in values))
    return tuple(found.values())[:MOST_FIELDS]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return EMPTY if value in (None, "") else sanitize(str(value), NAME)


def _not_as_documented(what: str) -> PermanentError:
    return PermanentError(f"sql/{TRACE}.sql returned {what}: see Trace in docs/YOUR_PIPELINE.md")
