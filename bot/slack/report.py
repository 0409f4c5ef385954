"""Handlers of the weekly review and of the stakeholder note that is sent from it."""

from functools import partial

from bot.messages.report import review_message
from bot.messages.stakeholder_note import ADDED, TITLE, stakeholder_answer, stakeholder_modal
from bot.model import PostedReview
from bot.services.shared_answers import Answer
from bot.services.stakeholder_note import preview_note, send_note
from bot.services.weekly_review import read_review
from bot.slack.context import Context
from bot.slack.dialogs import dialog
from bot.slack.interaction import Interaction


def report(context: Context, interaction: Interaction) -> None:
    """The review of the last seven days, for the one who asked."""
    context.ask(interaction, "report", partial(read_review, context.ports), _show_review)


def _show_review(context: Context, interaction: Interaction, found: Answer[PostedReview]) -> None:
    links = context.links_to(found.value.roots)
    context.answer(interaction, review_message(found.value.review, context.ports.settings, links))


def _preview(context: Context, interaction: Interaction) -> None:
    by = context.authorise(interaction)
    context.show(interaction, stakeholder_modal(preview_note(context.ports, by), context.ports.settings))


preview_pressed = dialog(TITLE, _preview)


def note_confirmed(context: Context, interaction: Interaction) -> None:
    """Send what was shown, with the sentence that was added."""
    by = context.authorise(interaction)
    sent = send_note(context.ports, interaction.value, by, (interaction.fields or {}).get(ADDED, ""))
    context.answer(interaction, stakeholder_answer(sent))
