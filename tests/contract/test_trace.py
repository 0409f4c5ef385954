"""sql/measure/trace.sql on the generated estate: every way of being stuck, at its first hop and in its words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.adapters.census.client import CensusClient
from bot.adapters.duckdb import DuckDBWarehouse
from bot.alerts.trace import Standing
from bot.answers.trace import Trace
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import LocalSync
from bot.demo.estate import Estate
from bot.ports import Sources
from bot.runtime.composition import settings_from
from bot.services.follow_trace import arrival, begin_following, follow_on
from bot.services.show_trace import show_trace
from tests.fakes import HandClock
from tests.sql_folder import shipped_statements

SETTINGS = settings_from({})
CREATE, UPDATE = (sync.id for sync in SETTINGS.syncs)
TOKEN = "opens-nothing"
RECORD_OF = "SELECT rds_property_id FROM crm.sfdc_dbx.properties_to_update WHERE snappt_property_id_c"
# Views that lack a record for no reason that can be seen from outside.
ENRICHED = """
CREATE OR REPLACE VIEW crm.sfdc_dbx.rds_properties_enriched AS
SELECT p.id AS rds_property_id, p.sfdc_id, p.updated_at, CAST(NULL AS VARCHAR) AS company_name, 1 AS is_active,
  p.name AS property_name
FROM rds.pg_rds_public.properties p WHERE p.id <> 100057
"""
AGGREGATED = """
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_aggregated_by_sfdc_id AS
SELECT rds_property_id, sfdc_id, property_name, company_name, TRUE AS idv_enabled, TRUE AS bank_linking_enabled,
  TRUE AS payroll_enabled, TRUE AS income_insights_enabled, TRUE AS document_fraud_enabled,
  updated_at AS rds_last_updated_at, 1 AS active_property_count
FROM crm.sfdc_dbx.rds_properties_enriched WHERE FALSE
"""
NOTHING_TO_CREATE = """
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_create AS
SELECT * FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id WHERE FALSE
"""
NOTHING_TO_UPDATE = """
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_update AS
SELECT a.*, '' AS snappt_property_id_c FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id a WHERE FALSE
"""
DELETED = """
UPDATE hive_metastore.salesforce.product_property SET is_deleted = TRUE WHERE sf_property_id_c = 'a0XDEMO00000000057'
"""


@dataclass
class Way:
    """The estate, its Census behind HTTP, and time in the test's hand."""

    clock: HandClock
    warehouse: DuckDBWarehouse
    estate: Estate
    server: CensusServer
    client: CensusClient

    @property
    def sources(self) -> Sources:
        return Sources(SETTINGS, self.clock, self.warehouse, self.client)

    def trace(self, asked: str) -> Trace:
        return show_trace(self.sources, self.client, asked)

    def told(self, asked: str) -> tuple[Standing, str, str]:
        found = self.trace(asked).verdict
        return found.standing, found.place, found.sentence

    def run(self, text: str) -> None:
        with self.warehouse.cursor() as cursor:
            cursor.execute(text)

    def record_of(self, key: str) -> str:
        """The property that is pending under this sync key."""
        with self.warehouse.cursor() as cursor:
            cursor.execute(f"{RECORD_OF} = '{key}'")
            [[record]] = cursor.fetchall()
        return str(record)

    def pass_(self, **span: float) -> None:
        self.clock.pass_(**span)
        self.server.advance()


def new_way() -> Way:
    clock = HandClock()
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    estate = Estate(warehouse, clock.now)
    estate.build()
    syncs = [LocalSync(sync.id, sync.label, str(sync.role)) for sync in SETTINGS.syncs]
    server = CensusServer(estate, syncs, token=TOKEN, now=clock.now)
    server.start()
    return Way(clock, warehouse, estate, server, CensusClient(server.url, token=TOKEN))


@pytest.fixture(scope="module")
def still() -> Iterator[Way]:
    """Nothing happens in it."""
    one = new_way()
    yield one
    one.server.stop()
    one.warehouse.close()


@pytest.fixture
def way() -> Iterator[Way]:
    """One of its own, in which something happens."""
    one = new_way()
    yield one
    one.server.stop()
    one.warehouse.close()


STOPPED = {
    "deleted in the source": ("120274", "Enriched view", "it is deleted in RDS"),
    "without a company": ("120600", "Enriched view", "it has no company"),
    "the placeholder": ("119500", "Aggregated view", "its Salesforce ID is the placeholder XXXXXXXXXXXXXXX"),
    "an empty id": ("119501", "Aggregated view", "it has no Salesforce ID"),
    "no id": ("119502", "Aggregated view", "it has no Salesforce ID"),
    "not active": ("118739", "Aggregated view", "its status is not ACTIVE"),
}


