"""What the bot's statements cost the warehouse, and who leads."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.adapters.store import tables as t
from bot.alerts.warehouse_use import Span, Usage, awake_spans
from bot.model import Leader

COUNTS = ("statements", "woke", "auto_stop_unknown", "auto_stop_off")


class UsageRecords:
    """The part of ports.Records that is about the use of the warehouse, and the leader."""

    _db: Connection

    def leader(self, name: str) -> Leader | None:
        row = self._db.execute(select(t.leases).where(t.leases.c.name == name)).first()
        return Leader(row.holder, row.until, row.since) if row else None

    def note_usage(self, usages: Sequence[Usage]) -> None:
        table = t.warehouse_usage
        for one in usages:
            same = (table.c.day == str(one.day), table.c.purpose == str(one.purpose))
            more = {name: table.c[name] + getattr(one, name) for name in COUNTS}
            if not self._db.execute(update(table).where(*same).values(**more)).rowcount:
                values = asdict(one) | {"day": str(one.day), "purpose": str(one.purpose)}
                self._db.execute(insert(table).values(**values))

    def usage_since(self, day: date) -> list[Usage]:
        table = t.warehouse_usage
        found = select(table).where(table.c.day >= str(day)).order_by(table.c.day, table.c.purpose)
        rows = self._db.execute(found).mappings()
        return [Usage(**{**row, "day": date.fromisoformat(row["day"])}) for row in rows]

    def note_awake(self, spans: Sequence[Span]) -> None:
        table = t.warehouse_awake
        for begin, until in awake_spans(spans):
            meets = (table.c.begin <= until, table.c.until >= begin)
            stored = [(row.begin, row.until) for row in self._db.execute(select(table).where(*meets))]
            [(begin, until)] = awake_spans([*stored, (begin, until)])
            self._db.execute(delete(table).where(*meets))
            self._db.execute(insert(table).values(begin=begin, until=until))

    def awake_since(self, at: datetime) -> list[Span]:
        table = t.warehouse_awake
        found = select(table).where(table.c.until > at).order_by(table.c.begin)
        return [(row.begin, row.until) for row in self._db.execute(found)]

    def prune_usage(self, before: datetime, day: date) -> None:
        self._db.execute(delete(t.warehouse_awake).where(t.warehouse_awake.c.until < before))
        self._db.execute(delete(t.warehouse_usage).where(t.warehouse_usage.c.day < str(day)))
