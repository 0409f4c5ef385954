"""A day of the running bot beside its two syncs, and how long the warehouse is awake for it: no time passes really."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from operator import itemgetter
from pathlib import Path

from slack_sdk import WebClient

from bot.adapters.databricks.warehouse import STOPS_LATE
from bot.adapters.store.sql_store import SqlStore
from bot.alerts.model import Incident
from bot.alerts.warehouse_use import Span, awake_spans
from bot.answers.operations import WarehouseDay
from bot.config import shipped
from bot.config.settings import Settings
from bot.facts import Run, Schedule
from bot.ports import Ports
from bot.runtime.bot import FOLLOW, Bot
from bot.runtime.composition import settings_from
from bot.services.show_status import show_status
from bot.services.take_snapshot import SNAPSHOTS
from bot.services.warehouse_meter import metered
from tests.fakes import HEALTH, FakeCensus, FakeChannel, FakeWarehouse, HandClock
from tests.services.test_not_measured import HEALTHY
from tests.sql_folder import SHIPPED

BEGIN = datetime(2026, 3, 3, 8, tzinfo=UTC)  # midnight of the shipped pipeline
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RUNS_TAKE = (timedelta(minutes=2), timedelta(minutes=3))
LATE = timedelta(seconds=7)  # Census begins a run so long after its time
STATEMENT = timedelta(seconds=5)
AUTO_STOPS = (5, 10)  # minutes
PHASES = (timedelta(0), timedelta(minutes=2), timedelta(minutes=4))  # of a tick of five minutes
STOPS = timedelta(seconds=30)  # so long after its time, at the latest
Spans = list[Span]


@dataclass(frozen=True)
class Rhythm:
    """How often both syncs run, and the cadence of the pipeline that says so."""

    name: str
    schedule: Schedule
    every: timedelta
    cadence: str = "frequent"

    def times(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """When runs are due, from the one before `begin` on; the daily ones at noon."""
        at = begin + (timedelta(hours=12) if self.every == DAY else timedelta(0)) - self.every
        while at < end:
            yield at
            at += self.every


QUARTER_HOURLY = Rhythm("every 15 min", Schedule("quarter_hourly", paused=False, minute=0), timedelta(minutes=15))
HOURLY = Rhythm("hourly", Schedule("hourly", paused=False, minute=0), HOUR)
DAILY_RUNS = Rhythm("daily", Schedule("daily", paused=False, hour=BEGIN.hour + 12, minute=0), DAY, "daily")
RHYTHMS = (QUARTER_HOURLY, HOURLY, DAILY_RUNS)


class SleepyWarehouse(FakeWarehouse):
    """It stops when nobody has asked it for a while, as Databricks' do, and knows when it was asked."""

    def __init__(self, clock: HandClock, auto_stop: timedelta) -> None:
        super().__init__(**{HEALTH: [dict(HEALTHY)], SNAPSHOTS: []})
        self._clock, self.stops = clock, auto_stop
        self.ours: list[datetime] = []
        self.runs: Spans = []  # of the syncs, which ask it as well

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        self.ours.append(self._clock.now())
        return super().ask(question, **parameters)

    def ask_joined(self, questions: Sequence[str]) -> dict[str, list[dict[str, object]]]:
        before = len(self.ours)
        answered = super().ask_joined(questions)
        del self.ours[before + 1 :]  # it is one statement
        return answered

    def do(self, statement: str, **parameters: object) -> None:
        self.ours.append(self._clock.now())
        snapshot = dict.fromkeys(SHIPPED.columns(SNAPSHOTS)) | parameters
        self.rows[SNAPSHOTS].insert(0, snapshot)

    def awake(self) -> bool:
        """As the adapter of Databricks tells it: it runs, and that is not because of a statement of ours."""
        now = self._clock.now()
        if self.state() == "STOPPED":
            return False
        return not self.ours or now - self.ours[-1] - STATEMENT >= self.stops + timedelta(seconds=STOPS_LATE)

    def state(self) -> str:
        now, spans = self._clock.now(), awake_after([*self.runs, *self._statements()], self.stops + STOPS)
        return "RUNNING" if any(begin <= now < end for begin, end in spans) else "STOPPED"

    def auto_stop(self) -> timedelta:
        return self.stops

    def _statements(self) -> Spans:
        return [(at, at + STATEMENT) for at in self.ours]

    def minutes(self, begin: datetime, end: datetime, *, alone: bool = False) -> float:
        """How many of these it is awake, with us or for the syncs `alone`."""
        asked = self.runs if alone else [*self.runs, *self._statements()]
        return minutes_of(awake_after(asked, self.stops), begin, end)


