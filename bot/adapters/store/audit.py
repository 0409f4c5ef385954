"""The audit: lines are added, and read by people alone."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select

from bot.adapters.store import tables as t
from bot.model import AuditRow, AuditState

NAMES = tuple(one.name for one in fields(AuditRow))


class AuditRecords:
    """The part of ports.Records that is about the audit."""

    _db: Connection

    def audit(self, row: AuditRow) -> None:
        self._db.execute(insert(t.audit).values({name: getattr(row, name) for name in NAMES}))

    def audit_rows(
        self, since: datetime, until: datetime | None = None, *, action: str = "", most: int | None = None
    ) -> list[AuditRow]:
        newest = select(t.audit).where(*_which(since, until, action)).order_by(t.audit.c.at.desc(), t.audit.c.id.desc())
        rows = self._db.execute(newest.limit(most)).mappings()
        return [AuditRow(**{name: row[name] for name in NAMES} | {"state": _state(row["state"])}) for row in rows]

    def count_audit_rows(self, since: datetime, until: datetime | None = None, *, action: str = "") -> int:
        return self._db.scalar(select(func.count()).select_from(t.audit).where(*_which(since, until, action))) or 0


def _which(since: datetime, until: datetime | None, action: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [t.audit.c.at >= since]
    found += [t.audit.c.at < until] if until else []
    return [*found, func.lower(t.audit.c.what) == action.lower()] if action else found


def _state(written: str | None) -> AuditState | None:
    return AuditState(written) if written else None
