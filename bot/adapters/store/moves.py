"""Open incidents go on in another channel: each thread begins there again, and the old root says where."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, text, update

from bot.adapters.store import tables as t
from bot.alerts.model import Did, Entry
from bot.model import Kind, Move

IDLE: dict[str, Any] = {"sending_by": None, "sending_until": None, "doubtful": False}
UNTRIED: dict[str, Any] = {"first_tried_at": None, "plain": False, **IDLE}
UNPOSTED: dict[str, Any] = {"ts": None, "posted_in": None, **UNTRIED}
named_after: ColumnElement[int] = func.coalesce(t.incidents.c.thread_id, t.incidents.c.id)


def move_channel(
    db: Connection, old: str, move: Move, *, thread: int | None = None, not_before: datetime | None = None
) -> None:
    """Move every thread with an open incident, and `thread` whether it is open or not; also what has no thread."""
    wanted = in_thread(thread)
    if move.whole_channel:
        wanted |= t.incidents.c.resolved_at.is_(None)
    for one in db.scalars(select(named_after).distinct().where(t.incidents.c.channel == old, wanted)).all():
        _move_thread(db, one, old, move, not_before)
    # A note for stakeholders goes to its own readers or to nobody.
    unthreaded = (t.outbox.c.thread_id.is_(None), t.outbox.c.kind != Kind.STAKEHOLDERS)
    others = (*unthreaded, t.outbox.c.channel == old, text(t.UNSENT))
    db.execute(update(t.outbox).where(*others).values(channel=move.channel, not_before=not_before, **UNPOSTED))


def _move_thread(db: Connection, thread: int, old: str, move: Move, not_before: datetime | None) -> None:
    messages = (t.outbox.c.thread_id == thread, t.outbox.c.kind != Kind.MOVED)
    db.execute(update(t.incidents).where(in_thread(thread)).values(channel=move.channel))
    db.execute(update(t.outbox).where(*messages).values(channel=move.channel))
    root = db.execute(select(t.outbox).where(*messages, t.outbox.c.kind == Kind.ROOT)).mappings().first()
    if root is None or root["posted_in"] == move.channel:  # the same channel, by its id instead of its name
        return
    _note_move(db, thread, Entry(move.at, Did.MOVED, detail=f"{old}: {move.why}"))
    if root["ts"]:
        left = {"incident_id": thread, "thread_id": thread, "kind": Kind.MOVED, "wanted": 1, "sent": 0, "attempts": 0}
        stands = {"id": uuid.uuid4().hex, "channel": old, "posted_in": root["posted_in"], "ts": root["ts"]}
        db.execute(insert(t.outbox).values(**left, **stands, **IDLE))
    told_again = or_(t.outbox.c.kind == Kind.ROOT, (t.outbox.c.kind == Kind.EVIDENCE) & t.outbox.c.ts.is_not(None))
    db.execute(update(t.outbox).where(*messages, told_again).values(wanted=t.outbox.c.wanted + 1))
    for seq in db.scalars(select(t.outbox.c.seq).where(*messages, text(t.UNSENT))).all():
        unsent = {"id": uuid.uuid4().hex, "not_before": not_before, **UNPOSTED}  # what is left behind keeps its id
        db.execute(update(t.outbox).where(t.outbox.c.seq == seq).values(**unsent))


def in_thread(thread: int | None) -> ColumnElement[bool]:
    """The incidents of a thread, with the one that it is named after."""
    return named_after == thread


def _note_move(db: Connection, thread: int, entry: Entry) -> None:
    """Say it in the timeline of each open incident, once: where two channels refuse in turn it would fill with it."""
    noted = select(t.timeline.c.incident_id).where(t.timeline.c.did == entry.did, t.timeline.c.detail == entry.detail)
    still = select(t.incidents.c.id).where(in_thread(thread), t.incidents.c.id.not_in(noted))
    for incident_id in db.scalars(still.where(t.incidents.c.resolved_at.is_(None) | (t.incidents.c.id == thread))):
        said = {"at": entry.at, "did": entry.did, "detail": entry.detail}
        db.execute(insert(t.timeline).values(incident_id=incident_id, **said))