def awake_after(asked: Iterable[Span], auto_stop: timedelta) -> Spans:
    """From when to when it is awake because of what it was asked, each until `auto_stop` after the last."""
    return awake_spans((begin, end + auto_stop) for begin, end in asked)


def minutes_of(spans: Iterable[Span], begin: datetime, end: datetime) -> float:
    """How many of these minutes the spans cover, which do not overlap."""
    return sum(max(timedelta(0), min(b, end) - max(a, begin)).total_seconds() for a, b in spans) / 60


@dataclass
class Simulation:
    """The bot's jobs at their intervals, `phase` after the full minute, while both syncs run on schedule."""

    path: Path
    rhythm: Rhythm
    auto_stop: timedelta
    phase: timedelta = timedelta(0)
    length: timedelta = DAY
    runs_take: tuple[timedelta, ...] = RUNS_TAKE
    asks: tuple[timedelta, ...] = ()  # after the beginning somebody asks for an evaluation
    faults: tuple[timedelta, ...] = ()  # …company names are lost in the warehouse
    faults_last: timedelta = timedelta(minutes=150)
    asked: list[datetime] = field(default_factory=list)  # statements of ours, also before the beginning
    looks: list[datetime] = field(default_factory=list)  # …since then
    runs: Spans = field(default_factory=list)  # of the syncs
    days: tuple[WarehouseDay, ...] = ()  # as `sync-health status` has them
    incidents: list[Incident] = field(default_factory=list)

    def run(self) -> tuple[float, float]:
        """Minutes that the warehouse was awake: with us, for the syncs alone."""
        clock, settings = HandClock(BEGIN - DAY), self._settings()
        outside = Outside(clock, SleepyWarehouse(clock, self.auto_stop), [sync.id for sync in settings.syncs])
        outside.keep_schedule(self.rhythm.schedule)
        happens = sorted(self._runs(outside), key=itemgetter(0))
        while happens[0][0] < BEGIN - HOUR:  # what ran before the bot began
            outside.pass_until(happens[0][0])
            happens.pop(0)[1]()
        outside.pass_until(BEGIN - HOUR + self.phase)
        store = SqlStore(f"sqlite:///{self.path}")
        warehouse, meter = metered(outside.warehouse, clock)
        ports = Ports(settings, clock, warehouse, outside.census, FakeChannel(), store, meter=meter)
        bot = Bot(ports, WebClient(token="local"))
        happens += [*self._people(bot), *self._faults(outside)]
        self._live(bot, outside, sorted(happens, key=itemgetter(0)))
        bot.checker.close()
        meter.save(store, settings.zone)
        self.days, self.runs = show_status(store, settings, clock).days, outside.warehouse.runs
        with store.snapshot() as records:
            opened = (records.incident(n + 1) for n in range(len(self.faults)))
            self.incidents = [one for one in opened if one]
        store.close()
        end = BEGIN + self.length
        self.asked = outside.warehouse.ours
        self.looks = [at for at in self.asked if BEGIN <= at < end]
        return outside.warehouse.minutes(BEGIN, end), outside.warehouse.minutes(BEGIN, end, alone=True)

    def _settings(self) -> Settings:
        """The shipped pipeline, with this cadence."""
        copy = self.path.with_suffix(".yml")
        text = (shipped.FOLDER / "pipeline.yml").read_text()
        copy.write_text(text.replace("cadence: frequent", f"cadence: {self.rhythm.cadence}"))
        return settings_from({"SYNC_HEALTH_CONFIG": str(copy)})

    def _live(self, bot: Bot, outside: "Outside", happens: "list[Event]") -> None:
        """What Census does comes before what the bot sees, at its own time."""
        now = bot.ports.clock.now()
        while now < BEGIN + self.length:
            for every, job in bot.jobs.values():
                if (now - BEGIN - self.phase) % every == timedelta(0):
                    job()
            now += FOLLOW
            while happens and happens[0][0] <= now:
                at, happen = happens.pop(0)
                outside.pass_until(at)
                happen()
            outside.pass_until(now)

    def _people(self, bot: Bot) -> Iterator["Event"]:
        for after in self.asks:
            yield BEGIN + after, bot.checker.run

    def _faults(self, outside: "Outside") -> Iterator["Event"]:
        for after in self.faults:
            yield BEGIN + after, partial(outside.lose_names, 60)
            yield BEGIN + after + self.faults_last, partial(outside.lose_names, 0)

    def _runs(self, outside: "Outside") -> Iterator["Event"]:
        for due in self.rhythm.times(BEGIN, BEGIN + self.length):
            for sync, takes in zip(outside.syncs, self.runs_take, strict=True):
                yield due + LATE, partial(outside.start, sync)
                yield due + LATE + takes, partial(outside.finish, sync)


