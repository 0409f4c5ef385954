"""Up to when the completed runs of each sync stand in the audit log."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.adapters.store import tables as t


class RunLogRecords:
    """The part of ports.Records that is about the runs in the audit log."""

    _db: Connection

    def logged_until(self) -> Mapping[int, datetime]:
        return {row.sync_id: row.until for row in self._db.execute(select(t.logged_runs))}

    def note_logged(self, sync_id: int, until: datetime) -> None:
        changed = update(t.logged_runs).where(t.logged_runs.c.sync_id == sync_id)
        if not self._db.execute(changed.values(until=until)).rowcount:
            self._db.execute(insert(t.logged_runs).values(sync_id=sync_id, until=until))