@pytest.mark.parametrize(("record", "place", "why"), STOPPED.values(), ids=STOPPED.keys())
def test_what_stops_on_its_way_stops_at_the_first_hop_that_it_does_not_reach(
    still: Way, record: str, place: str, why: str
) -> None:
    expected = f"Property {record} does not reach the {place}: {why}"
    assert still.told(record) == (Standing.STOPPED, place, expected)


def test_the_trace_calls_suspect_what_pipeline_yml_does() -> None:
    said = shipped_statements().literals("measure/trace")
    text = shipped_statements().load("measure/trace")
    for sync in SETTINGS.syncs:
        for rule in sync.suspect:
            assert rule.label in said and f"WHEN {rule.when} THEN '{rule.label}'" in text


def test_an_id_that_nothing_has_is_unknown(still: Way) -> None:
    for asked in ("999999999", "nobody@example.com", "'; DROP TABLE x; --", "%", "a" * 100):
        found = still.trace(asked)
        assert (found.verdict.standing, found.hops, found.matches) == (Standing.UNKNOWN, (), 0)
        assert found.verdict.sentence.startswith("No property has this ID: ")
        assert asked not in str(found), "what was typed may be personal"


def test_of_several_properties_under_one_id_the_one_that_changed_last_is_named_with_its_time(still: Way) -> None:
    _, place, sentence = still.told("108634")
    assert place == "Aggregated view"
    begin = "Property 108634 does not reach the Aggregated view: property 100005 has the same Salesforce ID"
    assert sentence.startswith(f"{begin} and changed later ({{2026-") and sentence.endswith("), so that one is written")
    assert still.trace("108634").verdict.next_step.startswith("Trace property 100005")
    winner = still.trace("100005").hops[2]
    assert (winner.place, winner.found) == ("Aggregated view", True)
    assert winner.note == "3 active properties share the Salesforce ID; this name is written"


def test_the_same_property_is_found_by_each_of_its_ids(still: Way) -> None:
    for asked in ("108617", "p08617"):
        assert still.trace(asked).record == "108617"
    for asked in ("a1XDEMO00000000052", "a1XDEMO00000000052"[:15], "p00052"):
        assert still.trace(asked).records[0] in ("100052",) or still.trace(asked).matches > 1


def test_an_id_that_several_share_lists_them_and_asks_for_one(still: Way) -> None:
    found = still.trace("a0XDEMO00000000005")
    assert (found.records, found.matches, found.hops) == (("100005", "108634", "117263"), 3, ())
    assert found.verdict.sentence == "3 properties share this ID"
    placeholder = still.trace("XXXXXXXXXXXXXXX")
    with still.warehouse.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM rds.pg_rds_public.properties WHERE sfdc_id = 'XXXXXXXXXXXXXXX'")
        [[count]] = cursor.fetchall()
    assert count > 20, "more than the statement returns"
    assert (len(placeholder.records), placeholder.matches) == (5, count)
    assert placeholder.verdict.sentence == f"{count:,} properties share this ID"


def test_what_is_pending_waits_for_the_next_run_of_its_sync_by_its_schedule(still: Way) -> None:
    for record, place, sync in (("108617", "CREATE backlog", "Sync A"), ("100005", "UPDATE backlog", "Sync B")):
        standing, at, sentence = still.told(record)
        assert (standing, at) == (Standing.WAITING, place)
        assert (
            f"Property {record} is pending in the {place}, not yet due: next run of {sync} {{2026-03-02T10:" in sentence
        )


def test_a_paused_sync_holds_what_is_pending(still: Way) -> None:
    still.server.switch("sync_paused", True)
    expected = (
        Standing.HELD,
        "UPDATE backlog",
        "Property 100005 is pending in the UPDATE backlog: Sync B is paused in Census",
    )
    assert still.told("100005") == expected
    assert still.told("108617")[0] is Standing.WAITING, "the other sync is on"
    still.server.switch("sync_paused", False)


def test_a_sync_without_a_schedule_holds_what_is_pending(still: Way) -> None:
    still.server.switch("schedule_off", True)
    standing, _, sentence = still.told("100005")
    assert standing is Standing.HELD and sentence.endswith("Sync B has no schedule in Census")
    still.server.switch("schedule_off", False)


def test_what_is_in_salesforce_as_it_should_be_has_arrived(still: Way) -> None:
    found = still.trace("100057")
    assert (found.verdict.standing, found.hops[-1].differences) == (Standing.ARRIVED, ())
    assert found.verdict.sentence.startswith("Property 100057 has arrived in Salesforce: nothing differs")


