"""Puts the parts together: the only place that knows every adapter, and the only reader of the clock."""

import logging
import os
import socket
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot import sql
from bot.adapters.census import CensusClient
from bot.adapters.duckdb import DuckDBWarehouse
from bot.errors import SyncHealthError
from bot.ports import Ports, Sources, Store, Warehouse
from bot.services.census_numbers import METRICS
from bot.services.daily_digest import send_due_digest
from bot.services.daily_snapshot import take_due_snapshot
from bot.services.deliver import LEADER, deliver_next
from bot.services.follow_runs import follow_runs
from bot.services.measure import HEALTH
from bot.services.run_checks import Checker, timer_ended
from bot.settings import Need, Operators, Settings, load_settings

if TYPE_CHECKING:
    from slack_sdk import WebClient

log = logging.getLogger(__name__)

WORKERS = 16
LEASE = 60.0  # real seconds: how long a dead leader keeps others waiting
FOLLOW = timedelta(seconds=15)  # of the pipeline's time: how often a run, or an alert that waits, is looked at
DAILY = timedelta(minutes=1)  # of the pipeline's time: how often it is asked whether something daily is due
LOOK_FOR_OWED = 0.5  # real seconds between looks into the outbox
AFTER_SURPRISE = 5.0  # real seconds
FAREWELL = 10.0  # real seconds that a stop waits for presses in line
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
UNSET = "unset"  # who asks Census has had its token demanded by the settings
DEMO_TOKEN = "demo"  # noqa: S105 - opens nothing but the servers of the demo
OPERATOR, VISITOR = "U0ROBIN", "U0SAM"


class SystemClock:
    """The machine's clock, or one that runs `speed` times as fast from now on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._began = datetime.now(UTC)
        self._ticks = time.monotonic()

    def now(self) -> datetime:
        """The pipeline's time, aware, UTC."""
        return self._began + timedelta(seconds=(time.monotonic() - self._ticks) * self.speed)

    def real(self) -> datetime:
        """The machine's time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Real seconds, for measuring how long something took."""
        return time.monotonic()


def known_metrics() -> dict[str, frozenset[str]]:
    """What is measured, by source: what a check may judge."""
    bots = frozenset({"unmeasured_databricks", "unmeasured_census"})
    own = {f"sql/{name}.sql" for name in sql.names() if name.startswith("checks/")}
    return {"databricks": frozenset({*sql.columns(HEALTH), *own}), "census": METRICS, "bot": bots}


def settings_from(environment: Mapping[str, str] | None = None, needs: tuple[Need, ...] = ()) -> Settings:
    """Settings from the environment and pipeline.yml. Raises ConfigurationError with every problem."""
    return load_settings(
        os.environ if environment is None else environment,
        metrics=known_metrics(),
        table_names=sql.table_names(),
        needs=needs,
    )


