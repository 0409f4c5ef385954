"""docs/SECURITY.md says what the code does: scopes, tables, secrets, addresses, grants, and the tests that it names."""

import re
from pathlib import Path

import pytest
import yaml

from bot.adapters.store.tables import metadata
from bot.config.environment import SECRETS
from bot.runtime.composition import shipped_settings
from bot.services.examine_warehouse import MAY_WRITE
from bot.sql.statements import Statements

HOME = Path(__file__).resolve().parent.parent.parent
PAGE = (HOME / "docs/SECURITY.md").read_text(encoding="utf-8")
CLIENT = re.compile(
    r"bounded_session\(|bounded_opener\(|sql\.connect\(|line\.connect\(|urlopen\(|create_connection\("
    r"|requests\.(?:get|post|put|request|Session)\(|HTTPS?Connection\("
)
SERVER = re.compile(r"create_server\(|HTTPServer|uvicorn|\.listen\(|\.bind\(\(|\.accept\(\)")
BOUNDED = "bot/transport/bounded_http.py"  # what the clients are made of
READ_BY_PEOPLE = {"developer.pagerduty.com"}  # in comments
SOURCES = {
    path.relative_to(HOME).as_posix(): path.read_text(encoding="utf-8")
    for path in (HOME / "bot").rglob("*.py")
    if "demo" not in path.relative_to(HOME).as_posix()
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, its head left out."""
    part = re.split(r"^##", PAGE.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    assert len(lines) > 1, heading
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def firsts(heading: str) -> list[str]:
    return [cells[0].strip("`") for cells in rows(heading)]


def test_every_scope_of_the_manifest_has_its_reason_and_no_other_is_listed() -> None:
    manifest = yaml.safe_load((HOME / "manifest.yml").read_text(encoding="utf-8"))
    assert sorted(firsts("### Slack scopes")) == sorted(manifest["oauth_config"]["scopes"]["bot"])
    assert all(why for _, why in rows("### Slack scopes"))
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert re.findall(r"event is subscribed to, `(\w+)`", PAGE) == events


def test_every_secret_is_listed_with_what_it_opens_and_what_to_do_when_it_leaks() -> None:
    assert sorted(firsts("## Who can do what with which secret")) == sorted(SECRETS)
    assert all(all(cells) for cells in rows("## Who can do what with which secret"))


def test_every_table_of_the_state_is_listed_with_its_retention() -> None:
    assert sorted(firsts("## What is stored")) == sorted(metadata.tables)
    kept = {cells[0].strip("`"): cells[2] for cells in rows("## What is stored")}
    assert all(kept.values())
    store = "".join(text for path, text in SOURCES.items() if path.startswith("bot/adapters/store/"))
    deleted = set(re.findall(r"delete\(t\.(\w+)\)|t\.(\w+)\.delete\(\)", store))
    assert {one or other for one, other in deleted} == {
        name for name, how in kept.items() if re.match("90 days|until", how)
    }


def test_every_client_and_every_address_in_the_code_is_listed() -> None:
    places = "## What leaves the network, and what comes in"
    clients = {path for path, text in SOURCES.items() if CLIENT.search(text) and path != BOUNDED}
    assert {cells[3].strip("`") for cells in rows(places)} == clients
    hosts = set(re.findall(r"(?:https|wss)://([a-z0-9-]+(?:\.[a-z0-9-]+)+)", "".join(SOURCES.values())))
    asked = {host for host in hosts if not re.search(r"(?:^|\.)example(?:\.com)?$", host)} - READ_BY_PEOPLE
    assert {host for host in asked if f"`{host}`" not in PAGE} == set()


def test_nothing_listens_outside_the_demo() -> None:
    assert [path for path, text in SOURCES.items() if SERVER.search(text)] == []


def test_the_grants_are_what_the_shipped_statements_read_and_write() -> None:
    statements = Statements.of(shipped_settings())
    read = statements.needed_columns([*statements.at_work(), MAY_WRITE])
    granted = re.findall(r"^GRANT (SELECT(?:, MODIFY)?) ON TABLE (\S+) TO", PAGE, re.MULTILINE)
    assert sorted(name.replace("`", "") for _, name in granted) == sorted(read)
    written = {statements.created("sync_audit_log")}
    assert {name.replace("`", "") for how, name in granted if "MODIFY" in how} == written
    schemas = {table.rpartition(".")[0] for table in read}
    used = re.findall(r"^GRANT (?:USE SCHEMA|USAGE) ON SCHEMA (\S+) TO", PAGE, re.MULTILINE)
    assert {name.replace("`", "") for name in used} == schemas


TESTS = re.findall(r"`(tests/[\w/]+\.py)`|`(test_\w+)`", PAGE)


def named_tests() -> list[tuple[str, str]]:
    """Each test that the page names, with the file that it names before it."""
    found, file = [], ""
    for path, test in TESTS:
        file = path or file
        found += [(file, test)] if test else []
    return found


@pytest.mark.parametrize(("file", "test"), sorted(set(named_tests())))
def test_each_test_that_it_names_is_there(file: str, test: str) -> None:
    assert f"def {test}(" in (HOME / file).read_text(encoding="utf-8")


def test_every_threat_names_who_handles_it_and_what_shows_it() -> None:
    for threat, handled, shown in rows("## Threats considered"):
        assert handled, threat
        assert re.search(r"`test_\w+`", shown) or handled == "there is none", threat
