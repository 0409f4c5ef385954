"""A section of the runbook by its topic: a check, an incident, a class or code of rejected records, an emergency."""

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.alerts.model import Incident
from bot.alerts.rejections import Needs
from bot.answers.operations import RunbookPage
from bot.config.runbook import ALERTS, EMERGENCIES, OWN_CHECK, REJECTIONS, Section, anchor_of
from bot.config.settings import Settings
from bot.errors import RefusedError
from bot.ports import Ports
from bot.services.show_incident import incident_meant
from checks.model import Check
from checks.problems import close_to

OF_A_CLASS = anchor_of(REJECTIONS)  # what the anchor of a class begins with
NUMBER = re.compile(r"(?i:incident\s*)?#?([0-9]{1,15})")
PLACE = re.compile(r"\b(PIPELINE|DESTINATION|SYNC|NUMBER)\b")  # what stands for the pipeline's own words
QUOTED = re.compile(r"^> (.+)$", re.MULTILINE)
EXAMPLES = re.compile(r"^\*\*You see\*\*.*?(?=^\*\*It means\*\*)", re.MULTILINE | re.DOTALL)
MEANING = re.compile(r"^\*\*It means\*\* (.+?\.)(?:\s|$)", re.MULTILINE)
VALUE = re.compile(r"\{\w*\}")  # a placeholder of a summary
FEWEST_WORDS, LONGEST_HEADLINE = 10, 300  # characters
SHORTEST = 3  # letters of a part of a heading
MOST_MEANT = 5  # sections that a question back names


def show_runbook(settings: Settings, topic: str, incident: Incident | None = None) -> RunbookPage:
    """The section about an incident, else about a topic, with what stands for a sync filled in where that is known.

    About an incident it quotes no alerts: under its own names their numbers would read as those of now.
    Raises RefusedError for an unknown topic, with the nearest one.
    """
    page = _about_incident(settings, incident) if incident else _about_topic(settings, topic)
    syncs = [sync.name for sync in settings.syncs]
    sync = (incident.sync or incident.rerun) if incident else None
    known = {
        "PIPELINE": settings.pipeline,
        "DESTINATION": settings.destination if settings.destination != "destination" else None,
        "SYNC": sync or (syncs[0] if len(syncs) == 1 else None),
        "NUMBER": str(incident.id) if incident else None,
    }
    text = EXAMPLES.sub("", page.section.text) if incident else page.section.text
    text = PLACE.sub(lambda found: known[found[1]] or found[1], text)
    return replace(page, section=replace(page.section, text=text))


def incident_named(ports: Ports, topic: str) -> Incident | None:
    """The incident whose number the topic is, over or not. Raises RefusedError for an unknown one."""
    number = NUMBER.fullmatch(topic.strip())
    return incident_meant(ports, number[1]) if number else None


