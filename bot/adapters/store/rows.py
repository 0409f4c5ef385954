"""Rows of the state as the values that services know."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, Table, insert, select

from bot.adapters.store import tables as t
from bot.alerts.model import Action, Alert, Entry, Incident

T = TypeVar("T", Alert, Incident, Action, Entry)
# Made once: that takes ten times as long as reading a row.
ROWS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in (Alert, Incident, Action, Entry)}
TABLES = {Alert: t.alerts, Incident: t.incidents, Action: t.actions, Entry: t.timeline}
NAMES = {kind: tuple(f.name for f in fields(kind) if f.name in table.c) for kind, table in TABLES.items()}


class RowRecords:
    """Reading and writing one value at a time; the other parts of ports.Records stand on it."""

    _db: Connection

    def _load_one(self, kind: type[T], table: Table, *where: Any) -> T | None:
        row = self._db.execute(select(table).where(*where)).mappings().first()
        return load_row(kind, row) if row else None

    def _insert(self, table: Table, thing: Incident | Action) -> int:
        values = {name: value for name, value in row_values(thing, table).items() if name != "id"}
        return t.key_of(self._db.execute(insert(table).values(**values)))


def row_values(thing: Any, table: Table) -> dict[str, Any]:
    """What the columns of a table hold of a value."""
    return {f.name: getattr(thing, f.name) for f in fields(thing) if f.name in table.c}


def load_row(kind: type[T], row: Mapping[Any, Any], **more: object) -> T:
    """The value in a row; `more` is what stands elsewhere."""
    loaded: T = ROWS[kind].validate_python({name: row[name] for name in NAMES[kind]} | more)
    return loaded
