"""What was measured over a time, and when messages came to Slack."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BindParameter, Connection, Integer, ScalarSelect, Select, and_, bindparam, case, func, select

from bot.adapters.store import tables as t
from bot.adapters.store.evaluations import BASE, unpack
from bot.alerts.alert_times import Measured, Opening
from bot.alerts.history import Spread
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


def _series_of(check: str | BindParameter[str], sync: str | BindParameter[str] | None) -> ScalarSelect[int]:
    """The id of what is measured of a check and sync."""
    theirs = (t.series.c.check == check, t.series.c.sync == ("" if sync is None else sync))
    return select(t.series.c.id).where(*theirs).scalar_subquery()


def _values_of(check: str, sync: str | None) -> Select[Any]:
    """Its values with their times."""
    valued = (t.results.c.series_id == _series_of(check, sync), t.results.c.value.is_not(None))
    measured = t.results.join(t.evaluations, t.evaluations.c.id == t.results.c.evaluation_id)
    return select(t.evaluations.c.checked_at, t.results.c.value).select_from(measured).where(*valued)


def _from_healthy() -> Select[Any]:
    """From its last healthy result between two evaluations; its key is what is read, so that few rows are."""
    r, earlier = t.results.c, t.results.alias("earlier").c
    series, last = _series_of(bindparam("check"), bindparam("sync")), bindparam("last", type_=Integer)
    before = (earlier.series_id == series, earlier.evaluation_id.between(bindparam("first"), last))
    healthy = select(earlier.evaluation_id).where(*before, earlier.outcome == Outcome.OK)
    newest = healthy.order_by(earlier.evaluation_id.desc()).limit(1).scalar_subquery()
    theirs = (r.series_id == series, r.evaluation_id.between(newest, last))
    return select(r.evaluation_id, r.outcome).where(*theirs).order_by(r.evaluation_id)


FROM_HEALTHY = _from_healthy()  # made once


class HistoryRecords:
    """The part of ports.Records that is about what was measured when."""

    _db: Connection

    def evaluations_since(self, since: datetime) -> list[Evaluated]:
        both = t.evaluations.outerjoin(BASE, BASE.c.id == t.evaluations.c.base_id)
        bodies = select(t.evaluations.c.body, BASE.c.body).select_from(both)
        found = bodies.where(t.evaluations.c.checked_at >= since).order_by(t.evaluations.c.id)
        base_of = lru_cache(maxsize=1)(unpack)  # an hour's evaluations have the same one
        return [_evaluated(body, base_of(base) if base else b"") for body, base in self._db.execute(found)]

    def evaluation_times(self, since: datetime) -> list[datetime]:
        times = select(t.evaluations.c.checked_at).where(t.evaluations.c.checked_at >= since)
        return list(self._db.scalars(times.order_by(t.evaluations.c.id)))

    def latest_values(
        self, check: str, sync: str | None, most: int, *, until: datetime | None = None
    ) -> tuple[tuple[datetime, float], ...]:
        newest = _values_of(check, sync).order_by(t.results.c.evaluation_id.desc()).limit(most)
        rows = self._db.execute(newest.where(t.evaluations.c.checked_at <= until) if until else newest)
        return tuple((row.checked_at, row.value) for row in rows)[::-1]

    def values_between(
        self, check: str, sync: str | None, since: datetime, until: datetime
    ) -> tuple[tuple[datetime, float], ...]:
        found = _values_of(check, sync).where(t.evaluations.c.checked_at.between(since, until))
        rows = self._db.execute(found.order_by(t.results.c.evaluation_id))
        return tuple((row.checked_at, row.value) for row in rows)

    def spreads_of_values(self, check: str, sync: str | None, edges: Sequence[datetime]) -> Mapping[int, Spread]:
        r, at = t.results.c, t.evaluations.c.checked_at
        edge = case(*((at < one, n - 1) for n, one in enumerate(edges)), else_=len(edges) - 1).label("edge")
        numbers = (func.count(), func.min(r.value), func.max(r.value), func.avg(r.value), func.max(r.evaluation_id))
        named = [one.label(name) for one, name in zip(numbers, ("n", "low", "high", "mean", "newest"), strict=True)]
        measured = t.results.join(t.evaluations, t.evaluations.c.id == r.evaluation_id)
        same = (r.series_id == _series_of(check, sync), r.value.is_not(None), at < edges[-1])
        times = (func.min(at).label("first_at"), func.max(at).label("last_at"))
        each = select(edge, *named, *times).select_from(measured).where(*same).group_by(edge).cte("each_edge")
        newest = (r.series_id == _series_of(check, sync), r.evaluation_id == each.c.newest)
        shown = (each.c.n, each.c.low, each.c.high, each.c.mean, r.value, each.c.first_at, each.c.last_at)
        rows = self._db.execute(select(each.c.edge, *shown).select_from(each.join(t.results, and_(*newest))))
        return {int(row[0]): Spread(*row[1:]) for row in rows}

    def measured_before(self, openings: Collection[Opening], since: datetime) -> Mapping[Opening, list[Measured]]:
        times = select(t.evaluations.c.checked_at, t.evaluations.c.id).where(t.evaluations.c.checked_at >= since)
        known = sorted((row.checked_at, row.id) for row in self._db.execute(times)) if openings else []
        at = {id_: checked_at for checked_at, id_ in known}
        found = dict[Opening, list[Measured]]()
        for one in set(openings):
            earlier = bisect_right(known, one.at, key=itemgetter(0))
            ids = {"first": known[0][1], "last": known[earlier - 1][1]} if earlier else {"first": 1, "last": 0}
            rows = self._db.execute(FROM_HEALTHY, {"check": one.check, "sync": one.sync or "", **ids})
            found[one] = [
                Measured(at[row.evaluation_id], Outcome(row.outcome)) for row in rows if row.evaluation_id in at
            ]
        return found

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


def _evaluated(body: bytes, base: bytes) -> Evaluated:
    times = TIMES.validate_json(unpack(body, base))
    answered = bool(times.statements) and times.warehouse_reached and not times.warehouse_starting
    return Evaluated(times.checked_at, times.seconds, answered)


def _time_of(ts: str) -> datetime:
    """Slack's ts: seconds, and a counter behind the point."""
    return datetime.fromtimestamp(int(ts.partition(".")[0]), UTC)
