"""Fakes that behave: the outside of the bot in memory, with the faults that a test wants."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from bot.alerts.paging import PageAction
from bot.alerts.rejections import Rejection
from bot.config.settings import Settings
from bot.errors import NotFoundError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.facts import Run, RunStatus, Schedule, Sync
from bot.messages.alert import alert_message, reply_is_broadcast
from bot.model import Access, Announcement, Kind, PageEvent, Place, Scheduled, WarehouseLogin
from bot.ports import Records, Store
from bot.runtime.composition import settings_from
from bot.services.ask_warehouse import QUEUES
from bot.transport.slack_api import refusal

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
CHANNEL, CHANNEL_ID = "sync-health", "C0001"
HEALTH = "measure/health"  # the shipped pipeline's own numbers
QUEUED = (  # tests say what is pending next to these numbers; the statement about the queues calls it so
    ("create_queue", "q0_backlog"),
    ("update_queue", "q1_backlog"),
    ("create_queue_suspicious", "q0_suspect_0"),
    ("update_queue_suspicious", "q1_suspect_0"),
    ("create_queue_oldest", "q0_oldest"),
    ("update_queue_oldest", "q1_oldest"),
)


@cache
def shipped_settings() -> Settings:
    """What holds with nothing set."""
    return settings_from({})


class HandClock:
    """Time that only moves when a test says so."""

    def __init__(self, at: datetime = START, speed: float = 1.0) -> None:
        self.speed = speed
        self._now = self._real = at
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def real(self) -> datetime:
        return self._real

    def monotonic(self) -> float:
        return self._monotonic

    def pass_(self, **duration: float) -> None:
        """Let time of the pipeline go by; of the machine's, a `speed`th."""
        span = timedelta(**duration)
        self._now += span
        self._real += span / self.speed
        self._monotonic += span.total_seconds() / self.speed

    def set_back(self, **duration: float) -> None:
        """Somebody, or NTP, sets the wall clock back; what is monotonic does not notice."""
        self._now -= timedelta(**duration)
        self._real -= timedelta(**duration)

    def sleep(self, **duration: float) -> None:
        """The machine sleeps: its monotonic clock stands still, as Linux' does, and the wall's does not."""
        monotonic = self._monotonic
        self.pass_(**duration)
        self._monotonic = monotonic

    def pass_real(self, **duration: float) -> None:
        """Let the machine's time go by."""
        self.pass_(seconds=timedelta(**duration).total_seconds() * self.speed)


class FakeWarehouse:
    """Rows by the name of the statement; counts what it is asked, can fail, can be slow."""

    def __init__(self, **rows: list[dict[str, object]]) -> None:
        self.rows: dict[str, list[dict[str, object]]] = dict(rows)
        self.asked: list[str] = []
        self.failure: SyncHealthError | None = None
        self.runs_anyway = True
        self.says = "RUNNING"
        self.logged_in: WarehouseLogin | None = None
        self.stops_after: timedelta | None = timedelta(minutes=10)
        self.unfit: set[str] = set()  # what cannot be joined to others
        self.tables: dict[str, set[str]] = {}  # the columns of each
        self.free = threading.Event()  # cleared: answers do not come
        self.free.set()

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        rows, failure = self._rows_of(question), self.failure
        seen = [dict(row) for row in rows or []]  # as it was when asked
        self.asked.append(question)
        assert self.free.wait(120), "a test forgot to let the warehouse go on"
        if failure:
            raise failure
        if rows is None:
            raise NotFoundError(f"{question}: there is no such table")
        return seen

    def _rows_of(self, question: str) -> list[dict[str, object]] | None:
        """What a test put there; the queues are counted by what it says next to the other numbers."""
        if question in self.rows or not question.startswith(QUEUES) or HEALTH not in self.rows:
            return self.rows.get(question)
        said = next(iter(self.rows[HEALTH]), {})
        return [
            dict.fromkeys(("q0_suspect_1", "q1_suspect_1"), 0) | {column: said.get(name) for name, column in QUEUED}
        ]

    def row(self, question: str) -> dict[str, object]:
        """What it answers as its one row while it is well."""
        [row] = self._rows_of(question) or []
        return row

    def ask_joined(self, questions: Sequence[str]) -> dict[str, list[dict[str, object]]]:
        before = len(self.asked)
        answered = {question: self.ask(question) for question in questions if question not in self.unfit}
        self.asked[before:] = [" + ".join(name for name in answered if name != QUEUES) or QUEUES]
        return answered

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        [row] = self.ask(question)
        return {column: row.get(column)}

    def state(self) -> str:
        if self.failure:
            raise self.failure
        return self.says

    def login(self) -> WarehouseLogin | None:
        return self.logged_in

    def columns(self, table: str) -> frozenset[str]:
        if table not in self.tables:
            raise PermanentError(f"there is no {table}")
        return frozenset(self.tables[table])

    def list_tables(self) -> list[str]:
        if self.failure:
            raise self.failure
        return sorted(self.tables)

    def auto_stop(self) -> timedelta | None:
        if self.failure:
            raise self.failure
        return self.stops_after

    def awake(self) -> bool:
        return self.runs_anyway

    def do(self, statement: str, **parameters: object) -> None:
        self.ask(statement, **parameters)

    def try_write(self, statement: str) -> None:
        self.ask(statement)

    def close(self) -> None:
        self.free.set()


