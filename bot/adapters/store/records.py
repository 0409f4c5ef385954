"""One transaction on the bot's state, in the terms of the services."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Table, bindparam, case, func, insert, literal, or_, select, text, update

from bot.adapters.store import tables as t
from bot.adapters.store.actions import ActionRecords
from bot.adapters.store.audit import AuditRecords
from bot.adapters.store.deliveries import DeliveryRecords
from bot.adapters.store.evaluations import EvaluationRecords
from bot.adapters.store.history import HistoryRecords
from bot.adapters.store.maintenance import MaintenanceRecords
from bot.adapters.store.moves import IDLE, move_channel, named_after
from bot.adapters.store.pages import PageRecords
from bot.adapters.store.reports import ReportRecords
from bot.adapters.store.rows import load_row, row_values
from bot.adapters.store.run_log import RunLogRecords
from bot.adapters.store.usage import UsageRecords
from bot.adapters.store.workspace import WorkspaceRecords
from bot.alerts.model import (
    OPENING,
    TEST_ALERT,
    Action,
    Alert,
    Did,
    Entry,
    Incident,
    Maintenance,
    MaintenanceReport,
    State,
)
from bot.model import CHANGES, Digest, Kind, Move, Outage, Undelivered, Watch
from checks.model import Severity

# Said once each; the others are edited.
ONCE = (
    Kind.SEVERITY,
    Kind.REOPENED,
    Kind.RESOLVED,
    Kind.REMINDER,
    Kind.REMEDY,
    Kind.DIGEST,
    Kind.AWAY,
    Kind.MAINTENANCE,
    Kind.REVIEW,
)
REPLIES = (Kind.EVIDENCE, *ONCE)
OF_THE_THREAD = (Kind.ROOT, Kind.EVIDENCE)  # one of each, whichever incident of the thread they are enqueued for
# What is said once its time is past tells how things stood then: which lines of the timeline it can be about.
ABOUT = {Kind.EVIDENCE: tuple(OPENING), Kind.NOTE: (Did.NOTED,), **CHANGES}
THEN = ("severity", "value", "limit", "summary")
REAL = t.incidents.c.check != TEST_ALERT  # no test
STILL_OPEN = t.incidents.c.resolved_at.is_(None)
ABOUT_IT = t.incidents.c.id == bindparam("about")
LINE = ("at", "did", "by", "detail", "broadcast", "request")
NOTE = insert(t.timeline).from_select(
    ["incident_id", *LINE, *THEN],
    select(
        t.incidents.c.id,
        *(bindparam(name, type_=t.timeline.c[name].type) for name in LINE),
        *(t.incidents.c[name] for name in THEN),
    ).where(ABOUT_IT),
)
NEW: dict[str, Any] = {"wanted": 1, "sent": 0, "attempts": 0, **IDLE}  # a message that nobody has tried to send
UNTRIED: tuple[Any, ...] = (
    text(t.UNSENT),
    t.outbox.c.ts.is_(None) & t.outbox.c.sending_by.is_(None) & (t.outbox.c.attempts == 0),
    t.outbox.c.doubtful.is_(False),
)
REMIND = insert(t.outbox).from_select(
    ["incident_id", "thread_id", "channel", "id", "kind", *NEW],
    select(
        t.incidents.c.id,
        named_after,
        t.incidents.c.channel,
        bindparam("id", type_=t.outbox.c.id.type),
        *(literal(value, t.outbox.c[name].type) for name, value in {"kind": Kind.REMINDER, **NEW}.items()),
    ).where(ABOUT_IT),
)
MOST_REASONS = 3
A_DAY = timedelta(days=1)


class SqlRecords(
    ActionRecords,
    AuditRecords,
    MaintenanceRecords,
    DeliveryRecords,
    EvaluationRecords,
    HistoryRecords,
    PageRecords,
    ReportRecords,
    RunLogRecords,
    UsageRecords,
    WorkspaceRecords,
):
    """ports.Records on one open transaction."""

    @cached_property
    def _alerts(self) -> dict[str, Alert | None]:
        """Those that were read at once: nobody else writes while we may."""
        return {}

    def alert(self, key: str) -> Alert | None:
        if key in self._alerts:
            return self._alerts[key]
        return self._load_one(Alert, t.alerts, t.alerts.c.key == key)

    def read_alerts(self, keys: Collection[str]) -> None:
        rows = self._db.execute(select(t.alerts).where(t.alerts.c.key.in_(keys))).mappings()
        self._alerts.update(dict.fromkeys(keys) | {row["key"]: load_row(Alert, row) for row in rows})

    def waiting_alerts(self) -> list[Alert]:
        waiting = or_(t.alerts.c.state.in_((State.PENDING, State.RECOVERING)), t.alerts.c.resolved_by.is_not(None))
        return [load_row(Alert, row) for row in self._db.execute(select(t.alerts).where(waiting)).mappings()]

    def save_alert(self, alert: Alert) -> None:
        self._alerts.pop(alert.key, None)
        values = row_values(alert, t.alerts)
        if not self._db.execute(update(t.alerts).where(t.alerts.c.key == alert.key).values(**values)).rowcount:
            self._db.execute(insert(t.alerts).values(**values))

    def create_incident(self, incident: Incident) -> Incident:
        return replace(incident, id=self._insert(t.incidents, incident))

    def save_incident(self, incident: Incident) -> None:
        changed = update(t.incidents).where(t.incidents.c.id == incident.id)
        self._db.execute(changed.values(**row_values(incident, t.incidents)))

    def note(self, incident_id: int, entry: Entry) -> None:
        self.note_each([(incident_id, entry)])

    def note_each(self, lines: Sequence[tuple[int, Entry]]) -> None:
        if lines:
            self._db.execute(NOTE, [{"about": incident_id, **asdict(entry)} for incident_id, entry in lines])

    def incident(self, incident_id: int) -> Incident | None:
        return next(iter(self._incidents(t.incidents.c.id == incident_id)), None)

    def incident_at(self, incident: Incident, entry_id: int | None) -> tuple[Incident, datetime | None]:
        """As it stood at that line of its timeline, and when that was; as it is where that is not known."""
        row = self._db.execute(select(t.timeline).where(t.timeline.c.id == entry_id)).mappings().first()
        if row is None or row["summary"] is None:
            return incident, None
        then = {name: row[name] for name in THEN} | {"severity": Severity(row["severity"]), "measured_at": row["at"]}
        return replace(incident, **then), row["at"]

    def entry(self, entry_id: int) -> Entry | None:
        """A line of a timeline."""
        return self._load_one(Entry, t.timeline, t.timeline.c.id == entry_id)

    def open_incidents(self, *, keys: Collection[str] | None = None, most: int | None = None) -> list[Incident]:
        which = [] if keys is None else [t.incidents.c.key.in_(keys)]
        return self._incidents(STILL_OPEN, REAL, *which, most=most)

    def incidents_since(self, since: datetime) -> list[Incident]:
        return self._incidents(REAL, or_(STILL_OPEN, t.incidents.c.resolved_at >= since))

    def count_open(self) -> int:
        return self._db.scalar(select(func.count()).where(STILL_OPEN, REAL)) or 0

    def open_tests(self) -> list[Incident]:
        return self._incidents(STILL_OPEN, ~REAL)

    def incidents_beside(self, incident: Incident) -> list[Incident]:
        return self._incidents(or_(t.incidents.c.id == incident.thread, t.incidents.c.thread_id == incident.thread))

    def _incidents(self, *which: Any, most: int | None = None) -> list[Incident]:
        """By id, with their timelines: two statements, however many they are."""
        found = select(t.incidents).where(*which).order_by(t.incidents.c.id).limit(most)
        rows = self._db.execute(found).mappings().all()
        if not rows:
            return []
        theirs = t.timeline.c.incident_id.in_(found.with_only_columns(t.incidents.c.id))
        lines: dict[int, list[Entry]] = defaultdict(list)
        for line in self._db.execute(select(t.timeline).where(theirs).order_by(t.timeline.c.id)).mappings():
            lines[line["incident_id"]].append(load_row(Entry, line))
        return [load_row(Incident, row, timeline=tuple(lines[row["id"]])) for row in rows]

    def enqueue(self, incident_id: int, kind: Kind, *, action_id: int | None = None) -> None:
        named_after = func.coalesce(t.incidents.c.thread_id, t.incidents.c.id)
        where = select(named_after.label("thread"), t.incidents.c.channel).where(t.incidents.c.id == incident_id)
        thread, channel = self._db.execute(where).one()
        about = thread if kind in OF_THE_THREAD else incident_id
        self._enqueue_message({"incident_id": about, "action_id": action_id}, kind, thread_id=thread, channel=channel)

    def enqueue_reminders(self, incident_ids: Sequence[int]) -> None:
        standing = set(
            self._db.scalars(select(t.outbox.c.incident_id).where(t.outbox.c.kind == Kind.REMINDER, *UNTRIED))
        )
        for incident_id in standing.intersection(incident_ids):
            self.enqueue(incident_id, Kind.REMINDER)
        new = [{"about": one, "id": uuid.uuid4().hex} for one in incident_ids if one not in standing]
        if new:
            self._db.execute(REMIND, new)

    def enqueue_digest(self, channel: str) -> None:
        self._enqueue_message({"incident_id": None}, Kind.DIGEST, channel=channel)

    def enqueue_absence(self, absence: Outage, channel: str) -> None:
        saved = self._db.execute(insert(t.absences).values(since=absence.since, until=absence.until))
        self._enqueue_message({"incident_id": None, "absence_id": t.key_of(saved)}, Kind.AWAY, channel=channel)

    def enqueue_maintenance(self, window: Maintenance, channel: str) -> None:
        self._enqueue_message({"incident_id": None, "maintenance_id": window.id}, Kind.MAINTENANCE, channel=channel)

    def maintenance_report(self, window_id: int) -> MaintenanceReport:
        """What happened in a window, until now where it is on."""
        window = self.maintenance_called(window_id)
        begin, end = window.since, window.ended_at or window.until
        opened, resolved = t.incidents.c.opened_at, t.incidents.c.resolved_at
        still = (opened <= end, or_(resolved.is_(None), resolved > end))
        lists = ((opened > begin, opened <= end), (resolved > begin, resolved <= end), still)
        found = (self._db.execute(select(t.incidents).where(REAL, *one).order_by(opened)).mappings() for one in lists)
        return MaintenanceReport(window, *(tuple(load_row(Incident, row) for row in rows) for rows in found))

    def absence(self, absence_id: int) -> Outage:
        """When the bot was away."""
        row = self._db.execute(select(t.absences).where(t.absences.c.id == absence_id)).one()
        return Outage(row.since, row.until)

    def watch(self) -> Watch:
        row = self._db.execute(select(t.watch)).mappings().first()
        return Watch(**{f.name: row[f.name] for f in fields(Watch)}) if row else Watch()

    def save_watch(self, watch: Watch) -> None:
        values = row_values(watch, t.watch)
        if not self._db.execute(update(t.watch).values(**values)).rowcount:
            self._db.execute(insert(t.watch).values(id=1, **values))

    def digest(self) -> Digest:
        """How the pipeline is now."""
        latest, opened = self.latest_evaluation(), tuple(self.open_incidents())
        if latest is None:
            return Digest(None, opened, 0)
        since = latest.checked_at - A_DAY
        ended = select(func.count()).where(REAL, t.incidents.c.resolved_at >= since)
        roots = self.roots_of([one.id for one in opened])
        outages, absences = (self._outages_since(since, table) for table in (t.outages, t.absences))
        stuck = self._undelivered(t.outbox.c.kind != Kind.DIGEST)  # it is about to be delivered itself
        return Digest(latest, opened, self._db.scalar(ended) or 0, outages, absences, stuck, roots)

    def _outages_since(self, since: datetime, table: Table) -> tuple[Outage, ...]:
        lately = select(table).where(table.c.until >= since).order_by(table.c.until)
        return tuple(Outage(row.since, row.until) for row in self._db.execute(lately))

    def undelivered(self) -> tuple[Undelivered, ...]:
        return self._undelivered()

    def _undelivered(self, *which: Any) -> tuple[Undelivered, ...]:
        reason = (t.outbox.c.channel, t.outbox.c.error)
        columns = (*reason, func.count(), func.min(t.outbox.c.first_tried_at))
        failed = select(*columns).where(text(t.UNSENT), t.outbox.c.error.is_not(None), *which).group_by(*reason)
        oldest = failed.order_by(func.min(t.outbox.c.seq)).limit(MOST_REASONS)
        return tuple(Undelivered(*row) for row in self._db.execute(oldest))

    def move_channel(self, old: str, move: Move) -> None:
        move_channel(self._db, old, move)

    def message_at(self, incident_id: int, channel: str, ts: str) -> bool:
        posted = (_of_thread(incident_id), t.outbox.c.ts == ts, t.outbox.c.posted_in == channel)
        return self._db.execute(select(t.outbox.c.seq).where(*posted)).first() is not None

    def enqueue_action(self, action: Action, channel: str) -> None:
        if action.incident_id:
            self.enqueue(action.incident_id, Kind.RUN, action_id=action.id)
        else:
            self._enqueue_message({"incident_id": None, "action_id": action.id}, Kind.RUN, channel=channel)

    def was_done(self, job: str, day: date) -> bool:
        done = select(t.daily_jobs.c.at).where(t.daily_jobs.c.job == job, t.daily_jobs.c.day == str(day))
        return self._db.scalar(done) is not None

    def mark_done(self, job: str, day: date, at: datetime) -> None:
        self._db.execute(insert(t.daily_jobs).values(job=job, day=str(day), at=at))

    def note_outage(self, outage: Outage) -> None:
        self._db.execute(insert(t.outages).values(since=outage.since, until=outage.until))

    def _enqueue_message(self, about: Mapping[str, Any], kind: Kind, **where: Any) -> None:
        """A new version of a message that is there already, or a new message."""
        same = [t.outbox.c.kind == kind, *(t.null_safe_equal(t.outbox.c[name], value) for name, value in about.items())]
        if kind in ONCE:  # only one that nobody has tried yet can stand for both
            same.extend(UNTRIED)
        entry = self._latest_entry(about["incident_id"], kind)
        if kind is Kind.NOTE:  # each is its own message
            same.append(t.outbox.c.entry_id == entry)
        newer = {"wanted": t.outbox.c.wanted + 1, "plain": False, "entry_id": func.coalesce(entry, t.outbox.c.entry_id)}
        # What stands in a channel is of that one, whatever pipeline.yml names by now.
        stands = {"channel": case((t.outbox.c.ts.is_(None), where["channel"]), else_=t.outbox.c.channel)}
        if self._db.execute(update(t.outbox).where(*same).values(**newer, **where | stands)).rowcount:
            return
        new = {"id": uuid.uuid4().hex, "entry_id": entry, **NEW}
        self._db.execute(insert(t.outbox).values(kind=kind, **about, **where, **new))

    def _latest_entry(self, incident_id: int | None, kind: Kind) -> int | None:
        about = (t.timeline.c.incident_id == incident_id, t.timeline.c.did.in_(ABOUT.get(kind, ())))
        return self._db.scalar(select(func.max(t.timeline.c.id)).where(*about)) if kind in ABOUT else None


def _of_thread(incident_id: int) -> Any:
    """Of the thread of this incident."""
    named_after = select(func.coalesce(t.incidents.c.thread_id, t.incidents.c.id))
    return t.outbox.c.thread_id == named_after.where(t.incidents.c.id == incident_id).scalar_subquery()
