"""Handler of `/sync-health trend`."""

from collections.abc import Sequence
from functools import partial

from bot.charts import MetricList, MetricTrend, Tile
from bot.config.settings import Settings
from bot.messages.trend import metrics_message, trend_message
from bot.services.shared_answers import Answer
from bot.services.show_trend import show_metrics, show_trend
from bot.slack.context import Context
from bot.slack.interaction import Interaction
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles


def trend(context: Context, interaction: Interaction) -> None:
    """How a metric went; without one, what can be asked for."""
    text = " ".join(interaction.value.split())
    if not text:
        context.ask(interaction, "metrics", partial(show_metrics, context.ports), _show_metrics)
        return
    find = partial(show_trend, context.ports, text, partial(_tiles, context.ports.settings))
    context.ask(interaction, ("trend", text.casefold()), find, _show_trend)


def _tiles(settings: Settings) -> Sequence[Tile]:
    return read_tiles(Statements.of(settings), settings)


def _show_metrics(context: Context, interaction: Interaction, found: Answer[MetricList]) -> None:
    context.answer(interaction, metrics_message(found.value, context.ports.settings.zone))


def _show_trend(context: Context, interaction: Interaction, found: Answer[MetricTrend]) -> None:
    context.answer(interaction, trend_message(found.value, context.ports.settings.zone))
