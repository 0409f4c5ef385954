"""The tiles of a dashboard as they are read: what their first lines may say, and which of them a pipeline has."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from bot.charts import Tile
from bot.config import shipped
from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.runtime.composition import settings_from
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles

SHIPPED = settings_from({})
CONTACTS = settings_from({"SYNC_HEALTH_CONFIG": str(Path(__file__).parents[1] / "contacts" / "pipeline.yml")})
GOOD = "-- What now?\n-- title: Now · chart: line · x: day · y: number\nSELECT\n  t.day,\n  t.number\nFROM a.b.c AS t\n"


def tiles_of(settings: Settings) -> tuple[Tile, ...]:
    return read_tiles(Statements.of(settings), settings)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Tile, ...]]:
    """Reads these files as the only tiles of the contacts' folder, or raises."""

    def one(**files: str) -> tuple[Tile, ...]:
        folder = tmp_path / "sql" / "dashboard_tiles"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / f"{name.removeprefix('t')}.sql").write_text(text, encoding="utf-8")
        return tiles_of(replace(CONTACTS, folder=tmp_path))

    return one


def test_a_tile_says_what_it_answers_and_how_it_is_drawn() -> None:
    assert [tile.number for tile in tiles_of(SHIPPED)] == list(range(1, 15))
    assert tiles_of(SHIPPED)[1] == Tile(
        number=2,
        name="coverage_trend",
        statement="dashboard_tiles/02_coverage_trend",
        question="How has coverage moved, day by day?",
        title="Coverage",
        chart="line",
        unit="%",
        x="day",
        y=("coverage",),
        series=None,
        checks=("coverage",),
    )


def test_another_pipeline_has_the_generic_tiles_with_its_tables_and_its_zone() -> None:
    statements = Statements.of(CONTACTS)
    assert [tile.number for tile in tiles_of(CONTACTS)] == [1, 3, 4, 5, 13]
    for tile in tiles_of(CONTACTS):
        tree = sqlglot.parse_one(statements.in_dialect(tile.statement, "databricks"), dialect="databricks")
        tables = {table.sql("databricks") for table in tree.find_all(exp.Table) if len(table.parts) > 1}
        assert tables and all(table.startswith("`lake-prod`.`ops`.") for table in tables)
        zones = {e.this.name for e in tree.find_all(exp.Alias) if e.alias == "zone"}
        assert zones == (set() if tile.number == 1 else {"Asia/Kolkata"})


def test_the_shipped_pipeline_gets_its_files_as_they_are() -> None:
    statements = Statements.of(SHIPPED)
    for tile in tiles_of(SHIPPED):
        assert statements.in_dialect(tile.statement, "databricks") == statements.load(tile.statement)


def test_a_tile_of_ones_own_takes_the_place_of_its_number(read: Callable[..., tuple[Tile, ...]]) -> None:
    tiles = read(t04_now=GOOD, t21_later=GOOD.replace("Now", "Later"))
    assert [tile.title for tile in tiles if tile.number in (4, 21)] == ["Now", "Later"]
    assert [tile.number for tile in tiles] == sorted({*(tile.number for tile in tiles_of(CONTACTS)), 21})


def test_without_a_deployed_log_there_are_the_pipelines_own_alone_and_without_a_warehouse_none() -> None:
    assert tiles_of(replace(CONTACTS, deploy_to=None)) == ()
    own = tiles_of(replace(SHIPPED, deploy_to=None))
    assert {tile.number for tile in own} == {int(path.name[:2]) for path in TILE_FILES}
    assert tiles_of(replace(SHIPPED, has_warehouse=False)) == ()


TILE_FILES = sorted((shipped.FOLDER / "sql" / "dashboard_tiles").glob("*.sql"))


def test_every_check_that_a_shipped_tile_names_is_there() -> None:
    """A pipeline that takes other checks has the tile without their thresholds, so nothing else says so."""
    texts = [path.read_text(encoding="utf-8") for path in (shipped.FOLDER / "sql").rglob("dashboard_tiles/*.sql")]
    named = {one for text in texts for found in re.findall(r" · checks: ([^·\n]+)", text) for one in found.split(", ")}
    assert named and named <= {check.name for check in SHIPPED.checks}


