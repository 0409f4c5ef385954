"""Evaluations in the state, with what they measured: compressed, because there is one at every tick."""

import zlib
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, exists, func, insert, select, update

from bot.adapters.store import tables as t
from bot.model import Evaluation

EVALUATION = TypeAdapter(Evaluation)  # made once: that takes ten times as long as reading one
BASE = t.evaluations.alias("base")


class EvaluationRecords:
    """The part of ports.Records that is about evaluations."""

    _db: Connection

    def save_evaluation(self, evaluation: Evaluation) -> None:
        base, body = self._base_for(evaluation.checked_at), EVALUATION.dump_json(evaluation)
        values = {"checked_at": evaluation.checked_at, "base_id": base and base.id}
        packed = pack(body, unpack(base.body) if base else b"")
        saved = t.key_of(self._db.execute(insert(t.evaluations).values(body=packed, **values)))
        fresh = {(one.check, one.sync or ""): one for one in evaluation.results if not one.carried}
        if fresh:
            series = self._ids_of(fresh)
            about = {"evaluation_id": saved}
            rows = [
                {"series_id": series[key], "outcome": r.outcome, "value": r.value, **about} for key, r in fresh.items()
            ]
            self._db.execute(insert(t.results), rows)

    def latest_evaluation(self) -> Evaluation | None:
        return next(iter(self.latest_evaluations(1)), None)

    def latest_evaluations(self, most: int) -> list[Evaluation]:
        both = t.evaluations.outerjoin(BASE, BASE.c.id == t.evaluations.c.base_id)
        newest = select(t.evaluations.c.body, BASE.c.body).select_from(both).order_by(t.evaluations.c.id.desc())
        rows = self._db.execute(newest.limit(most)).all()
        bodies = (unpack(body, unpack(base) if base else b"") for body, base in rows)
        return [EVALUATION.validate_json(body) for body in bodies][::-1]

    def move_values(self, check: str, to_check: str, to_sync: str) -> None:
        there = exists().where(t.series.c.check == to_check, t.series.c.sync == to_sync)
        found = update(t.series).where(t.series.c.check == check, t.series.c.sync == "", ~there)
        self._db.execute(found.values(check=to_check, sync=to_sync))

    def prune_evaluations(self, before: datetime, most: int, *, keep_hourly: bool) -> int:
        newest = self._db.execute(select(t.evaluations).order_by(t.evaluations.c.id.desc()).limit(1)).first()
        if newest is None:
            return 0
        kept = [one for one in (newest.id, newest.base_id) if one]
        old = select(t.evaluations.c.id).where(t.evaluations.c.checked_at < before, t.evaluations.c.id.not_in(kept))
        if keep_hourly:
            old = old.where(t.evaluations.c.base_id.is_not(None))
        by_age = (t.evaluations.c.base_id.is_(None), t.evaluations.c.id)  # what others are read with goes last
        ids = self._db.scalars(old.order_by(*by_age).limit(most)).all()
        theirs = (t.results.c.series_id.in_(select(t.series.c.id)), t.results.c.evaluation_id.in_(ids))
        self._db.execute(delete(t.results).where(*theirs))
        self._db.execute(delete(t.evaluations).where(t.evaluations.c.id.in_(ids)))
        return len(ids)

    def first_look(self) -> datetime | None:
        oldest = select(t.evaluations.c.checked_at).order_by(t.evaluations.c.id).limit(1)
        return self._db.scalar(oldest)

    def _base_for(self, at: datetime) -> Any:
        """The first evaluation of this hour; None where this one is."""
        first = select(t.evaluations).where(t.evaluations.c.base_id.is_(None)).order_by(t.evaluations.c.id.desc())
        base = self._db.execute(first.limit(1)).first()
        return base if base and _hour_of(base.checked_at) == _hour_of(at) else None

    def _ids_of(self, keys: dict[tuple[str, str], Any]) -> dict[tuple[str, str], int]:
        """The ids of these checks and syncs; those that have none get one."""
        known = {(row.check, row.sync): row.id for row in self._db.execute(select(t.series))}
        if new := [key for key in keys if key not in known]:
            first = 1 + (self._db.scalar(select(func.max(t.series.c.id))) or 0)
            rows = [{"id": id_, "check": check, "sync": sync} for id_, (check, sync) in enumerate(new, first)]
            self._db.execute(insert(t.series), rows)
            known |= {(row["check"], row["sync"]): row["id"] for row in rows}
        return known


def pack(body: bytes, base: bytes = b"") -> bytes:
    """Compressed; one evaluation differs little from another, which makes it twenty times as small next to that."""
    packer = zlib.compressobj(9, zdict=base)
    return packer.compress(body) + packer.flush()


def unpack(packed: bytes, base: bytes = b"") -> bytes:
    """What was packed, with the same base. ValueError where it cannot be read."""
    try:
        return zlib.decompressobj(zdict=base).decompress(packed)
    except (TypeError, zlib.error) as error:
        raise ValueError(f"an evaluation in the state cannot be read: {error}") from error


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
