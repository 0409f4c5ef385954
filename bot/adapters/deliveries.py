"""The messages of one thread in the outbox: what came of them, and that no more shall be posted."""

from typing import Any

from sqlalchemy import Connection, select, update

from bot.adapters import tables as t
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

    def drop_unposted(self, incident_id: int) -> None:
        untouched = (t.outbox.c.ts.is_(None), t.outbox.c.sending_by.is_(None))
        unposted = update(t.outbox).where(*_of_thread(incident_id), *untouched)
        self._db.execute(unposted.values(sent=t.outbox.c.wanted))


def _of_thread(incident_id: int) -> tuple[Any, ...]:
    return t.outbox.c.thread_id == incident_id, t.outbox.c.kind != Kind.MOVED
