"""Puts the parts together: the only place that knows every adapter, and the only reader of the clock."""

import os
import socket
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot import sql
from bot.adapters.census import CensusClient
from bot.adapters.duckdb import DuckDBWarehouse
from bot.ports import Ports, Sources, Store, Warehouse
from bot.services.census_numbers import METRICS
from bot.services.measure import HEALTH
from bot.settings import HOME, Need, Operators, Settings, load_settings
from bot.yaml_lines import read_yaml

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.adapters.slack_messenger import SlackMessenger


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


def manifest_scopes() -> frozenset[str]:
    """What manifest.yml asks Slack for."""
    return frozenset(read_yaml(HOME / "manifest.yml").data["oauth_config"]["scopes"]["bot"])  # type: ignore[index]


def connect_census(settings: Settings) -> CensusClient:
    """Census; nothing is asked yet."""
    return CensusClient(
        settings.census_api_url,
        settings.census_api_version,
        token=settings.census_api_token or UNSET,
        group_id=settings.census_group_id,
    )


def connect_slack(settings: Settings) -> "tuple[SlackMessenger, WebClient]":
    """The channel, and the client that it speaks through; nothing is asked yet."""
    from slack_sdk import WebClient

    from bot.adapters.slack_messenger import SlackMessenger

    client = WebClient(token=settings.slack_bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    return SlackMessenger(client, settings), client


def connect_sources(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> Sources:
    """What measuring needs, on its real adapters. Nothing outside is asked yet.

    An embedded warehouse is opened for writing by those who ask for that: nobody else can use it meanwhile.
    """
    opened = warehouse or _warehouse(settings, writes=writes)
    return Sources(settings, clock, opened, connect_census(settings))


def connect(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> tuple[Ports, "WebClient"]:
    """All ports on their real adapters; the state database is migrated."""
    from bot.adapters.store import SqlStore

    sources, (messenger, client) = connect_sources(settings, clock, warehouse, writes=writes), connect_slack(settings)
    return Ports(**vars(sources), messenger=messenger, store=SqlStore(settings.state_url)), client


def remembered(settings: Settings) -> "Store | None":
    """What the bot knows already; None where it never ran, and then nothing is created."""
    if not Path(settings.state_url.removeprefix("sqlite:///")).exists():
        return None
    from bot.adapters.store import SqlStore

    return SqlStore(settings.state_url)


def _warehouse(settings: Settings, *, writes: bool) -> Warehouse:
    if settings.databricks:
        from bot.adapters.databricks import DatabricksWarehouse

        return DatabricksWarehouse(settings.databricks, settings.tables)
    return DuckDBWarehouse(settings.warehouse_folder, settings.tables, read_only=not writes)


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
            scopes=manifest_scopes(),
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