def test_of_what_differs_values_are_shown_of_flags_and_of_what_pipeline_yml_names_alone(still: Way) -> None:
    [flag] = still.trace("100052").hops[-1].differences
    assert (flag.field, flag.ours, flag.theirs) == ("bank_linking_enabled", "true", "false")
    [name] = still.trace("100005").hops[-1].differences
    assert (name.field, name.ours, name.theirs) == ("property_name", None, None)
    assert "Property 00005" not in str(still.trace("100005")).replace("Property 100005", "")


def test_census_that_does_not_answer_leaves_what_the_warehouse_knows(still: Way) -> None:
    still.server.fail_next("get_sync", 500, times=9)
    standing, place, sentence = still.told("100005")
    still.server.heal()
    assert (standing, place) == (Standing.UNKNOWN, "UPDATE backlog")
    assert "whether Sync B carries it is unknown: " in sentence


@pytest.mark.full
def test_a_company_that_is_deleted_is_noted_and_makes_what_is_pending_suspect(way: Way) -> None:
    way.run("UPDATE rds.pg_rds_public.companies SET _fivetran_deleted = TRUE WHERE id = 429")
    found = way.trace("108617")
    assert found.hops[1].suspect == "company 429 is deleted or missing, so the company name is empty"
    assert found.verdict.place == "CREATE backlog"
    assert found.verdict.sentence.endswith("It is suspect: no company name")
    assert found.verdict.next_step == "Fix its source before it is written"


@pytest.mark.full
def test_the_view_bug_is_named_at_the_view(way: Way) -> None:
    way.estate.switch("company_name_bug", True)
    found = way.trace("108617")
    assert found.hops[1].suspect == "the view gives it no company name, although company 429 has one"
    assert found.hops[3].suspect == "no company name"
    assert way.trace("108619").hops[1].suspect.startswith("the view gives it no company name")


@pytest.mark.full
def test_a_view_that_leaves_a_record_out_for_no_known_reason_is_told_so(way: Way) -> None:
    for view in (ENRICHED, AGGREGATED, NOTHING_TO_CREATE, NOTHING_TO_UPDATE):
        way.run(view)
    assert way.told("100057")[1:] == (
        "Enriched view",
        "Property 100057 does not reach the Enriched view: "
        "the view leaves it out, although it has a company and is not deleted",
    )
    assert way.told("100058")[2].endswith("the view leaves it out, although it is ACTIVE and has a Salesforce ID")


@pytest.mark.full
def test_a_view_of_the_way_that_is_missing_is_where_every_record_ends(way: Way) -> None:
    way.estate.switch("view_missing", True)
    standing, _, sentence = way.told("100057")
    assert standing is Standing.UNKNOWN
    assert sentence == "Table or view crm.sfdc_dbx.properties_to_update is missing, so no property gets past it"


@pytest.mark.full
def test_what_salesforce_alone_has_is_not_in_rds(way: Way) -> None:
    way.run("DELETE FROM rds.pg_rds_public.properties WHERE id = 100057")
    standing, place, sentence = way.told("a1XDEMO00000000057")
    assert (standing, place) == (Standing.STOPPED, "RDS")
    assert sentence == "Property 100057 is not in RDS: Salesforce alone has it"


@pytest.mark.full
def test_a_row_that_is_deleted_in_salesforce_is_created_again_and_said_so(way: Way) -> None:
    way.run(DELETED)
    found = way.trace("100057")
    assert found.verdict.place == "CREATE backlog"
    assert (found.hops[-1].found, found.hops[-1].note) == (False, "row a1XDEMO00000000057 is deleted in Salesforce")


@pytest.mark.full
def test_a_row_that_no_queue_looks_at_is_found_by_its_difference(way: Way) -> None:
    way.run(NOTHING_TO_UPDATE)
    assert way.told("100052") == (
        Standing.STOPPED,
        "Salesforce",
        "Property 100052 differs from Salesforce in 1 field, and no backlog has it: no sync will carry it",
    )


