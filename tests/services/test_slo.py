"""The success metrics are what happened: each against a truth that is known, and no data is never a pass."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.alerts.alert_times import ended_before
from bot.alerts.success import SuccessMetric, SuccessStanding
from bot.answers.history import Slo
from bot.errors import TemporaryError
from bot.facts import RunStatus
from bot.model import AuditRow, AuditState
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.resolve_by_hand import resolve_thread
from bot.services.run_checks import run_checks
from bot.services.show_home import show_home
from bot.services.show_slo import show_slo
from bot.services.snooze import snooze
from bot.services.weekly_review import read_review
from checks.forms import parse_limit
from checks.model import Check
from checks.numbers import duration
from tests.fakes import HEALTH, Fault
from tests.services.conftest import ADA, CHECK, ROBIN, World
from tests.unit import samples
from tests.unit.samples import NOW

MET, MISSED, UNKNOWN = SuccessStanding.MET, SuccessStanding.MISSED, SuccessStanding.UNKNOWN
OBJECTIVE = CHECK.model_copy(update={"slo": parse_limit("< 100")})


class Week:
    """A bot at work, with a tick every five minutes."""

    def __init__(self, world: World, *checks: Check) -> None:
        self.world = world
        world.channel.clock = world.clock
        self.ports: Ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks or (CHECK,)))

    def live(self, minutes: float, **numbers: object) -> None:
        """So long with these numbers; what is measured is delivered at once."""
        self.world.numbers(**numbers)
        end = self.world.clock.now() + timedelta(minutes=minutes)
        while self.world.clock.now() < end:
            self.world.clock.pass_(minutes=5)
            run_checks(self.ports)
            self.world.deliver()

    def days(self, count: float) -> None:
        """Healthy days, evaluated every quarter of an hour: the longest that is no absence."""
        end = self.world.clock.now() + timedelta(days=count)
        while self.world.clock.now() < end:
            self.world.clock.pass_(minutes=15)
            run_checks(self.ports)

    def slo(self, days: int = 7) -> Slo:
        ports = self.ports
        return show_slo(ports.settings, ports.clock, ports.census, ports.store, days)

    def metric(self, key: str, days: int = 7) -> SuccessMetric:
        return next(one for one in self.slo(days).metrics if one.key == key)

    def standing(self, key: str, days: int = 7) -> SuccessStanding:
        return self.metric(key, days).standing


@pytest.fixture
def week(world: World) -> Week:
    return Week(world)


def run(world: World, *, after: float = 0, status: RunStatus = RunStatus.COMPLETED) -> None:
    """A run of both syncs ends now, or so many minutes later."""
    for sync in (world.sync_a, world.sync_b):
        started = world.census.start(sync, "Schedule")
        world.census.finish(started.id, status, records_updated=5, records_failed=0, records_invalid=0)
        world.census.move(started.id, completed_at=world.clock.now() + timedelta(minutes=after))


def test_one_incident_with_its_times(week: Week) -> None:
    """Found 5 minutes before it opens, acknowledged 4 after, clear for 10 before it ends (`keep_firing_for`)."""
    week.days(6.9)
    week.live(5)
    week.live(10, null_company_names=60)
    week.world.clock.pass_(minutes=4)
    acknowledge(week.ports, 1, ROBIN)
    week.live(21)
    week.live(15, null_company_names=7)
    one = week.world.incident()
    assert one.resolved_at is not None
    found = {metric.key: metric for metric in week.slo().metrics}
    assert found["breach_to_slack"].value == 5
    assert found["mtta_critical"].value == 4
    assert found["mttr_with_open"].value == 4 + 25 + 15, "measured every five minutes"
    assert (found["mttr_with_open"].source, found["mttr_with_open"].standing) == (
        "1 incident recovered, 1 critical",
        MET,
    )
    assert found["daily_operations"].value == pytest.approx(1 / 7)
    assert "incidents open 6 min a day" in found["daily_operations"].source


def test_no_incident_meets_what_is_about_incidents(week: Week) -> None:
    week.days(7)
    for key in ("fault_to_slack", "breach_to_slack", "mtta_critical", "mttr_with_open"):
        metric = week.metric(key)
        assert (metric.value, metric.nothing, metric.standing) == (None, "no incidents", MET)


def test_a_bot_that_is_younger_than_the_window_meets_nothing(week: Week) -> None:
    week.days(3)
    metric = week.metric("mttr_with_open")
    assert (metric.standing, round(metric.known.days, 1), metric.known.of) == (UNKNOWN, 3.0, 7)
    assert week.slo().verdict is UNKNOWN
    assert week.standing("mttr_with_open", days=3) is MET


def test_without_any_evaluation_all_that_the_bot_sees_is_unknown(week: Week) -> None:
    assert {metric.standing for metric in week.slo().metrics} == {UNKNOWN}


def test_a_bot_that_was_away_meets_nothing_of_these_days(week: Week) -> None:
    week.days(5)
    week.world.clock.pass_(days=1)
    week.days(1)
    metric = week.metric("mtta_critical")
    assert (metric.standing, round(metric.known.days, 1)) == (UNKNOWN, 6.0)


def test_a_restart_is_no_absence(week: Week) -> None:
    week.days(4)
    week.world.clock.pass_(hours=1)
    week.days(3)
    assert week.standing("mtta_critical") is MET


def test_a_bot_that_is_away_now_knows_nothing_since(week: Week) -> None:
    week.days(7)
    week.world.clock.pass_(days=1)
    assert week.standing("mttr_with_open") is UNKNOWN


def test_what_is_missed_in_a_part_of_the_window_is_missed(week: Week) -> None:
    week.live(10)
    week.live(180, null_company_names=60)
    week.live(20, null_company_names=7)
    metric = week.metric("mttr_with_open")
    assert metric.value is not None and metric.value > 120
    assert (metric.standing, week.slo().verdict) == (MISSED, MISSED)
    assert week.slo().metrics[0].standing is MISSED, "what is missed comes first"


def test_an_open_incident_counts_with_its_time_so_far_once_that_is_late(week: Week) -> None:
    week.live(10)
    week.live(30, null_company_names=40)
    early = week.metric("mttr_with_open")
    assert (early.value, early.nothing, early.at_least) == (None, "none recovered yet", False)
    week.live(150)
    late = week.metric("mttr_with_open")
    assert late.value == 170 and late.at_least
    assert (late.standing, late.source) == (MISSED, "0 incidents recovered; 1 open")


def test_an_incident_that_was_open_when_the_window_began_is_in_its_mttr(week: Week) -> None:
    week.live(10)
    week.live(60, null_company_names=60)
    week.live(20, null_company_names=7)
    assert week.world.incident().resolved_at
    week.world.clock.pass_(days=1, minutes=-60)
    assert week.metric("mttr_with_open", days=1).source == "1 incident recovered, 1 critical"
    assert week.metric("breach_to_slack", days=1).nothing == "no incidents", "it opened before"


def test_a_reopened_incident_is_one_whose_clock_goes_on(week: Week) -> None:
    week.live(10)
    week.live(20, null_company_names=60)
    week.live(15, null_company_names=7)
    week.live(15, null_company_names=60)
    week.live(15, null_company_names=7)
    one = week.world.incident()
    assert one.resolved_at and len(week.world.rows("SELECT id FROM incidents")) == 1
    metric = week.metric("mttr_with_open")
    assert metric.value == (one.resolved_at - one.opened_at) / timedelta(minutes=1)
    assert metric.source == "1 incident recovered, 1 critical"


def test_resolved_by_hand_is_recovered_until_an_evaluation_disproves_it(week: Week) -> None:
    week.live(10)
    week.live(20, null_company_names=60)
    resolve_thread(week.ports, 1, "the view is fixed", ROBIN)
    assert week.metric("mttr_with_open").source == "1 incident recovered, 1 critical"
    week.live(15)
    assert week.metric("mttr_with_open").source == "0 incidents recovered; 1 open"


def test_closed_with_its_check_is_no_recovery(week: Week) -> None:
    week.live(10)
    week.live(20, null_company_names=60)
    week.ports = replace(week.ports, settings=replace(week.ports.settings, checks=()))
    week.live(5)
    assert week.world.incident().resolved_at
    metric = week.metric("mttr_with_open")
    assert (metric.value, metric.source) == (None, "0 incidents recovered")


def test_a_critical_incident_that_escalated_and_nobody_acknowledged_is_late(week: Week) -> None:
    week.live(10)
    week.live(40, null_company_names=60)
    metric = week.metric("mtta_critical")
    assert (metric.value, metric.at_least) == (30, True)
    assert (metric.standing, metric.source) == (MISSED, "0 critical incidents acknowledged, 1 never")


def test_the_same_term_is_the_same_number_in_the_metrics_the_review_and_home(week: Week) -> None:
    """Where a metric is stricter its title says so, and the figure of the others stands beside."""
    week.live(10)
    for number, (nameless, waits) in enumerate(((40, 9), (60, 2)), 1):
        week.live(10, null_company_names=nameless)
        week.world.clock.pass_(minutes=waits)
        acknowledge(week.ports, number, ROBIN)
        week.live(20, null_company_names=7)
        week.days(0.1)
    week.live(150, null_company_names=60)
    home, _ = show_home(week.ports, ())
    review = read_review(week.ports).review.week
    mtta, mttr = home.time_to_acknowledge.value, home.time_to_recover.value
    assert mtta and mttr and (review.to_acknowledge, review.to_recover) == (mtta, mttr)
    found = {one.title: one for one in week.slo().metrics}
    assert {"MTTA", "MTTR"} & found.keys() == set()
    assert found["MTTA of critical ones"].source.endswith(f"1 never; MTTA {duration(mtta)}")
    assert found["MTTR including open ones"].source.endswith(f"1 open; MTTR {duration(mttr)}")


def test_a_snooze_acknowledges_nothing_and_stops_no_clock_but_that_of_the_escalation(week: Week) -> None:
    week.live(10)
    week.live(10, null_company_names=60)
    snooze(week.ports, 1, "4h", ROBIN)
    week.live(150)
    assert week.metric("mtta_critical").source == "0 critical incidents acknowledged, 1 never"
    assert week.metric("mtta_critical").nothing == "none acknowledged"
    assert week.metric("mttr_with_open").value == 150


def test_a_critical_incident_that_recovers_before_it_escalates_needs_nobody(week: Week) -> None:
    week.days(6.9)
    week.live(10, null_company_names=60)
    week.live(15, null_company_names=7)
    assert (week.metric("mtta_critical").nothing, week.standing("mtta_critical")) == ("none acknowledged", MET)


def test_a_slack_outage_that_delays_the_root_is_in_the_time_to_slack(week: Week) -> None:
    week.days(6.9)
    week.live(5)
    week.world.channel.fail(Fault(TemporaryError("Slack: connection refused")))
    week.live(40, null_company_names=60)
    waiting = week.metric("breach_to_slack")
    assert waiting.value == 35, "until now, while it waits"
    week.world.channel.heal()
    week.world.deliver_patiently()
    late = week.metric("breach_to_slack")
    assert late.value is not None and 35 <= late.value <= 46
    assert late.standing is MISSED


def test_a_maintenance_window_held_back_what_it_was_asked_to(week: Week) -> None:
    week.days(6.9)
    begin_maintenance(week.ports, "2h", "loading", ROBIN)
    week.live(60, null_company_names=60)
    assert week.metric("breach_to_slack").nothing == "no incidents", "while it is on"
    end_maintenance(week.ports, ROBIN)
    week.live(5)
    assert week.world.channel.roots(), "posted at its end"
    assert week.metric("breach_to_slack").nothing == "no incidents"
    week.live(15, null_company_names=7)
    assert week.metric("mttr_with_open").source == "1 incident recovered, 1 critical", "it was open anyway"


def test_what_opened_and_recovered_within_a_maintenance_window_was_not_late(week: Week) -> None:
    week.days(6.9)
    begin_maintenance(week.ports, "2h", "loading", ROBIN)
    week.live(20, null_company_names=60)
    week.live(20, null_company_names=7)
    end_maintenance(week.ports, ROBIN)
    week.live(10)
    assert week.metric("breach_to_slack").nothing == "no incidents"
    assert week.metric("mttr_with_open").source == "1 incident recovered, 1 critical"


@pytest.fixture
def whole(world: World) -> Week:
    """With every shipped check, on a pipeline that is healthy."""
    from tests.services.test_not_measured import HEALTHY

    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    run(world)
    return Week(world, *settings_from({}).checks)


def test_a_failed_run_is_dated_by_its_end(whole: Week) -> None:
    whole.live(20)
    run(whole.world)
    whole.live(10)
    run(whole.world, after=3, status=RunStatus.FAILED)
    failed_at = whole.world.clock.now() + timedelta(minutes=3)
    whole.live(15)
    opened = whole.world.incident()
    assert opened.check == "failed_runs"
    metric = whole.metric("fault_to_slack")
    assert metric.value == (opened.opened_at - failed_at) / timedelta(minutes=1) == 2
    assert whole.metric("breach_to_slack").value == 0


def test_a_pause_is_dated_by_the_evaluation_before_it_was_seen(whole: Week) -> None:
    whole.live(20)
    whole.world.census.pause(whole.world.sync_b)
    whole.live(5)
    assert whole.world.incident().check == "schedule_enabled"
    assert (whole.metric("fault_to_slack").value, whole.metric("breach_to_slack").value) == (5, 0)


def test_a_source_that_does_not_answer_is_dated_as_well(whole: Week) -> None:
    whole.live(20)
    whole.world.census.failure = TemporaryError("Census does not answer")
    whole.live(15)
    assert whole.world.incident().check == "census_not_measured"
    whole.world.census.failure = None
    assert (whole.metric("fault_to_slack").value, whole.metric("breach_to_slack").value) == (10, 5)


def test_what_is_promised_at_sync_time_stands_beside(whole: Week) -> None:
    whole.live(20)
    whole.live(15, coverage_percentage=80.0)
    metric = whole.metric("fault_to_slack")
    assert metric.value is None and metric.source == "0 incidents; at sync time 1 incident, slowest 10 min"
    assert whole.metric("breach_to_slack").value == 5


def test_the_sync_success_rate_is_that_of_the_runs_that_ended_in_the_window(week: Week) -> None:
    world = week.world
    run(world)
    world.clock.pass_(days=8)
    for status in (RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED):
        world.clock.pass_(hours=1)
        run(world, status=status)
    metric = week.metric("sync_success")
    assert metric.value == pytest.approx(200 / 3) and metric.standing is MISSED
    assert metric.before == 100
    assert metric.source == "Census: 6 runs that completed or failed; lowest Sync A (CREATE) 66.7%"


def test_runs_are_known_of_two_weeks_alone(week: Week) -> None:
    run(week.world)
    week.days(1)
    metric = week.metric("sync_success", days=30)
    assert (metric.value, metric.known.days, metric.standing) == (100, 14, UNKNOWN)
    assert metric.before is None


def test_a_sync_that_census_does_not_tell_of_is_not_successful(week: Week) -> None:
    run(week.world)
    week.world.census.failure = TemporaryError("Census does not answer")
    metric = week.metric("sync_success")
    assert (metric.value, metric.standing) == (None, UNKNOWN)
    assert metric.known.why == "Sync A (CREATE): Census does not answer"


def test_no_run_is_no_success(week: Week) -> None:
    assert (week.metric("sync_success").nothing, week.standing("sync_success")) == ("no runs", UNKNOWN)


def test_an_objective_holds_of_every_value(world: World) -> None:
    week = Week(world, OBJECTIVE)
    week.days(3.5)
    week.live(5, null_company_names=99)
    world.numbers(null_company_names=7)
    week.days(3.5)
    metric = week.metric("null_company_names")
    assert (metric.value, metric.standing) == (99, MET)
    week.live(5, null_company_names=100)
    metric = week.metric("null_company_names")
    assert (metric.value, metric.standing) == (100, MISSED)
    assert metric.source.startswith("highest of ")


def test_a_day_without_a_value_is_no_day_on_which_an_objective_held(world: World) -> None:
    week = Week(world, OBJECTIVE)
    week.days(3)
    world.numbers(null_company_names=None)
    week.days(2)
    world.numbers(null_company_names=7)
    week.days(2)
    metric = week.metric("null_company_names")
    assert (metric.value, metric.standing) == (7, UNKNOWN)
    assert 5 <= metric.known.days < 6


def test_the_shipped_pipeline_has_its_objectives_and_another_has_none(whole: Week, week: Week) -> None:
    titles = {one.key for one in whole.slo().metrics}
    alerts = {
        "fault_to_slack",
        "breach_to_slack",
        "mtta_critical",
        "mttr_with_open",
        "daily_operations",
        "sync_success",
    }
    assert titles == alerts | {"coverage", "data_quality", "health_query"}
    assert {one.key for one in week.slo().metrics} == alerts | {"health_query"}


def test_without_a_warehouse_there_is_no_health_query(week: Week) -> None:
    week.ports = replace(week.ports, settings=replace(week.ports.settings, has_warehouse=False))
    assert "health_query" not in {one.key for one in week.slo().metrics}


def test_the_health_query_is_an_evaluation_that_the_warehouse_answered(week: Week) -> None:
    week.world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    week.live(20)
    assert (week.metric("health_query").value, week.standing("health_query")) == (None, UNKNOWN)
    week.world.warehouse.failure = None
    week.live(20)
    metric = week.metric("health_query")
    assert metric.value == 0 and metric.source == "95th percentile of 4 evaluations with a statement, slowest 0 s"


def press(world: World, *rows: tuple[str, str, AuditState | None]) -> None:
    with world.store.transaction() as records:
        for user, what, state in rows:
            world.clock.pass_(seconds=1)
            records.audit(AuditRow(world.clock.now(), user, what, "Sync B", "done", state))


def test_a_press_counts_once_and_what_nobody_pressed_not_at_all(week: Week) -> None:
    asked, done = AuditState.REQUESTED, AuditState.SUCCEEDED
    press(week.world, (ROBIN, "rerun", asked), (ROBIN, "rerun", done), (ADA, "pause", AuditState.REFUSED))
    press(week.world, ("sync-health", "digest", done), ("sync-health at a terminal", "deploy", asked))
    press(week.world, ("sync-health", "rerun", asked), ("sync-health", "rerun", done))
    press(week.world, (ROBIN, "rerun", asked), (ROBIN, "rerun", done))
    press(week.world, (ROBIN, "rerun", AuditState.REFUSED))
    assert week.metric("daily_operations").source == "3 actions at 1 min each; no incident open"
    week.world.clock.pass_(days=7, seconds=10)
    assert week.metric("daily_operations").value == 0


def test_an_acknowledgment_of_many_is_one_press(week: Week) -> None:
    now = week.world.clock.now()
    with week.world.store.transaction() as records:
        for n in range(6):
            records.audit(AuditRow(now, ROBIN, "acknowledge", f"incident {n}", "done"))
    assert "1 action at" in week.metric("daily_operations", days=1).source


def test_the_trend_is_against_the_window_before_where_that_is_known(week: Week) -> None:
    week.days(0.95)
    week.live(30, null_company_names=60)
    week.live(20, null_company_names=7)
    assert week.metric("mttr_with_open", days=1).before is None, "the day before there was no bot"
    week.days(1)
    week.live(15, null_company_names=60)
    week.live(20, null_company_names=7)
    metric = week.metric("mttr_with_open", days=1)
    assert metric.before is not None and metric.value is not None and metric.value < metric.before


@pytest.fixture
def opened_at(week: Week) -> Iterator[datetime]:
    week.live(10)
    week.live(10, null_company_names=60)
    yield week.world.incident().opened_at


def test_the_longest_incidents_have_the_way_to_their_threads(week: Week, opened_at: datetime) -> None:
    slo = week.slo()
    assert [(one.incident.id, one.opened_at) for one in slo.worst] == [(1, opened_at)]
    assert slo.roots[1].channel == "C0001"


def test_the_pipeline_of_another_team_has_its_own_objectives_and_census_alone_has_none(world: World) -> None:
    contacts = settings_from({"SYNC_HEALTH_CONFIG": str(Path(__file__).parents[1] / "contacts" / "pipeline.yml")})
    week = Week(world, *contacts.checks)
    week.ports = replace(week.ports, settings=contacts)
    week.world.census.failure = TemporaryError("Census does not answer")
    found = {one.key: one for one in week.slo().metrics}
    assert {"stale_contacts", "coverage"} & found.keys() == set()
    assert found["health_query"].nothing == "no data"
    assert found["sync_success"].known.why == "Contacts: Census does not answer"


def test_a_failed_run_that_census_gives_no_end_dates_its_fault_by_its_begin() -> None:
    good = samples.run(created_at=NOW - timedelta(minutes=20), completed_at=NOW - timedelta(minutes=19))
    bad = samples.run(status=RunStatus.FAILED, created_at=NOW - timedelta(minutes=5), completed_at=None)
    assert ended_before([bad, good], NOW) == bad.created_at
    assert ended_before([bad, good], NOW - timedelta(minutes=6)) == good.completed_at
