"""The bot's own memory, on SQLite: what is decided together is committed together."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, or_, select, text, update
from sqlalchemy.exc import OperationalError

from bot.adapters import tables as t
from bot.adapters.records import IDLE, REPLIES, SqlRecords
from bot.errors import StateError
from bot.model import Announcement, Failure, Kind, Owed, Place
from bot.sanitize import redact

log = logging.getLogger(__name__)
OWED = text(t.OWED)
READINGS = 8
SKEW = timedelta(seconds=30)  # between the clocks of replicas


class SqlStore:
    """ports.Store on any database that SQLAlchemy speaks to; SQLite until replicas need more."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        migrate(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[SqlRecords]:
        """One transaction; raised exceptions roll it back. StateError when the database cannot be read or written."""
        with self._begin() as connection:
            yield SqlRecords(connection)

    def claim(self, holder: str, now: datetime, seconds: float) -> Owed | None:
        with self._begin() as db:
            row = _next_owed(db, now)
            if row is None:
                return None
            doubtful = bool(row["doubtful"] or row["sending_by"])
            claimed = {"sending_by": holder, "sending_until": now + timedelta(seconds=seconds), "doubtful": doubtful}
            db.execute(_update_message(row["seq"], claimed))
            return Owed(_announcement(SqlRecords(db), row), row["wanted"], doubtful)

    def settle(self, owed: Owed, holder: str, *, place: Place | None, alone: bool = False) -> bool:
        done = {"sent": owed.revision, "error": None, "attempts": 0, "not_before": None, **IDLE}
        done |= {"ts": place.ts, "posted_in": place.channel} if place else {}
        message = owed.announcement
        with self._begin() as db:
            mine = _mine(message.id, holder)
            kept = db.execute(update(t.outbox).where(*mine).values(**done)).rowcount == 1
            if alone and kept and message.incident:
                others = (t.outbox.c.thread_id == message.incident.thread, t.outbox.c.kind.in_(REPLIES))
                db.execute(update(t.outbox).where(*others).values(sent=t.outbox.c.wanted))
            return kept

    def give_back(self, owed: Owed, holder: str, failure: Failure) -> bool:
        values = {"error": failure.error, "not_before": failure.not_before, **IDLE, "doubtful": failure.doubtful}
        message = owed.announcement
        if failure.gone and message.ts:
            values["ts"] = None
        with self._begin() as db:
            tried = {"attempts": t.outbox.c.attempts + 1}
            mine = update(t.outbox).where(*_mine(message.id, holder)).values(**values, **tried)
            kept = db.execute(mine).rowcount == 1
            if kept and failure.gone and not message.ts and message.incident:  # the root it answers to is gone
                root = (t.outbox.c.thread_id == message.incident.thread, t.outbox.c.kind == Kind.ROOT)
                db.execute(update(t.outbox).where(*root).values(ts=None, wanted=t.outbox.c.wanted + 1))
            if failure.whole_channel:
                same = select(t.outbox.c.channel).where(t.outbox.c.id == message.id).scalar_subquery()
                sooner = or_(t.outbox.c.not_before.is_(None), t.outbox.c.not_before < failure.not_before)
                waiting = (t.outbox.c.channel == same, OWED, sooner)
                db.execute(update(t.outbox).where(*waiting).values(not_before=failure.not_before))
            return kept

    def take_lease(self, name: str, holder: str, now: datetime, seconds: float) -> bool:
        with self._begin() as db:
            row = db.execute(select(t.leases).where(t.leases.c.name == name)).mappings().first()
            until = now + timedelta(seconds=seconds)
            if row and row["holder"] != holder and now < row["until"] <= until + SKEW:
                return False
            values = {"holder": holder, "until": until}
            if row:
                db.execute(update(t.leases).where(t.leases.c.name == name).values(**values))
            else:
                db.execute(insert(t.leases).values(name=name, **values))
            return True

    def release_lease(self, name: str, holder: str) -> None:
        with self._begin() as db:
            db.execute(t.leases.delete().where(t.leases.c.name == name, t.leases.c.holder == holder))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            log.debug("the state database: %s", redact(str(error.orig)))
            raise StateError(_reason(error)) from error


REASONS = {  # what SQLite says, in words for people
    "disk is full": "the disk is full",
    "readonly database": "the database is read-only",
    "database is locked": "another process keeps the database locked",
    "unable to open": "the database file cannot be opened",
    "disk I/O error": "the disk reports an I/O error",
}


def _reason(error: OperationalError) -> str:
    said = str(error.orig)
    return next((words for part, words in REASONS.items() if part in said), "the database failed (the log has details)")


def _next_owed(db: Connection, now: datetime) -> Mapping[str, Any] | None:
    """The oldest owed message of the first thread that nobody is busy with and that need not wait."""
    rows = db.execute(select(t.outbox).where(OWED).order_by(t.outbox.c.seq)).mappings().all()
    passed = {row["thread_id"] for row in rows if row["sending_until"] is not None and row["sending_until"] > now}
    for row in rows:
        if row["thread_id"] in passed:
            continue
        passed.add(row["thread_id"])
        if row["not_before"] is None or row["not_before"] <= now:
            return dict(row)
    return None


def _announcement(records: SqlRecords, row: Mapping[str, Any]) -> Announcement:
    channel = row["posted_in"] or row["channel"]
    if row["kind"] == Kind.DIGEST:
        return Announcement(row["id"], Kind.DIGEST, channel, None, row["ts"], digest=records.digest())
    if row["kind"] == Kind.AWAY:
        absence = records.absence(row["absence_id"])
        return Announcement(row["id"], Kind.AWAY, channel, None, row["ts"], outage=absence)
    incident = records.incident(row["incident_id"])
    assert incident, "the foreign key holds it"
    root = None if row["kind"] == Kind.ROOT else records.root_of(incident.id)
    return Announcement(
        id=row["id"],
        kind=Kind(row["kind"]),
        channel=root.channel if root else channel,
        thread_ts=root.ts if root else None,
        ts=row["ts"],
        incident=incident,
        thread=tuple(records.incidents_beside(incident)),
        action=records.action(row["action_id"]) if row["action_id"] else None,
        readings=records.readings(incident.check, incident.sync, READINGS),
    )


def _update_message(seq: int, values: Mapping[str, Any]) -> Any:
    return update(t.outbox).where(t.outbox.c.seq == seq).values(**values)


def _mine(message_id: str, holder: str) -> tuple[Any, ...]:
    return (t.outbox.c.id == message_id, t.outbox.c.sending_by == holder)


def _engine(url: str) -> Engine:
    engine = create_engine(url, hide_parameters=True)  # they would stand in errors and logs

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema. Raises StateError when it cannot be opened."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise StateError(_reason(error)) from error
