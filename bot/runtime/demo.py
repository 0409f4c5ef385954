"""The demo: a local pipeline, warehouse, Census and Slack, and the settings that point a bot at them."""

import itertools
import logging
import os
import secrets
import socket
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import yaml

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config import shipped
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import SYNC_FAULTS, LocalSync
from bot.demo.documents import Documents, demo_links
from bot.demo.estate import BUILD, Estate
from bot.demo.folder import DemoFolder
from bot.demo.pager import PagerServer
from bot.demo.slack.server import Control, Person, SlackServer
from bot.demo.warehouse.clock import keep_time
from bot.demo.warehouse.server import PATH, WarehouseServer
from bot.ports import Ports
from bot.runtime.composition import CLOCK, SystemClock, connect, manifest_scopes, settings_from, shipped_settings
from bot.sql.statements import Statements

if TYPE_CHECKING:
    from slack_sdk import WebClient

log = logging.getLogger(__name__)
STEP, SHORTEST_STEP = 120.0, 0.5  # between two steps of a working day: seconds of the pipeline, of the machine
OPERATOR, SECOND_OPERATOR, VISITOR = "U0ROBIN", "U0ADA", "U0SAM"


class Demo:
    """Databricks, Census and Slack as local servers, and a bot believes them: nothing of the bot is different.

    `port` is where the page listens; another one is taken when it is busy. With `working_day` people go on changing
    properties, as they do; without, nothing happens but what is switched.
    """

    def __init__(self, *, speed: float = 60.0, port: int = 0, working_day: bool = False) -> None:
        settings = shipped_settings()
        self.clock = SystemClock(speed)
        self.tokens = {name: secrets.token_urlsafe(24) for name in ("slack_bot", "slack_app", "census", "databricks")}
        self.tokens["pagerduty"] = secrets.token_hex(16)  # 32 characters, as PagerDuty has them
        self._folder = DemoFolder()
        self._statements = Statements.of(settings)
        self.warehouse = DuckDBWarehouse(statements=self._statements)
        self.databricks = WarehouseServer(self.warehouse.cursor, token=self.tokens["databricks"], auto_stop_mins=0)
        self.estate = Estate(self.warehouse, self.clock.now)
        self.pager = PagerServer()
        self._working_day, self._stopping = working_day, threading.Event()
        self._people = threading.Thread(target=self._run_pipeline, name="working-day", daemon=True)
        syncs = [LocalSync(sync.id, sync.label, str(sync.role)) for sync in settings.syncs]
        self.census = CensusServer(self.estate, syncs, token=self.tokens["census"], now=self.clock.now)
        controls = [
            Control(name, fault.title, partial(broken.is_on, name), partial(broken.switch, name))
            for broken, faults in ((self.estate, self.estate.faults), (self.census, SYNC_FAULTS))
            for name, fault in faults.items()
        ]
        self.slack = SlackServer(
            now=self.clock.now,
            bot_token=self.tokens["slack_bot"],
            app_token=self.tokens["slack_app"],
            people=[
                Person(OPERATOR, "robin", role="operator"),
                Person(SECOND_OPERATOR, "ada", role="operator"),  # who can take over from the first
                Person(VISITOR, "sam", role="sales"),
            ],
            port=_free(port),
            channel=settings.channel,
            controls=controls,
            speed=speed,
            zone=settings.zone.key,
            document=Documents({sync.id: sync.label for sync in syncs}, self.census.runs).page,
            scopes=manifest_scopes(),
        )

    def start(self) -> None:
        """Build the estate, a second or so, and open the servers."""
        keep_time(self.warehouse.cursor, self.clock)
        self.estate.build()
        self.databricks.know_views(self._statements.in_dialect(name, "databricks") for name in BUILD)
        self.databricks.start()
        self.databricks.wake()
        self.census.start()
        self.pager.start()
        self.slack.start()
        if self._working_day:
            self._people.start()

    def environment(self) -> Mapping[str, str]:
        """What somebody would set to point the bot at these servers."""
        pipeline = yaml.safe_load((shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8"))
        pipeline |= {
            "owner": OPERATOR,
            "operators": {"users": [OPERATOR, SECOND_OPERATOR]},
            "links": demo_links(self.slack.url),
            # To the one channel that there is.
            "report": {"channels": [{"channel": pipeline["channel"], "audience": "sales operations"}]},
        }
        config = self._folder.write("pipeline.yml", yaml.safe_dump(pipeline))
        return {
            "SLACK_BOT_TOKEN": self.tokens["slack_bot"],
            "SLACK_APP_TOKEN": self.tokens["slack_app"],
            "SLACK_API_URL": f"{self.slack.url}/api/",
            "CENSUS_API_TOKEN": self.tokens["census"],
            "CENSUS_API_URL": self.census.url,
            "PAGERDUTY_ROUTING_KEY": self.tokens["pagerduty"],
            "PAGERDUTY_API_URL": self.pager.url,
            "SYNC_HEALTH_WAREHOUSE": "databricks",
            "DATABRICKS_HOST": self.databricks.url,
            "DATABRICKS_HTTP_PATH": PATH,
            "DATABRICKS_TOKEN": self.tokens["databricks"],
            "SYNC_HEALTH_STATE": f"sqlite:///{self._folder.path}/state.db",
            "SYNC_HEALTH_CONFIG": str(config),
            CLOCK: self.clock.written(),
        }

    def connect(self) -> tuple[Ports, "WebClient"]:
        """The ports of a bot in this process that looks after this pipeline."""
        return connect(settings_from(self.environment()), self.clock)

    def stop(self) -> None:
        """Leave nothing behind."""
        self._stopping.set()
        if self._people.is_alive():
            self._people.join()
        self.slack.stop()
        self.census.stop()
        self.pager.stop()
        self.databricks.stop()
        self.warehouse.close()
        self._folder.remove()

    def _run_pipeline(self) -> None:
        seconds = max(SHORTEST_STEP, STEP / self.clock.speed)
        for step in itertools.count():
            if self._stopping.wait(seconds):
                return
            self.estate.work(step)


def _free(port: int) -> int:
    """This port, or 0 (any) when somebody listens there already; the log says so."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError as error:
        log.warning("port %s cannot be had (%s): the page gets another", port, os.strerror(error.errno or 0))
        return 0
