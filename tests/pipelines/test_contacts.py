"""The contacts pipeline end to end, in its own words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.contacts import COMPANIES, CONTACTS, Contacts
from tests.pipelines.world import ROBIN, in_own_words
from tests.slack.conftest import words
from tests.waiting import until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Contacts]:
    """Its servers, deployed to; without a bot."""
    world = Contacts(tmp_path)
    world.start()
    try:
        assert world.cli("deploy", "--yes")[0] == 0
        yield world
    finally:
        world.stop()


def test_it_is_deployed_examined_checked_and_kept_in_its_own_words(tmp_path: Path) -> None:
    world = Contacts(tmp_path)
    world.start()
    try:
        code, out, _ = world.cli("doctor")
        assert code == 2 and "Table or view lake-prod.ops.sync_audit_log is missing" in out
        assert "→ create it with `sync-health deploy`" in out and "→ the same" in out, "both need it"
        plan, shown = world.cli("deploy", "--dry-run")[1], world.cli("deploy", "--show")[1]
        assert "2 statements would run: 2 create. Nothing was changed." in plan
        assert shown.count("`lake-prod`.`ops`.") >= 2 and "'Asia/Kolkata' AS zone" in shown
        in_own_words(re.sub(r"\bCREATE (TABLE|OR REPLACE)\b", "", shown))
        said = [world.cli("deploy", "--yes")[1]]
        assert "create  lake-prod.ops.sync_health_monitor" in said[0] and "2 objects deployed" in said[0]
        assert "Nothing to deploy: 2 objects are as pipeline.yml says" in world.cli("deploy", "--yes")[1]
        code, out, _ = world.cli("doctor")
        assert code == 0 and "✓ lake-prod.crm.deals_to_sync: can be read" in out and " IST" in out
        answer = world.check()
        assert (answer["outcome"], answer["problems"], answer["incidents"]) == ("ok", [], [])
        assert {one["outcome"] for one in answer["checks"]} == {"ok"}
        assert [one["pending"] for one in answer["syncs"]] == [0, 0, None]
        text = world.cli("check", "--dry-run", "--verbose")[1]
        assert "0 contacts in the lake have no name" in text and "Contacts' last run completed" in text
        assert "last run (Asia/Kolkata)" in text and "when something outside Census starts it" in text
        first = world.cli("snapshot")[1]
        assert re.search(r"^Stale contacts +0 +–$", first, re.MULTILINE)
        world.hold()  # a run would take them
        world.add(100, 102)
        world.clock.jump(minutes=6)
        second = world.cli("snapshot")[1]
        assert re.search(r"^Contacts backlog +3 +\+3$", second, re.MULTILINE)
        past = world.cli("check", "--replay", "3d", "--limit", "backlog: warn > 2")
        assert past[0] == 0 and "2 snapshots" in past[1] and "nameless_contacts" in past[1]
        in_own_words("\n".join([out, text, first, second, past[1], *said]).replace("create  ", ""))
        rows = world.run('SELECT sync_name, queue_size FROM "lake-prod".ops.sync_health_monitor')
        assert rows == [("Contacts", 3), ("Deals", 0), ("Companies", None)]
    finally:
        world.stop()


def test_each_fault_is_alerted_in_one_thread_and_a_rerun_ends_one(world: Contacts) -> None:
    world.hold()
    with world.started():
        world.evaluate(2, minutes=6)
        assert world.slack.messages() == [], "nothing alerts while all is healthy"

        world.add(100, 103, email=None)
        world.evaluate()
        thread = world.thread("4 suspect records pending: no e-mail")
        assert "contacts 100, 101, 102" in thread and "Asia/Kolkata" in thread
        world.run("UPDATE \"lake-prod\".crm.contacts SET email = 'a@example.com' WHERE contact_id >= 100")
        world.add(104, 111, name="")
        world.evaluate(2, minutes=6)
        backlog = world.thread("Contacts has 12 pending contacts (threshold")
        assert "Critical" in backlog and "S0CONTACTS" in backlog and "`≤ 4`" in backlog
        nameless = world.root("8 contacts in the lake have no name")
        assert "Rerun Contacts" in words(nameless) and "*Cause*" not in words(nameless)
        assert "Fix the name in the view that feeds HubSpot." in world.thread("8 contacts in the lake have no name")
        assert "5 tiles of the dashboard" in world.ask("tiles")
        assert "What was written into the audit log of late?" in world.ask("tiles 13")
        listed, trend = world.ask("trend"), world.ask("trend backlog Contacts 7")
        assert "nameless_contacts" in listed and "Backlog, Contacts, last 7 days" in trend
        in_own_words(listed + trend)
        queue = world.ask("queue contacts")
        assert "By lifecycle stage" in queue and re.search(r"lead 6\ncustomer 6|customer 6\nlead 6", queue)

        world.run("UPDATE \"lake-prod\".crm.contacts SET name = 'Asha' WHERE name = ''")
        world.slack.press(ROBIN, world.root("Contacts has 12 pending contacts")["ts"], "rerun")
        modal = until(lambda: (m := world.slack.modal(ROBIN)) and "pending contacts" in words(m) and m)
        assert "lake-prod.crm.contacts_to_sync" in words(modal)
        world.slack.submit(ROBIN, {"reason": "the names are back"})
        until(lambda: "rerun completed" in words([world.slack.messages(m["ts"]) for m in world.slack.messages()]))
        world.evaluate(3, minutes=11)
        for about in ("no suspect records pending (peak 4", "without a name down to 0", "Backlog, Contacts down to 0"):
            assert "Resolved" in words(world.root(about))
        assert len(world.slack.messages()) == 3, "one message each, all the rest in its thread"
        assert "example.com" not in world.said() and "Asha" not in world.said()
        in_own_words(world.said() + words(modal))


def test_syncs_that_stop_are_alerted_each_by_what_was_due(world: Contacts) -> None:
    world.hold()
    with world.started():
        world.census.syncs[COMPANIES].paused = True
        world.clock.jump(hours=8.5)
        world.evaluate()
        assert "Companies is paused in Census" in words(world.root("Companies"))
        late = world.root("Deals has not completed the run that was due")
        assert "Critical" in words(late) or "Warning" in words(late)
        summary = world.ask("")
        assert "unknown" not in summary and "expected every 6 h" in summary
        assert summary.count("Pending") == 2, "of Companies there is nothing to know"
        in_own_words(world.said())


def test_what_hubspot_says_of_a_rejection_shows_no_address(world: Contacts) -> None:
    world.hold()
    world.add(100, 119)
    world.census.syncs[CONTACTS].trouble = "rejects"
    with world.started():
        world.census.trigger(CONTACTS)
        world.clock.jump(minutes=2)
        until(lambda: world.census.runs(CONTACTS)[0]["status"] == "completed")
        world.evaluate()
        errors = world.ask("errors contacts")
        assert "INVALID_EMAIL" in errors and "Next step" in errors
        assert "HubSpot rejected 2 of 20 records in Contacts' last run" in world.said()
        for private in ("asha", "example.com", "correlationId", "a43683b0"):
            assert private not in world.said().casefold()
        in_own_words(world.said().replace("Property values were not valid", ""))  # HubSpot's own words


@pytest.mark.full
def test_every_answer_is_in_its_own_words(world: Contacts) -> None:
    world.hold()
    with world.started():
        for asked in ("", "queue", "runs", "errors", "schedules", "incidents", "help", "snapshot", "check"):
            assert "nexpected error" not in world.ask(asked), asked
        assert "the first one" in world.said()
        in_own_words(world.said())


@pytest.mark.full
def test_a_day_leaves_its_summary_its_snapshot_and_its_runs(world: Contacts) -> None:
    with world.started():
        world.evaluate()
        rows = "SELECT audit_id, sync_name, sync_type FROM \"lake-prod\".ops.sync_audit_log WHERE audit_id LIKE '%s'"
        logged = until(lambda: world.run(rows % "census_run_%"))
        assert {name for _, name, _ in logged} <= {"Contacts", "Deals", "Companies"}
        assert {kind for _, _, kind in logged} <= {"CONTACTS", "DEALS", "COMPANIES"}
        view = 'SELECT sync_name, last_sync_timestamp IS NOT NULL FROM "lake-prod".ops.sync_health_monitor'
        until(lambda: ("Contacts", True) in world.run(view))
        world.clock.jump(hours=13)  # past midnight in Kolkata
        until(lambda: world.run(rows % "daily_snapshot_20261125"))
        world.clock.jump(hours=9)  # 09:30 there
        root = until(lambda: next((m for m in world.slack.messages() if "Daily summary" in m["text"]), None))
        assert "0 pending" in root["text"] and "Thu, Nov 26" in root["text"]
        in_own_words(world.said())
