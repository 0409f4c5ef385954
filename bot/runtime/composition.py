"""The composition root: the only place that knows every adapter, and the only reader of the clock."""

import os
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from secrets import SystemRandom
from typing import TYPE_CHECKING, cast

from bot import sql
from bot.config import shipped
from bot.config.environment import Need
from bot.config.settings import Settings, load_settings
from bot.config.yaml_lines import read_yaml
from bot.errors import StateError
from bot.ports import Census, Clock, Ports, Sources, Store, Warehouse
from bot.services.ask_warehouse import HEALTH
from bot.services.census_numbers import METRICS
from bot.transport.native_blocks import NativeBlocks

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.adapters.census.client import CensusClient
    from bot.adapters.slack.messenger import SlackMessenger


TRY_AGAIN = timedelta(days=7)  # after a start, what a workspace has refused for longer
CLOCK = "SYNC_HEALTH_CLOCK"  # set by the demo for its bot: both have one time


class SystemClock:
    """The machine's clock, or one that runs `speed` times as fast from now on."""

    def __init__(self, speed: float = 1.0, as_written: str | None = None) -> None:
        if as_written:
            began, ticks, scale = as_written.split()
            self.speed, self._began, self._ticks = float(scale), datetime.fromisoformat(began), float(ticks)
        else:
            self.speed, self._began, self._ticks = speed, datetime.now(UTC), time.monotonic()

    def written(self) -> str:
        """For a process beside this one, whose clock shall show the same."""
        return f"{self._began.isoformat()} {self._ticks} {self.speed}"

    def now(self) -> datetime:
        """The pipeline's time, aware, UTC: the machine's own, which goes on while the machine sleeps."""
        if self.speed == 1.0:
            return self.real()
        return self._began + timedelta(seconds=(time.monotonic() - self._ticks) * self.speed)

    def real(self) -> datetime:
        """The machine's time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Real seconds, for measuring how long something took."""
        return time.monotonic()


class _Later:
    """Made by the first who uses it: loading what asks Census takes as long as the warehouse's statement."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._factory, self._one = make, threading.Lock()

    @cached_property
    def _target(self) -> object:
        return self._factory()

    def __getattr__(self, name: str) -> object:
        with self._one:
            made = self._target
        return getattr(made, name)


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


def shipped_settings() -> Settings:
    """Those of the shipped pipeline, whatever lies in this folder or stands in the environment: the demo's."""
    return settings_from({"SYNC_HEALTH_CONFIG": str(shipped.FOLDER / "pipeline.yml")})


def manifest_scopes() -> frozenset[str]:
    """What manifest.yml asks Slack for."""
    return frozenset(read_yaml(shipped.FOLDER / "manifest.yml").data["oauth_config"]["scopes"]["bot"])  # type: ignore[index]


def connect_census(settings: Settings) -> "CensusClient":
    """Census; nothing is asked yet."""
    from bot.adapters.census.client import CensusClient

    return CensusClient(
        settings.census_api_url,
        settings.census_api_version,
        token=settings.census_api_token,
        group_id=settings.census_group_id,
    )


def native_blocks(store: Store, clock: Clock) -> NativeBlocks:
    """Whether the workspace takes tables and charts, as far as it is remembered."""

    def remember() -> None:
        with suppress(StateError), store.transaction() as records:  # else it is found out again after the next start
            records.note_text_only(clock.real())

    with store.snapshot() as records:
        since = records.text_only_since()
    lately = since is not None and clock.real() - since < TRY_AGAIN  # workspaces get them one after another
    return NativeBlocks(refused=lately, remember=remember)


def connect_slack(settings: Settings, native: NativeBlocks | None = None) -> "tuple[SlackMessenger, WebClient]":
    """The channel, and the client that it speaks through; nothing is asked yet."""
    from bot.adapters.slack.messenger import SlackMessenger
    from bot.transport.slack_api import web_client

    trust = ssl.create_default_context()  # 30 ms of work; without one the client makes it again for each call
    client = web_client(settings.slack_bot_token, settings.slack_api_url, trust)
    return SlackMessenger(client, settings, native), client


def connect_sources(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> Sources:
    """What measuring needs, on its real adapters. Nothing outside is asked yet.

    An embedded warehouse is opened for writing by those who ask for that: nobody else can use it meanwhile.
    """
    opened = warehouse or _warehouse(settings, writes=writes)
    return Sources(settings, clock, opened, cast("Census", _Later(partial(connect_census, settings))))


def connect(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> tuple[Ports, "WebClient"]:
    """All ports on their real adapters; the state database is migrated."""
    from bot.adapters.heartbeat import UrlHeartbeat
    from bot.adapters.store.sql_store import SqlStore

    sources, store = connect_sources(settings, clock, warehouse, writes=writes), SqlStore(settings.state_url)
    messenger, client = connect_slack(settings, native_blocks(store, clock))
    heartbeat = UrlHeartbeat(settings.heartbeat_url) if settings.heartbeat_url else None
    return Ports(**vars(sources), messenger=messenger, store=store, heartbeat=heartbeat), client


def state_file(settings: Settings) -> Path:
    """Where the bot keeps what it remembers: settings take no other URL than that of a file."""
    return Path(settings.state_url.removeprefix("sqlite:///"))


def remembered(settings: Settings) -> "Store | None":
    """What the bot knows already; None where it never ran, and then nothing is created."""
    if not state_file(settings).exists():
        return None
    from bot.adapters.store.sql_store import SqlStore

    return SqlStore(settings.state_url)


def _warehouse(settings: Settings, *, writes: bool) -> Warehouse:
    if settings.databricks:
        from bot.adapters.databricks.warehouse import DatabricksWarehouse

        return DatabricksWarehouse(settings.databricks, settings.tables)
    from bot.adapters.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.warehouse_folder, settings.tables, read_only=not writes)


def disconnect(ports: Ports) -> None:
    """Give back what the ports hold; stop first whatever uses them."""
    ports.store.close()
    ports.warehouse.close()


def jitter() -> float:
    """From 0 to 1, each time another: so that what waits does not come back all at once."""
    return SystemRandom().random()


def holder_name() -> str:
    """Who holds a lease: this process, and no other before or after it."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
