"""Messages as tests render them, what is read in them, and whether Slack would take them."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from bot.alerts.model import (
    ITSELF,
    TEST_ALERT,
    Action,
    ActionKind,
    ActionState,
    Did,
    Entry,
    Incident,
    Maintenance,
    MaintenanceReport,
)
from bot.answers.health import Summary
from bot.config.environment import PagerPlaces
from bot.config.pipeline_file import Links
from bot.config.settings import Settings
from bot.messages.alert import alert_message
from bot.messages.blocks import Message
from bot.messages.summary import summary_message
from bot.model import Digest, Evaluation, Kind, Undelivered, UnsentPages
from checks.model import Check, Result, Severity
from tests import oracles
from tests.fakes import shipped_settings
from tests.unit.samples import (
    NOW,
    OPERATOR,
    ZONE,
    action,
    announcement,
    incident,
    minutes,
    resolved,
    result,
    thread,
)

SETTINGS = replace(shipped_settings(), zone=ZONE)
PAGING = replace(SETTINGS, pagers=PagerPlaces(pagerduty_key="0" * 32))
LINKED = replace(
    SETTINGS,
    links=Links(
        census_sync="https://census.example/syncs/{sync}",
        census_run="https://census.example/syncs/{sync}/runs/{run}",
        dashboard="https://warehouse.example/dashboard",
        salesforce_record="https://crm.example/{id}",
        runbook="https://docs.example/runbook#{section}",
    ),
)
SUSPECT = "240 suspect records pending in Sync B: its source is still wrong"
RUNNING = "A run has been in progress since {2026-01-09T10:30:00+00:00}"
OWNED = replace(LINKED, owner="S0DATAONCALL")
OWN = replace(
    SETTINGS,
    checks=(
        Check.model_validate(
            {"name": "stale", "title": "Stale rows", "sql": "sql/checks/stale.sql", "source": "databricks"}
            | {"warn": "> 30", "critical": "> 50", "summary": "{value} rows are stale"}
        ),
    ),
)
Payload = dict[str, Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
COMMAND = "/sync-health"
COMMANDS = {"": "how the pipeline is", "help": "this list"}
WARNING = {
    "severity": Severity.WARN,
    "value": 41.0,
    "limit": "> 30",
    "summary": "41 Salesforce records missing company name",
}


def said(message: Message) -> Payload:
    return message.payload()


def alert(kind: Kind, by: Settings = SETTINGS, **about: Any) -> Payload:
    return said(alert_message(announcement(kind, **about), by))


def digest(looked: Evaluation | None, **changes: Any) -> Payload:
    body = replace(Digest(looked, (), 0), **changes)
    return said(alert_message(replace(announcement(Kind.DIGEST), incident=None, digest=body), SETTINGS))


def maintenance_report(**changes: Any) -> MaintenanceReport:
    """Two hours in which one ended and another stayed."""
    hours = {"since": NOW - minutes(120), "until": NOW, "ended_at": NOW}
    window = Maintenance(3, by=OPERATOR, reason="loading old records", ended_by=changes.pop("ended_by", None), **hours)
    opened = (incident(id=8, opened_at=NOW - minutes(40)), resolved(title="Coverage"))
    return replace(MaintenanceReport(window, opened, opened[1:], opened[:1]), **changes)


def maintenance_begins() -> MaintenanceReport:
    report = maintenance_report(opened=(), resolved=(), still_open=())
    return replace(report, window=replace(report.window, ended_at=None))


def shown(of: Summary) -> Payload:
    return said(summary_message(of, ZONE))


def told(of: Any, about: Incident | None = None) -> Payload:
    return alert(Kind.RUN, action=of, about=about)


def coverage() -> Result:
    found = {"check": "coverage", "warn": "< 95", "critical": "< 90", "summary": "96.01 % are in Salesforce"}
    return result(value=96.01, carried=True, **found)


def nudged(did: Did, by: str | None = None, **changes: Any) -> Incident:
    said = Entry(NOW + minutes(15), did, by, broadcast=did in (Did.CALLED, Did.ESCALATED))
    return incident(timeline=(Entry(NOW, Did.OPENED), said), **changes)


HELD = "240 suspect records (no company name) were about to be written at {2026-03-02T11:15:00+00:00}, such as A1, A2"


def would_have_paused() -> Incident:
    """A dry remedy was due."""
    detail = f"Would have paused Sync B: {HELD} (remedy is dry)"
    return incident(timeline=(Entry(NOW, Did.OPENED), Entry(NOW, Did.REMEDY, ITSELF, detail)))


def held() -> Action:
    """The bot has paused Sync B on its own."""
    return action(ActionState.FINISHED, kind=ActionKind.PAUSE, by=ITSELF, reason=HELD)


def a_test() -> Incident:
    """One that shows that alerts arrive, escalated at once."""
    words = {"title": "Test alert", "summary": "Test alert for the properties pipeline, no action needed"}
    facts = {"source": "bot", "limit": "= 1", "clear": "= 0", "value": 1.0, "rerun": None, "runbook": None}
    called = (Entry(NOW, Did.OPENED), Entry(NOW, Did.CALLED, broadcast=True))
    helps = "No action needed: this shows that alerts arrive. Acknowledge works as on a real alert."
    return incident(check=TEST_ALERT, key="properties/test-alert", helps=helps, timeline=called, **words, **facts)


def fact() -> Incident:
    off = {
        "offers": ("resume",),
        "title": "Census schedule",
        "summary": "Sync B is paused in Census: 412 pending records",
        "value": 0,
        "limit": "= 0",
    }
    return fact_of_census(clear="!= 0", **off)


def fact_of_census(**changes: Any) -> Incident:
    return incident(check="schedule_enabled", sync="Sync B", rerun=None, source="census", **changes)


def flapping() -> Incident:
    again = tuple(Entry(NOW + minutes(40 * n), Did.REOPENED) for n in (1, 2, 3))
    snoozed = {"snoozed_until": NOW + minutes(240), "snoozed_by": "U0ROBIN"}
    return incident(timeline=again, flapping_until=NOW + minutes(480), **snoozed)


def closed() -> Incident:
    why = "Sync B was removed from the configuration or renamed"
    end = Entry(NOW + minutes(30), Did.CLOSED, detail=why)
    return resolved(summary=f"Closed: {why}", timeline=(Entry(NOW, Did.OPENED), end))


def by_hand(**changes: Any) -> Incident:
    """One that an operator resolved, and of which somebody wrote something later."""
    ended = Entry(NOW + minutes(26), Did.RESOLVED_BY_HAND, OPERATOR, "fixed <the> view")
    later = Entry(NOW + minutes(90), Did.NOTED, OPERATOR, "post-mortem on Friday")
    return resolved(**{"value": 246.0, "summary": incident().summary, "timeline": (ended, later)} | changes)


def still_firing(**changes: Any) -> Incident:
    """What an operator resolved and the next evaluation found still breached."""
    ended = Entry(NOW + minutes(7), Did.RESOLVED_BY_HAND, OPERATOR, "fixed the view")
    again = Entry(NOW + minutes(9), Did.STILL_FIRING, broadcast=True)
    return incident(timeline=(Entry(NOW, Did.OPENED), ended, again), **changes)


def escalated_by_hand(owner: str | None, **changes: Any) -> Incident:
    called = Entry(NOW + minutes(4), Did.CALLED, owner, OPERATOR, broadcast=True)
    return incident(timeline=(Entry(NOW, Did.OPENED), called), **changes)


def partly_snoozed() -> tuple[Incident, ...]:
    first, second, *rest = thread()
    return (replace(first, snoozed_until=NOW + minutes(240), snoozed_by=OPERATOR), second, *rest)


def waiting(**changes: Any) -> Undelivered:
    because = "Slack refuses: is_archived (name another channel in pipeline.yml)"
    return replace(Undelivered("C0ALERTS", because, 3, NOW), **changes)


def unsent(**changes: Any) -> UnsentPages:
    return replace(UnsentPages("PagerDuty", "PagerDuty answered 403: correct PAGERDUTY_ROUTING_KEY", 1, NOW), **changes)


def every_block(payload: Payload) -> list[Payload]:
    """Those of the message, and those beside its bar."""
    beside = [block for one in payload.get("attachments", []) for block in one["blocks"]]
    return [*payload["blocks"], *beside]


def too_much(payload: Payload) -> Iterator[str]:
    """The limits that text can break, so that this needs no oracle."""
    if not 1 <= len(payload.get("text", "-")) <= 4000:
        yield "text: 1 to 4,000 characters"
    if payload.get("type") == "home":
        if len(json.dumps(payload)) > 250_000:
            yield "a view: 250 kB"
    elif sum(map(len, markup(every_block(payload)))) > 13_200:
        yield "blocks: 13,200 characters of text in all"
    for n, block in enumerate(every_block(payload)):
        texts = [block[key] for key in ("text", "label") if key in block]
        texts += [one for one in block.get("elements", []) if one["type"] != "overflow"]
        for text in texts:
            content, most = (text["text"]["text"], 75) if text["type"] == "button" else (text["text"], 3000)
            if not 1 <= len(content) <= most:
                yield f"blocks/{n}: {len(content)} characters, allowed 1 to {most}"


@pytest.fixture(scope="session")
def faults() -> Callable[[Payload], list[str]]:
    """Slack's judgement of a payload: its limits for text, and the whole of the oracle where it stands beside us."""
    if not oracles.there():
        return lambda payload: list(too_much(payload))
    oracle = oracles.script("slack/check_blocks.py")
    return lambda payload: [*too_much(payload), *(f"{at}: {why}" for at, why in oracle.faults(payload))]


