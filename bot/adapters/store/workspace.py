"""What is known of the Slack workspace: whether it refuses tables and charts."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.adapters.store import tables as t


class WorkspaceRecords:
    """The part of ports.Records that is about the workspace."""

    _db: Connection

    def text_only_since(self) -> datetime | None:
        since: datetime | None = self._db.scalar(select(t.workspace.c.text_only_since))
        return since

    def note_text_only(self, at: datetime) -> None:
        if not self._db.execute(update(t.workspace).values(text_only_since=at)).rowcount:
            self._db.execute(insert(t.workspace).values(id=1, text_only_since=at))
