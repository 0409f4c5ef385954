"""A trace while each of the demo's faults is switched on: what it says is true, and agrees with the alerts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerts.model import Incident
from bot.alerts.trace import Standing
from bot.answers.trace import Trace
from bot.demo.census.syncs import SYNC_FAULTS
from bot.demo.estate import FAULTS
from bot.messages.trace import trace_message
from bot.ports import Ports
from bot.services.run_checks import run_checks
from bot.services.show_trace import show_trace
from tests.contract.test_trace import SETTINGS, UPDATE, Way, new_way
from tests.fakes import CHANNEL, FakeChannel
from tests.new_state import new_state
from tests.unit.payloads import said

ACTIONS = ("rerun", "pause", "resume", "cancel", "follow")


@pytest.fixture(scope="module")
def estate() -> Iterator[Way]:
    """One whose data is broken and fixed again; no run comes."""
    one = new_way()
    yield one
    one.server.stop()
    one.warehouse.close()


@pytest.fixture
def way() -> Iterator[Way]:
    """One in which runs come."""
    one = new_way()
    yield one
    one.server.stop()
    one.warehouse.close()


@contextmanager
def broken(way: Way, fault: str) -> Iterator[None]:
    way.estate.switch(fault, True)
    try:
        yield
    finally:
        way.estate.switch(fault, False)


def buttons(found: Trace) -> set[str]:
    """The actions on a sync that its message offers."""
    written = json.dumps(said(trace_message(found, replace(SETTINGS, channel=CHANNEL))))
    return {word for word in ACTIONS if f'"action_id": "{word}"' in written}


def test_every_switch_of_the_demo_has_a_test_here() -> None:
    tested = "\n".join(name for name in globals() if name.startswith("test_"))
    assert [name for name in (*FAULTS, *SYNC_FAULTS) if f"test_{name}_" not in tested] == []


@pytest.mark.parametrize("asked", ["100053", "a1XDEMO00000000053", "119779", "999"])
def test_properties_empty_is_no_statement_about_a_record(estate: Way, asked: str) -> None:
    with broken(estate, "properties_empty"):
        found = estate.trace(asked)
    assert (found.verdict.standing, found.hops) == (Standing.UNKNOWN, ())
    table = "crm.sfdc_dbx.rds_properties_enriched"
    assert found.verdict.sentence == f"Table {table} is empty, so nothing is known of any property"
    assert "elete" not in found.verdict.next_step and "typo" not in found.verdict.next_step


def test_an_empty_destination_is_no_statement_about_a_record_either(way: Way) -> None:
    way.run("DELETE FROM hive_metastore.salesforce.product_property")
    standing, _, sentence = way.told("100053")
    assert standing is Standing.UNKNOWN and "hive_metastore.salesforce.product_property is empty" in sentence


def test_an_empty_table_of_companies_is_named_and_no_company_is_called_deleted(way: Way) -> None:
    way.run("DELETE FROM rds.pg_rds_public.companies")
    found = way.trace("100005")
    assert found.hops[1].suspect == "the table of companies is empty, so the company name is empty"
    assert found.hops[1].next_step == "Load the table of companies again"


def test_view_missing_says_that_nothing_gets_past_it(estate: Way) -> None:
    with broken(estate, "view_missing"):
        standing, _, sentence = estate.told("100057")
    assert standing is Standing.UNKNOWN and "crm.sfdc_dbx.properties_to_update is missing" in sentence


def test_salesforce_rows_deleted_is_told_of_the_row_that_is_asked_for(estate: Way) -> None:
    row = "a1XDEMO00000011500"
    with broken(estate, "salesforce_rows_deleted"):
        found = estate.trace(row)
    said = f"Property 111500: row {row} is deleted in Salesforce, and row a1XDEMO00000002871 is the one that is written"
    assert (found.verdict.standing, found.verdict.sentence) == (Standing.STOPPED, said)
    assert estate.trace(row).verdict.standing is Standing.ARRIVED


def test_company_names_lost_is_told_of_the_row_that_is_asked_for(estate: Way) -> None:
    row = "a1XDEMO00000008700"
    with broken(estate, "company_names_lost"):
        found = estate.trace(row)
    assert found.verdict.standing is Standing.STOPPED
    lacks = f"In Salesforce: row {row} has no company name, although the Aggregated view has one for it"
    assert found.verdict.sentence.endswith(lacks)
    assert "a rerun does not change it" in found.verdict.next_step
    assert "no company name" not in estate.trace(row).verdict.sentence


def test_company_names_mixed_up_is_a_difference_of_the_row_that_is_asked_for(estate: Way) -> None:
    with estate.warehouse.cursor() as cursor:
        cursor.execute("SELECT id, company_name_c FROM hive_metastore.salesforce.product_property")
        before = dict(cursor.fetchall())
    with broken(estate, "company_names_mixed_up"):
        with estate.warehouse.cursor() as cursor:
            cursor.execute("SELECT id, company_name_c FROM hive_metastore.salesforce.product_property ORDER BY id")
            rows = [row for row, name in cursor.fetchall() if before[row] != name]
        verdicts = [estate.trace(row).verdict for row in (rows[0], rows[len(rows) // 2], rows[-1])]
    assert all(one.standing is not Standing.ARRIVED for one in verdicts), verdicts


def test_company_name_bug_never_leaves_a_record_that_it_broke_green(way: Way) -> None:
    way.estate.switch("company_name_bug", True)
    way.server.trigger(UPDATE)
    for _ in range(60):
        way.pass_(seconds=15)
    for asked in ("108617", "a1XDEMO00000003016", "103016", "108619"):
        found = way.trace(asked)
        enriched = found.hops[1]
        assert enriched.suspect.startswith("the view gives it no company name, although company ")
        assert found.verdict.standing is not Standing.ARRIVED, found.verdict
    winner = way.trace("a1XDEMO00000003016").verdict.next_step.split()[2].rstrip(";")
    found = way.trace(winner)
    assert found.verdict.standing is Standing.SUSPECT, found.verdict
    assert "It is suspect: the view gives it no company name" in found.verdict.sentence
    assert found.verdict.next_step.startswith("Compare the view with its statement")


def test_update_queue_grows_leaves_what_changed_waiting_for_the_next_run(estate: Way) -> None:
    with broken(estate, "update_queue_grows"), estate.warehouse.cursor() as cursor:
        cursor.execute("SELECT rds_property_id FROM crm.sfdc_dbx.properties_to_update ORDER BY 1 DESC LIMIT 1")
        [[record]] = cursor.fetchall()
        found = estate.trace(str(record))
    assert (found.verdict.standing, buttons(found)) == (Standing.WAITING, {"rerun"})


class Watched:
    """The same, with a bot that evaluates it and keeps its alerts."""

    def __init__(self, way: Way, path: Path) -> None:
        self.way, self.store = way, new_state(path / "state.db")
        settings = replace(SETTINGS, channel=CHANNEL)
        self.ports = Ports(settings, way.clock, way.warehouse, way.client, FakeChannel(), self.store)

    def pass_(self, minutes: int) -> None:
        for _ in range(minutes):
            self.way.pass_(seconds=60)
            if self.way.clock.now().minute % 5 == 0:
                run_checks(self.ports)

    def opened(self) -> list[Incident]:
        with self.store.snapshot() as records:
            return records.open_incidents()

    def trace(self, asked: str) -> Trace:
        return show_trace(self.ports, self.way.client, asked, self.store)


@pytest.fixture
def watched(way: Way, tmp_path: Path) -> Iterator[Watched]:
    one = Watched(way, tmp_path)
    yield one
    one.store.close()


def agreed(watched: Watched, check: str) -> Trace:
    """The trace of what is pending in Sync B: its next step is that of this alert, and it offers nothing else."""
    [incident] = [one for one in watched.opened() if (one.check, one.sync) == (check, "Sync B")]
    found = watched.trace("100005")
    assert found.verdict.standing is Standing.HELD, found.verdict
    assert found.verdict.next_step == incident.helps
    assert buttons(found) <= {*incident.offers}
    return found


def test_runs_fail_is_told_with_the_next_step_of_the_alert_and_no_rerun(watched: Watched) -> None:
    watched.way.server.switch("runs_fail", True)
    watched.pass_(40)
    found = agreed(watched, "failed_runs")
    assert "INVALID_SESSION_ID" in found.verdict.sentence and "rerun" not in buttons(found)
    alone = watched.way.trace("100005")
    assert alone.verdict.next_step == found.verdict.next_step, "also before there is an alert"
    assert "rerun" not in buttons(alone)


def test_runs_find_nothing_is_not_called_not_yet_due(watched: Watched) -> None:
    watched.way.server.switch("runs_find_nothing", True)
    watched.pass_(75)
    found = agreed(watched, "empty_runs")
    assert "not yet due" not in found.verdict.sentence and "rerun" not in buttons(found)


def test_sync_paused_is_told_with_the_next_step_of_the_alert(watched: Watched) -> None:
    watched.way.server.switch("sync_paused", True)
    watched.pass_(10)
    assert "Sync B is paused in Census" in agreed(watched, "schedule_enabled").verdict.sentence


def test_schedule_off_is_told_with_the_next_step_of_the_alert(watched: Watched) -> None:
    watched.way.server.switch("schedule_off", True)
    watched.pass_(10)
    assert "has no schedule in Census" in agreed(watched, "schedule_enabled").verdict.sentence


def test_runs_hang_is_told_with_the_run_in_progress(watched: Watched) -> None:
    watched.way.server.switch("runs_hang", True)
    watched.pass_(60)
    found = watched.trace("100240")  # in the half of the run that is not written
    assert found.verdict.standing is not Standing.ARRIVED and "rerun" not in buttons(found)


def test_rows_rejected_is_told_of_the_record_itself(watched: Watched) -> None:
    watched.way.server.switch("rows_rejected", True)
    watched.pass_(30)
    [run] = [run for run in watched.way.server.runs(UPDATE) if run["status"] == "completed" and run["records_failed"]][
        :1
    ]
    key = next(one["identifier"] for one in watched.way.server.records(run["id"]) if one["status"] == "rejected")
    found = watched.trace(watched.way.record_of(key))
    assert "Salesforce rejected it in run" in found.verdict.sentence and found.alert is None
