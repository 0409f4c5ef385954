"""What nobody can measure, and what another alert explains, is told once and never as healthy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.model import Did, Incident, State
from bot.errors import PermanentError, TemporaryError
from bot.facts import RunStatus
from bot.model import Evaluation
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.run_checks import run_checks
from checks.model import Outcome, Severity
from tests.fakes import HEALTH
from tests.services.conftest import World

HEALTHY = {
    "salesforce_rows": 18722,
    "enriched_rows": 19500,
    "coverage_percentage": 96.0,
    "matched_coverage_percentage": 96.0,
    "null_company_names": 7,
    "company_name_equals_property_name_percentage": 0.1,
    "data_quality_percentage": 99.9,
    "create_queue": 12,
    "update_queue": 180,
    "create_queue_suspicious": 0,
    "update_queue_suspicious": 0,
    "newest_row_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def done(world: World, sync: int) -> None:
    world.census.finish(world.census.start(sync).id, records_updated=5, records_failed=0, records_invalid=0)


@pytest.fixture
def whole(world: World) -> Ports:
    """Every shipped check, on a pipeline that is well."""
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    for sync in (world.sync_a, world.sync_b):
        done(world, sync)
    return replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))


def look(world: World, ports: Ports, times: int = 1) -> Evaluation:
    for _ in range(times):
        evaluation, _ = run_checks(ports)
        world.clock.pass_(minutes=5)
    return evaluation


def open_checks(world: World) -> list[tuple[str, str | None]]:
    with world.store.transaction() as records:
        return [(incident.check, incident.sync) for incident in records.open_incidents()]


def test_every_shipped_check_is_well_on_a_healthy_pipeline(world: World, whole: Ports) -> None:
    evaluation = look(world, whole, times=3)
    assert evaluation.outcome is Outcome.OK
    assert len(evaluation.results) > 10
    assert open_checks(world) == []


def test_the_warehouse_down_is_one_alert_that_names_what_it_blinds(world: World, whole: Ports) -> None:
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    assert look(world, whole).outcome is Outcome.ERROR
    assert open_checks(world) == [], "once is not yet worth a message"
    look(world, whole)
    assert open_checks(world) == [("warehouse_not_measured", None)]
    with world.store.transaction() as records:
        [incident] = records.open_incidents()
    blind = [check.title for check in whole.settings.checks if check.source == "databricks"]
    first = f"The warehouse cannot be reached. {len(blind)} checks cannot run: {', '.join(blind[:3])} and "
    assert incident.summary == f"{first}{len(blind) - 3} more"
    assert incident.helps.startswith("Run sync-health check to see what the warehouse answers."), "nothing is missing"
    world.warehouse.failure = None
    look(world, whole, times=3)
    assert open_checks(world) == []


def test_an_empty_table_is_told_as_not_measured(world: World, whole: Ports) -> None:
    world.warehouse.rows[HEALTH] = [dict.fromkeys(HEALTHY)]
    assert look(world, whole, times=2).outcome is Outcome.NO_DATA
    assert open_checks(world) == [("warehouse_not_measured", None)]


def test_the_table_that_is_empty_is_named_where_the_statement_counts_it(world: World, whole: Ports) -> None:
    world.warehouse.rows[HEALTH] = [dict.fromkeys(HEALTHY) | {"salesforce_rows": 18722, "enriched_rows": 0}]
    named = replace(whole.settings, tables={"crm.sfdc_dbx.rds_properties_enriched": "lake.app.enriched"})
    look(world, replace(whole, settings=named), times=2)
    with world.store.transaction() as records:
        [incident] = records.open_incidents()
    assert incident.summary.startswith("Table lake.app.enriched is empty. 8 checks cannot run: ")
    assert incident.helps.startswith("Restore it.")
    assert "product_property" not in incident.summary


def test_a_paused_sync_says_how_much_is_pending_meanwhile(world: World, whole: Ports) -> None:
    world.census.pause(world.sync_b)
    look(world, whole)
    with world.store.transaction() as records:
        [incident] = records.open_incidents()
    assert incident.summary == "Sync B is paused in Census: 180 pending properties"
    assert incident.helps.startswith("Resume it")


@pytest.mark.parametrize(("ahead", "outcome"), [(-30, "ok"), (14, "ok"), (16, "warn"), (60 * 24 * 900, "warn")])
def test_a_row_dated_in_the_future_is_found(ahead: int, outcome: str, world: World, whole: Ports) -> None:
    world.warehouse.rows[HEALTH][0]["newest_row_at"] = world.clock.now() + timedelta(minutes=ahead)
    [result] = [result for result in look(world, whole).results if result.check == "newest_row"]
    assert (result.outcome, result.value) == (outcome, pytest.approx(ahead / 60))


def test_census_down_is_one_alert_and_not_one_per_sync(world: World, whole: Ports) -> None:
    world.census.failure = TemporaryError("Census does not answer")
    look(world, whole, times=2)
    assert open_checks(world) == [("census_not_measured", None)]
    [incident] = open_incidents(world)
    assert incident.summary.startswith("Census does not answer. 8 checks cannot run: "), "once, and not once per sync"


def test_a_broken_number_does_not_blind_the_others(world: World, whole: Ports) -> None:
    world.numbers(null_company_names=99)

    def ask_column(question: str, column: str) -> dict[str, object]:
        if column == "q1_backlog":
            raise PermanentError("there is no crm.sfdc_dbx.properties_to_update")
        return {column: world.warehouse.row(question)[column]}

    world.warehouse.failure = PermanentError("there is no crm.sfdc_dbx.properties_to_update")
    world.warehouse.ask_column = ask_column  # type: ignore[method-assign]
    evaluation = look(world, whole, times=2)
    blind = [(result.check, result.sync) for result in evaluation.results if result.outcome is Outcome.ERROR]
    assert blind == [("backlog", "Sync B")]
    assert evaluation.outcome is Outcome.CRITICAL
    assert set(open_checks(world)) == {("null_company_names", None), ("warehouse_not_measured", None)}
    assert evaluation.statements > 1


@pytest.mark.full
def test_a_paused_sync_is_told_once_and_explains_that_it_stands_still(world: World, whole: Ports) -> None:
    world.census.pause(world.sync_b)
    look(world, whole, times=60)  # five hours
    assert open_checks(world) == [("schedule_enabled", "Sync B"), ("sync_recency", "Sync A")]


@pytest.mark.full
def test_a_failing_sync_is_told_by_its_runs_and_explains_that_it_is_late(world: World, whole: Ports) -> None:
    for _ in range(30):
        done(world, world.sync_a)
        world.census.finish(world.census.start(world.sync_b).id, RunStatus.FAILED)
        look(world, whole)
    assert open_checks(world) == [("failed_runs", "Sync B")]


def test_one_record_of_one_is_a_warning_and_a_login_that_ended_is_critical_at_once(world: World, whole: Ports) -> None:
    one = world.census.start(world.sync_b)
    world.census.finish(one.id, records_updated=0, records_failed=1, records_invalid=0)
    look(world, whole)
    world.census.finish(world.census.start(world.sync_b).id, RunStatus.FAILED, error="INVALID_SESSION_ID: ended")
    look(world, whole)
    rate, failed = open_incidents(world)
    assert (rate.severity, rate.summary) == ("warn", "Salesforce rejected 1 of 1 records in Sync B's last run")
    assert (failed.severity, failed.summary) == ("critical", "Sync B's last run failed: INVALID_SESSION_ID")
    assert failed.causes == ("Authentication error",)
    assert failed.helps == "The login of Census has ended: connect Salesforce again in Census."
    assert (failed.rerun, failed.offers) == (None, ()), "a rerun fails for the same reason"


def without(ports: Ports, *names: str) -> Ports:
    kept = tuple(check for check in ports.settings.checks if check.name not in names)
    return replace(ports, settings=replace(ports.settings, checks=kept))


def renamed_sync(ports: Ports) -> Ports:
    first, second = ports.settings.syncs
    other = second.model_copy(update={"name": "Sync C"})
    return replace(ports, settings=replace(ports.settings, syncs=(first, other)))


def renamed_pipeline(ports: Ports) -> Ports:
    return replace(ports, settings=replace(ports.settings, pipeline="estate"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda ports: without(ports, "schedule_enabled", "no_run_today"), "its check was removed"),
        (renamed_sync, "Sync B was removed from the configuration or renamed"),
        (renamed_pipeline, "the pipeline is called estate now"),
    ],
    ids=["the check removed", "the sync renamed", "the pipeline renamed"],
)
def test_what_the_configuration_no_longer_names_is_closed_with_the_reason(
    world: World, whole: Ports, change: Callable[[Ports], Ports], why: str
) -> None:
    world.census.pause(world.sync_b)
    look(world, whole)
    world.deliver()
    assert open_checks(world) == [("schedule_enabled", "Sync B")]
    world.census.resume(world.sync_b)
    look(world, change(whole))
    assert open_checks(world) == []
    closed = world.incident()
    assert (closed.state, closed.timeline[-1].did) == (State.OK, Did.CLOSED)
    assert why in closed.summary
    world.deliver()
    [root] = world.channel.roots()
    assert "☑️" in root.text
    assert why in root.text
    assert why in world.channel.thread()[-1].text


def test_what_was_pending_for_a_sync_that_is_gone_does_not_open_at_once_when_it_is_back(
    world: World, whole: Ports
) -> None:
    slow = tuple(check.model_copy(update={"for_": timedelta(minutes=5)}) for check in whole.settings.checks)
    ports = replace(whole, settings=replace(whole.settings, checks=slow))
    world.census.pause(world.sync_b)
    look(world, ports)
    look(world, renamed_sync(without(ports, "schedule_enabled", "no_run_today")))
    look(world, ports)
    assert ("schedule_enabled", "Sync B") not in open_checks(world)


def test_the_root_says_since_when_it_is_not_evaluated_and_stops_saying_so(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.look(None, after=5)
    since = world.clock.now()
    world.look(None, after=5)
    world.deliver()
    [root] = world.channel.roots()
    assert f"Not evaluated since <!date^{int(since.timestamp())}^" in root.text
    assert "explained by" not in root.text
    world.look(60, after=5)
    world.deliver()
    [root] = world.channel.roots()
    assert "Not evaluated" not in root.text


@pytest.mark.full
def test_an_open_alert_that_another_one_explains_says_so_and_nobody_is_reminded_of_it(world: World) -> None:
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    checks = settings_from({}).checks
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks))
    for sync in (world.sync_a, world.sync_b):
        world.census.finish(world.census.start(sync).id, records_updated=1, records_failed=0, records_invalid=0)
    for _ in range(30):  # two and a half hours without a run of Sync B
        world.clock.pass_(minutes=5)
        world.census.finish(world.census.start(world.sync_a).id, records_updated=1, records_failed=0, records_invalid=0)
        run_checks(world.ports)
    assert [incident.check for incident in open_incidents(world)] == ["sync_recency"]
    world.census.pause(world.sync_b)
    for _ in range(30):
        world.clock.pass_(minutes=5)
        world.census.finish(world.census.start(world.sync_a).id, records_updated=1, records_failed=0, records_invalid=0)
        run_checks(world.ports)
        world.deliver()
    recency, schedule = open_incidents(world)
    assert (recency.explained_by, schedule.explained_by) == ("Census schedule", None)
    since = recency.not_evaluated_since
    assert since
    assert [e.did for e in recency.timeline if e.at > since and e.did in (Did.REMINDED, Did.CALLED)] == []
    assert any(e.did is Did.CALLED for e in schedule.timeline)
    [root] = [root for root in world.channel.roots() if root.incident_id == recency.id]
    assert "explained by Census schedule" in root.text


@pytest.mark.full
def test_a_warning_that_explains_something_critical_is_critical_and_names_both(world: World, whole: Ports) -> None:
    world.census.finish(world.census.start(world.sync_b).id, RunStatus.FAILED, error="Something nobody has seen")
    for _ in range(20):
        done(world, world.sync_a)
        look(world, whole)
    assert [(one.check, one.severity) for one in open_incidents(world)] == [("failed_runs", Severity.WARN)]
    for _ in range(10):
        done(world, world.sync_a)
        look(world, whole)
    [failed] = open_incidents(world)
    assert (failed.check, failed.severity) == ("failed_runs", Severity.CRITICAL)
    assert failed.summary.startswith("Sync B's last run failed: Something nobody has seen · ")
    assert "Sync B has not completed for 2 h" in failed.summary
    done(world, world.sync_b)
    look(world, whole, times=4)
    assert open_checks(world) == []


@pytest.mark.full
def test_an_open_critical_is_not_frozen_by_a_warning(world: World, whole: Ports) -> None:
    for _ in range(30):
        done(world, world.sync_a)
        look(world, whole)
    assert open_checks(world) == [("sync_recency", "Sync B")]
    world.census.finish(world.census.start(world.sync_b).id, RunStatus.FAILED, error="Something nobody has seen")
    look(world, whole)
    recency, failed = open_incidents(world)
    assert (failed.check, failed.severity, recency.explained_by) == ("failed_runs", Severity.WARN, None)
    done(world, world.sync_b)
    look(world, whole, times=4)
    assert open_checks(world) == []


def open_incidents(world: World) -> list[Incident]:
    with world.store.transaction() as records:
        return records.open_incidents()
