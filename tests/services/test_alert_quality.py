"""Every kind of fault is told, each as one incident, and a healthy month raises nothing: on the shipped checks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from bot.errors import PermanentError, TemporaryError
from bot.facts import RunStatus
from bot.messages.root import headline
from bot.model import Kind
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.daily_digest import send_due_digest
from bot.services.run_checks import Checker, run_checks
from tests.fakes import HEALTH
from tests.services.conftest import World
from tests.services.test_not_measured import HEALTHY

Fault = Callable[[World], None]


def number(name: str, value: object) -> Fault:
    """From now on the warehouse measures this."""
    return lambda world: world.warehouse.rows[HEALTH][0].update({name: value})


def down(world: World) -> None:
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")


def table_gone(world: World) -> None:
    world.warehouse.failure = PermanentError("there is no hive_metastore.salesforce.product_property")


def no_row(world: World) -> None:
    world.warehouse.rows[HEALTH] = []


def census_down(world: World) -> None:
    world.census.failure = TemporaryError("Census does not answer")


def token_refused(world: World) -> None:
    world.census.failure = PermanentError("Census refuses CENSUS_API_TOKEN (401)")


def paused(sync: str) -> Fault:
    return lambda world: world.census.pause(getattr(world, sync))


def runs_are(**changes: object) -> Fault:
    """From now on every run of the update sync is like this."""
    return lambda world: setattr(world, "runs_of_b", changes)


def both(*faults: Fault) -> Fault:
    return lambda world: [fault(world) for fault in faults]


# What goes wrong, and the checks that tell it: one incident each, nothing beside them.
FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "coverage sinks": (number("coverage_percentage", 94.0), {"coverage"}),
    "coverage falls": (number("coverage_percentage", 80.0), {"coverage"}),
    "some names are lost": (number("null_company_names", 40), {"null_company_names"}),
    "many names are lost": (number("null_company_names", 9715), {"null_company_names"}),
    "names of properties for companies": (
        number("company_name_equals_property_name_percentage", 3.0),
        {"company_name_equals_property_name"},
    ),
    "nothing but names of properties": (
        number("company_name_equals_property_name_percentage", 60.0),
        {"company_name_equals_property_name"},
    ),
    "quality sinks": (number("data_quality_percentage", 96.0), {"data_quality"}),
    "quality falls": (number("data_quality_percentage", 50.0), {"data_quality"}),
    "the create queue grows": (number("create_queue", 80), {"backlog"}),
    "the create queue is stuck": (number("create_queue", 735), {"backlog"}),
    "the update queue grows": (number("update_queue", 700), {"backlog"}),
    "the update queue is stuck": (number("update_queue", 7881), {"backlog"}),
    "coverage is not a number": (number("coverage_percentage", float("nan")), {"warehouse_not_measured"}),
    "coverage is infinite": (number("coverage_percentage", float("inf")), {"warehouse_not_measured"}),
    "coverage is NULL": (number("coverage_percentage", None), {"warehouse_not_measured"}),
    "a queue is NULL": (number("update_queue", None), {"warehouse_not_measured"}),
    "a number is a word": (number("null_company_names", "many"), {"warehouse_not_measured"}),
    "the statement has no row": (no_row, {"warehouse_not_measured"}),
    "the warehouse is down": (down, {"warehouse_not_measured"}),
    "a table is gone": (table_gone, {"warehouse_not_measured"}),
    "Census is down": (census_down, {"census_not_measured"}),
    "the token of Census ended": (token_refused, {"census_not_measured"}),
    "the update sync is paused": (paused("sync_b"), {"schedule_enabled"}),
    "the create sync is paused": (paused("sync_a"), {"schedule_enabled"}),
    "runs fail": (runs_are(status=RunStatus.FAILED), {"failed_runs"}),
    "runs fail for a login": (runs_are(status=RunStatus.FAILED, error="INVALID_SESSION_ID: expired"), {"failed_runs"}),
    "runs fail for a while": (runs_are(status=RunStatus.FAILED, error="503: try again later"), {"failed_runs"}),
    "runs fail and the backlog grows": (
        both(runs_are(status=RunStatus.FAILED), number("update_queue", 7881)),
        {"failed_runs"},
    ),
    "a paused sync, and the backlog grows": (
        both(paused("sync_b"), number("update_queue", 7881)),
        {"schedule_enabled"},
    ),
    "runs take nothing of what is pending": (
        runs_are(records_total=0, records_processed=0, records_updated=0),
        {"empty_runs"},
    ),
    "runs take nothing, and the backlog grows": (
        both(runs_are(records_total=0, records_processed=0, records_updated=0), number("update_queue", 480)),
        {"empty_runs"},
    ),
    "a few suspect records are pending": (number("update_queue_suspicious", 1), {"suspect_records"}),
    "many suspect records are pending": (number("create_queue_suspicious", 735), {"suspect_records"}),
    "ids are missing behind orphans": (number("matched_coverage_percentage", 80.0), {"matched_coverage"}),
    "rows vanish from Salesforce": (
        both(number("coverage_percentage", 80.0), number("matched_coverage_percentage", 78.0)),
        {"matched_coverage"},
    ),
    "more rows in Salesforce than properties": (number("coverage_percentage", 106.2), {"warehouse_not_measured"}),
    "no id matches": (number("matched_coverage_percentage", 0.0), {"matched_coverage"}),
    "runs are dated in the future": (runs_are(completed_in=timedelta(hours=9)), {"census_not_measured"}),
    "runs are cancelled": (runs_are(status=RunStatus.CANCELLED), {"sync_recency"}),
    "runs are skipped": (runs_are(status=RunStatus.SKIPPED), {"sync_recency"}),
    "runs are dry": (runs_are(dry_run=True), {"sync_recency"}),
    "runs never end": (runs_are(status=RunStatus.WORKING), {"long_run"}),
    "a run stays in the queue": (runs_are(status=RunStatus.QUEUED), {"long_run"}),
    "one row in fifty is rejected": (runs_are(records_updated=98, records_failed=2), {"census_error_rate"}),
    "every row is rejected": (runs_are(records_updated=0, records_failed=50), {"census_error_rate"}),
    "every row is invalid": (runs_are(records_updated=0, records_invalid=50), {"census_error_rate"}),
}
# What a person reads on the lock screen when it is announced: the headline and the first cause.
HEADLINES = {
    "coverage sinks": ("🟡 Warning · properties: Coverage of Salesforce is 94.0% (threshold < 95%)"),
    "coverage falls": ("🔴 Critical · properties: Coverage of Salesforce is 80.0% (threshold < 90%)"),
    "some names are lost": ("🟡 Warning · properties: 40 Salesforce records missing company name (threshold > 30)"),
    "many names are lost": (
        "🔴 Critical · properties: 9,715 Salesforce records missing company name (threshold > 50). "
        "Not in the backlog: only 180 properties pending in Sync B"
    ),
    "names of properties for companies": (
        "🟡 Warning · properties: 3.0% of Salesforce records have the property name as company name (threshold > 1%)"
    ),
    "nothing but names of properties": (
        "🔴 Critical · properties: 60.0% of Salesforce records have the property name as company name (threshold > 5%)"
    ),
    "quality sinks": ("🟡 Warning · properties: 96.0% of Salesforce records have a company name (threshold < 97%)"),
    "quality falls": ("🔴 Critical · properties: 50.0% of Salesforce records have a company name (threshold < 95%)"),
    "the create queue grows": (
        "🟡 Warning · properties: Sync A has 80 pending properties (threshold > 50). Runs complete: "
        "5 properties updated in the last one"
    ),
    "the create queue is stuck": (
        "🔴 Critical · properties: Sync A has 735 pending properties (threshold > 100). Runs complete: "
        "5 properties updated in the last one"
    ),
    "the update queue grows": (
        "🟡 Warning · properties: Sync B has 700 pending properties (threshold > 500). Runs complete: "
        "5 properties updated in the last one"
    ),
    "the update queue is stuck": (
        "🔴 Critical · properties: Sync B has 7,881 pending properties (threshold > 1,000). Runs complete: "
        "5 properties updated in the last one"
    ),
    "coverage is not a number": (
        "🔴 Critical · properties: The warehouse returned infinity or NaN. 1 check cannot run: Coverage of Salesforce"
    ),
    "coverage is infinite": (
        "🔴 Critical · properties: The warehouse returned infinity or NaN. 1 check cannot run: Coverage of Salesforce"
    ),
    "coverage is NULL": (
        "🔴 Critical · properties: The warehouse returned NULL. 1 check cannot run: Coverage of Salesforce"
    ),
    "a queue is NULL": "🔴 Critical · properties: The warehouse returned NULL. 1 check of Sync B cannot run: Backlog",
    "a number is a word": (
        "🔴 Critical · properties: The warehouse returned text instead of a number. 1 check cannot run: "
        "Missing company names"
    ),
    "the statement has no row": (
        "🔴 Critical · properties: The statement returned no rows instead of one. 8 checks cannot run: "
        "Suspect records in the backlog, Company names equal to the property name, Matched coverage and 5 more"
    ),
    "the warehouse is down": (
        "🔴 Critical · properties: The warehouse cannot be reached. 8 checks cannot run: "
        "Suspect records in the backlog, Company names equal to the property name, Matched coverage and 5 more"
    ),
    "a table is gone": (
        "🔴 Critical · properties: There is no hive_metastore.salesforce.product_property. 8 checks cannot "
        "run: Suspect records in the backlog, Company names equal to the property name, Matched coverage and 5 more"
    ),
    "Census is down": (
        "🔴 Critical · properties: Census does not answer. 8 checks cannot run: Census schedule, "
        "Failed runs, Rejected records and 5 more"
    ),
    "the token of Census ended": (
        "🔴 Critical · properties: Census refuses CENSUS_API_TOKEN (401). 8 checks cannot run: "
        "Census schedule, Failed runs, Rejected records and 5 more"
    ),
    "the update sync is paused": (
        "🔴 Critical · properties: Sync B is paused in Census: 180 pending properties. "
        "First seen paused {2026-03-02T10:30:00+00:00}"
    ),
    "the create sync is paused": (
        "🔴 Critical · properties: Sync A is paused in Census: 12 pending properties. "
        "First seen paused {2026-03-02T10:30:00+00:00}"
    ),
    "runs fail": "🟡 Warning · properties: Sync B's last run failed: Census gives no reason",
    "runs fail for a login": (
        "🔴 Critical · properties: Sync B's last run failed: INVALID_SESSION_ID. Authentication error"
    ),
    "runs fail for a while": (
        "🟡 Warning · properties: Sync B's last 2 runs failed: 503: try again later. Transient error"
    ),
    "runs fail and the backlog grows": (
        "🔴 Critical · properties: Sync B's last run failed: Census gives no reason · Sync B has "
        "7,881 pending properties"
    ),
    "a paused sync, and the backlog grows": (
        "🔴 Critical · properties: Sync B is paused in Census: 7,881 pending properties. "
        "First seen paused {2026-03-02T10:30:00+00:00}"
    ),
    "runs take nothing of what is pending": (
        "🟡 Warning · properties: Sync B completed 3 runs in a row without taking any of 180 pending properties"
    ),
    "runs take nothing, and the backlog grows": (
        "🟡 Warning · properties: Sync B completed 3 runs in a row without taking any of 480 pending properties"
    ),
    "a few suspect records are pending": (
        "🟡 Warning · properties: Sync B has 1 suspect record pending: no company name (threshold > 0)"
    ),
    "many suspect records are pending": (
        "🔴 Critical · properties: Sync A has 735 suspect records pending: no company name (threshold > 10)"
    ),
    "ids are missing behind orphans": (
        "🔴 Critical · properties: 80.0% of properties with a valid ID are in Salesforce (threshold < 90%)"
    ),
    "rows vanish from Salesforce": (
        "🔴 Critical · properties: 78.0% of properties with a valid ID are in Salesforce (threshold < 90%)"
    ),
    "more rows in Salesforce than properties": (
        "🔴 Critical · properties: Coverage of Salesforce: 106.2% is not between 0% and 100%. 1 check cannot run: "
        "Coverage of Salesforce"
    ),
    "no id matches": (
        "🔴 Critical · properties: 0.0% of properties with a valid ID are in Salesforce (threshold < 90%)"
    ),
    "runs are dated in the future": (
        "🔴 Critical · properties: Run 6 completed in the future: 2026-03-02 19:30 UTC. 4 checks of Sync B "
        "cannot run: Failed runs, Rejected records, Long run and 1 more"
    ),
    "runs are cancelled": (
        "🟡 Warning · properties: Sync B has not completed for 1 h 40 min (threshold > 1 h 30 min). "
        "Sync B's last run was canceled"
    ),
    "runs are skipped": (
        "🟡 Warning · properties: Sync B has not completed for 1 h 40 min (threshold > 1 h 30 min). "
        "Sync B's last run was skipped, another one was in progress"
    ),
    "runs are dry": (
        "🟡 Warning · properties: Sync B has not completed for 1 h 40 min (threshold > 1 h 30 min). "
        "Sync B's last run was a dry run, which writes nothing"
    ),
    "runs never end": "🟡 Warning · properties: Sync B has been running for 25 min (expected 10 min or less)",
    "a run stays in the queue": "🟡 Warning · properties: Sync B has been queued for 25 min (expected 10 min or less)",
    "one row in fifty is rejected": (
        "🟡 Warning · properties: Salesforce rejected 2 of 100 records in Sync B's last run (threshold > 1%)"
    ),
    "every row is rejected": (
        "🔴 Critical · properties: Salesforce rejected 50 of 50 records in Sync B's last run (threshold > 5%)"
    ),
    "every row is invalid": (
        "🔴 Critical · properties: Salesforce rejected 50 of 50 records in Sync B's last run (threshold > 5%)"
    ),
}
WELL = {"records_updated": 5, "records_failed": 0, "records_invalid": 0}


@pytest.fixture
def ports(world: World) -> Ports:
    world.runs_of_b = {}  # type: ignore[attr-defined]
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    world.warehouse.runs_anyway = False  # it sleeps, and its numbers are measured when the syncs have run
    world.checker.close()
    ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    world.checker = Checker(ports)
    return ports


def live(world: World, ports: Ports, ticks: int, minutes: int = 5, every: int = 3) -> None:
    """Ticks of the bot; both syncs run at every third one, unless they are paused."""
    for tick in range(ticks):
        if tick % every == 0 and not world.census.failure:
            for sync, changes in ((world.sync_a, {}), (world.sync_b, world.runs_of_b)):  # type: ignore[attr-defined]
                if not world.census.sync(sync).schedule.paused:
                    run = world.census.start(sync, "Schedule")
                    others = {k: v for k, v in changes.items() if k not in ("status", "completed_in")}
                    world.census.finish(run.id, changes.get("status", RunStatus.COMPLETED), **WELL | others)
                    if "completed_in" in changes:
                        world.census.move(run.id, completed_at=world.clock.now() + changes["completed_in"])
        run_checks(ports, thrifty=True)
        send_due_digest(ports, world.checker)
        world.deliver()
        world.clock.pass_(minutes=minutes)


def ticks_before(told_by: set[str]) -> int:
    """So many that three runs have completed, where it is them who say how long one takes."""
    return 9 if "long_run" in told_by else 6


def incidents(world: World) -> list[tuple[object, ...]]:
    return world.rows('SELECT "check", sync FROM incidents')


@pytest.mark.full
@pytest.mark.parametrize(("fault", "told_by"), FAULTS.values(), ids=FAULTS.keys())
def test_every_kind_of_fault_is_told_once_and_by_the_check_that_is_meant_for_it(
    world: World, ports: Ports, fault: Fault, told_by: set[str]
) -> None:
    live(world, ports, ticks=ticks_before(told_by))
    assert incidents(world) == [], "healthy before"
    fault(world)
    live(world, ports, ticks=36)  # three hours
    assert {check for check, _ in incidents(world)} == told_by
    assert len(incidents(world)) == len(told_by), "no fault is told twice"
    roots = world.rows(f"SELECT COUNT(*) FROM outbox WHERE kind = '{Kind.ROOT}'")
    assert roots == [(len(told_by),)], "one message in the channel for each incident"


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_headline_says_what_is_wrong_and_why(world: World, ports: Ports, fault: str) -> None:
    live(world, ports, ticks=ticks_before(FAULTS[fault][1]))
    FAULTS[fault][0](world)
    for _ in range(12):
        if not incidents(world):
            live(world, ports, ticks=3)
    announced = world.incident()
    settings = ports.settings
    assert unescape(". ".join([headline(announced, settings), *announced.causes[:1]])) == HEADLINES[fault]


def test_there_are_thirty_kinds_of_fault_and_more() -> None:
    assert len(FAULTS) >= 30


@pytest.mark.full
@pytest.mark.parametrize(
    "begin",
    [datetime(2026, 2, 20, 8, tzinfo=UTC), datetime(2026, 10, 15, 7, tzinfo=UTC)],
    ids=["clocks go forward", "clocks go back"],
)
def test_thirty_healthy_days_raise_nothing(world: World, ports: Ports, begin: datetime) -> None:
    """Idle days and weekends have runs of zero rows; numbers move within their limits; the bot restarts."""
    world.clock.pass_(seconds=(begin - world.clock.now()).total_seconds())
    restarted = ports
    for day in range(30):
        weekend = (begin + timedelta(days=day)).weekday() >= 5
        busy = 0 if weekend else 1
        world.warehouse.rows[HEALTH] = [
            HEALTHY
            | {"create_queue": busy * (7 * day % 50), "update_queue": busy * (83 * day % 480)}
            | {"coverage_percentage": 95.6 + day % 9 / 5, "null_company_names": 5 + day % 20}
        ]
        world.runs_of_b = {"records_updated": 0} if weekend else {}  # type: ignore[attr-defined]
        live(world, restarted, ticks=32, minutes=45, every=1)
        if day % 7 == 3:  # down for an hour: the syncs go on without us
            world.clock.pass_(hours=1)
            restarted = replace(ports)
    assert incidents(world) == []
    said = world.channel.everything()
    assert {message.kind for message in said} == {Kind.DIGEST}
    days = [date.fromisoformat(target) for _, what, target, _ in world.audit() if what == "digest"]
    assert days == [days[0] + timedelta(days=n) for n in range(len(said))], "one for each local day"
    assert len(said) >= 30


@pytest.mark.full
def test_days_of_runs_of_any_size_that_take_their_time_raise_nothing(world: World, ports: Ports) -> None:
    """Every quarter of an hour, few records by day, 2,000 every night, once a backfill of 3,000: 50 a minute."""
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    ports = replace(ports, settings=replace(ports.settings, checks=tuple(c for c in ports.settings.checks if c.per)))
    going_on = None
    for tick in range(3 * 24 * 12):
        for sync in (world.sync_a, world.sync_b):
            if tick % 3 == 0 and not (sync == world.sync_b and going_on):
                run = world.census.start(sync, "Schedule")
                world.census.move(run.id, **WELL)
                if sync == world.sync_a:
                    world.census.finish(run.id)
                    continue
                size = 3_000 if tick == 2 * 288 else 2_000 if tick % 288 == 24 else 13 * tick % 300
                world.census.move(run.id, records_total=size)
                going_on = (run.id, world.clock.now() + timedelta(minutes=2 + size / 50))
        if going_on and world.clock.now() >= going_on[1]:
            world.census.finish(going_on[0])
            going_on = None
        run_checks(ports, thrifty=True)
        world.clock.pass_(minutes=5)
    assert incidents(world) == []
