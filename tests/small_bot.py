"""The real bot before the local Slack; Census and the warehouse are fakes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.config.pipeline_file import Operators
from bot.demo.slack.server import Person, SlackServer
from bot.runtime.bot import Bot
from bot.runtime.composition import SystemClock, connect, settings_from
from bot.runtime.demo import OPERATOR
from tests.fakes import HEALTH, QUEUED, FakeCensus, FakeWarehouse
from tests.sql_folder import SHIPPED
from tests.waiting import until

TOKEN = "local"  # opens nothing but servers of tests


CROWD = [f"U0CROWD{n:02}" for n in range(50)]


def small_slack() -> SlackServer:
    """With an operator and a crowd in it."""
    tokens = {"bot_token": TOKEN, "app_token": TOKEN}
    people = [Person(OPERATOR, "robin", role="operator"), *(Person(id_, id_.lower()) for id_ in CROWD)]
    return SlackServer(now=lambda: datetime.now(UTC), people=people, **tokens)


def healthy(warehouse: FakeWarehouse) -> FakeWarehouse:
    """Every number is 0, and nobody but a person makes it ask anything."""
    numbers = dict.fromkeys((*SHIPPED.columns(HEALTH), *(name for name, _ in QUEUED)), 0)
    warehouse.rows |= {HEALTH: [numbers | {"salesforce_rows": 1, "enriched_rows": 1}]}
    warehouse.runs_anyway = False
    return warehouse


def small_bot(url: str, folder: Path, warehouse: FakeWarehouse, kind: type[FakeCensus] = FakeCensus) -> Bot:
    """Started, after the first look of its life; stop it and close its store."""
    bot = unstarted_bot(url, folder, warehouse, kind)
    bot.start()
    until(lambda: warehouse.asked)
    bot.checker.run()
    warehouse.asked.clear()
    return bot


def unstarted_bot(url: str, folder: Path, warehouse: FakeWarehouse, kind: type[FakeCensus] = FakeCensus) -> Bot:
    """With what it knows from before, where it ran in this folder."""
    environment = {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_APP_TOKEN": TOKEN,
        "SLACK_API_URL": f"{url}/api/",
        "CENSUS_API_TOKEN": TOKEN,
        "SYNC_HEALTH_STATE": f"sqlite:///{folder}/state.db",
    }
    settings, clock = settings_from(environment, ("slack", "census")), SystemClock()
    settings = replace(settings, operators=Operators(users=(OPERATOR,)))
    ports, client = connect(settings, clock, healthy(warehouse))
    census = kind(clock, *(sync.id for sync in settings.syncs))  # type: ignore[arg-type]
    return Bot(replace(ports, census=census), client)
