"""Handler of `/sync-health tiles`."""

from functools import partial

from bot.messages.tiles import tile_message, tiles_message
from bot.services.show_tile import refuse_without_tiles, show_tile, tile_meant
from bot.slack.commands import shown_as_of
from bot.slack.context import Context
from bot.slack.interaction import Interaction
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles


def tiles(context: Context, interaction: Interaction) -> None:
    """One tile by its number or title; without one, those there are."""
    settings = context.ports.settings
    found = read_tiles(Statements.of(settings), settings)
    refuse_without_tiles(found, settings)
    if not interaction.value.strip():
        context.answer(interaction, tiles_message(found))
        return
    tile = tile_meant(found, interaction.value)
    find = partial(show_tile, context.ports, tile)
    context.ask(interaction, ("tile", tile.number), find, shown_as_of(tile_message))
