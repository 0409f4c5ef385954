"""Noisy checks, and the threshold that a replay of their values finds quieter; a fact is never relaxed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.alerts.incident_figures import figures_of
from bot.alerts.model import Did, Entry, Incident, State
from bot.alerts.noise import noisy, raised
from checks.model import Check, Severity
from tests.unit.samples import incident

SINCE = datetime(2026, 11, 23, 16, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
WRITTEN: dict[str, Any] = {
    "name": "backlog",
    "title": "Backlog",
    "metric": "backlog",
    "source": "databricks",
    "per": "sync",
    "warn": "> 500",
    "critical": "> 1000",
    "for": "5m",
    "keep_firing_for": "10m",
    "reopen_within": "30m",
    "summary": "{sync} has {pending}",
}
PEAKS = (510.0, 530.0, 555.0, 590.0, 612.0, 730.0)


def check(**changes: object) -> Check:
    return Check.model_validate(WRITTEN | changes)


def peaks_of(*peaks: float, low: float = 100.0) -> list[tuple[datetime, float]]:
    """A value every five minutes; each day one peak of ten minutes."""
    values = []
    for n in range(7 * 288):
        day, step = divmod(n, 288)
        high = day < len(peaks) and step in (100, 101, 102)
        values.append((SINCE + timedelta(minutes=5 * n), peaks[day] if high else low))
    return values


def incidents_of(*peaks: float, **changes: object) -> list[Incident]:
    """One a day: opened by the second high value, resolved a quarter of an hour later."""
    found = []
    for day, peak in enumerate(peaks):
        opened = SINCE + timedelta(days=day, minutes=5 * 101)
        end = opened + timedelta(minutes=20)
        told = (Entry(opened, Did.OPENED), Entry(end, Did.RESOLVED))
        quiet = {"severity": Severity.WARN, "state": State.OK, "check": "backlog", "title": "Backlog", "sync": "Sync B"}
        times = {"id": day + 1, "opened_at": opened, "resolved_at": end, "timeline": told, "peak": peak}
        found.append(incident(**quiet | times | changes))
    return found


def noise_of(incidents: list[Incident], of: Check | None, values: list[tuple[datetime, float]]) -> Any:
    figures = [one for each in incidents if (one := figures_of(each, UNTIL))]
    return noisy(figures, lambda _: of, lambda _: values, SINCE, UNTIL)


def test_a_replay_raises_what_was_raised() -> None:
    assert raised(check(), peaks_of(*PEAKS), SINCE, UNTIL) == 6
    assert raised(check(warn="> 600"), peaks_of(*PEAKS), SINCE, UNTIL) == 2
    assert raised(check(warn="> 1000", critical="> 2000"), peaks_of(*PEAKS), SINCE, UNTIL) == 0


def test_a_replay_counts_only_its_window() -> None:
    assert raised(check(), peaks_of(*PEAKS), SINCE + timedelta(days=2), UNTIL) == 4


def test_the_mildest_threshold_that_is_quiet_enough_is_proposed() -> None:
    [noise] = noise_of(incidents_of(*PEAKS), check(), peaks_of(*PEAKS))
    assert (noise.incidents, noise.longest, noise.warn) == (6, timedelta(minutes=20), "> 500")
    assert (noise.proposed, noise.would) == ("> 620", 1)


def test_of_what_should_stay_high_a_lower_threshold_is_proposed() -> None:
    lows = (94.9, 94.8, 94.7, 94.2)
    of = check(name="quality", metric="quality", per=None, warn="< 95%", critical="< 90%", clear=">= 95.5%", summary="")
    [noise] = noise_of(incidents_of(*lows, sync=None), of, peaks_of(*lows, low=99.0))
    assert (noise.proposed, noise.would) == ("< 94%", 0)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"timeline": (Entry(SINCE, Did.OPENED), Entry(SINCE, Did.ACKNOWLEDGED, "U0ROBIN"))}, "somebody acted"),
        ({"severity": Severity.CRITICAL}, "it was critical"),
        ({"resolved_at": None, "timeline": (Entry(SINCE, Did.OPENED),)}, "it is open"),
    ],
)
def test_a_check_one_of_whose_incidents_mattered_is_not_noisy(changes: dict[str, object], why: str) -> None:
    first, *others = incidents_of(*PEAKS)
    assert noise_of([replace(first, **changes), *others], check(), peaks_of(*PEAKS)) == (), why  # type: ignore[arg-type]


def test_one_that_lasted_is_no_noise() -> None:
    first, *others = incidents_of(*PEAKS)
    late = first.opened_at + timedelta(minutes=31)
    lasted = replace(first, resolved_at=late, timeline=(first.timeline[0], Entry(late, Did.RESOLVED)))
    assert noise_of([lasted, *others], check(), peaks_of(*PEAKS)) == ()


def test_two_alerts_in_a_week_are_no_noise() -> None:
    assert noise_of(incidents_of(*PEAKS[:2]), check(), peaks_of(*PEAKS[:2])) == ()


@pytest.mark.parametrize(
    "fact",
    [
        {"warn": ">= 2", "critical": None, "source": "census", "metric": "failed_runs"},
        {"warn": "= 0", "critical": None, "source": "census", "metric": "schedule_on"},
        {"warn": "> 0", "critical": "> 10", "metric": "suspect_records"},
        {"warn": None, "critical": "> 500"},
        {"source": "bot", "metric": "unmeasured_census", "per": None},
        {"cases": {"few_records": {"critical": None}}},
    ],
    ids=["failed runs", "a paused sync", "any suspect record", "critical alone", "the bot itself", "other situations"],
)
def test_a_fact_is_never_relaxed(fact: dict[str, object]) -> None:
    of = check(**fact)
    assert noise_of(incidents_of(*PEAKS), of, peaks_of(*PEAKS)) == ()


def test_a_check_that_is_gone_is_left_out() -> None:
    assert noise_of(incidents_of(*PEAKS), None, peaks_of(*PEAKS)) == ()


def test_nothing_is_proposed_where_the_replay_does_not_raise_what_was_raised() -> None:
    [noise] = noise_of(incidents_of(*PEAKS), check(), peaks_of(*PEAKS[:5]))
    assert (noise.incidents, noise.proposed) == (6, None)


def test_nothing_is_proposed_beyond_half_again_the_threshold_or_at_the_critical_one() -> None:
    far = (760.0, 770.0, 780.0, 790.0)
    [noise] = noise_of(incidents_of(*far), check(), peaks_of(*far))
    assert noise.proposed is None
    near = (520.0, 530.0, 548.0, 549.0)
    [noise] = noise_of(incidents_of(*near), check(critical="> 550"), peaks_of(*near))
    assert noise.proposed is None, "a warning at the critical threshold is none"
