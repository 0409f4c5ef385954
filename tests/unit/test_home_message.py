"""App Home: golden views that can be pasted into Slack's Block Kit Builder, and what holds in all of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from bot.alerts.incident_figures import window_figures
from bot.alerts.model import Incident, Maintenance
from bot.answers.health import Home, Summary
from bot.messages.blocks import HOME_BLOCKS
from bot.messages.home import MOST, home_view, small_home_view, strangers_view
from bot.messages.summary import urgency
from bot.model import Evaluation, Outage
from bot.runtime.composition import settings_from
from checks.model import Outcome
from tests.pipelines.contacts import CONFIG
from tests.unit import payloads as common
from tests.unit.payloads import LINKED, SETTINGS, Payload, anything, golden, markup, text_of, unescaped, unsent, waiting
from tests.unit.samples import (
    NOW,
    OPERATOR,
    acknowledged,
    critical_evaluation,
    evaluation,
    incident,
    minutes,
    recovering,
    resolved,
    result,
    summary,
    sync_a,
    sync_status,
    thread,
)

GOLDEN = common.GOLDEN / "home"
LINK = "https://example.slack.com/archives/C0ALERTS/p1"
faults = common.faults  # the fixture


def home(of: Summary, *known: Incident, linked: bool = True) -> Home:
    """With what is open in it, and incidents that are over by now."""
    shown = tuple(sorted(of.incidents, key=urgency)[:MOST])
    week = window_figures((*of.incidents, *known), NOW - timedelta(days=7), NOW + minutes(60))
    return Home(of, shown, {one.id: LINK for one in shown} if linked else {}, week)


def view(of: Summary, *known: Incident, settings: Any = LINKED) -> Payload:
    return home_view(home(of, *known), settings)


def trouble(**changes: Any) -> Summary:
    """One that fires with a rerun that can help, one that somebody has, and one that recovers."""
    open_ones = (
        incident(causes=("rds_properties_enriched returns no company_name for 240 records",)),
        acknowledged(id=8, title="Census schedule", sync="Sync B", limit="= 0", value=0.0, source="census", offers=()),
        recovering(id=9, title="CREATE backlog", value=48.0, limit="> 50"),
    )
    return summary(critical_evaluation(), incidents=open_ones, syncs=SETTINGS.syncs, **changes)


def crowd(count: int) -> tuple[Incident, ...]:
    return tuple(incident(id=100 + n, title=f"Check {n} " * 20, causes=("why " * 70,) * 3) for n in range(count))


def no_data() -> Evaluation:
    return evaluation(Outcome.NO_DATA, results=(result(Outcome.NO_DATA, None),), warehouse_reached=False)


def contacts() -> Payload:
    settings = settings_from({"SYNC_HEALTH_CONFIG": str(CONFIG)})
    looked = evaluation(syncs=tuple(sync_status(name=one.name, label=one.label, queue=None) for one in settings.syncs))
    return home_view(home(replace(summary(looked), pipeline=settings.pipeline, syncs=settings.syncs)), settings)


VIEWS: dict[str, Callable[[], Payload]] = {
    "healthy": lambda: view(summary(), resolved(opened_at=NOW - minutes(60))),
    "first_week": lambda: view(summary()),
    "critical": lambda: view(trouble(), resolved(id=5), resolved(id=6)),
    "no_data": lambda: view(summary(no_data())),
    "state_outage": lambda: view(replace(trouble(), state_outage=Outage(NOW, None, "the disk is full"))),
    "not_evaluated": lambda: view(Summary("properties", None)),
    "too_many": lambda: view(summary(critical_evaluation(), incidents=crowd(40))),
    "shared_thread": lambda: view(summary(critical_evaluation(), incidents=thread()[:5])),
    "maintenance": lambda: view(
        summary(maintenance=Maintenance(3, NOW, NOW + minutes(120), OPERATOR, "loading old records"))
    ),
    "measuring": lambda: view(summary(measuring=True)),
    "failed": lambda: view(summary(failed="none completed for more than 15 min")),
    "undelivered": lambda: view(
        summary(undelivered=(waiting(),), unsent_pages=(unsent(),), unscheduled="no_permission")
    ),
    "observe": lambda: view(summary(critical_evaluation(), incidents=(incident(offers=()),), observes=True)),
    "census_alone": lambda: view(
        summary(evaluation(syncs=(sync_a(queue=None, has_queue=False),), warehouse_at=None)), settings=SETTINGS
    ),
    "no_checks": lambda: view(summary(evaluation(results=()))),
    "contacts": contacts,
    "many_syncs": lambda: view(
        summary(evaluation(syncs=tuple(sync_status(name=f"S{n}", label=f"S{n}") for n in range(40))))
    ),
    "small": lambda: small_home_view(home(trouble()), LINKED),
    "strangers": strangers_view,
}


@pytest.mark.parametrize("name", VIEWS)
def test_app_home_reads_as_it_should_and_slack_takes_it(name: str, faults: Callable[[Payload], list[str]]) -> None:
    shown = VIEWS[name]()
    assert shown == golden(GOLDEN / f"{name}.json", shown)
    assert faults(shown) == []
    assert unescaped(shown) == []


def buttons(shown: Payload) -> list[str]:
    pressed = [one for block in shown["blocks"] for one in block.get("elements", []) if "action_id" in one]
    return [one["action_id"] for one in pressed if one["type"] == "button"]


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("healthy", "first_week", "contacts")])
def test_it_is_never_healthy_above_what_is_open_or_unknown(name: str) -> None:
    calm = ("maintenance", "measuring", "undelivered", "census_alone", "many_syncs")
    assert ("healthy" in text_of(VIEWS[name]())) == (name in calm)


def test_the_worst_that_nobody_has_come_first_and_what_has_no_room_is_counted() -> None:
    shown = VIEWS["too_many"]()
    assert len(shown["blocks"]) <= HOME_BLOCKS
    assert buttons(shown).count("acknowledge") == MOST
    assert "… and 30 more: `/sync-health incidents`" in text_of(shown)
    heads = [text for text in markup(VIEWS["critical"]()["blocks"]) if "incident " in text and "since" in text]
    assert "Unacknowledged" in heads[0]


def test_what_somebody_has_acknowledged_offers_it_to_nobody_else_but_in_the_menu() -> None:
    open_ones = (acknowledged(),)
    assert "acknowledge" not in buttons(view(summary(critical_evaluation(), incidents=open_ones)))


def test_nothing_can_be_done_from_it_while_nothing_can_be_stored() -> None:
    assert buttons(VIEWS["state_outage"]()) == ["refresh"]


def test_the_zone_of_the_pipeline_is_named_once() -> None:
    for name in set(VIEWS) - {"small", "strangers"}:
        zones = ("America/Los_Angeles", "Asia/Kolkata")
        assert sum(text_of(VIEWS[name]()).count(zone) for zone in zones) == 1, name


def test_strangers_see_nothing_of_the_pipeline() -> None:
    assert "properties" not in json.dumps(strangers_view())


def test_where_no_thread_is_known_there_is_no_link() -> None:
    assert "View thread" not in text_of(home_view(home(trouble(), linked=False), LINKED))


@given(anything)
def test_text_from_anywhere_stays_text(said: str) -> None:
    bad = incident(title=said, summary=said, causes=(said,), sync=said)
    of = summary(critical_evaluation(), incidents=(bad,), failed=said)
    shown = home_view(home(replace(of, pipeline=said)), replace(SETTINGS, pipeline=said, zone=ZoneInfo("UTC")))
    assert unescaped(shown) == []
    assert len(shown["blocks"]) <= HOME_BLOCKS
