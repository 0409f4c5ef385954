"""manifest.yml asks for what the code needs, and for no more."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from bot.slack.context import COMMAND
from tests import oracles

HOME = Path(__file__).resolve().parent.parent.parent
MANIFEST = HOME / "manifest.yml"
BY_BOLT = {"auth.test", "apps.connections.open"}


def called_methods() -> set[str]:
    """The Web API methods that the code calls, read from it."""
    files = [*(HOME / "bot/slack").glob("*.py"), *(HOME / "bot/adapters/slack").glob("*.py")]
    calls = re.findall(
        r"client\.((?:chat|conversations|views|usergroups|users)_\w+)", " ".join(map(Path.read_text, files))
    )
    return {call.replace("_", ".") for call in calls} | BY_BOLT


def test_slack_takes_the_manifest_and_its_scopes_are_exactly_those_that_the_calls_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    check = oracles.script("slack/check_manifest.py")
    assert len(called_methods()) > 8
    assert check.main(str(MANIFEST), sorted(called_methods())) == 0, capsys.readouterr().out
    sys.stdout.flush()


def test_the_manifest_registers_the_command_that_the_bot_answers() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [COMMAND]
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_app_home_is_on_and_slack_tells_who_opens_it() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    listened = re.findall(r'app\.event\("(\w+)"\)', (HOME / "bot/slack/app.py").read_text(encoding="utf-8"))
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == listened == ["app_home_opened"]
