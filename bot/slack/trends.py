"""Handler of `/sync-health trend`."""

from functools import partial

from bot.messages.trend import metrics_message, trend_message
from bot.services.show_trend import show_metrics, show_trend
from bot.slack.commands import shown_as_of
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def trend(context: Context, interaction: Interaction) -> None:
    """How a metric went; without one, what can be asked for."""
    text = " ".join(interaction.value.split())
    if not text:
        context.ask(interaction, "metrics", partial(show_metrics, context.ports), shown_as_of(metrics_message))
        return
    find = partial(show_trend, context.ports, text)
    context.ask(interaction, ("trend", text.casefold()), find, shown_as_of(trend_message))
