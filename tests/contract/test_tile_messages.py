"""Tiles from their statements to messages, over DuckDB; those of a pipeline appear by lying in its folder."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.adapters.duckdb import DuckDBWarehouse
from bot.charts import TileAnswer
from bot.config.settings import Settings
from bot.errors import NotFoundError, PermanentError
from bot.messages.tiles import tile_message
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.show_tile import show_tile, tile_meant
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from tests.tile_answers import Figures, TileAnswers
from tests.unit import payloads
from tests.unit.payloads import unescaped

faults = payloads.faults  # the fixture
OWN = {
    "21_by_hour": "line · x: hour · y: records",
    "22_causes": "pie · x: cause · y: records",
    "23_total": "counter · unit: records · y: records",
    "24_many": "table",
}
STATEMENTS = {
    "21_by_hour": "SELECT TIMESTAMP '2026-11-01 05:00:00' AS hour, 7 AS records UNION ALL"
    " SELECT TIMESTAMP '2026-11-01 06:00:00', 9",
    "22_causes": "SELECT '<!channel> & <b>' AS cause, 3 AS records UNION ALL SELECT NULL, 1",
    "23_total": "SELECT 20274 AS records",
    "24_many": "SELECT EXPLODE(SEQUENCE(1, 100000)) AS n",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A pipeline without a place to deploy to, with tiles of its own."""
    folder = tmp_path_factory.mktemp("own")
    (tiles := folder / "sql" / "dashboard_tiles").mkdir(parents=True)
    for name, keys in OWN.items():
        head = f"-- What is it?\n-- title: Tile {name[3:]} · chart: {keys}\n"
        (tiles / f"{name}.sql").write_text(f"{head}{STATEMENTS[name]}\n", encoding="utf-8")
    pipeline = {"name": "own", "zone": "Asia/Kolkata", "channel": "own", "syncs": [{"name": "Feed", "id": 1}]}
    (folder / "pipeline.yml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    settings = settings_from(
        {"SYNC_HEALTH_CONFIG": str(folder / "pipeline.yml"), "SYNC_HEALTH_WAREHOUSE": f"duckdb:{folder}"}
    )
    warehouse = DuckDBWarehouse(statements=Statements.of(settings))
    yield ports_of(settings, warehouse)
    warehouse.close()


def ports_of(settings: Settings, warehouse: DuckDBWarehouse) -> Ports:
    """With nothing but the warehouse."""
    nothing = dict.fromkeys(("clock", "census", "messenger", "store"))
    return Ports(settings=settings, warehouse=warehouse, **nothing)  # type: ignore[arg-type]


def shown(ports: Ports, word: str) -> TileAnswer:
    tiles = read_tiles(Statements.of(ports.settings), ports.settings)
    return show_tile(ports, tile_meant(tiles, word))


def test_a_file_in_the_folder_is_a_tile(own: Ports) -> None:
    zone, now = own.settings.zone, datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert [tile.number for tile in read_tiles(Statements.of(own.settings), own.settings)] == [21, 22, 23, 24]
    told = {
        word: str(tile_message(shown(own, word), zone, now).payload()) for word in ("21", "by hour", "causes", "23")
    }
    assert "Nov 1 10:30" in told["21"] and told["21"] == told["by hour"], "in the pipeline's zone"
    assert "*20,274*" in told["23"]
    for payload in (tile_message(shown(own, word), zone, now).payload() for word in ("21", "22", "23")):
        assert unescaped(payload) == []


def test_more_rows_than_anybody_reads_are_refused_in_words(own: Ports) -> None:
    with pytest.raises(PermanentError, match="more than 10,000 rows"):
        shown(own, "24")


def test_every_shipped_tile_is_a_message_that_slack_takes(answers: TileAnswers, faults: object) -> None:
    now, zone = datetime.now(UTC), answers.settings.zone
    days = [now.astimezone(zone).date() - timedelta(days=n) for n in range(1, 40)]
    known = Figures(9601, 18722, 7, -903, (12, 180), (11, 150), (1, 2, 3, 4, 5))
    answers.fill(replace(known, gap=n - 20, is_known=n % 9 > 0).of_bot(day, zone) for n, day in enumerate(days))
    ports = ports_of(answers.settings, answers.warehouse)
    for tile in answers.tiles.values():
        message = tile_message(show_tile(ports, tile), ZoneInfo("UTC"), now)
        for native in (True, False):
            payload = message.payload(native=native)
            assert faults(payload) == [], tile.statement  # type: ignore[operator]
            assert unescaped(payload) == [], tile.statement
    [chart] = [b for b in tile_message(shown(ports, "2"), zone, now).payload()["blocks"] if "chart" in b]
    assert len(chart["chart"]["series"]) == 3, "with its thresholds"
    assert len(chart["chart"]["axis_config"]["categories"]) <= 20


def test_a_log_that_is_gone_is_told_with_what_creates_it(answers: TileAnswers) -> None:
    ports = ports_of(answers.settings, answers.warehouse)
    with answers.warehouse.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {answers.log} RENAME TO put_aside")
    try:
        with pytest.raises(NotFoundError, match=r"sync_audit_log is missing\. sync-health deploy creates it\.$"):
            shown(ports, "coverage")
    finally:
        with answers.warehouse.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {answers.log.rpartition('.')[0]}.put_aside RENAME TO sync_audit_log")


def test_a_column_that_is_gone_is_an_error_in_words(answers: TileAnswers) -> None:
    ports = ports_of(answers.settings, answers.warehouse)
    with answers.warehouse.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {answers.log} RENAME COLUMN notes TO remarks")
    try:
        with pytest.raises(PermanentError):
            shown(ports, "coverage")
    finally:
        with answers.warehouse.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {answers.log} RENAME COLUMN remarks TO notes")
