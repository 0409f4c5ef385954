"""`/sync-health runbook`: a section of the runbook, or the topics that there are."""

from collections.abc import Mapping, Sequence

from bot.answers.operations import RunbookPage
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, actions, context, link_button, section, sections
from bot.messages.evidence import runbook_address
from bot.messages.markdown import markdown_blocks
from bot.messages.text import code, escape, person

LISTED = 40  # topics of one kind


def runbook_message(page: RunbookPage, settings: Settings) -> Message:
    """The section with the next step of the one it is about, whom to ask, and the address of the whole."""
    title = escape(page.section.title, 150)
    about = f" · incident {page.incident.id}" if page.incident else ""
    blocks: list[Block] = [section(f"*Runbook: {title}*{about}")]
    if page.next_step:
        blocks.append(section(f"*Next step* {escape(page.next_step, 500)}"))
    blocks += markdown_blocks(page.section.text)
    if address := runbook_address(page.section.anchor, settings.links):
        blocks.append(actions(link_button("View runbook", address, "runbook")))
    return Message(f"Runbook: {title}", (*blocks, context(" · ".join(_people(page, settings)))))


def topics_message(topics: Mapping[str, Sequence[tuple[str, str]]]) -> Message:
    """A line for each, under what it is about."""
    blocks: list[Block] = [section("*Runbook* Type `/sync-health runbook` and a topic, or the number of an incident.")]
    for kind, listed in topics.items():
        lines = [f"{code(word)} {escape(what, 120)}" for word, what in listed]
        if lines:
            blocks += sections([f"*{kind}*", *lines], LISTED + 1)
    return Message("Runbook", tuple(blocks))


def _people(page: RunbookPage, settings: Settings) -> list[str]:
    """Whom to ask, from pipeline.yml; naming them in an answer that one person sees notifies nobody."""
    operators = (*settings.operators.users[:5], *settings.operators.groups[:5])
    who = [f"Owner {person(page.owner)}" if page.owner else "No owner (key owner of pipeline.yml)"]
    who.append(f"Operators {' '.join(map(person, operators))}" if operators else "No operators (key operators)")
    pagers = settings.pagers.names
    return [*who, *([f"Pages through {' and '.join(pagers)}"] if pagers else [])]
