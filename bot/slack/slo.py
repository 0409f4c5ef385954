"""`/sync-health slo`: the success metrics of some days."""

from functools import partial

from bot.answers.history import Slo
from bot.messages.slo import slo_message
from bot.services.shared_answers import Answer
from bot.services.show_audit import days_meant
from bot.services.show_slo import show_slo
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def slo(context: Context, interaction: Interaction) -> None:
    """The metrics of the last week, or of as many days as are written."""
    days = days_meant(interaction.value, "slo").days
    ports = context.ports
    find = partial(show_slo, ports.settings, ports.clock, ports.census, ports.store, days)
    context.ask(interaction, ("slo", days), find, _show)


def _show(context: Context, interaction: Interaction, found: Answer[Slo]) -> None:
    links = context.links_to(found.value.roots)
    context.answer(interaction, slo_message(found.value, links, context.ports.settings.zone))
