"""The weekly review: read from the state, and run durations from Census; posted once a week, or answered on demand."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from bot.alerts.capacity import Advice, Pace, SyncLoad, advice_of, load_of, pace_of
from bot.alerts.incident_figures import WindowFigures, window_figures
from bot.alerts.model import ITSELF
from bot.alerts.noise import Noise, Subject, Values, noisy
from bot.alerts.timetable import latest_weekly, weekly_on
from bot.alerts.warehouse_use import Span, awake_spans
from bot.alerts.weekly import (
    WEEK,
    WEEKS,
    Cost,
    Incidents,
    Metric,
    Review,
    case_of,
    causes_of,
    gaps,
    incidents_of,
    longest_of,
    metric_of,
)
from bot.config.syncs import SyncSettings
from bot.errors import StateError, SyncHealthError
from bot.facts import Run
from bot.model import AuditRow, PostedReview
from bot.ports import Ports, Records
from bot.services.daily_digest import undone
from bot.services.each_sync import each_sync
from checks.model import Check
from checks.numbers import listed

REPORT = "report"  # its name among the daily jobs
LATEST = timedelta(days=3)  # a review that was due longer ago is not posted any more
RUNS = 100  # of a sync, whose durations are looked at: a page of them
REPLAYED_BEFORE = timedelta(days=1)  # the window of a replay begins with an alert as it was then
UNKNOWN, MOST_NAMED = "Run durations unknown", 3  # …syncs by name
BACKLOG_SIZE = "backlog"  # the metric
NONE = timedelta(0)


def post_due_review(ports: Ports) -> bool:
    """Enqueue the review of the latest local date on which it was due; says whether it was still due."""
    weekly, zone = ports.settings.schedule.report, ports.settings.zone
    if weekly is None:
        return False
    latest, due = latest_weekly(weekly, ports.clock.now(), zone)
    day = undone(ports, REPORT, latest, due, LATEST)
    if day is None:
        return False
    _, since = weekly_on(weekly, day - WEEK, zone)
    review = read_review(ports, (since, due)).review
    with ports.store.transaction() as records:
        if records.was_done(REPORT, day):  # by another process meanwhile
            return False
        records.mark_done(REPORT, day, ports.clock.now())
        records.enqueue_review(review, ports.settings.channel)
        row = AuditRow(ports.clock.now(), ITSELF, "weekly review", str(day), "sent", after=str(review.verdict))
        records.audit(row)
    return True


def read_review(ports: Ports, window: tuple[datetime, datetime] | None = None) -> PostedReview:
    """The week until now, or a window that ended lately; what Census does not tell is named and leaves the rest.

    What is counted belongs to the window; what is open, and what the numbers suggest, is as of now.
    """
    runs = each_sync(ports, None, partial(_runs_of, ports))
    if ports.meter:
        with suppress(StateError):  # what it counted since its last time is missing then
            ports.meter.save(ports.store, ports.settings.zone)
    now = ports.clock.now()
    with ports.store.snapshot() as records:
        review = _Reader(ports, records, window or (now - WEEK, now), runs).review()
        return PostedReview(review, records.roots_of(review.named))


def _runs_of(ports: Ports, sync: SyncSettings) -> list[Run] | SyncHealthError:
    try:
        return list(ports.census.runs(sync.id, most=RUNS))
    except SyncHealthError as error:
        return error


class _Reader:
    """One reading of the state."""

    def __init__(
        self,
        ports: Ports,
        records: Records,
        window: tuple[datetime, datetime],
        runs: list[list[Run] | SyncHealthError],
    ) -> None:
        self._settings, self._records, self._now = ports.settings, records, ports.clock.now()
        since, self._until = window
        began = records.first_look()
        self._began = began or self._now
        self._whole = self._began <= since
        self._since = since if self._whole else min(self._began, self._until)
        self._incidents = records.incidents_since(self._until - WEEKS * WEEK)
        self._runs = dict(zip((sync.name for sync in self._settings.syncs), runs, strict=True))

    def review(self) -> Review:
        since, until, settings = self._since, self._until, self._settings
        window = window_figures(self._incidents, since, until)
        still_open = window_figures(self._incidents, since, self._now).still_open
        evaluated = [at for at in self._records.evaluation_times(since) if at <= until]
        loads, advice = self._loads()
        return Review(
            since=since,
            until=until,
            read_at=self._now if self._now > until else None,
            whole=self._whole,
            evaluated=bool(evaluated),
            checked=bool(settings.checks),
            not_evaluated=gaps(evaluated, since, until, settings.schedule.tick),
            week=incidents_of(window),
            before=self._before(),
            still_open=tuple(case_of(one) for one in still_open),
            longest=longest_of(window),
            causes=causes_of(self._incidents, self._records.actions_ended_since(until - WEEKS * WEEK), until),
            metrics=tuple(self._metrics()),
            loads=loads,
            paces=tuple(self._paces()),
            advice=advice,
            noise=self._noise(window),
            cost=self._cost(),
            unknown=tuple(self._unknown()),
            observes=settings.observes,
        )

    def _before(self) -> Incidents | None:
        begin = self._since - WEEK
        return incidents_of(window_figures(self._incidents, begin, self._since)) if self._began <= begin else None

    def _loads(self) -> tuple[tuple[SyncLoad, ...], tuple[Advice, ...]]:
        """Of each sync whose runs are known."""
        latest = self._records.latest_evaluation()
        loads: list[SyncLoad] = []
        advice: list[Advice] = []
        for name, runs in self._runs.items():
            if isinstance(runs, SyncHealthError):
                continue
            status = latest.status_of.get(name) if latest else None
            load = load_of(name, runs, status.schedule if status else None, self._now)
            advice += advice_of(load, runs)
            loads += [load] if load.usual else []
        return tuple(loads), tuple(advice)

    def _unknown(self) -> Iterator[str]:
        """What Census did not tell, by reason."""
        failed = {name: str(error) for name, error in self._runs.items() if isinstance(error, SyncHealthError)}
        for why in dict.fromkeys(failed.values()):
            names = [name for name, reason in failed.items() if reason == why]
            yield f"{UNKNOWN} for {listed(names, MOST_NAMED)}: {why}"

    def _metrics(self) -> Iterator[Metric]:
        for check in self._percentages():
            limit = check.warn or check.critical
            metric = metric_of(check.title, str(limit), self._in_window((check.name, None), self._until))
            if metric:
                yield metric

    def _paces(self) -> Iterator[Pace]:
        """Backlogs that grow and percentages that fall, toward their mildest threshold."""
        subjects: list[tuple[Check | None, str | None]] = [(check, None) for check in self._percentages()]
        for check in self._settings.checks:
            if check.metric == BACKLOG_SIZE and check.per:
                subjects += [(self._settings.check_called(check.name, one.name), one.name) for one in self._queued()]
        for found, sync in subjects:
            limit = (found.warn or found.critical) if found else None
            if found is None or limit is None:
                continue
            values = self._in_window((found.name, sync), self._now)
            if pace := pace_of(found.title, sync, values, limit, self._settings.zone):
                yield pace

    def _noise(self, window: WindowFigures) -> tuple[Noise, ...]:
        begin = self._since - REPLAYED_BEFORE

        def values_of(subject: Subject) -> Values:
            return self._records.values_between(*subject, begin, self._now)

        return noisy(window.opened, lambda of: self._settings.check_called(*of), values_of, self._since, self._until)

    def _cost(self) -> Cost | None:
        """None where nothing is counted: without a Databricks warehouse."""
        if not self._settings.databricks:
            return None
        first = self._since.astimezone(self._settings.zone).date() + timedelta(days=1) * self._whole
        last, begin = self._until.astimezone(self._settings.zone).date(), self._since - WEEK
        usages = [one for one in self._records.usage_since(first) if one.day <= last]
        spans = self._records.awake_since(begin)
        return Cost(
            statements=sum(one.statements for one in usages),
            woke=sum(one.woke for one in usages),
            awake=_covered(spans, self._since, self._until),
            before=_covered(spans, begin, self._since) if self._began <= begin else None,
        )

    def _percentages(self) -> Iterator[Check]:
        """The checks of the pipeline's own numbers that are in percent."""
        for check in self._settings.checks:
            limit = check.warn or check.critical
            if check.source == "databricks" and not check.per and limit and limit.unit == "%":
                yield check

    def _queued(self) -> Iterator[SyncSettings]:
        return (sync for sync in self._settings.syncs if sync.queue)

    def _in_window(self, subject: Subject, until: datetime) -> Values:
        return self._records.values_between(*subject, self._since, until)


def _covered(spans: Iterable[Span], begin: datetime, end: datetime) -> timedelta:
    """How much of a window these cover."""
    return sum((max(min(until, end) - max(at, begin), NONE) for at, until in awake_spans(spans)), NONE)
