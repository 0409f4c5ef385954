"""The demo's servers are for the bot and the page of this machine, and for nobody who only has a browser open."""

import gc
import http.client
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest
import requests

from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo import door
from bot.demo.slack import server as slack_server
from bot.demo.warehouse import server as warehouse_server
from bot.demo.warehouse.server import PATH
from bot.runtime.demo import Demo
from bot.sql import translations


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    one = Demo(speed=1)
    one.start()
    yield one
    one.stop()


def doors(demo: Demo) -> dict[str, tuple[str, str, str]]:
    """Per server: how to ask it something, and the token that it wants."""
    return {
        "slack": ("POST", f"{demo.slack.url}/api/auth.test", demo.tokens["slack_bot"]),
        "census": ("GET", f"{demo.census.url}/v2/syncs", demo.tokens["census"]),
        "databricks": ("GET", f"{demo.databricks.url}/api/2.0/sql/warehouses/local", demo.tokens["databricks"]),
        "databricks statements": ("POST", f"{demo.databricks.url}{PATH}", demo.tokens["databricks"]),
    }


@pytest.mark.parametrize("door", ["slack", "census", "databricks", "databricks statements"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "rebound.example"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}],
    ids=["another name of this machine", "a page of another site", "a page of no site"],
)
def test_a_page_elsewhere_is_turned_away_even_with_the_token(demo: Demo, door: str, headers: dict[str, str]) -> None:
    method, address, token = doors(demo)[door]
    answer = requests.request(method, address, headers={"Authorization": f"Bearer {token}", **headers}, timeout=60)
    assert answer.status_code == 403