def connect_sources(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> Sources:
    """What measuring needs, on its real adapters. Nothing outside is asked yet.

    An embedded warehouse is opened for writing by those who ask for that: nobody else can use it meanwhile.
    """
    census = CensusClient(
        settings.census_api_url,
        settings.census_api_version,
        token=settings.census_api_token or UNSET,
        group_id=settings.census_group_id,
    )
    opened = warehouse or DuckDBWarehouse(settings.warehouse_folder, settings.tables, read_only=not writes)
    return Sources(settings, clock, opened, census)


def connect(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> tuple[Ports, "WebClient"]:
    """All ports on their real adapters; the state database is migrated."""
    from slack_sdk import WebClient

    from bot.adapters.slack_messenger import SlackMessenger
    from bot.adapters.store import SqlStore

    trust = ssl.create_default_context()  # 30 ms of work; without one the client makes it anew for each of its calls
    client = WebClient(
        token=settings.slack_bot_token, base_url=settings.slack_api_url, timeout=10, ssl=trust, retry_handlers=[]
    )
    sources = connect_sources(settings, clock, warehouse, writes=writes)
    ports = Ports(**vars(sources), messenger=SlackMessenger(client, settings), store=SqlStore(settings.state_url))
    return ports, client


def remembered(settings: Settings) -> "Store | None":
    """What the bot knows already; None where it never ran, and then nothing is created."""
    if not Path(settings.state_url.removeprefix("sqlite:///")).exists():
        return None
    from bot.adapters.store import SqlStore

    return SqlStore(settings.state_url)


class Demo:
    """The pipeline, Census and Slack on this machine, and a bot that believes them: nothing of the bot is different.

    `port` is where the page listens; another one is taken when it is busy.
    """

    def __init__(self, *, speed: float = 60.0, port: int = 0) -> None:
        from bot.demo.census_server import CensusServer
        from bot.demo.census_syncs import SYNC_FAULTS, LocalSync
        from bot.demo.estate import Estate
        from bot.demo.slack_server import Control, Person, SlackServer

        shipped = settings_from({})
        self.clock = SystemClock(speed)
        self._folder = tempfile.TemporaryDirectory(prefix="sync-health-demo-")
        self.warehouse = DuckDBWarehouse(tables=shipped.tables)
        self.estate = Estate(self.warehouse, self.clock.now)
        syncs = [LocalSync(sync.id, sync.label, sync.direction) for sync in shipped.syncs]
        self.census = CensusServer(self.estate, syncs, token=DEMO_TOKEN, now=self.clock.now)
        controls = [
            Control(name, fault.title, partial(broken.is_on, name), partial(broken.switch, name))
            for broken, faults in ((self.estate, self.estate.faults), (self.census, SYNC_FAULTS))
            for name, fault in faults.items()
        ]
        self.slack = SlackServer(
            now=self.clock.now,
            bot_token=DEMO_TOKEN,
            app_token=DEMO_TOKEN,
            people=[Person(OPERATOR, "robin", role="operator"), Person(VISITOR, "sam", role="sales")],
            port=_free(port),
            channel=shipped.channel,
            controls=controls,
            speed=speed,
        )

    def start(self) -> None:
        """Build the estate, a second or so, and open the servers."""
        self.estate.build()
        self.census.start()
        self.slack.start()

    def settings(self) -> Settings:
        """What somebody would set to point the bot at these servers."""
        environment = {
            "SLACK_BOT_TOKEN": DEMO_TOKEN,
            "SLACK_APP_TOKEN": DEMO_TOKEN,
            "SLACK_API_URL": f"{self.slack.url}/api/",
            "CENSUS_API_TOKEN": DEMO_TOKEN,
            "CENSUS_API_URL": self.census.url,
            "SYNC_HEALTH_STATE": f"sqlite:///{self._folder.name}/state.db",
        }
        return replace(settings_from(environment, ("slack", "census")), operators=Operators(users=(OPERATOR,)))

    def connect(self) -> tuple[Ports, "WebClient"]:
        """The ports of a bot that looks after this pipeline."""
        return connect(self.settings(), self.clock, self.warehouse)

    def stop(self) -> None:
        """Leave nothing behind."""
        self.slack.stop()
        self.census.stop()
        self.warehouse.close()
        self._folder.cleanup()


def _free(port: int) -> int:
    """This port, or 0 (any) when somebody listens there already."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError:
        return 0


def disconnect(ports: Ports) -> None:
    """Give back what the ports hold; stop first whatever uses them."""
    ports.store.close()
    ports.warehouse.close()


def holder_name() -> str:
    """Who holds a lease: this process, and no other before or after it."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


class Bot:
    """The running bot: answers, checks and sends until it is stopped."""

    def __init__(self, ports: Ports, client: "WebClient") -> None:
        from bot.adapters.scheduler import Job, Scheduler
        from bot.slack.app import build_app
        from bot.slack.connection import Connection
        from bot.slack.desk import Desk

        self.ports = ports
        self.checker = Checker(ports)
        self.holder = holder_name()
        self._leads_until = NEVER
        self._pool = ThreadPoolExecutor(WORKERS, "press")
        app = build_app(Desk(ports, self.checker, client, self._pool))
        self._connection = Connection(app, ports.settings.slack_app_token, ports.settings.slack_api_url)
        jobs: dict[str, tuple[timedelta, Callable[[], object]]] = {
            "checks": (ports.settings.schedule.tick, partial(self.checker.run, thrifty=True)),
            "timers": (FOLLOW, lambda: timer_ended(ports) and self.checker.run()),
            "follow": (FOLLOW, partial(follow_runs, ports, self.checker)),
            "snapshot": (DAILY, partial(take_due_snapshot, ports)),
            "digest": (DAILY, partial(send_due_digest, ports, self.checker)),
        }
        self._scheduler = Scheduler(
            [Job(name, partial(self._fire, run), self._real_seconds(every)) for name, (every, run) in jobs.items()],
            first=ports.clock.real(),
        )
        self._stopping = threading.Event()
        self._sender = threading.Thread(target=self._send, name="sender", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. What is unreachable is tried again until it answers."""
        self._scheduler.start()
        self._sender.start()
        self._connection.start()

    def stop(self) -> None:
        """End in bounded time; what is owed stays owed."""
        self._stopping.set()
        self._connection.stop()
        self._scheduler.stop()
        self._sender.join(timeout=15)
        late = threading.Timer(FAREWELL, self._pool.shutdown, kwargs={"cancel_futures": True})
        late.start()
        self._pool.shutdown()  # what was acknowledged is done, too
        late.cancel()
        self.checker.close()
        self.ports.store.release_lease(LEADER, self.holder)

    def leads(self) -> bool:
        """Whether this process schedules and sends."""
        now = self.ports.clock.real()
        if now < self._leads_until - timedelta(seconds=LEASE / 2):
            return True  # asked often; the row is written twice a minute
        leads = self.ports.store.take_lease(LEADER, self.holder, now, LEASE)
        self._leads_until = now + timedelta(seconds=LEASE) if leads else NEVER
        return leads

    def _real_seconds(self, every: timedelta) -> float:
        return max(0.5, every.total_seconds() / self.ports.clock.speed)

    def _fire(self, run: Callable[[], object]) -> None:
        """One of the two outermost loops: a job that failed is due again."""
        try:
            if self.leads():
                run()
        except SyncHealthError as error:
            log.warning("a scheduled job could not be done: %s; trying again", error)
        except Exception:
            log.exception("a scheduled job met something unforeseen; trying again")

    def _send(self) -> None:
        """The other one: whatever happens to a message, the next look into the outbox comes."""
        while not self._stopping.wait(LOOK_FOR_OWED):
            try:
                while self.leads() and deliver_next(self.ports, self.holder) and not self._stopping.is_set():
                    pass
            except SyncHealthError as error:
                log.warning("messages could not be sent: %s; trying again", error)
            except Exception:
                log.exception("the sender met something unforeseen; trying again")
                self._stopping.wait(AFTER_SURPRISE)