class FakeCensus:
    """Syncs with runs that a test moves on. A run that is triggered beside another one is skipped, as Census does."""

    def __init__(self, clock: HandClock, *syncs: int) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: dict[int, Run] = {}
        self._syncs = {id_: Sync(id_, f"sync {id_}", "ready", Schedule("hourly", paused=False)) for id_ in syncs}
        self.details: dict[int, list[Rejection]] = {}  # by run; missing: there are none yet
        self.triggers: list[int] = []  # every trigger that arrived
        self.full_syncs: list[int] = []  # …of them those of a full sync
        self.changes: list[tuple[int, bool]] = []  # every pause and resume that arrived: which sync, whether paused
        self.canceled: list[int] = []  # every cancellation that arrived, by run
        self.refusal: Exception | None = None  # of triggers, before anything is started
        self.loses_answers = False  # of triggers, after the run is started
        self.failure: SyncHealthError | None = None  # of everything
        self.meanwhile: Callable[[], object] = lambda: None  # happens while a trigger is on its way
        self.calls = 0
        self.free = threading.Event()  # cleared: answers do not come
        self.free.set()

    def sync(self, sync_id: int) -> Sync:
        self._fail()
        return self._syncs[sync_id]

    def syncs(self) -> list[Sync]:
        self._fail()
        return list(self._syncs.values())

    def runs(self, sync_id: int, *, most: int = 25) -> list[Run]:
        self._fail()
        with self._lock:
            return [run for _, run in sorted(self._runs.items(), reverse=True) if run.sync_id == sync_id][:most]

    def runs_since(self, sync_id: int, since: datetime) -> list[Run]:
        return [run for run in self.runs(sync_id, most=10**6) if run.created_at >= since]

    def run(self, run_id: int) -> Run:
        self._fail()
        if run_id not in self._runs:
            raise NotFoundError(f"Census answered 404 for run {run_id}")
        return self._runs[run_id]

    def trigger(self, sync_id: int, *, full_sync: bool = False) -> int:
        self._fail()
        self.triggers.append(sync_id)
        self.full_syncs += [sync_id] * full_sync
        self.meanwhile()
        if self.refusal:
            raise self.refusal
        run = self.start(sync_id, "API Request")
        if self.loses_answers:
            raise UncertainError("Census was silent for too long; a run may have started: look in the run list")
        return run.id

    def pause(self, sync_id: int) -> None:
        self._change(sync_id, True)

    def resume(self, sync_id: int) -> None:
        self._change(sync_id, False)

    def _change(self, sync_id: int, paused: bool) -> None:
        before = self.sync(sync_id)
        self.changes.append((sync_id, paused))
        if self.refusal:
            raise self.refusal
        self._syncs[sync_id] = replace(before, schedule=replace(before.schedule, paused=paused))
        if self.loses_answers:
            raise UncertainError("Census was silent for too long; it may be done anyway")

    def set_schedule(self, sync_id: int, schedule: Schedule) -> None:
        self._syncs[sync_id] = replace(self.sync(sync_id), schedule=schedule)

    def cancel(self, run_id: int) -> None:
        run = self.run(run_id)
        self.canceled.append(run_id)
        if self.refusal:
            raise self.refusal
        if not run.final:
            self.finish(run_id, RunStatus.CANCELLED)
        if self.loses_answers:
            raise UncertainError("Census was silent for too long; it may be cancelled anyway")

    def records(self, run_id: int, status: str, *, most: int) -> list[Rejection]:
        self._fail()
        if run_id not in self.details:
            raise NotFoundError(f"Census answered 404 for the {status} records of run {run_id}")
        return [one for one in self.details[run_id] if (one.status == "rejected") == (status == "rejected")][:most]

    def record_count(self, run_id: int, status: str) -> int:
        return len(self.records(run_id, status, most=10**6))

    def start(self, sync_id: int, trigger: str = "Schedule") -> Run:
        """A run begins, or is skipped because one is going on."""
        with self._lock:
            busy = any(run.sync_id == sync_id and not run.final for run in self._runs.values())
            status = RunStatus.SKIPPED if busy else RunStatus.WORKING
            run = Run(len(self._runs) + 1, sync_id, status, False, trigger, self._clock.now())
            self._runs[run.id] = run
            return run

    def move(self, run_id: int, **changes: Any) -> None:
        """Progress: `records_updated=5`."""
        with self._lock:
            self._runs[run_id] = replace(self._runs[run_id], **changes)

    def finish(self, run_id: int, status: RunStatus = RunStatus.COMPLETED, **changes: Any) -> None:
        """It changes no more."""
        self.move(run_id, status=status, completed_at=self._clock.now(), **changes)

    def forget(self, run_id: int) -> None:
        """Census knows this run no more."""
        with self._lock:
            del self._runs[run_id]

    def _fail(self) -> None:
        self.calls += 1
        assert self.free.wait(120), "a test forgot to let Census go on"
        if self.failure:
            raise self.failure


