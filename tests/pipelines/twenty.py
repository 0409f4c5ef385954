"""Twenty syncs and no warehouse: a pipeline.yml that a test writes, and what its syncs write to."""

from pathlib import Path

import yaml

from bot.demo.census.syncs import LocalSync
from tests.pipelines.world import Elsewhere

COUNT = 20
NAMES = [f"Feed {n:02}" for n in range(1, COUNT + 1)]


class Anywhere:
    """Takes nothing: what is looked at here are the runs."""

    def take(self, direction: str, run_id: int) -> int:
        return 0

    def bring(self, direction: str, run_id: int, first: int, last: int) -> int:
        return 0

    def keys(self, run_id: int) -> list[str]:
        return []

    def forget(self, run_id: int) -> None:
        pass


class Twenty(Elsewhere):
    """Twenty feeds to Intercom, each every quarter of an hour."""

    def __init__(self, tmp: Path, speed: float = 30.0) -> None:
        pipeline = {
            "name": "feeds",
            "zone": "Europe/Madrid",
            "destination": "Intercom",
            "owner": "S0FEEDS",
            "channel": "feeds-health",
            "operators": {"users": ["U0ROBIN"]},
            "syncs": [{"name": name, "id": 200 + n} for n, name in enumerate(NAMES, 1)],
        }
        (config := tmp / "pipeline.yml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
        syncs = [LocalSync(200 + n, name, "feed") for n, name in enumerate(NAMES, 1)]
        super().__init__(config, tmp, syncs, Anywhere(), has_warehouse=False, speed=speed)