def topics(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """What can be asked about, by kind: what to type and what it is."""
    checks = [(check.name, check.title) for check in settings.checks]
    about = settings.runbook.values()
    parts = (ALERTS, REJECTIONS, EMERGENCIES)
    listed = {_of_check(settings, check).anchor for check in settings.checks}
    listed |= {_class(settings, need).anchor for need in Needs} | {OWN_CHECK}
    others = [one for one in about if one.part not in parts and one.anchor not in listed]
    return {
        ALERTS: list(dict(checks).items()),
        REJECTIONS: [(need.value, _gist(_class(settings, need))) for need in Needs],
        EMERGENCIES: [(one.anchor, _gist(one)) for one in about if one.part == EMERGENCIES != one.title],
        "Routines": [(one.anchor, one.title) for one in others if not one.is_own],
        "Of this pipeline": [(one.anchor, one.title) for one in others if one.is_own],
    }


def _about_incident(settings: Settings, incident: Incident) -> RunbookPage:
    check = settings.check_called(incident.check, incident.sync)
    section = _of_check(settings, check) if check else _anchored(settings, incident.runbook or "")
    owner = settings.owner_of(incident.check, incident.sync)
    return RunbookPage(section or settings.runbook[OWN_CHECK], incident.helps, owner, incident)


def _about_topic(settings: Settings, topic: str) -> RunbookPage:
    """The page of a topic that is named in full, else of the one whose heading or alert alone has these words."""
    wanted = anchor_of(topic.removeprefix("#").replace("_", " "))
    code = settings.rejections.meaning.get(topic.strip().upper())
    if code:
        return RunbookPage(_class(settings, code[0]), code[1], settings.owner)
    for check in settings.checks:
        if wanted in (anchor_of(check.name.replace("_", " ")), anchor_of(check.title)):
            return RunbookPage(_of_check(settings, check), check.helps, settings.owner_of(check.name, None))
    if wanted in {need.value for need in Needs}:
        return RunbookPage(_class(settings, Needs(wanted)), owner=settings.owner)
    if section := _anchored(settings, wanted) or _with_these_words(settings, wanted):
        return RunbookPage(section, owner=settings.owner)
    if said := _saying(settings, topic):
        return RunbookPage(_of_check(settings, said), said.helps, settings.owner_of(said.name, None))
    if NUMBER.fullmatch(topic.strip()):  # without the state, as on a terminal
        raise RefusedError(f"“{topic[:40]}” is the number of an incident: here, write its check or words of the alert.")
    near = close_to(wanted, _typed(settings))
    guess = f" Did you mean {near}?" if near else ""
    raise RefusedError(f"Unknown topic “{topic[:40]}”.{guess} Without a topic, runbook lists them all.")


def _typed(settings: Settings) -> Iterator[str]:
    yield from (name for listed in topics(settings).values() for name, _ in listed)
    yield from settings.runbook


def _of_check(settings: Settings, check: Check) -> Section:
    """Its section; one of a check that has none is that of any check, under its title."""
    found = _anchored(settings, check.runbook or anchor_of(check.name.replace("_", " ")))
    return found or replace(settings.runbook[OWN_CHECK], title=check.title)


def _class(settings: Settings, need: Needs) -> Section:
    return settings.runbook[f"{OF_A_CLASS}-{need}"]


def _anchored(settings: Settings, anchor: str) -> Section | None:
    return settings.runbook.get(anchor)


def _with_these_words(settings: Settings, wanted: str) -> Section | None:
    """The section with these words in its heading, else in the alerts that it quotes.

    Raises RefusedError where several have them.
    """
    if len(wanted) < SHORTEST:
        return None
    for words_of in (lambda one: one.anchor, lambda one: anchor_of(" ".join(QUOTED.findall(one.text)))):
        found = [one for one in settings.runbook.values() if wanted in words_of(one)]
        if len(found) > 1:
            several = ", ".join(one.anchor for one in found[:MOST_MEANT])
            raise RefusedError(f"Several sections have these words: {several}. Write one of them behind runbook.")
        if found:
            return found[0]
    return None


def _saying(settings: Settings, headline: str) -> Check | None:
    """The check whose alert this line is, as it is copied from Slack: of several the one with most words of its own."""
    found: list[tuple[int, Check]] = []
    for check in settings.checks:
        for summary in (check.summary, *(case.summary for case in check.cases.values())):
            words = [one for one in VALUE.split(summary.replace("{pending}", "{} pending ")) if one.strip()]
            if sum(map(len, words)) >= FEWEST_WORDS and re.search(
                ".*".join(map(re.escape, words)), headline[:LONGEST_HEADLINE], re.IGNORECASE
            ):
                found.append((sum(map(len, words)), check))
    return max(found, key=lambda one: one[0])[1] if found else None


def _gist(section: Section) -> str:
    """What it means, in its first sentence; else its title."""
    found = MEANING.search(section.text)
    return found[1] if found else section.title
