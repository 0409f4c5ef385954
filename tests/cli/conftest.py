"""The demo under a command, with something done to it first."""

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