class CountedCensus(FakeCensus):
    """Counts what it is asked."""

    def __init__(self, clock: HandClock, *sync_ids: int) -> None:
        super().__init__(clock, *sync_ids)
        self.asked: Counter[str] = Counter()

    def syncs(self) -> list[Sync]:
        self.asked["list"] += 1
        return super().syncs()

    def sync(self, sync_id: int) -> Sync:
        self.asked["sync"] += 1
        return super().sync(sync_id)

    def runs(self, sync_id: int, *, most: int = 25) -> list[Run]:
        self.asked["runs"] += 1
        return super().runs(sync_id, most=most)


@dataclass(frozen=True)
class Fault:
    """How a call to the channel goes wrong; `done`: it took effect all the same."""

    error: SyncHealthError
    done: bool = False


def refused() -> Fault:
    return Fault(TemporaryError("the connection was refused"))


def answer_lost() -> Fault:
    return Fault(UncertainError("the connection broke"), done=True)


def request_lost() -> Fault:
    return Fault(UncertainError("the connection broke"))


def patience(seconds: float) -> Fault:
    return Fault(TemporaryError("Slack asks for patience (429)", retry_after=float(seconds)))


def forbidden(code: str = "not_in_channel") -> Fault:
    return Fault(refusal(code))


@dataclass(frozen=True)
class Said:
    """A message in the channel, as people see it."""

    ts: str
    id: str  # ours
    kind: Kind
    incident_id: int  # 0 for a digest
    text: str  # everything that can be read
    thread_ts: str | None
    broadcast: bool
    edits: int = 0
    channel: str = CHANNEL_ID
    plain: bool = False


