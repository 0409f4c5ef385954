"""Evaluations in the state, and the values that they measured."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select

from bot.adapters import tables as t
from bot.model import Evaluation

EVALUATION = TypeAdapter(Evaluation)  # made once: that takes ten times as long as reading one


class EvaluationRecords:
    """The part of ports.Records that is about evaluations."""

    _db: Connection

    def save_evaluation(self, evaluation: Evaluation) -> None:
        body = EVALUATION.dump_json(evaluation).decode()
        saved = t.key_of(self._db.execute(insert(t.evaluations).values(checked_at=evaluation.checked_at, body=body)))
        rows = [
            {"evaluation_id": saved, "check": r.check, "sync": r.sync} | {"outcome": r.outcome, "value": r.value}
            for r in evaluation.results
            if not r.carried
        ]
        if rows:
            self._db.execute(insert(t.results), rows)

    def latest_evaluation(self) -> Evaluation | None:
        body = self._db.scalar(select(t.evaluations.c.body).order_by(t.evaluations.c.id.desc()).limit(1))
        return EVALUATION.validate_json(body) if body else None

    def latest_evaluations(self, most: int) -> list[Evaluation]:
        newest = select(t.evaluations.c.body).order_by(t.evaluations.c.id.desc()).limit(most)
        return [EVALUATION.validate_json(body) for body in self._db.scalars(newest)][::-1]

    def readings(self, check: str, sync: str | None, most: int, *, until: datetime | None = None) -> tuple[float, ...]:
        same = (t.results.c.check == check, t.null_safe_equal(t.results.c.sync, sync), t.results.c.value.is_not(None))
        newest = select(t.results.c.value).where(*same).order_by(t.results.c.id.desc()).limit(most)
        if until:
            newest = newest.join(t.evaluations).where(t.evaluations.c.checked_at <= until)
        return tuple(self._db.scalars(newest))[::-1]

    def prune_evaluations(self, before: datetime, most: int) -> int:
        oldest = select(t.evaluations.c.id, t.evaluations.c.checked_at).order_by(t.evaluations.c.id).limit(most + 1)
        rows = self._db.execute(oldest).all()
        old = [row.id for row in rows[:-1] if row.checked_at < before]  # the newest one always stays
        self._db.execute(delete(t.results).where(t.results.c.evaluation_id.in_(old)))
        self._db.execute(delete(t.evaluations).where(t.evaluations.c.id.in_(old)))
        return len(old)

    def first_look(self) -> datetime | None:
        oldest = select(t.evaluations.c.checked_at).order_by(t.evaluations.c.id).limit(1)
        return self._db.scalar(oldest)
