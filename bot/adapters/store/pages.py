"""What the pagers were told, and what they have not accepted."""

from dataclasses import asdict

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, insert, select, update

from bot.adapters.store import tables as t
from bot.alerts.paging import Page
from bot.model import UnsentPages

ROW = TypeAdapter(Page)
MOST_REASONS = 3


class PageRecords:
    """The part of ports.Records that is about pages."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def pages(self, target: str) -> list[Page]:
        mine = select(t.pages).where(t.pages.c.target == target).order_by(t.pages.c.id)
        return [ROW.validate_python(dict(row)) for row in self._db.execute(mine).mappings()]

    def page(self, target: str, key: str) -> Page | None:
        this = select(t.pages).where(t.pages.c.target == target, t.pages.c.key == key)
        row = self._db.execute(this).mappings().first()
        return None if row is None else ROW.validate_python(dict(row))

    def save_page(self, page: Page) -> None:
        values = {name: value for name, value in asdict(page).items() if name != "id"}
        if page.id:
            self._db.execute(update(t.pages).where(t.pages.c.id == page.id).values(**values))
        else:
            self._db.execute(insert(t.pages).values(**values))

    def unsent_pages(self) -> tuple[UnsentPages, ...]:
        reason = (t.pages.c.target, t.pages.c.error)
        since = func.min(t.pages.c.failed_at)
        failed = select(*reason, func.count(), since).where(t.pages.c.error.is_not(None)).group_by(*reason)
        return tuple(UnsentPages(*row) for row in self._db.execute(failed.order_by(since).limit(MOST_REASONS)))