def test_a_pipeline_with_a_tile_that_cannot_be_drawn_does_not_start(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parents[1] / "contacts", tmp_path / "contacts"))
    environment = {"SYNC_HEALTH_CONFIG": str(folder / "pipeline.yml")}
    tile = folder / "sql" / "dashboard_tiles" / "21_now.sql"
    tile.parent.mkdir()
    tile.write_text(GOOD, encoding="utf-8")
    assert 21 in [one.number for one in tiles_of(settings_from(environment))]
    tile.write_text(GOOD.replace("y: number", "y: numbers"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r'21_now\.sql:2: y: the statement selects no column "numbers"'):
        settings_from(environment)


def test_a_check_that_is_switched_off_draws_no_threshold() -> None:
    off = replace(SHIPPED, checks=tuple(one for one in SHIPPED.checks if one.name != "coverage"))
    assert next(tile for tile in tiles_of(off) if tile.number == 2).checks == ()


WRONG = {
    "no query": (
        GOOD.replace("SELECT", "CREATE TABLE a.b.d AS SELECT"),
        "3: not a query, and what is asked must change",
    ),
    "a query that inserts": (
        GOOD.replace("SELECT", "WITH c AS (SELECT 1)\nINSERT INTO a.b.d SELECT"),
        "3: not a query",
    ),
    "no header": (GOOD.replace("-- title", "-- name"), r"2: below its question stands how it is drawn: -- title:"),
    "no question": (GOOD.partition("\n")[2], r"2: below its question stands how it is drawn"),
    "an unknown chart": (GOOD.replace("line", "radar"), r"2: chart: .*radar.* is not .*counter.*line"),
    "an unknown key": (GOOD.replace("x:", "colour: red · x:"), r'2: colour: unknown key "colour"'),
    "no title": (GOOD.replace("Now", ""), r"2: title: "),
    "no x": (GOOD.replace("x: day · ", ""), r'2: "x" is missing: the column along which the line is drawn'),
    "no y": (GOOD.replace(" · y: number", ""), r'2: "y" is missing: the column that the line shows'),
    "a table with an x": (GOOD.replace("line", "table"), r"2: a table shows every column: leave out x, y and series"),
    "several y and a series": (
        GOOD.replace("y: number", "y: number, day · series: day"),
        r'2: "y" names several columns: with series',
    ),
    "a column that is not there": (
        GOOD.replace("y: number", "y: numbr"),
        r'2: y: the statement selects no column "numbr": did you mean "number"\?',
    ),
    "an unknown check": (
        GOOD.replace("y: number", "y: number · checks: backlock"),
        r'2: checks: there is no check "backlock": did you mean "backlog"\?',
    ),
    "a parameter": (GOOD.replace("t.number\n", "t.number + :more AS number\n"), r"2: the statement asks for :more"),
    "a key twice": (GOOD.replace("x:", "title: Later · x:"), r"2: title: it stands there twice"),
    "a column twice": (GOOD.replace("t.number\n", "t.number,\n  t.Number\n"), r'2: .* selects two columns "number"'),
    "no SQL": (GOOD.replace("FROM", "FROM ("), r" cannot be read as Databricks SQL"),
    "a second question line": (GOOD.replace("?\n", "?\n-- Later, too.\n").replace("x:", "y2: a · x:"), r"3: y2: "),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_drawn_is_said_with_its_file_and_line(what: str, read: Callable[..., tuple[Tile, ...]]) -> None:
    text, said = WRONG[what]
    with pytest.raises(ConfigurationError, match=rf"^sql/dashboard_tiles/21_it\.sql:?{said}"):
        read(t21_it=text)


def test_every_problem_is_said_at_once(read: Callable[..., tuple[Tile, ...]]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(t21_it=GOOD.replace("number", "none", 1), t22_it=GOOD, t22_other=GOOD, bad=GOOD)
    assert raised.value.problems == [
        'sql/dashboard_tiles/21_it.sql:2: y: the statement selects no column "none": known are day, number',
        "sql/dashboard_tiles/bad.sql: a tile is called by number and name: write 21_records_per_day.sql, or the like",
        "sql/dashboard_tiles/22_other.sql: sql/dashboard_tiles/22_it.sql has this number: give one of them another",
    ]
