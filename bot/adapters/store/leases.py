"""Leases: which replica does what only one may do, whatever their wall clocks show."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.adapters.store import tables as t
from bot.ports import Clock

DEAD = timedelta(minutes=5)  # an end so long ago is over by the clock of any replica


class Leases:
    """The leases of others as this process has seen them.

    What is left of one only its holder's wall clock tells. So another's lease is over once it stood unchanged for its
    whole length by our monotonic clock; who holds it writes it more often than that.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[str, datetime], float]] = {}  # by name: how it stood, and since when

    def take(self, db: Connection, name: str, holder: str, clock: Clock, seconds: float) -> bool:
        """Whether the holder has it from now on, for so many seconds."""
        row = db.execute(select(t.leases).where(t.leases.c.name == name)).mappings().first()
        if row and row["holder"] != holder and not self._is_over(name, row["holder"], row["until"], clock, seconds):
            return False
        values: dict[str, object] = {"holder": holder, "until": clock.real() + timedelta(seconds=seconds)}
        if not row or row["holder"] != holder:
            values["since"] = clock.real()
        if row:
            db.execute(update(t.leases).where(t.leases.c.name == name).values(**values))
        else:
            db.execute(insert(t.leases).values(name=name, **values))
        return True

    def _is_over(self, name: str, holder: str, until: datetime, clock: Clock, seconds: float) -> bool:
        stands, since = self._seen.get(name, (None, 0.0))
        if stands != (holder, until):
            since = clock.monotonic()
            self._seen[name] = (holder, until), since
        return clock.monotonic() - since >= seconds or until < clock.real() - DEAD
