"""What evaluations measured over a time, and when messages came to Slack: read for the success metrics."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select

from bot.adapters.store import tables as t
from bot.adapters.store.evaluations import BASE, unpack
from bot.alerts.alert_times import Measured
from bot.alerts.success import Evaluated
from bot.model import Kind
from checks.model import Outcome

AT_ONCE = 500  # of a list in a statement
UNMEASURED = (Outcome.NO_DATA, Outcome.ERROR)


@dataclass(frozen=True)
class Times:
    """What is read of a stored evaluation: reading all of it takes twenty times as long."""

    checked_at: datetime
    statements: int
    seconds: float
    warehouse_reached: bool = True
    warehouse_starting: bool = False


TIMES = TypeAdapter(Times)  # made once: that takes ten times as long as reading one


class HistoryRecords:
    """The part of ports.Records that is about what was measured when."""

    _db: Connection

    def evaluations_since(self, since: datetime) -> list[Evaluated]:
        both = t.evaluations.outerjoin(BASE, BASE.c.id == t.evaluations.c.base_id)
        bodies = select(t.evaluations.c.body, BASE.c.body).select_from(both)
        found = bodies.where(t.evaluations.c.checked_at >= since).order_by(t.evaluations.c.id)
        return [_evaluated(body, base) for body, base in self._db.execute(found)]

    def measured_since(self, check: str, sync: str | None, since: datetime) -> list[Measured]:
        series = select(t.series.c.id).where(t.series.c.check == check, t.series.c.sync == (sync or ""))
        measured = select(t.evaluations.c.checked_at, t.results.c.outcome, t.results.c.value)
        joined = measured.join(t.evaluations, t.evaluations.c.id == t.results.c.evaluation_id)
        theirs = (t.results.c.series_id == series.scalar_subquery(), t.evaluations.c.checked_at >= since)
        rows = self._db.execute(joined.where(*theirs).order_by(t.results.c.evaluation_id))
        return [Measured(row.checked_at, Outcome(row.outcome), row.value) for row in rows]

    def unmeasured_since(self, checks: Collection[str], since: datetime) -> list[datetime]:
        series = select(t.series.c.id).where(t.series.c.check.in_(checks))
        blind = (t.results.c.series_id.in_(series), t.results.c.outcome.in_(UNMEASURED))
        joined = select(t.evaluations.c.checked_at).join(t.results, t.evaluations.c.id == t.results.c.evaluation_id)
        found = joined.where(*blind, t.evaluations.c.checked_at >= since).distinct()
        return list(self._db.scalars(found.order_by(t.evaluations.c.checked_at)))

    def posted_at(self, threads: Collection[int]) -> Mapping[int, datetime | None]:
        known, listed = dict[int, datetime | None](), sorted(threads)
        for begin in range(0, len(listed), AT_ONCE):
            some = t.outbox.c.thread_id.in_(listed[begin : begin + AT_ONCE])
            stands = select(t.outbox.c.thread_id, func.min(t.outbox.c.ts)).where(some, t.outbox.c.ts.is_not(None))
            known |= {row[0]: _time_of(row[1]) for row in self._db.execute(stands.group_by(t.outbox.c.thread_id))}
            waits = (some, t.outbox.c.kind == Kind.ROOT, t.outbox.c.ts.is_(None), t.outbox.c.wanted > t.outbox.c.sent)
            for thread in self._db.scalars(select(t.outbox.c.thread_id).where(*waits)):
                known.setdefault(thread, None)
        return known


def _evaluated(body: bytes, base: bytes | None) -> Evaluated:
    times = TIMES.validate_json(unpack(body, unpack(base) if base else b""))
    answered = bool(times.statements) and times.warehouse_reached and not times.warehouse_starting
    return Evaluated(times.checked_at, times.seconds, answered)


def _time_of(ts: str) -> datetime:
    """Slack's ts: seconds, and a counter behind the point."""
    return datetime.fromtimestamp(int(ts.partition(".")[0]), UTC)