@pytest.mark.parametrize("door", ["slack", "census", "databricks"])
def test_a_program_of_this_machine_needs_the_token_of_this_very_start(demo: Demo, door: str) -> None:
    method, address, token = doors(demo)[door]
    let_in = requests.request(method, address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    guessed = requests.request(method, address, headers={"Authorization": "Bearer demo"}, timeout=60)
    assert let_in.status_code == 200
    assert guessed.status_code == 401 or guessed.json() == {"ok": False, "error": "invalid_auth"}


def asked(url: str, *lines: str, method: str = "POST", body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer to a request with these header lines, whatever they promise."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), 5) as line:
        host = () if any(one.startswith("Host:") for one in lines) else (f"Host: {where.netloc}",)
        line.sendall("\r\n".join([f"{method} {where.path} HTTP/1.1", *host, *lines, "", ""]).encode() + body)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return answer.status, answer.read()


def bodies(demo: Demo) -> dict[str, tuple[str, str, str]]:
    """Whatever reads a body: the method, the address, the header that lets in."""
    slack, census, databricks = demo.slack.url, demo.census.url, demo.databricks.url
    return {
        "slack": ("POST", f"{slack}/api/foo", "Accept: */*"),
        "slack with the token": ("POST", f"{slack}/api/auth.test", f"Authorization: Bearer {demo.tokens['slack_bot']}"),
        "response url": ("POST", f"{slack}/response/x", "Accept: */*"),
        "page": ("POST", f"{slack}/demo/command", f"Origin: {slack}"),
        "census": ("PATCH", f"{census}/v2/syncs/1", f"Authorization: Bearer {demo.tokens['census']}"),
        "databricks": ("POST", f"{databricks}{PATH}", f"Authorization: Bearer {demo.tokens['databricks']}"),
        "databricks login": ("POST", f"{databricks}/oidc/v1/token", "Accept: */*"),
        "databricks elsewhere": ("POST", f"{databricks}/x", "Accept: */*"),
    }


DOORS = [
    "slack",
    "slack with the token",
    "response url",
    "page",
    "census",
    "databricks",
    "databricks login",
    "databricks elsewhere",
]


@pytest.mark.parametrize("one", DOORS)
@pytest.mark.parametrize(
    ("length", "status"),
    [("150000000", 413), ("4194305", 413), ("9" * 19, 413), ("-1", 400), ("+5", 400), ("1_0", 400), ("many", 400)],
)
def test_a_body_that_is_too_long_or_of_no_length_is_not_read(demo: Demo, one: str, length: str, status: int) -> None:
    method, url, header = bodies(demo)[one]
    assert asked(url, header, f"Content-Length: {length}", method=method)[0] == status


def test_the_local_databricks_wants_to_know_how_long_a_body_is(demo: Demo) -> None:
    _, url, header = bodies(demo)["databricks"]
    assert asked(url, header)[0] == 411
    assert asked(url, header, f"Content-Length: {'9' * 5000}")[0] == 413


@pytest.mark.parametrize("one", DOORS)
def test_who_calls_by_another_name_is_turned_away_before_the_body(demo: Demo, one: str) -> None:
    method, url, header = bodies(demo)[one]
    for host in ("evil", "[", "127.0.0.1:x", "a/b"):
        assert asked(url, header, f"Host: {host}", "Content-Length: 1000", method=method)[0] == 403
    if url.startswith(demo.databricks.url):  # the others' HTTP reads no such length at all
        assert asked(url, header, "Host: evil", "Content-Length: -1", method=method)[0] == 403


@pytest.mark.parametrize("one", ["slack", "page", "census"])
def test_a_body_that_does_not_say_how_long_it_is_ends_somewhere(demo: Demo, one: str) -> None:
    method, url, header = bodies(demo)[one]
    chunk = b"%x\r\n%s\r\n" % (2**20, b"x" * 2**20)
    headers = (header, "Transfer-Encoding: chunked")
    assert asked(url, *headers, method=method, body=chunk * 5 + b"0\r\n\r\n")[0] == 413


@pytest.mark.parametrize("one", ["slack", "census"])
def test_nothing_is_read_for_a_wrong_token(demo: Demo, one: str) -> None:
    method, url, _ = bodies(demo)[one]
    headers = ("Authorization: Bearer guessed", "Content-Type: application/json", "Content-Length: 1000")
    status, said = asked(url, *headers, method=method)
    assert status == 401 or b"invalid_auth" in said


def test_nothing_is_kept_of_calls_without_the_token(demo: Demo) -> None:
    before = len(demo.slack.calls), len(demo.databricks.calls)
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        requests.post(f"{demo.slack.url}/api/foo", data={"text": "x" * 2**20}, headers=headers, timeout=60)
        requests.post(f"{demo.databricks.url}{PATH}", data=b"x" * 2**20, headers=headers, timeout=60)
        requests.get(doors(demo)["databricks"][1], headers=headers, timeout=60)
    assert (len(demo.slack.calls), len(demo.databricks.calls)) == before


def test_of_the_calls_with_the_token_the_newest_are_kept(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert door.MOST_CALLS < 10_000
    for server in (slack_server, warehouse_server):
        monkeypatch.setattr(server, "MOST_CALLS", 3)
    for n in range(5):
        headers = {"Authorization": f"Bearer {demo.tokens['slack_bot']}"}
        requests.post(f"{demo.slack.url}/api/auth.test", data={"n": n}, headers=headers, timeout=60)
        requests.get(f"{demo.databricks.url}/oidc/.well-known/oauth-authorization-server", timeout=60)
    assert [asked["n"] for _, asked in demo.slack.calls] == ["2", "3", "4"]
    assert demo.databricks.calls == ["discovery"] * 3


@pytest.mark.parametrize("body", [b"", b"{bad", b"[1]", b"\xff\xfe=", b"[" * 100_000, b"9" * 5000, b'{"paused": 1}'])
def test_no_server_stumbles_over_a_body_that_says_nothing(demo: Demo, body: bytes) -> None:
    for one in DOORS:
        method, url, header = bodies(demo)[one]
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            name, _, value = header.partition(": ")
            headers = {name: value, "Content-Type": kind}
            status = requests.request(method, url, data=body, headers=headers, timeout=60).status_code
            assert 200 <= status < 500, one


def test_a_statement_that_is_no_thrift_is_a_bad_request(demo: Demo) -> None:
    headers = {"Authorization": f"Bearer {demo.tokens['databricks']}"}
    message = b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01\x0c\x00\x01\x00\x00"
    open_, text, deep = message[:-2], b"\x0b\x00\x63\x7f", b"\x0c\x00\x63" * 3000
    for body in (b"", b"hello", b"\xff" * 100, message[:9], open_, open_ + text, open_ + deep):
        answer = requests.post(f"{demo.databricks.url}{PATH}", data=body, headers=headers, timeout=60)
        assert answer.status_code == 400, body
    assert requests.post(f"{demo.databricks.url}{PATH}", data=message, headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize("server", ["slack", "census"])
def test_an_address_longer_than_any_of_ours_is_refused(demo: Demo, server: str) -> None:
    census = f"{demo.census.url}/v2/syncs/{'9' * 5000}"
    url = census if server == "census" else f"{demo.slack.url}/{'x' * 5000}"
    headers = {"Authorization": f"Bearer {demo.tokens['census']}"}
    assert requests.get(url, headers=headers, timeout=60).status_code == 414


@pytest.mark.full
def test_every_server_and_every_start_has_a_token_of_its_own(demo: Demo) -> None:
    other = Demo(speed=1)
    other.start()
    other.stop()
    both = [*demo.tokens.values(), *other.tokens.values()]
    assert len(set(both)) == len(both) >= 8


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{0}')",
        "COPY (SELECT 1) TO '{0}.out'",
        "ATTACH '{0}.db' AS other",
        "SELECT * FROM '{0}'",
    ],
)
def test_no_statement_reaches_a_file(demo: Demo, tmp_path: Path, statement: str) -> None:
    (path := tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    with demo.warehouse.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(statement.format(path))
    with demo.warehouse.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute("SET enable_external_access = true")
    assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]


def test_what_a_killed_demo_leaves_behind_is_readable_by_nobody_else(demo: Demo) -> None:
    config = Path(demo.environment()["SYNC_HEALTH_CONFIG"])
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["open to others", "a link"])
def test_a_cache_that_somebody_else_may_have_written_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    kept = tmp_path / "kept"
    monkeypatch.setattr(translations, "KEPT", kept)
    assert translations.read_or_cache(["a text"], lambda: "made first") == "made first"
    assert translations.read_or_cache(["a text"], lambda: "made again") == "made first", "it is kept"
    if spoil == "a link":
        kept.rename(tmp_path / "elsewhere")
        kept.symlink_to(tmp_path / "elsewhere")
    else:
        kept.chmod(0o777)
    assert translations.read_or_cache(["a text"], lambda: "made again") == "made again"


def test_an_embedded_warehouse_in_a_folder_still_opens_its_files(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path)
    warehouse.state()
    warehouse.close()
    assert list(tmp_path.glob("*.duckdb"))


@pytest.mark.full
@pytest.mark.parametrize("server", ["slack", "census"])
def test_whoever_comes_while_a_server_stops_is_not_left_connected(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: left.append(str(raised.exc_value)))
    demo, callers, over = Demo(speed=60), [], threading.Event()
    demo.start()
    where = urlsplit(getattr(demo, server).url)

    def call_again_and_again() -> None:
        while not over.is_set():
            with suppress(OSError):
                callers.append(socket.create_connection((where.hostname, where.port), 1))

    storm = [threading.Thread(target=call_again_and_again) for _ in range(3)]
    for one in storm:
        one.start()
    time.sleep(0.05)
    demo.stop()
    over.set()
    for one in storm:
        one.join()
    for caller in callers:
        caller.close()
    gc.collect()
    assert left == []
