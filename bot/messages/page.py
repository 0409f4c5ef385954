"""What a page says, in plain text: no more than the alert in Slack says."""

from bot.alerts.model import Incident, State
from bot.config.settings import Settings
from bot.messages.evidence import runbook_of
from bot.messages.phrases import is_fact, severity_word
from bot.messages.text import number, signs, without_braces
from bot.model import PageEvent
from bot.sanitize import sanitize, without_secrets

LONGEST_SUMMARY = 1024  # characters; PagerDuty's limit
MOST_CAUSES = 3


def page_summary(incident: Incident, settings: Settings) -> str:
    """`Critical · properties: 247 Salesforce records missing company name (threshold > 50)`."""
    limit = "" if is_fact(incident) or not incident.limit else f" (threshold {signs(incident.limit)})"
    head = f"{severity_word(incident)} · {settings.pipeline}: "
    return head + sanitize(incident.summary, LONGEST_SUMMARY - len(head) - len(limit)) + limit


def page_details(incident: Incident, settings: Settings) -> dict[str, str]:
    """The cause, the next step and the value, as far as they are known."""
    known = incident.causes[:MOST_CAUSES] if incident.state is State.FIRING else ()  # else they no longer hold
    causes = " · ".join(without_braces(cause, settings.zone) for cause in known)
    value = "" if is_fact(incident) or incident.value is None else number(incident.value, incident.limit)
    found = {"Cause": causes, "Next step": incident.helps, "Value": value, "Incident": str(incident.id)}
    return {name: without_secrets(text, 1000) for name, text in found.items() if text}


def page_links(event: PageEvent, settings: Settings) -> list[tuple[str, str]]:
    """Where to go: the thread in Slack and the runbook, as far as their addresses are known."""
    places = (("Slack thread", event.thread), ("Runbook", runbook_of(event.incident, settings.links)))
    return [(text, address) for text, address in places if address]