@pytest.mark.full
def test_a_rejected_record_is_found_by_its_identifier_with_its_cause(way: Way) -> None:
    way.server.switch("rows_rejected", True)
    way.pass_(minutes=15)
    for _ in range(40):
        way.pass_(seconds=15)
    [run] = [run for run in way.server.runs(UPDATE) if run["status"] == "completed" and run["records_failed"]][:1]
    rejected = [one["identifier"] for one in way.server.records(run["id"]) if one["status"] == "rejected"]
    assert len(rejected) == run["records_failed"] > 0
    record = way.record_of(rejected[0])
    standing, place, sentence = way.told(record)
    assert (standing, place) == (Standing.HELD, "UPDATE backlog")
    said = f"Salesforce rejected it in run {run['id']} of Sync B ({{2026-"
    assert said in sentence and sentence.endswith(": INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, field Property Status")
    way.estate.work(9)  # others change after that run
    with way.warehouse.cursor() as cursor:
        cursor.execute("SELECT rds_property_id, snappt_property_id_c FROM crm.sfdc_dbx.properties_to_update")
        others = [str(one) for one, key in cursor.fetchall() if key not in rejected]
    assert way.told(others[0])[0] is Standing.WAITING, "another record was rejected, not this one"
    written = {one["identifier"] for one in way.server.records(run["id"]) if one["status"] == "succeeded"}
    arrived = way.trace(min(written)).verdict
    assert arrived.standing is Standing.ARRIVED and f"; written in run {run['id']} of Sync B (" in arrived.sentence


@pytest.mark.full
def test_a_sync_whose_runs_fail_is_told_with_the_error_and_its_remedy(way: Way) -> None:
    way.server.switch("runs_fail", True)
    way.pass_(minutes=16)
    way.pass_(minutes=1)
    found = way.trace("100005").verdict
    assert found.standing is Standing.HELD and "of Sync B ({2026-03-02T10:05:" in found.sentence
    assert "INVALID_SESSION_ID" in found.sentence and found.next_step.endswith(": connect Salesforce again in Census.")


@pytest.mark.full
def test_a_run_in_progress_is_told(way: Way) -> None:
    way.server.switch("runs_hang", True)
    way.server.trigger(UPDATE)
    way.pass_(seconds=10)
    found = way.trace("100005").verdict
    assert found.standing is Standing.WAITING and "a run of Sync B has been in progress since {" in found.sentence


@pytest.mark.full
def test_what_was_written_and_has_not_come_back_names_the_run_and_the_age_of_the_copy(way: Way) -> None:
    way.run("CREATE TABLE crm.sfdc_dbx.older AS SELECT * FROM hive_metastore.salesforce.product_property")
    way.server.trigger(UPDATE)
    for _ in range(30):
        way.pass_(seconds=15)
    assert way.told("100005")[0] is Standing.ARRIVED
    way.run("DELETE FROM hive_metastore.salesforce.product_property")
    way.run("INSERT INTO hive_metastore.salesforce.product_property SELECT * FROM crm.sfdc_dbx.older")
    found = way.trace("100005").verdict
    assert (found.standing, found.place) == (Standing.WAITING, "Salesforce")
    assert found.sentence.startswith("Property 100005 was written in run 98")
    assert "; the copy of Salesforce in the warehouse is from {2026-03-02T09:" in found.sentence


@pytest.mark.full
def test_a_followed_record_arrives_with_its_run_and_the_backlog_that_moved(way: Way) -> None:
    followed = begin_following(way.sources, way.client, "100005")
    assert followed.goes_on and followed.backlog == 180
    assert followed.until == way.clock.now() + timedelta(hours=2)
    way.server.trigger(UPDATE)
    for _ in range(40):
        way.pass_(seconds=15)
        followed = follow_on(way.sources, way.client, followed)
    assert followed.trace.verdict.standing is Standing.ARRIVED
    found = arrival(way.sources, way.client, followed)
    assert found.run and found.confirmed and found.run.records_updated == 180
    assert (found.sync, found.before, found.now) == ("Sync B", 180, 0)
    assert timedelta(minutes=3) < found.after < timedelta(minutes=12)


@pytest.mark.full
def test_following_survives_a_census_that_is_silent_and_a_warehouse_that_is_not_asked_meanwhile(way: Way) -> None:
    followed = begin_following(way.sources, way.client, "100005")
    way.server.fail_next("list_runs", 500, times=9)
    failed = follow_on(way.sources, way.client, followed)
    way.server.heal()
    assert failed.trouble and failed.goes_on
    asleep = replace(way.sources, warehouse=_Asleep(way.warehouse))
    way.clock.pass_(minutes=6)
    assert follow_on(asleep, way.client, followed).trace is followed.trace, "no run has completed: nobody wakes it"
    assert follow_on(way.sources, way.client, failed).trace is not followed.trace


class _Asleep:
    """The same warehouse, stopped: a statement would wake it."""

    def __init__(self, warehouse: DuckDBWarehouse) -> None:
        self._warehouse = warehouse

    def state(self) -> str:
        return "STOPPED"

    def __getattr__(self, name: str) -> object:
        return getattr(self._warehouse, name)
