"""The rows of a pipeline's trace → hops, with what may be shown alone: words of the statement, ids, numbers, times."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bot.alerts.causes import at
from bot.alerts.rejections import IDENTIFIER
from bot.alerts.trace import Difference, Hop
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.config.trace import NEEDED, PLACE, TRACE
from bot.errors import PermanentError
from bot.sanitize import HIDDEN, redact, sanitize, shown_id

LONGEST, NAME = 300, 60  # characters of a text, of a place or field
MOST_HOPS, MOST_FIELDS = 20, 30
FLAGS = frozenset({"true", "false", "0", "1"})  # values that say nothing about a person
SAID = FLAGS | {"t", "f", "y", "n", "yes", "no"}
EMPTY = "empty"
IN_FORM = re.compile(r"[A-Za-z0-9_-]{1,60}")  # of a key
WITHOUT_BRACES = str.maketrans("{}", "()")  # they mean times in a text

Row = Mapping[str, object]


def hops_of(rows: Sequence[Row], settings: Settings) -> tuple[Hop, ...]:
    """The way of one record. Raises PermanentError where a row is not as documented."""
    by_hop: dict[int, list[Row]] = {}
    for row in rows:
        if any(name not in row for name in NEEDED):
            raise _not_as_documented(f"a row without {', '.join(NEEDED)}")
        if type(number := row["hop"]) is not int:
            raise _not_as_documented(f"{_named(number)} as hop, where a whole number belongs")
        by_hop.setdefault(number, []).append(row)
    if len(by_hop) > MOST_HOPS:
        raise _not_as_documented(f"{len(by_hop)} hops; at most {MOST_HOPS} are shown")
    carriers = [one for row in rows if (one := _sync(row, settings))] or settings.syncs[:1] * (len(settings.syncs) == 1)
    return tuple(_hop(by_hop[number], settings, carriers) for number in sorted(by_hop))


def records_of(rows: Sequence[Row], settings: Settings) -> tuple[str, ...]:
    """The ids of the records that the rows are about, as far as they may be shown; NULL is no other record."""
    found: dict[str, str] = {}
    for row in rows:
        if (record := row.get("record")) is not None:
            record = int(record) if isinstance(record, float | Decimal) and record == record // 1 else record
            is_key = str(row.get("key")) == str(record) and _is_named(_sync(row, settings))
            shown = _key(record) if is_key else shown_id(record)
            if found.get(str(record), HIDDEN) == HIDDEN:
                found[str(record)] = sanitize(shown, NAME)
    if rows and not found:
        raise _not_as_documented("no record but NULL")
    return tuple(found.values())


def _is_named(sync: SyncSettings | None) -> bool:
    """Whether what identifies its records in Census is a column that `key` names: that is an id, whatever its form."""
    return sync is not None and sync.identified_by in sync.key


def _hop(rows: Sequence[Row], settings: Settings, carriers: Collection[SyncSettings]) -> Hop:
    first, sync = rows[0], _sync(rows[0], settings)
    changed = first.get("changed_at")
    differences = _differences(rows, settings, carriers)
    return Hop(
        place=_name(first["place"], settings) or HIDDEN,
        found=_is_found(first["found"]),
        changed_at=changed if isinstance(changed, datetime) else None,
        stops=_text(first, "stops", settings),
        next_step=_text(first, "next_step", settings),
        note=_text(first, "note", settings),
        suspect=_text(first, "suspect", settings),
        sync=sync.name if sync else "",
        key=sanitize(str(first.get("key") or ""), IDENTIFIER) if sync else "",
        differences=differences[:MOST_FIELDS],
        more=max(len(differences) - MOST_FIELDS, 0),
    )


def _is_found(value: object) -> bool:
    if isinstance(value, str) or value not in (0, 1):  # a text would be true whatever it says, and so would NaN
        raise _not_as_documented(f"{_named(value)} as found, where TRUE, FALSE, 1 or 0 belongs")
    return bool(value)


def _sync(row: Row, settings: Settings) -> SyncSettings | None:
    """By its name, or its role."""
    if not (called := row.get("sync")):
        return None
    found = [one for one in settings.syncs if called in (one.name, one.role)]
    if len(found) != 1:
        raise _not_as_documented(f"the sync “{sanitize(str(called), NAME)}”, which pipeline.yml does not name")
    return found[0]


def _text(row: Row, column: str, settings: Settings) -> str:
    """A text as the statement has it, with ids, numbers and times of the row in its braces; any other is redacted."""
    text = str(row.get(column) or "")
    if text not in (settings.trace or ()):
        return redact(text, LONGEST)
    keys = {name for sync in settings.syncs for name in sync.key}
    return sanitize(PLACE.sub(lambda found: _shown(row.get(found[1]), is_id=found[1] in keys), text), LONGEST)


def _name(value: object, settings: Settings) -> str:
    """What a place or a field is called in the statement; any other text is redacted."""
    text = str(value or "")
    return sanitize(text, NAME) if text in (settings.trace or ()) else redact(text, NAME)


def _shown(value: object, *, is_id: bool) -> str:
    if isinstance(value, datetime):
        return at(value)
    if is_id and value is not None:
        return _key(value)
    return "–" if value is None else shown_id(value)


def _key(value: object) -> str:
    """A value of a column that pipeline.yml calls a key, where it has the form of one: no address, no name."""
    return str(value) if IN_FORM.fullmatch(str(value)) else shown_id(value)


def _differences(rows: Sequence[Row], settings: Settings, carriers: Collection[SyncSettings]) -> tuple[Difference, ...]:
    """Each once, by name, with what is shown of its two values."""
    keys = {name for sync in carriers for name in sync.key}
    groups = {name for sync in carriers for name in sync.group_by} - keys
    found: dict[str, Difference] = {}
    for row in rows:
        if row.get("field") is None:
            continue
        field, values = row["field"], (row.get("ours"), row.get("theirs"))
        are_flags = all(value is None or str(value).casefold() in FLAGS for value in values)
        name = _name(field, settings)
        if field in groups or are_flags:
            found[str(field)] = Difference(name, *map(_value, values))
        elif field in keys:
            found[str(field)] = Difference(
                name, *(EMPTY if value in (None, "") else shown_id(value) for value in values)
            )
        else:
            found[str(field)] = Difference(name, *(EMPTY if value in (None, "") else None for value in values))
    return tuple(found.values())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return EMPTY if value in (None, "") else sanitize(str(value), NAME)


def _named(value: object) -> str:
    """A value that should not be there; of a text only what says nothing about a person."""
    if isinstance(value, str):
        return f"the text “{value if value.casefold() in SAID else shown_id(value)}”"
    return "NULL" if value is None else str(value) if isinstance(value, int | float | Decimal) else "another value"


def _not_as_documented(what: str) -> PermanentError:
    return PermanentError(f"sql/{TRACE}.sql returned {what}: see Trace in docs/YOUR_PIPELINE.md")
