"""The messages of one thread in the outbox: delivered or not, and that no more shall be posted."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from bot.adapters.store import tables as t
from bot.adapters.store.moves import named_after
from bot.model import Delivery, Kind, Place


class DeliveryRecords:
    """The part of ports.Records that is about what Slack shows of a thread."""

    _db: Connection

    def deliveries(self, incident_id: int) -> list[Delivery]:
        rows = self._db.execute(select(t.outbox).where(*_of_thread(incident_id)).order_by(t.outbox.c.seq))
        return [
            Delivery(
                Kind(row["kind"]),
                Place(row["posted_in"], row["ts"]) if row["ts"] else None,
                row["wanted"] <= row["sent"],
                row["error"],
            )
            for row in rows.mappings()
        ]

    def root_of(self, incident_id: int) -> Place | None:
        return self.roots_of((incident_id,)).get(incident_id)

    def roots_of(self, incident_ids: Collection[int]) -> Mapping[int, Place]:
        return roots_of(self._db, incident_ids)

    def is_posting(self, incident_id: int) -> bool:
        thread = select(func.coalesce(t.incidents.c.thread_id, t.incidents.c.id)).where(t.incidents.c.id == incident_id)
        sent = or_(t.outbox.c.sending_by.is_not(None), t.outbox.c.doubtful)
        unconfirmed = (t.outbox.c.thread_id == thread.scalar_subquery(), t.outbox.c.ts.is_(None), sent)
        return self._db.execute(select(t.outbox.c.seq).where(*unconfirmed)).first() is not None

    def enqueue_edits(self, threads: Collection[int]) -> None:
        if threads:
            roots = (t.outbox.c.kind == Kind.ROOT, t.outbox.c.thread_id.in_(threads))
            self._db.execute(update(t.outbox).where(*roots).values(wanted=t.outbox.c.wanted + 1, plain=False))

    def drop_unposted(self, incident_id: int) -> None:
        untouched = (t.outbox.c.ts.is_(None), t.outbox.c.sending_by.is_(None))
        unposted = update(t.outbox).where(*_of_thread(incident_id), *untouched)
        self._db.execute(unposted.values(sent=t.outbox.c.wanted))

    def enqueue_answers(self, incident_id: int) -> None:
        # What was posted without a line of the timeline stands as it was said.
        standing = (t.outbox.c.kind == Kind.REMINDER, t.outbox.c.ts.is_not(None), t.outbox.c.entry_id.is_(None))
        newest = select(func.max(t.timeline.c.id)).where(t.timeline.c.incident_id == t.outbox.c.incident_id)
        edit = {"wanted": t.outbox.c.wanted + 1, "entry_id": newest.scalar_subquery()}
        self._db.execute(update(t.outbox).where(*_of_thread(incident_id), *standing).values(**edit))


def roots_of(db: Connection, incident_ids: Collection[int]) -> dict[int, Place]:
    """Where the threads of these incidents begin; an incident whose thread is not in Slack yet is left out."""
    root = (t.outbox.c.thread_id == named_after, t.outbox.c.kind == Kind.ROOT, t.outbox.c.ts.is_not(None))
    posted = select(t.incidents.c.id, t.outbox.c.posted_in, t.outbox.c.ts).where(*root)
    rows = db.execute(posted.where(t.incidents.c.id.in_(incident_ids)))
    return {row.id: Place(row.posted_in, row.ts) for row in rows}


def _of_thread(incident_id: int) -> tuple[Any, ...]:
    return t.outbox.c.thread_id == incident_id, t.outbox.c.kind != Kind.MOVED