def golden(path: Path, payload: Payload) -> Payload:
    """What stands there; UPDATE_GOLDEN=1 writes the payload there first."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(payload, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    found: Payload = json.loads(path.read_text(encoding="utf-8"))
    return found


def text_of(payload: Payload) -> str:
    """Everything that a reader of the blocks sees."""
    found = []
    for block in every_block(payload):
        for text in [block.get("text", {}), *block.get("fields", []), *block.get("elements", [])]:
            content = text.get("text", "")
            found.append(content if isinstance(content, str) else content["text"])
    return "\n".join(found)


def markup(node: Any) -> Iterator[str]:
    """Every text in which Slack would read markup; in plain_text it reads none."""
    if isinstance(node, list):
        for part in node:
            yield from markup(part)
    elif isinstance(node, dict) and node.get("type") == "mrkdwn":
        yield node["text"]
    elif isinstance(node, dict):
        for part in node.values():
            yield from markup(part)


# -- text from anywhere

PIECES = ["<!channel>", "<!here>", "<@U0MALLORY>", "<!subteam^S1>", "<http://a|b>", "&", "&amp;", "&lt;", "<", ">", "|"]
ODD = [
    "\x00",
    "\x1b",
    "\u202e",
    "\u200d",
    "\U0001f468\u200d\U0001f469",
    "é",
    "*",
    "_",
    "`",
    "~",
    "\n",
    "\t",
    " ",
    "word",
]
anything = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60),
    st.lists(st.sampled_from(PIECES + ODD), min_size=1, max_size=30).map("".join),
    st.builds(lambda piece, n: piece * n, st.sampled_from(PIECES + ODD), st.integers(1, 5000)),
)
OURS = re.compile(r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<@U0OPERATOR>|<!subteam\^S0DATAONCALL>|<#C0ALERTS>")
LINKS = re.compile(r"<https?:[^|<>]*\|[^<>]*>")
ESCAPED = re.compile(r"(?:[^<>&]|&(?:amp|lt|gt);)*")


def unescaped(payload: Payload) -> list[str]:
    """Texts with markup that is not ours, which may ping people or lead somewhere."""
    written = [payload.get("text", ""), *markup([payload.get("blocks", []), payload.get("attachments", [])])]
    return [text for text in written if not ESCAPED.fullmatch(LINKS.sub("", OURS.sub("", text)))]
