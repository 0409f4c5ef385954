"""A bot in a process of its own, asked by the bench.

`python -m tests.bench.asked_bot ours|plain URL FOLDER [WAREHOUSE_SECONDS CENSUS_SECONDS]`
"""

import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import local

from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from bot.model import Kind
from bot.slack.context import COMMAND
from tests.fakes import CHANNEL, FakeCensus, FakeWarehouse
from tests.small_bot import TOKEN, small_bot
from tests.unit.samples import incident

WORK = 1.0  # real seconds that a statement takes, and what stands for it in the plain bot
STATUS = Path("/proc/self/status")


class SlowWarehouse(FakeWarehouse):
    """Every statement takes its time, once the bot is up."""

    seconds = 0.0
    _joins = local()  # in this thread: what is asked is part of one statement

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        if not getattr(self._joins, "now", False):
            time.sleep(self.seconds)
        return super().ask(question, **parameters)

    def ask_joined(self, questions: Sequence[str]) -> dict[str, list[dict[str, object]]]:
        time.sleep(self.seconds)
        self._joins.now = True
        try:
            return super().ask_joined(questions)
        finally:
            self._joins.now = False


class SlowCensus(FakeCensus):
    """Every call takes its time, once the bot is up."""

    seconds = 0.0

    def _fail(self) -> None:
        time.sleep(self.seconds)
        super()._fail()


def ours(url: str, folder: str, warehouse_seconds: str = str(WORK), census_seconds: str = "0") -> None:
    """The real bot with its real Slack side, its state in a file, and an open incident whose root is in the channel."""
    warehouse = SlowWarehouse()
    bot = small_bot(url, Path(folder), warehouse, SlowCensus)
    with bot.ports.store.transaction() as records:
        one = incident(id=0, opened_at=bot.ports.clock.now(), timeline=(), channel=CHANNEL, rerun="Sync B")
        records.enqueue(records.create_incident(one).id, Kind.ROOT)
    census = bot.ports.census
    assert isinstance(census, SlowCensus)
    warehouse.seconds, census.seconds = float(warehouse_seconds), float(census_seconds)
    before, calls = peak(), census.calls
    tell()
    sys.stdin.readline()
    tell(statements=len(warehouse.asked), calls=census.calls - calls, megabytes=peak() - before)
    warehouse.seconds = census.seconds = 0.0
    bot.stop()
    bot.ports.store.close()


def plain(url: str, _folder: str) -> None:
    """What Bolt's guide shows: acknowledge, then do the work, in the listener and with everything as it comes."""
    app = App(client=WebClient(TOKEN, base_url=f"{url}/api/"))

    @app.command(COMMAND)
    def asked(ack: Ack, respond: Respond) -> None:
        ack()
        time.sleep(WORK)
        respond("healthy")

    SocketModeHandler(app, TOKEN, web_client=WebClient(base_url=f"{url}/api/")).connect()
    tell()
    sys.stdin.readline()


def peak() -> float:
    """The most memory that this process held until now, in MB, as Linux tells (getrusage begins with the parent's)."""
    if not STATUS.exists():
        return math.nan
    [line] = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def tell(**facts: float) -> None:
    """To the bench, a line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"ours": ours, "plain": plain}[sys.argv[1]](*sys.argv[2:])
