"""A tile of the pipeline's dashboard: the rows of its statement, and the thresholds that it draws."""

from collections.abc import Sequence

from bot.alerts.history import pick_for
from bot.charts import Tile, TileAnswer, plain_name, said_of_thresholds, thresholds_of
from bot.config.environment import NONE
from bot.config.settings import Settings
from bot.errors import MissingTableError, NotFoundError, RefusedError, TooManyRowsError
from bot.objects import OURS
from bot.ports import Ports
from checks.numbers import listed
from checks.problems import close_to

COMMAND = "/sync-health tiles"
MOST = 20  # tiles that a refusal names


def show_tile(ports: Ports, tile: Tile) -> TileAnswer:
    """What the warehouse answers now. Raises as it does; what a deploy creates is named where it is missing."""
    try:
        rows = ports.warehouse.ask(tile.statement)
    except NotFoundError as error:
        why = f"Tile {tile.number}, {tile.title}: {error}"
        raise NotFoundError(f"{why}. {_remedy(ports.settings, error)}") from error
    except TooManyRowsError as error:
        remedy = f"Aggregate them or write a LIMIT in sql/{tile.statement}.sql, then restart the bot"
        raise TooManyRowsError(f"Tile {tile.number}, {tile.title}: {error}. {remedy}.") from error
    thresholds, said = thresholds_of(ports.settings, tile), said_of_thresholds(ports.settings, tile)
    checks = filter(None, map(ports.settings.check_called, tile.checks))
    return TileAnswer(tile, rows, tuple(thresholds), said, pick_for(next(checks, None)))


def refuse_without_tiles(tiles: Sequence[Tile], settings: Settings) -> None:
    """Raises RefusedError where there are none, with what adds some."""
    if tiles:
        return
    if not settings.has_warehouse:
        raise RefusedError(f"There are no tiles: {NONE}, and each asks a warehouse.")
    raise RefusedError(
        "There are no tiles. deploy_to in pipeline.yml adds those of every pipeline; "
        "a file in sql/dashboard_tiles next to it adds one of your own."
    )


def tile_meant(tiles: Sequence[Tile], text: str) -> Tile:
    """The tile of this number, title or name, or of a part of one that no other has. Raises RefusedError."""
    word = plain_name(text.removeprefix("#"))
    if word.isdigit():
        found = [tile for tile in tiles if tile.number == int(word[:9])]
    else:
        found = [tile for tile in tiles if word in (plain_name(tile.title), plain_name(tile.name))]
        found = found or [tile for tile in tiles if word in f"{plain_name(tile.title)}\n{plain_name(tile.name)}"]
    if len(found) == 1:
        return found[0]
    named = {plain_name(name): tile for tile in tiles for name in (tile.title, tile.name)}
    if not found and (near := close_to(word, named)):
        raise RefusedError(f"There is no tile “{text[:40]}”. Did you mean {_numbered([named[near]])}?")
    if found:
        raise RefusedError(
            f"“{text[:40]}” may be {_numbered(found)}. Write its number, such as {COMMAND} {found[0].number}."
        )
    raise RefusedError(f"There is no tile “{text[:40]}”. Tiles: {_numbered(tiles)}.")


def _numbered(tiles: Sequence[Tile]) -> str:
    return listed([f"{tile.number} {tile.title}" for tile in tiles], MOST)


def _remedy(settings: Settings, error: NotFoundError) -> str:
    """Who creates what is missing."""
    table = error.table if isinstance(error, MissingTableError) else ""
    if table and (table == settings.audit_log or table.rpartition(".")[2] in OURS):
        return "sync-health deploy creates it."
    return "Restore it, or correct the statement of the tile."
