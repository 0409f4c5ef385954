"""Thirty days with faults that are known: the figures of their incidents are equal to what was done."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bot.alerts.incident_figures import window_figures
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.run_checks import Checker
from bot.services.show_slo import show_slo
from checks.model import Severity
from tests.fakes import HEALTH
from tests.services.conftest import ROBIN, World
from tests.services.test_alert_quality import live, number
from tests.services.test_not_measured import HEALTHY

TICK = timedelta(minutes=45)
TICKS = 32  # of a day
Act = Callable[[World], object]


@dataclass(frozen=True)
class Fault:
    """What breaks, what heals it, and what is known of the check that tells it."""

    check: str
    severity: Severity
    begin: Act
    end: Act
    waits: int  # ticks for which it lasts before an incident opens (`for`), and is gone before it ends


COVERAGE = Fault(
    "coverage", Severity.WARN, number("coverage_percentage", 94.0), number("coverage_percentage", 96.0), waits=1
)
NAMES = Fault(
    "null_company_names",
    Severity.CRITICAL,
    number("null_company_names", 9715),
    number("null_company_names", 7),
    waits=1,
)
PAUSED = Fault(
    "schedule_enabled",
    Severity.CRITICAL,
    lambda world: world.census.pause(world.sync_b),
    lambda world: world.census.resume(world.sync_b),
    waits=0,
)
# By day: the fault, for how many ticks it lasts, and after how many somebody acknowledges its incident, if anybody.
PLAN: dict[int, tuple[Fault, int, int | None]] = {
    2: (COVERAGE, 4, None),
    5: (NAMES, 2, 1),
    6: (NAMES, 9, 3),
    9: (PAUSED, 3, 1),
    13: (COVERAGE, 12, 2),
    14: (PAUSED, 5, None),
    20: (NAMES, 6, 2),
    21: (COVERAGE, 1, None),  # over before it has lasted: no incident
    26: (PAUSED, 1, None),
    28: (NAMES, 3, 2),
}


@dataclass(frozen=True)
class Truth:
    """An incident as it has to be."""

    fault: Fault
    opened_at: datetime
    acknowledged_after: timedelta | None
    recovered_after: timedelta


@pytest.fixture
def ports(world: World) -> Ports:
    world.runs_of_b = {}  # type: ignore[attr-defined]
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    world.channel.clock = world.clock
    world.checker.close()
    ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    world.checker = Checker(ports)
    return ports


def day_of(world: World, ports: Ports, fault: Fault, lasts: int, answer: int | None) -> Truth | None:
    """Ten healthy ticks, the fault, and healthy ones again."""
    live(world, ports, ticks=10, minutes=45, every=1)
    first = world.clock.now()  # the evaluation that finds it
    fault.begin(world)
    opened = first + fault.waits * TICK
    before = fault.waits + answer if answer else 0
    live(world, ports, ticks=before, minutes=45, every=1)
    if answer:
        with ports.store.snapshot() as records:
            [incident] = records.open_incidents()
        acknowledge(ports, incident.id, ROBIN)
    live(world, ports, ticks=lasts - before, minutes=45, every=1)
    fault.end(world)
    live(world, ports, ticks=TICKS - 10 - lasts, minutes=45, every=1)
    if lasts <= fault.waits:
        return None
    clear = first + lasts * TICK  # the evaluation that finds it gone
    return Truth(fault, opened, answer * TICK if answer else None, clear + fault.waits * TICK - opened)


def mean(spans: list[timedelta]) -> timedelta:
    return sum(spans, timedelta(0)) / len(spans)


@pytest.mark.full
def test_the_figures_of_thirty_days_are_what_happened(world: World, ports: Ports) -> None:
    begin, truth = world.clock.now(), list[Truth]()
    for day in range(30):
        if day not in PLAN:
            live(world, ports, ticks=TICKS, minutes=45, every=1)
        elif told := day_of(world, ports, *PLAN[day]):
            truth.append(told)
    assert world.clock.now() == begin + timedelta(days=30)
    with ports.store.snapshot() as records:
        incidents = records.incidents_since(begin)
    figures = window_figures(incidents, begin, world.clock.now())
    assert [(one.incident.check, one.opened_at, one.time_to_recover) for one in figures.recovered] == [
        (one.fault.check, one.opened_at, one.recovered_after) for one in truth
    ]
    assert figures.by_severity == Counter(one.fault.severity for one in truth)
    assert figures.time_to_recover.value == mean([one.recovered_after for one in truth])
    acknowledged = [one.acknowledged_after for one in truth if one.acknowledged_after]
    assert (figures.time_to_acknowledge.value, figures.time_to_acknowledge.of) == (mean(acknowledged), 6)
    assert figures.time_with_any == sum((one.recovered_after for one in truth), timedelta(0)), "never two at once"
    assert len(figures.recovered) == len(truth) == 9 and figures.still_open == ()
    by_weeks = [
        window_figures(incidents, begin + timedelta(days=n), begin + timedelta(days=n + 10)) for n in (0, 10, 20)
    ]
    assert sum(len(one.opened) for one in by_weeks) == len(truth)

    slo = show_slo(ports.settings, ports.clock, ports.census, ports.store, 30)
    found = {one.key: one.value for one in slo.metrics}
    minute = timedelta(minutes=1)
    assert found["mttr_with_open"] == pytest.approx(mean([one.recovered_after for one in truth]) / minute)
    criticals = [one.acknowledged_after for one in truth if one.fault.severity is Severity.CRITICAL]
    never = [one for one in truth if one.fault.severity is Severity.CRITICAL and not one.acknowledged_after]
    late = [one.recovered_after for one in never if one.recovered_after > TICK]  # which escalated a tick later
    assert found["mtta_critical"] == pytest.approx(mean([span for span in criticals if span] + late) / minute)
    assert found["breach_to_slack"] == TICK / minute, "a tick of 45 minutes, for what has to last"
    assert found["coverage"] == 94.0
    assert found["daily_operations"] == pytest.approx(6 / 30)
    assert [one.incident.check for one in slo.worst] == ["coverage", "null_company_names", "null_company_names"]
