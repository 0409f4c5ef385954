"""`/sync-health trace`: where one record is, and with `--follow` until it has arrived."""

from dataclasses import replace
from functools import partial

from bot.answers.trace import Trace
from bot.messages.trace import trace_message
from bot.services.shared_answers import Answer
from bot.services.show_trace import id_meant, require_trace, show_trace
from bot.slack.context import Context
from bot.slack.follow_trace import follow_record
from bot.slack.interaction import Interaction, option

FOLLOW = option("follow")


def trace(context: Context, interaction: Interaction) -> None:
    """Where a record is, by its id."""
    words = interaction.value.split()
    asked = [word for word in words if word.lower() not in FOLLOW]
    if len(asked) < len(words):
        follow_record(context, replace(interaction, value=" ".join(asked)))
        return
    ports = context.ports
    require_trace(ports.settings)
    one = id_meant(interaction.value)
    context.ask(interaction, ("trace", one), partial(show_trace, ports, ports.census, one, ports.store), _show_trace)


def _show_trace(context: Context, interaction: Interaction, found: Answer[Trace]) -> None:
    context.answer(interaction, trace_message(found.value, context.ports.settings))
