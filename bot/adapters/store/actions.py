"""What was requested for syncs, in the state."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, or_, select, text, update

from bot.adapters.store import tables as t
from bot.adapters.store.rows import RowRecords, load_row, row_values
from bot.alerts.model import CARRIED_OUT, Action, ActionKind, ActionState

PAUSES = (ActionKind.PAUSE, ActionKind.PAUSE_ALL)


class ActionRecords(RowRecords):
    """The part of ports.Records that is about actions."""

    def create_action(self, action: Action) -> Action:
        return replace(action, id=self._insert(t.actions, action))

    def save_action(self, action: Action) -> None:
        values = row_values(action, t.actions)
        self._db.execute(update(t.actions).where(t.actions.c.id == action.id).values(**values))

    def action(self, action_id: int) -> Action | None:
        return self._load_one(Action, t.actions, t.actions.c.id == action_id)

    def open_action(self, sync: str, kind: ActionKind) -> Action | None:
        return self._load_one(Action, t.actions, t.actions.c.sync == sync, t.actions.c.kind == kind, text(t.OPEN))

    def latest_pause(self, sync: str) -> Action | None:
        a = t.actions.c
        # Of many syncs that one action pauses some are paused before it is done, and stay so if it never is.
        changed = (a.kind == ActionKind.PAUSE_ALL) | (
            a.kind.in_((ActionKind.PAUSE, ActionKind.RESUME)) & a.state.in_(CARRIED_OUT)
        )
        resumed = a.resumes & (a.state != ActionState.REQUESTED)  # whatever came of the rerun after it
        done = (a.sync.in_((sync, "")), or_(changed, resumed))
        rows = self._db.execute(select(t.actions).where(*done).order_by(a.id.desc())).mappings()
        mine = (one for one in (load_row(Action, row) for row in rows) if one.sync == sync or sync in one.paused)
        latest = next(mine, None)
        return latest if latest and latest.kind in PAUSES else None

    def latest_action_id(self, sync: str) -> int:
        return self._db.scalar(select(func.max(t.actions.c.id)).where(t.actions.c.sync.in_((sync, "")))) or 0

    def newest_action_id(self) -> int:
        return self._db.scalar(select(func.max(t.actions.c.id))) or 0

    def was_resumed_since(self, sync: str, action_id: int) -> bool:
        a = t.actions.c
        resumes = or_(a.kind == ActionKind.RESUME, a.resumes)
        return self._db.scalar(select(func.max(a.id)).where(a.sync == sync, a.id > action_id, resumes)) is not None

    def open_actions(self) -> list[Action]:
        query = select(t.actions).where(text(t.OPEN)).order_by(t.actions.c.id)
        return [load_row(Action, row) for row in self._db.execute(query).mappings()]

    def reruns_of(self, run_ids: Collection[int]) -> Mapping[int, Action]:
        a = t.actions.c
        started = (a.run_id.in_(run_ids), a.kind == ActionKind.RERUN, a.adopted.is_(False))
        rows = self._db.execute(select(t.actions).where(*started).order_by(a.id.desc())).mappings()
        return {row["run_id"]: load_row(Action, row) for row in rows}  # the one that came first stays

    def actions_ended_since(self, since: datetime) -> list[Action]:
        query = select(t.actions).where(t.actions.c.ended_at >= since).order_by(t.actions.c.id)
        return [load_row(Action, row) for row in self._db.execute(query).mappings()]

    def actions_of(self, incident_id: int) -> list[Action]:
        query = select(t.actions).where(t.actions.c.incident_id == incident_id).order_by(t.actions.c.id)
        return [load_row(Action, row) for row in self._db.execute(query).mappings()]
