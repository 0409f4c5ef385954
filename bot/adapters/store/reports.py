"""Weekly reviews and stakeholder notes in the state."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select, update

from bot.adapters.store import tables as t
from bot.adapters.store.deliveries import roots_of
from bot.adapters.store.moves import IDLE
from bot.alerts.stakeholders import Note
from bot.alerts.weekly import Review
from bot.model import Kind, PostedReview

REVIEW, NOTE = TypeAdapter(Review), TypeAdapter(Note)
UNSENT: dict[str, Any] = {"wanted": 1, "sent": 0, "attempts": 0, **IDLE}


class ReportRecords:
    """The part of ports.Records that is about the weekly review and the note for stakeholders."""

    _db: Connection

    def enqueue_review(self, review: Review, channel: str) -> None:
        values = {"at": review.until, "body": REVIEW.dump_json(review).decode()}
        saved = t.key_of(self._db.execute(insert(t.reviews).values(**values)))
        self._enqueue_report(Kind.REVIEW, channel, review_id=saved)

    def review(self, review_id: int) -> PostedReview:
        """As it was made, and where the threads begin that it names."""
        body = self._db.scalar(select(t.reviews.c.body).where(t.reviews.c.id == review_id))
        review = REVIEW.validate_json(body or "")
        return PostedReview(review, roots_of(self._db, review.named))

    def draft_note(self, note: Note) -> Note:
        mine = (t.stakeholder_notes.c.by == note.by, t.stakeholder_notes.c.sent_at.is_(None))
        self._db.execute(delete(t.stakeholder_notes).where(*mine))
        values = {"by": note.by, "created_at": note.created_at, "body": NOTE.dump_json(note).decode()}
        return replace(note, id=t.key_of(self._db.execute(insert(t.stakeholder_notes).values(**values))))

    def stakeholder_note(self, note_id: int) -> Note | None:
        row = self._db.execute(select(t.stakeholder_notes).where(t.stakeholder_notes.c.id == note_id)).first()
        return _loaded(row) if row else None

    def latest_note(self) -> Note | None:
        sent = select(t.stakeholder_notes).where(t.stakeholder_notes.c.sent_at.is_not(None))
        row = self._db.execute(sent.order_by(t.stakeholder_notes.c.sent_at.desc()).limit(1)).first()
        return _loaded(row) if row else None

    def send_note(self, note: Note, channels: Iterable[str]) -> bool:
        unsent = (t.stakeholder_notes.c.id == note.id, t.stakeholder_notes.c.sent_at.is_(None))
        sent = update(t.stakeholder_notes).where(*unsent).values(sent_at=note.sent_at, added=note.added)
        if self._db.execute(sent).rowcount != 1:
            return False
        for channel in channels:
            self._enqueue_report(Kind.STAKEHOLDERS, channel, stakeholder_note_id=note.id)
        return True

    def _enqueue_report(self, kind: Kind, channel: str, **about: int) -> None:
        new = {"id": uuid.uuid4().hex, "kind": kind, "channel": channel, **about, **UNSENT}
        self._db.execute(insert(t.outbox).values(**new))


def _loaded(row: Any) -> Note:
    return replace(NOTE.validate_json(row.body), id=row.id, added=row.added, sent_at=row.sent_at)