class FakeChannel:
    """ports.Messenger: remembers what was said; a channel is posted to by name or id, edited in by id alone."""

    def __init__(self, zone: ZoneInfo | None = None, name: str = CHANNEL) -> None:
        self._settings = replace(shipped_settings(), zone=zone or ZoneInfo("UTC"))
        self.channels = {name: CHANNEL_ID}  # ids by name
        self.closed: dict[str, str] = {}  # ids of channels that refuse, with Slack's code
        self.refused: dict[Kind, str] = {}  # kinds that are refused unless they are plain, with Slack's code
        self._messages: dict[str, Said] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._lasting: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self.groups: dict[str, frozenset[str]] = {}
        self.scopes: set[str] = set()
        self.other_connections = 0
        self.at: datetime | None = START
        self.clock: HandClock | None = None  # whose time is that of a ts; without one they are only in order
        self.refusals: dict[str, SyncHealthError] = {}  # by the name of the question
        self.calls: list[tuple[str, Kind]] = []  # what arrived or tried to: ("post", Kind.ROOT)
        self.scheduled: list[Scheduled] = []

    def post(self, announcement: Announcement) -> Place:
        with self._call("post", announcement):
            channel = self._channel(announcement)
            thread = announcement.thread_ts
            if thread and thread not in self._messages:
                raise NotFoundError("Slack: cannot_reply_to_message")
            with self._lock:
                seconds = int(self.clock.now().timestamp()) if self.clock else 1_700_000_000 + len(self.calls)
                ts = f"{seconds}.{len(self._messages):06d}"
                self._messages[ts] = self._said(announcement, ts, channel)
            return Place(channel, ts)

    def schedule(self, announcement: Announcement, post_at: datetime) -> Scheduled:
        with self._call("schedule", announcement):
            self.scheduled.append(Scheduled(announcement.id, self._channel(announcement)))
        return self.scheduled[-1]

    def cancel_scheduled(self, scheduled: Scheduled) -> None:
        if scheduled not in self.scheduled:
            raise NotFoundError("Slack: invalid_scheduled_message_id")
        self.scheduled.remove(scheduled)

    def list_scheduled(self) -> list[Scheduled]:
        return list(self.scheduled)

    def edit(self, announcement: Announcement) -> None:
        with self._call("edit", announcement):
            if self._channel(announcement) != announcement.channel:
                raise refusal("channel_not_found")
            with self._lock:
                said = self._messages.get(announcement.ts or "")
                if said is None or not said.id or said.channel != announcement.channel:
                    raise NotFoundError("Slack: message_not_found")
                edited = self._said(announcement, said.ts, said.channel)
                self._messages[said.ts] = replace(edited, id=said.id, edits=said.edits + 1)

    def permalink(self, place: Place) -> str:
        if fault := self._fault("permalink"):
            raise fault.error
        if place.ts not in self._messages:
            raise NotFoundError("Slack: message_not_found")
        return f"https://slack.example/archives/{place.channel}/p{place.ts.replace('.', '')}"

    def find(self, announcement: Announcement) -> Place | None:
        with self._call("find", announcement):
            channel = self._channel(announcement)
            for said in self.thread(announcement.thread_ts) if announcement.thread_ts else self.roots():
                if said.id == announcement.id and said.channel == channel:
                    return Place(channel, said.ts)
            return None

    def take_back(self, announcement: Announcement) -> int:
        with self._call("take_back", announcement):
            copies = sorted(said.ts for said in self._messages.values() if said.id == announcement.id)[1:]
            for ts in copies:
                self.delete(ts)
            return len(copies)

    def members(self, group: str) -> frozenset[str]:
        if fault := self._fault("members"):
            raise fault.error
        if group not in self.groups:
            raise NotFoundError("Slack: no_such_subteam")
        return self.groups[group]

    def access(self) -> Access:
        self._refuse("access")
        return Access("@sync-health", "acme", frozenset(self.scopes), self.at)

    def check_app_token(self) -> int:
        self._refuse("check_app_token")
        return self.other_connections

    def check_channel_access(self, channel: str) -> None:
        self._refuse("check_channel_access")
        if channel not in {*self.channels, *self.channels.values()}:
            raise refusal("channel_not_found")

    def _refuse(self, what: str) -> None:
        if error := self.refusals.get(what):
            raise error

    def roots(self) -> list[Said]:
        """What stands in the channel itself, without deleted ones."""
        return [said for said in self._messages.values() if said.thread_ts is None and said.id]

    def thread(self, ts: str | None = None) -> list[Said]:
        """The replies to a root; to the only one where none is named."""
        if ts is None:
            [ts] = [root.ts for root in self.roots()]
        return [said for said in self._messages.values() if said.thread_ts == ts]

    def everything(self) -> list[Said]:
        return [said for said in self._messages.values() if said.id]

    def delete(self, ts: str) -> None:
        """Somebody deletes it; where there are replies, a tombstone stays."""
        if self.thread(ts):
            self._messages[ts] = replace(self._messages[ts], id="", text="This message was deleted.")
        else:
            del self._messages[ts]

    def fail_next(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method fail, one fault each."""
        self._faults.setdefault(method, []).extend(faults)

    def fail(self, fault: Fault, *methods: str) -> None:
        """…or all of them, until `heal`."""
        self._lasting |= dict.fromkeys(methods or ("post", "edit", "find"), fault)

    def heal(self) -> None:
        self._faults.clear()
        self._lasting.clear()

    @contextmanager
    def _call(self, method: str, announcement: Announcement) -> Iterator[None]:
        self.calls.append((method, announcement.kind))
        fault = self._fault(method)
        if fault and not fault.done:
            raise fault.error
        yield
        if fault:
            raise fault.error

    def _fault(self, method: str) -> Fault | None:
        queue = self._faults.get(method)
        return queue.pop(0) if queue else self._lasting.get(method)

    def _channel(self, announcement: Announcement) -> str:
        """The id of its channel, if that takes messages, and takes this one."""
        id_ = self.channels.get(announcement.channel, announcement.channel)
        if id_ not in self.channels.values():
            raise refusal("channel_not_found")
        if id_ in self.closed:
            raise refusal(self.closed[id_])
        if announcement.kind in self.refused and not announcement.plain:
            raise refusal(self.refused[announcement.kind])
        return id_

    def _said(self, announcement: Announcement, ts: str, channel: str) -> Said:
        message = alert_message(announcement, self._settings)
        shown = message.payload(native=False)
        text = "\n".join([message.text, *_texts([shown["blocks"], [bar["blocks"] for bar in shown["attachments"]]])])
        about = announcement.incident.id if announcement.incident else 0
        return Said(
            ts,
            announcement.id,
            announcement.kind,
            about,
            text,
            announcement.thread_ts,
            reply_is_broadcast(announcement),
            channel=channel,
            plain=announcement.plain,
        )


def _texts(thing: object) -> list[str]:
    if isinstance(thing, dict):
        return [text for key, value in thing.items() if key != "type" for text in _texts(value)]
    if isinstance(thing, list | tuple):
        return [text for one in thing for text in _texts(one)]
    return [thing] if isinstance(thing, str) else []


class BrittleStore:
    """A store in which a method of Records breaks at its nth call, in the middle of a transaction."""

    def __init__(self, store: Store, method: str, call: int = 1) -> None:
        self._store, self._method, self._left = store, method, call

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        with self._store.transaction() as records:
            yield _BrittleRecords(self, records)  # type: ignore[misc]

    @contextmanager
    def snapshot(self) -> Iterator[Records]:
        with self._store.snapshot() as records:
            yield _BrittleRecords(self, records)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def strain(self, method: str) -> None:
        """Breaks when it is this call's turn."""
        if method == self._method:
            self._left -= 1
            if self._left == 0:
                raise TemporaryError("the state database did not answer: disk I/O error")


class _BrittleRecords:
    def __init__(self, store: BrittleStore, records: Records) -> None:
        self._brittle, self._records = store, records

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._records, name)

        def called(*given: Any, **named: Any) -> Any:
            self._brittle.strain(name)
            return found(*given, **named)

        return called


