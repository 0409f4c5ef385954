"""A bot in a process of its own, asked by the bench: `python -m tests.bench.asked_bot ours|plain URL FOLDER`."""

import json
import math
import sys
import time
from pathlib import Path

from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from bot.slack.desk import COMMAND
from tests.fakes import FakeWarehouse
from tests.small_bot import TOKEN, small_bot

WORK = 1.0  # real seconds that a statement takes
STATUS = Path("/proc/self/status")


class SlowWarehouse(FakeWarehouse):
    """Every statement takes its time."""

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        time.sleep(WORK)
        return super().ask(question, **parameters)


def ours(url: str, folder: str) -> None:
    """The real bot with its real Slack side, its state in a file."""
    warehouse = SlowWarehouse()
    bot = small_bot(url, Path(folder), warehouse)
    before = peak()
    tell()
    sys.stdin.readline()
    tell(statements=len(warehouse.asked), megabytes=peak() - before)
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
