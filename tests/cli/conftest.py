"""The demo under a command, with something done to it first; a state that is not there yet."""

from pathlib import Path

import pytest

from bot.runtime.demo import Demo


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list:
    """What is done to the demo once it runs; the fixture's list takes functions of the demo."""
    wounds: list = []
    whole = Demo.start

    def start(demo: Demo) -> None:
        whole(demo)
        for wound in wounds:
            wound(demo)

    monkeypatch.setattr(Demo, "start", start)
    return wounds


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the bot keeps what it remembers; nothing is there yet, and no other setting."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SYNC_HEALTH_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    return tmp_path / "state.db"


@pytest.fixture
def folder(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty warehouse folder, and no other setting."""
    folder = state.parent / "warehouse"
    folder.mkdir()
    monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", f"duckdb:{folder}")
    return folder
