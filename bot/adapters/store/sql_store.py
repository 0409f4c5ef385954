"""The bot's state, on SQLite: transactions, snapshots for readers, and the outbox's claims."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.adapters.store import tables as t
from bot.adapters.store.leases import Leases
from bot.adapters.store.outbox import claim_next, mark_sent, next_attempts, read_content, release_claim
from bot.adapters.store.records import SqlRecords
from bot.adapters.store.state_file import open_state, reading_engine, said_plainly
from bot.model import Announcement, AuditRow, ClaimedMessage, Failure, Place
from bot.ports import Clock
from bot.services.write_gate import WriteGate


class SqlStore:
    """ports.Store on SQLite."""

    def __init__(self, url: str) -> None:
        self._engine = open_state(url)
        self._reading = reading_engine(self._engine)
        self._leases, self._gate = Leases(), WriteGate()
        self._listeners: list[Callable[[], object]] = []

    @contextmanager
    def transaction(self) -> Iterator[SqlRecords]:
        """One transaction; raised exceptions roll it back. StateError when the database cannot be read or written."""
        with self._transaction() as connection:
            yield SqlRecords(connection)
        for tell in self._listeners:
            tell()

    @contextmanager
    def snapshot(self) -> Iterator[SqlRecords]:
        """One transaction that only reads: it waits for no writer, and none for it. StateError as `transaction`."""
        with said_plainly(), self._reading.begin() as connection:
            yield SqlRecords(connection)

    def when_written(self, tell: Callable[[], object]) -> None:
        self._listeners.append(tell)

    def next_attempts(self, now: datetime) -> set[datetime]:
        with said_plainly(), self._reading.begin() as db:
            return next_attempts(db, now)

    def claim(self, holder: str, now: datetime, seconds: float) -> ClaimedMessage | None:
        with self._transaction() as db:
            return claim_next(db, holder, now, timedelta(seconds=seconds))

    def read_content(self, message: Announcement) -> Announcement:
        with said_plainly(), self._reading.begin() as db:
            return read_content(db, message)

    def mark_sent(
        self,
        claimed: ClaimedMessage,
        holder: str,
        *,
        place: Place | None,
        alone: bool = False,
        row: AuditRow | None = None,
    ) -> bool:
        with self._transaction() as db:
            kept = mark_sent(db, claimed, holder, place, alone=alone)
            if kept and row:
                SqlRecords(db).audit(row)
            return kept

    def release_claim(self, claimed: ClaimedMessage, holder: str, failure: Failure) -> bool:
        with self._transaction() as db:
            return release_claim(db, claimed, holder, failure)

    def take_lease(self, name: str, holder: str, clock: Clock, seconds: float) -> bool:
        with self._transaction() as db:
            return self._leases.take(db, name, holder, clock, seconds)

    def release_lease(self, name: str, holder: str) -> None:
        with self._transaction() as db:
            db.execute(t.leases.delete().where(t.leases.c.name == name, t.leases.c.holder == holder))

    def close(self) -> None:
        self._reading.dispose()
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._gate.passing(), said_plainly(), self._engine.begin() as connection:
            yield connection
