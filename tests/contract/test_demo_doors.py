"""The demo's servers are for the bot and the page of this machine, and for nobody who only has a browser open."""

import gc
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

from bot import sql
from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo.warehouse.server import PATH
from bot.runtime.demo import Demo


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
    answer = requests.request(method, address, headers={"Authorization": f"Bearer {token}", **headers}, timeout=5)
    assert answer.status_code == 403


@pytest.mark.parametrize("door", ["slack", "census", "databricks"])
def test_a_program_of_this_machine_needs_the_token_of_this_very_start(demo: Demo, door: str) -> None:
    method, address, token = doors(demo)[door]
    let_in = requests.request(method, address, headers={"Authorization": f"Bearer {token}"}, timeout=5)
    guessed = requests.request(method, address, headers={"Authorization": "Bearer demo"}, timeout=5)
    assert let_in.status_code == 200
    assert guessed.status_code == 401 or guessed.json() == {"ok": False, "error": "invalid_auth"}


@pytest.mark.full
def test_every_server_and_every_start_has_a_token_of_its_own(demo: Demo) -> None:
    other = Demo(speed=1)
    other.start()
    other.stop()
    assert len({*demo.tokens.values(), *other.tokens.values()}) == 8


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
    folder = Path(demo.environment()["SYNC_HEALTH_CONFIG"]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("spoil", ["open to others", "a link"])
def test_a_cache_that_somebody_else_may_have_written_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    kept = tmp_path / "kept"
    monkeypatch.setattr(sql, "KEPT", kept)
    assert sql._read_or_cache(["a text"], lambda: "made first") == "made first"
    assert sql._read_or_cache(["a text"], lambda: "made again") == "made first", "it is kept"
    if spoil == "a link":
        kept.rename(tmp_path / "elsewhere")
        kept.symlink_to(tmp_path / "elsewhere")
    else:
        kept.chmod(0o777)
    assert sql._read_or_cache(["a text"], lambda: "made again") == "made again"


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
