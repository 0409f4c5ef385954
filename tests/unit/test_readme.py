"""The README and the code say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.app import app
from bot.config import databricks, databricks_profile, environment, load, settings
from bot.slack.command_table import COMMANDS
from bot.slack.context import COMMAND
from bot.slack.handlers import HANDLERS

HOME = Path(__file__).resolve().parent.parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table rows under a heading."""
    part = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `") or re.match(r"\| [A-Z]", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_slash_command_is_listed_with_what_help_says_of_it() -> None:
    listed = {cells[0].strip("`"): cells[1] for cells in rows("In Slack") if cells[0].startswith("`")}
    assert listed == {f"{COMMAND} {word}".strip(): command.what for word, command in COMMANDS.items()}


def drawn(node: object) -> Iterator[tuple[str, str]]:
    """The label and the action of each button and menu entry in a message; those that open an address are left out."""
    if isinstance(node, dict):
        match node:
            case {"type": "button", "text": {"text": label}, "action_id": action} if not action.startswith("open_"):
                yield label, action
            case {"type": "radio_buttons"}:
                return  # choices of a field: nothing is sent before the dialog is
            case {"text": {"text": label}, "value": str(value)} if "type" not in node and value != "open_link":
                yield label, value.partition(" ")[0]
        node = [] if node.get("type") == "input" else list(node.values())  # what is chosen in a dialog is no button
    for part in node if isinstance(node, list) else ():
        yield from drawn(part)


def test_every_button_and_menu_entry_is_listed_and_has_a_handler() -> None:
    goldens = [json.loads(path.read_text(encoding="utf-8")) for path in (HOME / "tests/golden").rglob("*.json")]
    shown = {found for golden in goldens for found in drawn(golden)}
    labels = [cells[0].split(" · ") for cells in rows("In Slack") if not cells[0].startswith("`")]
    addresses = ("View Census", "View dashboard")  # which open in the browser
    listed = {label for row in labels for label in row if not label.startswith(addresses)}
    assert listed == {label for label, _ in shown}
    assert {action for _, action in shown} == {word for kind, word in HANDLERS if kind == "button"}


def test_every_command_of_the_command_line_is_listed() -> None:
    listed = {cells[0].strip("`").removeprefix("sync-health ") for cells in rows("On the command line")}
    commands = [(command.name, command.callback) for command in app.registered_commands]
    registered = {name or callback.__name__ for name, callback in commands if callback}
    assert registered == listed


def test_every_variable_is_listed_here_and_in_the_example() -> None:
    readers = (settings, environment, databricks, databricks_profile, load)
    source = "".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in readers)
    read = set(re.findall(r'"((?:SLACK|CENSUS|DATABRICKS|ARM|SYNC_HEALTH|HEARTBEAT|PAGERDUTY|PAGER)_[A-Z_]+)"', source))
    listed = set(re.findall(r"`([A-Z_]+)`", " ".join(cells[0] for cells in rows("Settings"))))
    everyones = {"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"}  # what every program reads, not ours alone
    example = set(re.findall(r"^([A-Z_]+)=$", (HOME / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert read == listed - everyones == example
    offered = re.findall(r"^# ([A-Z_]+)=", (HOME / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert everyones == set(offered), "set to nothing, SSL_CERT_FILE would mean that nobody is trusted"


PATH = r"`((?:bot|checks|sql|docs|tests)/[\w./]*|pipeline\.yml|pyproject\.toml|\.env\.example)`"
DOCUMENTS = (
    "README.md",
    *(f"docs/{name}.md" for name in ("ARCHITECTURE", "DECISIONS", "DEPLOYMENT", "SECURITY", "SMOKE", "YOUR_PIPELINE")),
    *(f"docs/{name}.md" for name in ("OPERATIONS_RUNBOOK", "QUICK_REFERENCE", "STAKEHOLDER_NOTIFICATION")),
)
NAMED = [(document, path) for document in DOCUMENTS for path in set(re.findall(PATH, (HOME / document).read_text()))]


@pytest.mark.parametrize(("document", "path"), sorted(NAMED))
def test_what_a_document_points_to_is_there(document: str, path: str) -> None:
    assert (HOME / path).exists()


def test_every_package_of_the_house_stands_in_the_architecture() -> None:
    house = (HOME / "docs/ARCHITECTURE.md").read_text(encoding="utf-8").partition("## Three walks")[0]
    packages = {f"bot/{path.parent.name}/" for path in (HOME / "bot").glob("*/__init__.py")}
    assert packages == set(re.findall(r"`(bot/\w+/)`", house)), "and nothing that is gone"


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((HOME / picture).is_file() for picture in pictures)


def test_every_make_target_it_names_exists() -> None:
    makefile = (HOME / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
