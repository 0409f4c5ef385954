"""Follow one record until it has arrived: an end-to-end test of its sync that rarely asks the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts.trace import Standing
from bot.answers.trace import Arrival, LoggedRun, LogLook, Trace
from bot.config.syncs import SyncSettings
from bot.errors import StartingError, SyncHealthError
from bot.facts import Run
from bot.ports import AWAKE, Census, Sources, Store
from bot.services.ask_warehouse import ask_warehouse
from bot.services.audit_log import read_log
from bot.services.census_numbers import next_run
from bot.services.read_schedule import read_schedule
from bot.services.show_trace import show_trace

LOGGED_RUN = "measure/logged_run"
AT_LEAST, AT_MOST = timedelta(hours=2), timedelta(hours=24)  # how long it is followed
DUE_RUNS = 2  # that are waited for, where they are later than that
AFTER_A_RUN = timedelta(minutes=30)  # in which what the last of them wrote comes back
SETTLED = timedelta(minutes=1)  # after a run, before the warehouse is asked what it wrote
WHILE_AWAKE = timedelta(minutes=5)  # between two traces that no run is behind: what is written comes back meanwhile
LATE = timedelta(minutes=20)  # after a run its row is in the audit log, or it is said that it is not
STARTS = timedelta(minutes=10)  # that are waited for more, where the warehouse is starting then
ASLEEP = "the warehouse is asleep, and was not woken for it"
OPEN = frozenset({Standing.WAITING, Standing.HELD})
RUNS = 25


@dataclass(frozen=True)
class Followed:
    """A record that is followed: how it stood when it was traced last, and until when this goes on (UTC)."""

    trace: Trace
    began_at: datetime
    until: datetime
    sync: SyncSettings | None = None  # whose backlog it stood in at first
    backlog: int | None = None  # …and how big that was; None: unknown
    seen: Mapping[int, datetime] = field(default_factory=dict)  # completed runs of that sync, and when they were seen
    trouble: str = ""  # why the last step found nothing out
    arrived_at: datetime | None = None  # when that was seen first

    @property
    def awaits_run(self) -> bool:
        """Whether it is there, and the run that wrote it goes on: Census shows its records once it has ended."""
        carriers = [one for one in self.trace.carriers if self.sync and one.sync == self.sync.name]
        return self.arrived_at is not None and any(one.running and not one.wrote for one in carriers)

    @property
    def goes_on(self) -> bool:
        """Whether there is something to wait for."""
        is_unsure = self.trace.verdict.standing is Standing.UNKNOWN and bool(self.trace.hops)  # Census is silent
        return is_unsure or self.trace.verdict.standing in OPEN or self.awaits_run or bool(self.trouble)


def begin_following(sources: Sources, census: Census, asked: str, store: Store | None = None) -> Followed:
    """Trace it, and note what is to move. Raises like show_trace."""
    trace = show_trace(sources, census, asked, store)
    now, sync = trace.as_of, sources.settings.sync_named(trace.verdict.sync)
    followed = Followed(trace, now, now + AT_LEAST, sync)
    if sync is None or not followed.goes_on:
        return followed
    seen = dict.fromkeys(_completed(census, sync), now)
    return replace(followed, until=_until(sources, sync, now), backlog=_backlog(sources, sync), seen=seen)


def follow_on(sources: Sources, census: Census, followed: Followed, store: Store | None = None) -> Followed:
    """Look whether a run has completed since, and trace again where that may have changed something. Never raises."""
    now = sources.clock.now()
    try:
        runs = _completed(census, followed.sync) if followed.sync else {}
        seen = {run: followed.seen.get(run, now) for run in runs}
        followed = replace(followed, seen=seen)
        if not _is_worth_it(sources, followed, runs, now):
            return followed
        trace = show_trace(sources, census, followed.trace.asked, store)
        there = trace.as_of if trace.verdict.standing is Standing.ARRIVED else None
        return replace(followed, trace=trace, trouble="", arrived_at=there and (followed.arrived_at or there))
    except SyncHealthError as error:
        return replace(followed, trouble=str(error))


def arrival(sources: Sources, census: Census, followed: Followed) -> Arrival:
    """What shows that it has arrived: the run that carried it and the number that moved. Never raises."""
    after = (followed.arrived_at or followed.trace.as_of) - followed.began_at
    found = Arrival(followed.trace, after, followed.sync.name if followed.sync else "", before=followed.backlog)
    if followed.sync is None:
        return found
    wrote = [one.wrote for one in followed.trace.carriers if one.wrote and one.sync == followed.sync.name]
    run = next(iter(wrote or _runs_since(census, followed.sync, followed)), None)
    return replace(found, now=_backlog(sources, followed.sync), run=run, confirmed=bool(wrote))


def logged_run(sources: Sources, run: Run, until: datetime) -> LogLook:
    """Look for the row of a run in the audit log, until then only while the warehouse is awake. Never raises."""
    now = sources.clock.now()
    last = now >= until
    try:
        if not last and sources.warehouse.state() not in AWAKE:
            return LogLook(unknown=ASLEEP)
        rows = read_log(sources, LOGGED_RUN, audit_id=f"census_run_{run.id}")
    except StartingError as error:
        return LogLook(unknown=str(error), last=now >= until + STARTS)
    except SyncHealthError as error:
        return LogLook(unknown=str(error), last=last)
    found = [LoggedRun(str(row["audit_id"]), *(_count(row[name]) for name in COUNTS)) for row in rows]
    return LogLook(next(iter(found), None), last=last or bool(found))


COUNTS = ("records_processed", "records_succeeded", "records_failed")


def is_logged(sources: Sources) -> bool:
    """Whether runs get rows in an audit log at all."""
    return sources.settings.deploy_to is not None and not sources.settings.observes


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _is_worth_it(sources: Sources, followed: Followed, runs: Mapping[int, datetime], now: datetime) -> bool:
    """Whether a statement could find something new: each may wake a warehouse."""
    traced = followed.trace.as_of
    if any(followed.seen[run] > followed.began_at and traced < ended + SETTLED <= now for run, ended in runs.items()):
        return True
    if now - traced < WHILE_AWAKE:
        return False
    awaited = any(one.wrote for one in followed.trace.carriers)  # it is on its way back
    return awaited or now >= followed.until or sources.warehouse.state() in AWAKE


def _completed(census: Census, sync: SyncSettings | None) -> dict[int, datetime]:
    """The completed runs of a sync, and when each ended. Raises SyncHealthError."""
    runs = census.runs(sync.id, most=RUNS) if sync else []
    return {run.id: run.completed_at or run.created_at for run in runs if run.counts_as_sync}


def _runs_since(census: Census, sync: SyncSettings, followed: Followed) -> list[Run]:
    """Those that completed between the beginning and its arrival, newest first; none where Census does not answer."""
    begin, end = followed.began_at, followed.trace.as_of
    try:
        runs = census.runs(sync.id, most=RUNS)
    except SyncHealthError:
        return []
    return [run for run in runs if run.counts_as_sync and run.completed_at and begin <= run.completed_at <= end]


def _backlog(sources: Sources, sync: SyncSettings) -> int | None:
    reading = ask_warehouse(sources, own_statements=False, only=sync).reading(f"{sync.name}/backlog")
    return None if reading.value is None else int(reading.value)


def _until(sources: Sources, sync: SyncSettings, now: datetime) -> datetime:
    """Two hours, or until after the second run that is due; at most a day."""
    due: datetime | None = now
    try:
        schedule = read_schedule(sources, sync)
        for _ in range(DUE_RUNS):
            due = next_run(schedule, due) if due else None
    except (SyncHealthError, ValueError):
        due = None
    return min(max(now + AT_LEAST, due + AFTER_A_RUN if due else now), now + AT_MOST)