class FakePager:
    """ports.Pager: alerts by dedup key, as PagerDuty keeps them; events can fail before or after they arrive."""

    name = "PagerDuty"

    def __init__(self) -> None:
        self.events: list[PageEvent] = []  # that arrived, repetitions too
        self.alerts: list[tuple[str, list[str]]] = []  # each with its key and what happened to it
        self.failures: list[tuple[BaseException | None, bool]] = []  # of the next, and whether it arrives
        self.down: SyncHealthError | None = None  # all fail
        self.refused: set[str] = set()  # keys
        self.failing: set[str] = set()  # keys whose events are answered with 500
        self.attempts = 0
        self.meanwhile: Callable[[], object] = lambda: None  # happens while an event is on its way

    def send(self, event: PageEvent) -> None:
        self.attempts += 1
        self.meanwhile()
        if self.down:
            raise self.down
        if event.key in self.refused:
            raise PermanentError("PagerDuty answered 400")
        if event.key in self.failing:
            raise UncertainError("PagerDuty answered 500")
        failure, arrives = self.failures.pop(0) if self.failures else (None, True)
        if arrives:
            self.events.append(event)
            self._apply(event)
        if failure:
            raise failure

    def _apply(self, event: PageEvent) -> None:
        still = next((told for key, told in self.alerts if key == event.key and told[-1] != "resolve"), None)
        if still is None and event.action is PageAction.TRIGGER:
            self.alerts.append((event.key, [f"trigger {event.incident.severity}"]))
        elif still is not None:
            about = f" {event.incident.severity}" if event.action is PageAction.TRIGGER else ""
            still.append(f"{event.action}{about}")

    @property
    def told(self) -> list[list[str]]:
        """What happened to each alert, the oldest first."""
        return [told for _, told in self.alerts]
