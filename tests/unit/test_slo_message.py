"""`/sync-health slo`: a golden payload, and the words for values, trends and the verdict.

`UPDATE_GOLDEN=1` writes the golden anew; read the difference before you keep it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.incident_figures import figures_of
from bot.alerts.model import Did, Entry, State
from bot.alerts.success import Known, SuccessMetric, SuccessStanding, Unit
from bot.answers.history import Slo
from bot.messages.slo import headline, slo_message, target_text, trend_text, value_text
from checks.forms import Limit
from tests import oracles
from tests.unit import samples
from tests.unit.payloads import golden

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "slo"
NOW = datetime(2026, 1, 9, 11, 5, tzinfo=UTC)
ZONE = ZoneInfo("America/Los_Angeles")
WEEK = Known(6.98, 7)


def metric(key: str, title: str, target: Limit, unit: Unit, value: float | None, **more: Any) -> SuccessMetric:
    standing = more.pop("standing", SuccessStanding.MET)
    return SuccessMetric(key, title, target, unit, more.pop("known", WEEK), value, standing=standing, **more)


MTTR = metric(
    "mttr_with_open",
    "MTTR including open ones",
    Limit("<", 120),
    Unit.MINUTES,
    161.0,
    before=182.0,
    source="3 incidents recovered, 2 critical",
)
SUCCESS = metric(
    "sync_success",
    "Sync success rate",
    Limit(">", 95, "%"),
    Unit.PERCENT,
    99.7,
    before=98.1,
    source="Census: 1,344 runs that completed or failed; lowest Sync B (UPDATE) 99.4%",
)
ALERT = metric("fault_to_slack", "Fault → Slack", Limit("<=", 15), Unit.MINUTES, 6.2, source="slowest of 3 incidents")
ACKNOWLEDGED = metric(
    "mtta_critical",
    "MTTA of critical ones",
    Limit("<", 15),
    Unit.MINUTES,
    4.0,
    before=2.0,
    source="2 critical incidents acknowledged",
)
COVERAGE = metric(
    "coverage",
    "Coverage of Salesforce",
    Limit(">", 90, "%"),
    Unit.PERCENT,
    95.8,
    known=Known(3, 7),
    standing=SuccessStanding.UNKNOWN,
    source="lowest of 288 values",
)
QUERY = metric(
    "health_query",
    "Health query",
    Limit("<", 5),
    Unit.SECONDS,
    1.34,
    before=1.34,
    source="95th percentile of 672 evaluations with a statement, slowest 4.1 s",
)
WORK = metric(
    "daily_operations",
    "Daily operations",
    Limit("<", 5),
    Unit.MINUTES,
    2.0,
    source="14 actions at 1 min each; incidents open 43 min a day",
)
MISSED = replace(MTTR, standing=SuccessStanding.MISSED)


def slo(*metrics: SuccessMetric, days: int = 7) -> Slo:
    opened = NOW - timedelta(days=2)
    lasted = opened + timedelta(minutes=301)
    story = (Entry(opened, Did.OPENED), Entry(lasted, Did.RESOLVED))
    over = samples.incident(opened_at=opened, timeline=story, state=State.OK, resolved_at=lasted)
    still = samples.incident(id=9, title="Backlog", sync="Sync <B>", opened_at=NOW - timedelta(minutes=50), timeline=())
    worst = tuple(found for one in (over, still) if (found := figures_of(one, NOW)))
    return Slo("properties", days, NOW - timedelta(days=days), NOW, metrics, worst)


ALL = slo(MISSED, COVERAGE, SUCCESS, ALERT, ACKNOWLEDGED, QUERY, WORK)


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
def test_it_is_as_it_was(native: bool) -> None:
    links = {7: "https://slack.example/archives/C0ALERTS/p1767"}
    shown = slo_message(ALL, links, ZONE).payload(native=native)
    assert shown == golden(GOLDEN / f"{'native' if native else 'text'}.json", shown)
    if oracles.there():
        assert list(oracles.script("slack/check_blocks.py").faults(shown)) == []


def test_the_headline_is_the_verdict_with_its_reason() -> None:
    unknown = replace(SUCCESS, standing=SuccessStanding.UNKNOWN)
    assert headline(slo(SUCCESS, ALERT)) == "SLO, last 7 days: 2 of 2 met"
    assert (
        headline(slo(MISSED, ALERT))
        == "SLO, last 7 days: 1 of 2 met · MTTR including open ones 2 h 41 min (target < 2 h)"
    )
    assert headline(slo(MISSED, COVERAGE, ALERT)).endswith("(target < 2 h) · 1 unknown")
    assert headline(slo(COVERAGE, ALERT, days=1)) == "SLO, last day: 1 of 2 met · unknown: Coverage of Salesforce"
    assert headline(slo(*[unknown] * 4)).endswith("unknown: Sync success rate, Sync success rate and 2 more")
    assert headline(slo(*[MISSED] * 4)).endswith(" · 2 more missed")


@pytest.mark.parametrize(
    ("shown", "value", "target", "trend"),
    [
        (SUCCESS, "99.7%", "> 95%", "better, was 98.1%"),
        (MTTR, "2 h 41 min", "< 2 h", "better, was 3 h 2 min"),
        (ACKNOWLEDGED, "4 min", "< 15 min", "worse, was 2 min"),
        (ALERT, "6 min", "≤ 15 min", "–"),
        (COVERAGE, "95.8% (3 of 7 days)", "> 90%", "–"),
        (QUERY, "1.34 s", "< 5 s", "no change"),
        (WORK, "2 min a day", "< 5 min a day", "–"),
        (replace(MTTR, value=120.2), "120.2 min", "< 2 h", "better, was 3 h 2 min"),
        (replace(MTTR, at_least=True), "at least 2 h 41 min", "< 2 h", "better, was 3 h 2 min"),
        (replace(MTTR, value=None, nothing="no incidents"), "no incidents", "< 2 h", "–"),
        (replace(SUCCESS, value=94.998), "94.998%", "> 95%", "worse, was 98.1%"),
        (replace(SUCCESS, value=None, known=Known(7, 7, "Census is down")), "no data (Census is down)", "> 95%", "–"),
        (replace(WORK, value=0.0), "0 s a day", "< 5 min a day", "–"),
    ],
)
def test_values_as_people_write_them_never_rounded_onto_a_target(
    shown: SuccessMetric, value: str, target: str, trend: str
) -> None:
    assert (value_text(shown), target_text(shown), trend_text(shown)) == (value, target, trend)


def test_what_does_not_fit_is_counted_with_the_command_that_shows_it() -> None:
    long = replace(MISSED, title="t" * 200, source="s" * 500)
    shown = slo_message(slo(*[long] * 60), {}, ZONE).payload()
    assert "more not shown. On the command line: `sync-health slo --days 7`" in str(shown)
    if oracles.there():
        assert list(oracles.script("slack/check_blocks.py").faults(shown)) == []
