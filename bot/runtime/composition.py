"""The composition root: the only place that knows every adapter, and the only reader of the clock."""

import os
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from secrets import SystemRandom
from typing import TYPE_CHECKING, cast

from bot.adapters.read_only import read_only_census, read_only_warehouse
from bot.config import shipped
from bot.config.environment import Need
from bot.config.load import load_settings
from bot.config.settings import Settings
from bot.config.yaml_lines import read_yaml
from bot.errors import RefusedError, StateError
from bot.ports import Census, Clock, Pager, Ports, Sources, Store, Warehouse
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from bot.transport.native_blocks import NativeBlocks

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.adapters.census.client import CensusClient
    from bot.adapters.slack.messenger import SlackMessenger
    from bot.services.warehouse_meter import WarehouseMeter


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


def clock_from_environment() -> SystemClock:
    """The machine's clock, or that of the demo whose bot or state this process looks at."""
    return SystemClock(as_written=os.environ.get(CLOCK))


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


def settings_from(environment: Mapping[str, str] | None = None, needs: tuple[Need, ...] = ()) -> Settings:
    """Settings from the environment and pipeline.yml. Raises ConfigurationError with every problem."""
    settings = load_settings(os.environ if environment is None else environment, library=Statements, needs=needs)
    read_tiles(Statements.of(settings), settings)
    return settings


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
    settings: Settings,
    clock: SystemClock,
    warehouse: Warehouse | None = None,
    *,
    writes: bool = False,
    looks: bool = False,
) -> Sources:
    """What measuring needs, on its real adapters. Nothing outside is asked yet.

    An embedded warehouse is opened for writing by those who ask for that: nobody else can use it meanwhile.
    For one who only `looks` what it is made of: nothing can be changed, and of its files some need not be there yet.
    In observe mode neither Census nor the warehouse takes a call that could change something.
    """
    opened = warehouse or _warehouse(settings, writes=writes and not settings.observes, incomplete=looks)
    census = cast("Census", _Later(partial(connect_census, settings)))
    if settings.observes or looks:
        opened, census = read_only_warehouse(opened), read_only_census(census)
    return Sources(settings, clock, opened, census)


def connect(
    settings: Settings, clock: SystemClock, warehouse: Warehouse | None = None, *, writes: bool = False
) -> tuple[Ports, "WebClient"]:
    """All ports on their real adapters; the state database is migrated."""
    from bot.adapters.heartbeat import UrlHeartbeat
    from bot.adapters.store.sql_store import SqlStore

    meter: WarehouseMeter | None = None
    if settings.databricks:
        from bot.services.warehouse_meter import metered

        warehouse, meter = metered(warehouse or _warehouse(settings, writes=writes, incomplete=False), clock)
    sources, store = connect_sources(settings, clock, warehouse, writes=writes), SqlStore(settings.state_url)
    messenger, client = connect_slack(settings, native_blocks(store, clock))
    heartbeat = UrlHeartbeat(settings.heartbeat_url) if settings.heartbeat_url else None
    pagers = connect_pagers(settings, clock)
    sources = replace(sources, meter=meter)
    return Ports(**vars(sources), messenger=messenger, store=store, pagers=pagers, heartbeat=heartbeat), client


def connect_pagers(settings: Settings, clock: Clock) -> tuple[Pager, ...]:
    """Those that the environment names; nothing is sent yet."""
    places = settings.pagers
    if not places.names:
        return ()
    from bot.adapters.paging.pagerduty import PagerDuty
    from bot.adapters.paging.webhook import SignedWebhook

    webhook = (SignedWebhook(settings, lambda: clock.real().timestamp()),) if places.webhook_url else ()
    return (*((PagerDuty(settings),) if places.pagerduty_key else ()), *webhook)


def state_file(settings: Settings) -> Path:
    """Where the bot keeps what it remembers: settings take no other URL than that of a file."""
    return Path(settings.state_url.removeprefix("sqlite:///"))


def remembered(settings: Settings) -> "Store | None":
    """What the bot knows already; None where it never ran, and then nothing is created.

    Raises RefusedError where opening would migrate it: a bot of an earlier version may be at work with it.
    """
    path = state_file(settings)
    if not path.exists() or not path.stat().st_size:
        return None
    from bot.adapters.store.sql_store import SqlStore
    from bot.adapters.store.state_file import awaits_migration

    if awaits_migration(path):
        raise RefusedError(f"{path} is of an earlier version, and is migrated when the bot of this one starts")

    return SqlStore(settings.state_url)


def _warehouse(settings: Settings, *, writes: bool, incomplete: bool) -> Warehouse:
    if not settings.has_warehouse:
        from bot.adapters.no_warehouse import NoWarehouse

        return NoWarehouse()
    if settings.databricks:
        from bot.adapters.databricks.warehouse import DatabricksWarehouse

        return DatabricksWarehouse(settings.databricks, Statements.of(settings), settings.pipeline)
    from bot.adapters.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(
        settings.warehouse_folder, Statements.of(settings), read_only=not writes, incomplete=incomplete
    )


def disconnect(ports: Ports) -> None:
    """Close the state database and the warehouse; stop first whatever uses them."""
    if ports.meter:
        with suppress(StateError):  # what was counted since the last time is lost then
            ports.meter.save(ports.store, ports.settings.zone)
    ports.store.close()
    ports.warehouse.close()


def jitter() -> float:
    """From 0 to 1, each time another: so that retries do not come back all at once."""
    return SystemRandom().random()


def holder_name() -> str:
    """Who holds a lease: this process, and no other before or after it."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
