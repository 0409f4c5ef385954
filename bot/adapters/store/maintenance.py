"""Maintenance windows in the state, and what they hold back in the outbox."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, text, update

from bot.adapters.store import tables as t
from bot.adapters.store.moves import named_after
from bot.alerts.model import Maintenance
from bot.model import Kind

ASKED_FOR = (Kind.RUN, Kind.NOTE, Kind.MAINTENANCE, Kind.STAKEHOLDERS)  # by a person, so it is sent during a window
KEPT = (Kind.ROOT, Kind.EVIDENCE)  # of a thread with an open incident: sent once the window has ended


class MaintenanceRecords:
    """The part of ports.Records that is about maintenance windows."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def maintenance(self) -> Maintenance | None:
        row = self._db.execute(select(t.maintenance).where(t.maintenance.c.ended_at.is_(None))).mappings().first()
        return _load_window(row) if row else None

    def maintenance_called(self, window_id: int) -> Maintenance:
        """A window, ended or not."""
        return _load_window(
            self._db.execute(select(t.maintenance).where(t.maintenance.c.id == window_id)).mappings().one()
        )

    def create_maintenance(self, window: Maintenance) -> Maintenance:
        newest = self._db.scalar(select(func.max(t.outbox.c.seq))) or 0
        saved: Any = self._db.execute(insert(t.maintenance).values(**_values(window), after_seq=newest))
        return replace(window, id=int(saved.inserted_primary_key[0]))

    def save_maintenance(self, window: Maintenance) -> None:
        changed = update(t.maintenance).where(t.maintenance.c.id == window.id)
        self._db.execute(changed.values(**_values(window)))

    def drop_held(self, window: Maintenance) -> None:
        after = select(t.maintenance.c.after_seq).where(t.maintenance.c.id == window.id).scalar_subquery()
        still = select(named_after).where(t.incidents.c.resolved_at.is_(None))
        obsolete = or_(t.outbox.c.kind.not_in(KEPT), t.outbox.c.thread_id.not_in(still))
        # Nobody has tried to send what was enqueued after it began; what was enqueued before is not in its summary.
        unposted = (t.outbox.c.seq > after, t.outbox.c.ts.is_(None))
        held = (*unposted, t.outbox.c.thread_id.is_not(None), t.outbox.c.kind.not_in(ASKED_FOR))
        self._db.execute(update(t.outbox).where(text(t.UNSENT), *held, obsolete).values(sent=t.outbox.c.wanted))


def is_held(message: Mapping[Any, Any]) -> bool:
    """Whether a window holds this message back: what is in the channel already is edited, which notifies nobody."""
    return message["ts"] is None and message["kind"] not in ASKED_FOR


def _values(window: Maintenance) -> dict[str, Any]:
    return {name: value for name, value in asdict(window).items() if name != "id"}


def _load_window(row: Mapping[Any, Any]) -> Maintenance:
    return Maintenance(**{name: value for name, value in row.items() if name != "after_seq"})
