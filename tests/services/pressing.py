"""A process that presses one button many times at once: `python -m tests.services.pressing STATE CENSUS CONSENT TIMES`.

It says `ready`, waits for a line, and prints how many presses acted and how many were refused.
"""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bot.adapters.census.client import CensusClient
from bot.errors import RefusedError
from bot.messages.sync_dialogs import read_consent
from tests.services.conftest import World


def main(state: str, census: str, shown: str, times: str) -> None:
    """Press, and tell what came of it."""
    world, consent = World(Path(state)), read_consent(shown)
    world.ports = replace(world.ports, census=CensusClient(census, token="t"))

    def press(_: int) -> str:
        try:
            world.act(consent=consent)
        except RefusedError:
            return "refused"
        return "acted"

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(25) as pool:
        found = Counter(pool.map(press, range(int(times))))
    print(found["acted"], found["refused"])
    world.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
