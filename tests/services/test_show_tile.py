"""A tile: which is meant, and what is told where it cannot be shown."""

from dataclasses import replace
from datetime import date

import pytest

from bot.alerts.history import Pick
from bot.charts import Tile
from bot.errors import MissingTableError, NotFoundError, RefusedError, TooManyRowsError
from bot.runtime.composition import settings_from
from bot.services.show_tile import refuse_without_tiles, show_tile, tile_meant
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from tests.services.conftest import World

SHIPPED = settings_from({})
TILES = read_tiles(Statements.of(SHIPPED), SHIPPED)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("3", 3),
        ("03", 3),
        ("#3", 3),
        ("coverage", 2),
        ("Coverage ", 2),
        ("coverage_trend", 2),
        ("success rate", 5),
        ("PENDING", 3),
        ("multi property", 12),
        ("audit", 13),
    ],
)
def test_a_tile_is_named_by_its_number_its_title_or_a_part_of_one(typed: str, number: int) -> None:
    assert tile_meant(TILES, typed).number == number


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("99", "There is no tile “99”. Tiles: 1 System status, 2 Coverage, "),
        ("0", "There is no tile “0”. Tiles: 1 System status"),
        ("9" * 50, "Tiles: 1 System status"),
        ("②", "There is no tile “②”. Tiles: "),
        ("²", "There is no tile “²”. Tiles: "),
        ("٣", "There is no tile “٣”. Tiles: "),
        ("covrege", "There is no tile “covrege”. Did you mean 2 Coverage?"),
        ("feature", "“feature” may be 6 Feature adoption, 7 Feature adoption trend. Write its number"),
        ("zzz", "There is no tile “zzz”. Tiles: "),
    ],
)
def test_an_unknown_one_is_refused_with_what_there_is(typed: str, told: str) -> None:
    with pytest.raises(RefusedError) as refused:
        tile_meant(TILES, typed)
    assert told in str(refused.value)


def test_where_there_are_none_it_is_said_what_adds_some() -> None:
    with pytest.raises(RefusedError, match="SYNC_HEALTH_WAREHOUSE is none"):
        refuse_without_tiles((), replace(SHIPPED, has_warehouse=False))
    with pytest.raises(RefusedError, match=r"deploy_to in pipeline\.yml adds those of every pipeline"):
        refuse_without_tiles((), replace(SHIPPED, deploy_to=None))
    refuse_without_tiles(TILES, SHIPPED)


def named(number: int) -> Tile:
    return next(tile for tile in TILES if tile.number == number)


def test_a_missing_log_is_told_with_what_creates_it_and_another_table_with_what_restores_it(world: World) -> None:
    ports = replace(world.ports, settings=SHIPPED)
    world.warehouse.failure = MissingTableError("crm.sfdc_dbx.sync_audit_log")
    with pytest.raises(
        NotFoundError, match=r"^Tile 2, Coverage: Table .* is missing\. sync-health deploy creates it\.$"
    ):
        show_tile(ports, named(2))
    for missing in (MissingTableError("rds.sync_audit_log.b"), NotFoundError("Column sync_audit_log_id is missing")):
        world.warehouse.failure = missing
        with pytest.raises(NotFoundError, match="Restore it, or correct the statement of the tile"):
            show_tile(ports, named(2))


def test_a_cell_says_nothing_by_which_somebody_is_reached(world: World) -> None:
    mail, phone, token = "asha.rao@example.com", "+1 415 555-1234", "dapi0123456789abcdef"
    row = {
        "day": date(2026, 3, 2),
        "n": 4155551234,
        "id": "a0X000000000005AAA",
        "name": f"Oak Park, {mail}",
        "x": phone,
    }
    world.warehouse.rows[named(2).statement] = [row | {"y": token, "none": None}]
    [shown] = show_tile(replace(world.ports, settings=SHIPPED), named(2)).rows
    assert shown == row | {"name": "Oak Park, …", "x": "…", "y": "…", "none": None}


def test_thresholds_say_which_value_stands_for_several(world: World) -> None:
    ports = replace(world.ports, settings=SHIPPED)
    world.warehouse.rows |= {tile.statement: [] for tile in TILES}
    answers = {tile.number: show_tile(ports, tile) for tile in TILES}
    assert {number for number, one in answers.items() if one.pick is Pick.HIGHEST} == {3, 9}, "backlogs differ by sync"
    assert {number for number, one in answers.items() if one.pick is Pick.LOWEST} == {2, 8}
    assert [one.label for one in answers[2].thresholds] == ["Critical < 90%", "Warning < 95%"]
    assert answers[3].thresholds == () and "Sync A (CREATE): Critical > 100" in answers[3].said
    assert world.warehouse.asked == [tile.statement for tile in TILES], "one statement each"


def test_a_tile_with_too_many_rows_says_where_to_aggregate_them(world: World) -> None:
    world.warehouse.failure = TooManyRowsError("x returns more than 10,000 rows, the most that are read")
    remedy = r"^Tile 2, Coverage: .* more than 10,000 rows.*\. Aggregate them or write a LIMIT in sql/dashboard_tiles/"
    with pytest.raises(TooManyRowsError, match=remedy):
        show_tile(replace(world.ports, settings=SHIPPED), named(2))


def test_a_title_is_found_however_it_is_typed() -> None:
    assert tile_meant(TILES, "success-rate").number == 5
