"""The outbox: which message is claimed next, what it needs, and whether it was sent."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, text, update

from bot.adapters.store import tables as t
from bot.adapters.store.maintenance import is_held
from bot.adapters.store.moves import IDLE, in_thread, move_channel
from bot.adapters.store.records import ONCE, REPLIES, SqlRecords
from bot.alerts.model import State
from bot.alerts.timetable import lies_ahead
from bot.model import Announcement, ClaimedMessage, Failure, Kind, Pause, Place
from bot.services.next_step import LONGEST_WAIT

Row = RowMapping
UNSENT = text(t.UNSENT)
VALUES = 12  # in the chart of an alert
SENT: dict[str, Any] = {"attempts": 0, "not_before": None, "first_tried_at": None, "plain": False, **IDLE}


def claim_next(db: Connection, holder: str, now: datetime, length: timedelta) -> ClaimedMessage | None:
    """Mark the next message as being sent. One that waits holds up nobody else, but a root its own replies.

    Nothing but the outbox is read here: what cannot be read of one message must not be in the way of the others.
    """
    # The summary of a maintenance window comes before what the window held back.
    order = (t.outbox.c.kind != Kind.MAINTENANCE, t.outbox.c.seq)
    unsent = db.execute(select(t.outbox).where(UNSENT).order_by(*order)).mappings().all()
    quiet = bool(unsent) and SqlRecords(db).maintenance() is not None
    row = _next_message(db, unsent, now, length, quiet=quiet) if unsent else None
    if row is None:
        return None
    doubtful, since = bool(row["doubtful"] or row["sending_by"]), row["first_tried_at"]
    if not doubtful:  # else an earlier version tried it and did not note when: it is looked for in the whole history
        since = since or now
    sending = {"sending_by": holder, "sending_until": now + length}
    claimed = {**sending, "doubtful": doubtful, "first_tried_at": since}
    db.execute(update(t.outbox).where(t.outbox.c.seq == row["seq"]).values(**claimed))
    failures = db.scalar(select(t.channels.c.failures).where(t.channels.c.name == row["channel"]))
    return ClaimedMessage(
        _address(SqlRecords(db), row, since),
        row["wanted"],
        doubtful,
        row["channel"],
        attempts=row["attempts"],
        error=row["error"],
        failures=failures or 0,
        thread=row["thread_id"],
        superseded=row["kind"] in ONCE and _is_superseded(db, row),
        behind=_replies_behind(row, unsent),
    )


def next_attempts(db: Connection, now: datetime) -> set[datetime]:
    """When time frees the unsent messages, `now` for those that it does not hold."""
    waits = (t.outbox.c.not_before, t.channels.c.not_before.label("paused"), t.outbox.c.sending_until)
    both = t.outbox.outerjoin(t.channels, t.channels.c.name == t.outbox.c.channel)
    rows = db.execute(select(*waits).select_from(both).where(UNSENT).distinct())
    return {max((end for end in row if lies_ahead(end, now, LONGEST_WAIT)), default=now) for row in rows}


def mark_sent(db: Connection, claimed: ClaimedMessage, holder: str, place: Place | None, *, alone: bool) -> bool:
    """What was unsent when it was claimed is sent. `alone` holds if that is still so, and for what was unsent then."""
    message = claimed.announcement
    done = {"sent": claimed.revision, "error": claimed.error if message.plain else None, **SENT}
    done |= {"ts": place.ts, "posted_in": place.channel} if place else {}
    kept = db.execute(update(t.outbox).where(*_held_by(message, holder)).values(**done)).rowcount == 1
    if kept and place and claimed.failures:
        db.execute(delete(t.channels).where(t.channels.c.name == claimed.channel))
    if kept and alone and claimed.thread and _is_over(db, claimed.thread):
        for seq, wanted in claimed.behind:
            same = (t.outbox.c.seq == seq, t.outbox.c.wanted == wanted)
            db.execute(update(t.outbox).where(*same).values(sent=wanted))
    return kept


def release_claim(db: Connection, claimed: ClaimedMessage, holder: str, failure: Failure) -> bool:
    """The message is pending until its next step."""
    message = claimed.announcement
    values: dict[str, Any] = {"error": failure.error, "not_before": failure.not_before, **IDLE}
    values |= {"doubtful": failure.doubtful, "plain": failure.plain or message.plain}
    if failure.gone and message.ts:
        values |= {"ts": None, "first_tried_at": None, "id": uuid.uuid4().hex}  # the old one may still be found
    tried = {"attempts": t.outbox.c.attempts + 1}
    kept = db.execute(update(t.outbox).where(*_held_by(message, holder)).values(**values, **tried)).rowcount == 1
    if not kept:
        return False
    if failure.gone and message.thread_ts and not message.ts and claimed.thread:
        _post_root_again(db, claimed.thread, message.thread_ts)
    if failure.pause:
        _pause_channel(db, claimed.channel, failure.pause)
    if failure.move:
        move_channel(db, claimed.channel, failure.move, thread=claimed.thread, not_before=failure.not_before)
    return True


def _next_message(
    db: Connection, unsent: Sequence[Row], now: datetime, length: timedelta, *, quiet: bool
) -> Row | None:
    channels = db.execute(select(t.channels.c.name, t.channels.c.not_before))
    paused = {name for name, not_before in channels if lies_ahead(not_before, now, LONGEST_WAIT)}
    busy = {row["thread_id"] for row in unsent if lies_ahead(row["sending_until"], now, length)}
    rootless = {row["thread_id"] for row in unsent if row["kind"] == Kind.ROOT and row["ts"] is None}
    for row in unsent:
        held = row["thread_id"] in busy or (row["thread_id"] in rootless and row["kind"] != Kind.ROOT)
        waits = row["channel"] in paused or lies_ahead(row["not_before"], now, LONGEST_WAIT)
        if not held and not waits and not (quiet and is_held(row)):
            return row
    return None


def _is_superseded(db: Connection, row: Row) -> bool:
    about = ("thread_id", "kind", "incident_id", "absence_id", "maintenance_id")
    where = [t.null_safe_equal(t.outbox.c[name], row[name]) for name in about]
    return db.execute(select(t.outbox.c.seq).where(*where, t.outbox.c.seq > row["seq"])).first() is not None


def _replies_behind(row: Row, unsent: Sequence[Row]) -> tuple[tuple[int, int], ...]:
    if row["kind"] != Kind.ROOT or row["ts"]:
        return ()
    return tuple((o["seq"], o["wanted"]) for o in unsent if o["thread_id"] == row["thread_id"] and o["kind"] in REPLIES)


def _address(records: SqlRecords, row: Row, since: datetime | None) -> Announcement:
    """Which message it is and where it stands or belongs, without what it says."""
    kind, about = Kind(row["kind"]), row["incident_id"]
    root = None if about is None or kind in (Kind.ROOT, Kind.MOVED) else records.root_of(about)
    channel, thread_ts = (root.channel, root.ts) if root else (row["posted_in"] or row["channel"], None)
    return Announcement(row["id"], kind, channel, thread_ts, row["ts"], since=since, plain=row["plain"])


def read_content(db: Connection, message: Announcement) -> Announcement:
    """The claimed message with what it says now. Raises whatever its rows make it raise."""
    records = SqlRecords(db)
    row = db.execute(select(t.outbox).where(t.outbox.c.id == message.id)).mappings().one()
    if message.kind is Kind.DIGEST:
        return replace(message, digest=records.digest())
    if message.kind is Kind.AWAY:
        return replace(message, outage=records.absence(row["absence_id"]))
    if message.kind is Kind.MAINTENANCE:
        return replace(message, maintenance=records.maintenance_report(row["maintenance_id"]))
    if message.kind is Kind.REVIEW:
        return replace(message, review=records.review(row["review_id"]))
    if message.kind is Kind.STAKEHOLDERS:
        return replace(message, note=records.stakeholder_note(row["stakeholder_note_id"]))
    if row["incident_id"] is None:
        return replace(message, action=records.action(row["action_id"]))
    incident = records.incident(row["incident_id"])
    assert incident, "the foreign key holds it"
    # Posted evidence of what fires is edited for its newest run or next step: its value is the newest one, too.
    as_it_is = message.kind is Kind.EVIDENCE and message.ts is not None and incident.state is State.FIRING
    then, until = (incident, None) if as_it_is else records.incident_at(incident, row["entry_id"])
    return replace(
        message,
        incident=then,
        thread=tuple(records.incidents_beside(incident)),
        action=records.action(row["action_id"]) if row["action_id"] else None,
        entry=records.entry(row["entry_id"]) if message.kind is Kind.NOTE else None,
        values=records.latest_values(incident.check, incident.sync, VALUES, until=until),
    )


def _is_over(db: Connection, thread: int) -> bool:
    still = select(t.incidents.c.id).where(in_thread(thread), t.incidents.c.resolved_at.is_(None))
    return db.execute(still).first() is None


def _post_root_again(db: Connection, thread: int, ts: str) -> None:
    """The root that a reply found gone; unless it stands somewhere else by now."""
    root = (t.outbox.c.thread_id == thread, t.outbox.c.kind == Kind.ROOT, t.outbox.c.ts == ts)
    again = {"ts": None, "first_tried_at": None, "wanted": t.outbox.c.wanted + 1}
    db.execute(update(t.outbox).where(*root).values(**again))


def _pause_channel(db: Connection, channel: str, pause: Pause) -> None:
    db.execute(delete(t.channels).where(t.channels.c.name == channel))
    db.execute(insert(t.channels).values(name=channel, failures=pause.failures, not_before=pause.until))


def _held_by(message: Announcement, holder: str) -> tuple[Any, ...]:
    return (t.outbox.c.id == message.id, t.outbox.c.sending_by == holder)