class Outside:
    """Census and the warehouse that its syncs read."""

    def __init__(self, clock: HandClock, warehouse: SleepyWarehouse, syncs: list[int]) -> None:
        self._clock, self.warehouse, self.syncs = clock, warehouse, syncs
        self.census = FakeCensus(clock, *syncs)
        self._going_on: dict[int, Run] = {}

    def keep_schedule(self, schedule: Schedule) -> None:
        for sync in self.syncs:
            self.census.set_schedule(sync, schedule)

    def start(self, sync: int) -> None:
        self._going_on[sync] = self.census.start(sync)
        self.warehouse.runs.append((self._clock.now(), self._clock.now()))

    def finish(self, sync: int) -> None:
        run = self._going_on.pop(sync)
        self.census.finish(run.id, records_updated=5, records_failed=0, records_invalid=0)
        self.warehouse.runs.remove((run.created_at, run.created_at))
        self.warehouse.runs.append((run.created_at, self._clock.now()))

    def lose_names(self, count: int) -> None:
        self.warehouse.rows[HEALTH][0] |= {"null_company_names": count}

    def pass_until(self, at: datetime) -> None:
        self._clock.pass_(seconds=(at - self._clock.now()).total_seconds())


Event = tuple[datetime, Callable[[], object]]


def awake_minutes() -> None:
    """How much longer the warehouse is awake with the bot than for the syncs alone, in the worst phase of the tick."""
    sys.stdout.write("A simulated day, minutes that the warehouse is awake with the bot / for the syncs alone:\n")
    with tempfile.TemporaryDirectory() as folder:
        for rhythm, minutes in product(RHYTHMS, AUTO_STOPS):
            days = [
                Simulation(Path(folder) / f"{rhythm.cadence}{n}.db", rhythm, timedelta(minutes=minutes), phase)
                for n, phase in enumerate(PHASES)
            ]
            ours, alone = max((day.run() for day in days), key=lambda pair: pair[0] / pair[1])
            looks = max(len(day.looks) for day in days)
            name = f"  {rhythm.name}, auto-stop {minutes} min"
            sys.stdout.write(f"{name}: {ours / alone:.2f} × ({ours:.0f} / {alone:.0f}; {looks} statements)\n")
            for day in days:
                day.path.unlink()


if __name__ == "__main__":
    awake_minutes()
