"""Another team's pipeline before local servers: its folder, its syncs at a local Census, a local Slack, one clock."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import Destination, LocalSync
from bot.demo.slack.server import Person, SlackServer
from bot.demo.warehouse.server import PATH, WarehouseServer
from bot.ports import Ports
from bot.runtime.bot import Bot
from bot.runtime.composition import SystemClock, connect, disconnect, manifest_scopes, settings_from
from bot.services.summarise import summarise
from bot.sql.statements import Statements
from tests.slack.conftest import words
from tests.waiting import until

TOKEN = "opens-nothing"
ROBIN, SAM = "U0ROBIN", "U0SAM"  # an operator, and somebody else
BEGAN = datetime(2026, 11, 25, 6, 1, tzinfo=UTC)  # a Wednesday, 11:31 in Kolkata
SHIPPED_WORDS = re.compile(r"\bpropert(?:y|ies)\b|salesforce|company name|\bCREATE\b|\bUPDATE\b|(?i:\bsfdc)|crm\.sfdc")


class OneClock(SystemClock):
    """Of everybody here. It runs fast, and jumps."""

    def __init__(self, speed: float) -> None:
        super().__init__(as_written=f"{BEGAN.isoformat()} {monotonic()} {speed}")

    def jump(self, **span: float) -> None:
        self._began += timedelta(**span)


class Elsewhere:
    """The servers of one pipeline; `started` starts the bot, `cli` runs a command with the same settings."""

    def __init__(
        self,
        config: Path,
        tmp: Path,
        syncs: Iterable[LocalSync],
        destination: Destination,
        *,
        census: type[CensusServer] = CensusServer,
        has_warehouse: bool = True,
        speed: float = 30.0,
    ) -> None:
        self.clock = OneClock(speed)
        self.environment = {
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_APP_TOKEN": TOKEN,
            "CENSUS_API_TOKEN": TOKEN,
            "SYNC_HEALTH_WAREHOUSE": "databricks" if has_warehouse else "none",
            "SYNC_HEALTH_STATE": f"sqlite:///{tmp}/state.db",
            "SYNC_HEALTH_CONFIG": str(config),
        }
        settings = settings_from(self.environment)
        self.duckdb = DuckDBWarehouse(statements=Statements.of(settings)) if has_warehouse else None
        self.databricks = WarehouseServer(self.duckdb.cursor, token=TOKEN, auto_stop_mins=0) if self.duckdb else None
        self.census = census(destination, syncs, token=TOKEN, now=self.clock.now)
        self.slack = SlackServer(
            now=self.clock.now,
            bot_token=TOKEN,
            app_token=TOKEN,
            people=[Person(ROBIN, "robin", role="operator"), Person(SAM, "sam", role="sales")],
            channel=settings.channel,
            speed=speed,
            zone=settings.zone.key,
            scopes=manifest_scopes(),
        )
        self.bot: Bot | None = None
        self.ports: Ports | None = None

    def start(self) -> None:
        """The servers; the bot comes with `started`."""
        if self.databricks:
            self.databricks.start()
            self.databricks.wake()
            self.environment |= {"DATABRICKS_HOST": self.databricks.url, "DATABRICKS_HTTP_PATH": PATH}
            self.environment |= {"DATABRICKS_TOKEN": TOKEN}
        self.census.start()
        self.slack.start()
        self.environment |= {"CENSUS_API_URL": self.census.url, "SLACK_API_URL": f"{self.slack.url}/api/"}

    def stop(self) -> None:
        self.slack.stop()
        self.census.stop()
        if self.databricks and self.duckdb:
            self.databricks.stop()
            self.duckdb.close()

    @contextmanager
    def started(self) -> Iterator[None]:
        """The bot, connected, after its first evaluation."""
        ports, client = connect(settings_from(self.environment, ("slack", "census", "warehouse")), self.clock)
        self.ports, self.bot = ports, Bot(ports, client)
        self.bot.start()
        try:
            until(lambda: self.slack.connections == 1 and summarise(ports).evaluation)
            yield
        finally:
            self.bot.stop()
            disconnect(ports)

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """DuckDB's SQL, past the wire."""
        assert self.duckdb
        with self.duckdb.cursor() as cursor:
            return list(cursor.execute(text).fetchall())

    def evaluate(self, times: int = 1, **span: float) -> None:
        """Evaluate now, and again each time so much later; returns when the channel shows what came of it."""
        assert self.bot
        self.bot.checker.run(join=False)
        for _ in range(1, times):
            self.clock.jump(**span)
            self.bot.checker.run(join=False)
        until(lambda: not self.owed())

    def owed(self) -> int:
        """How many messages Slack does not show yet as it should."""
        assert self.ports
        with self.ports.store.transaction() as records:
            return int(records._db.exec_driver_sql("SELECT COUNT(*) FROM outbox WHERE wanted > sent").scalar())  # type: ignore[attr-defined]

    def root(self, about: str) -> dict[str, Any]:
        """The one message of the channel that says this."""
        found = [m for m in self.slack.messages() if about in words(m) and m.get("thread_ts", m["ts"]) == m["ts"]]
        assert len(found) == 1, [m["text"] for m in self.slack.messages()]
        return found[0]

    def thread(self, about: str) -> str:
        """Every word of an alert and of its replies."""
        return words(self.slack.messages(self.root(about)["ts"]))

    def ask(self, text: str, user: str = ROBIN) -> str:
        """What the bot answers to /sync-health TEXT, the last of it: numbers that were measured for it."""
        before = len(self.slack.ephemerals(user))
        self.slack.command(user, text)
        until(lambda: len(self.slack.ephemerals(user)) > before and not self.in_progress())
        return words(self.slack.ephemerals(user)[-1])

    def in_progress(self) -> int:
        """How much of what was asked is not answered to its end."""
        assert self.bot
        return self.bot._context.in_flight.count()

    def said(self) -> str:
        """Every word that anybody got from the bot in Slack."""
        channel = self.slack.messages()
        threads = [m for root in channel for m in self.slack.messages(root["ts"])]
        own = [m for user in (ROBIN, SAM) for m in self.slack.ephemerals(user)]
        return words([*channel, *threads, *own])

    def cli(self, *arguments: str) -> tuple[int, str, str]:
        """A command on the same clock, with these settings: exit code, standard output and error."""
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.environment.items():
                patched.setenv(name, value)
            patched.setattr("bot.cli.launch.SystemClock", lambda *_, **__: self.clock)
            result = CliRunner().invoke(app, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    def check(self, *arguments: str) -> Mapping[str, Any]:
        """`check --json --dry-run`, read."""
        return dict(json.loads(self.cli("check", "--json", "--dry-run", *arguments)[1]))


def in_own_words(text: str) -> None:
    """Nothing of it is the shipped pipeline's."""
    found = sorted({f"…{text[max(0, m.start() - 60) : m.end() + 40]}…" for m in SHIPPED_WORDS.finditer(text)})
    assert not found, "\n".join(found)
