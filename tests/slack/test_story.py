"""One fault found, told and fixed, all the way through over real wires."""

from contextlib import suppress
from dataclasses import replace

import pytest

from bot.alerts.model import State
from bot.demo.slack.server import Fault
from tests.slack.conftest import NAMES, OFFERED, World, words
from tests.waiting import until

# Slow enough that a busy machine presses within the four hours of an acknowledgment.
pytestmark = pytest.mark.parametrize("world", [240], indirect=True)


def test_a_fault_is_told_in_one_thread_acknowledged_rerun_and_resolved(world: World) -> None:
    slack = world.demo.slack
    root = world.break_names()
    assert "Salesforce records missing company name" in root["text"]
    assert "rds_properties_enriched returns no company name for" in words(root), "its cause"
    assert "Unacknowledged" in words(root)
    until(lambda: "Next step" in words(world.thread()))

    slack.press(world.operator, root["ts"], "acknowledge")
    until(lambda: f"Acknowledged by <@{world.operator}>" in words(world.root()))
    assert "'action_id': 'acknowledge'" not in str(world.root())
    assert OFFERED not in str(world.root()), "the source is still wrong"

    world.demo.estate.switch(NAMES, False)
    world.rerun(world.operator)
    modal = until(lambda: (m := slack.modal(world.operator)) and "pending propert" in words(m) and m)
    assert "No suspect records" in words(modal)
    slack.submit(world.operator, {"reason": "the filter is gone"})

    until(lambda: "rerun completed" in words(world.thread()))
    until(lambda: "Resolved" in words(world.root()))
    thread = until(lambda: (t := world.thread()) and len(t) == 3 and t)
    assert "the filter is gone" in words(thread[1])
    assert "0 rejected" in words(thread[1]), "counts are told"
    for step in ("Triggered", "Acknowledged", "Rerun", "Resolved"):
        assert step in words(thread[2])
    others = ("uspect record", "Daily summary", "Weekly review")  # the pipeline's clock may pass 9:00
    about_names = [one for one in slack.messages() if not any(words in one["text"] for words in others)]
    assert len(about_names) == 1, "one message in the channel, all the rest in its thread"
    assert [run["sync_trigger_reason"]["ui_tag"] for run in world.update_runs()].count("API Request") == 1
    assert ("U0ROBIN", "acknowledge", "done") in world.audit()


@pytest.mark.full
def test_every_message_carries_our_id_and_nothing_else(world: World) -> None:
    world.break_names()
    until(lambda: world.thread())
    for message in [world.root(), *world.thread()]:
        assert message["metadata"]["event_type"] == "sync_health_message"
        assert set(message["metadata"]["event_payload"]) == {"id"}


@pytest.mark.full
def test_who_is_no_operator_is_refused_told_whom_to_ask_and_audited(world: World) -> None:
    slack, root = world.demo.slack, world.break_names()
    slack.press(world.visitor, root["ts"], "acknowledge")
    until(lambda: f"Only operators may do that. Ask <@{world.operator}>" in world.told(world.visitor))
    until(lambda: _refused(world) == ["acknowledge"])
    world.demo.estate.switch(NAMES, False)
    world.rerun(world.visitor)
    until(lambda: "Only operators" in words(slack.modal(world.visitor) or {}))
    assert "Unacknowledged" in words(world.root())
    until(lambda: _refused(world) == ["acknowledge", "rerun"])
    assert all(row[2].startswith("refused") for row in world.audit() if row[0] == world.visitor)
    assert "API Request" not in [run["sync_trigger_reason"]["ui_tag"] for run in world.update_runs()]


@pytest.mark.full
def test_a_press_that_comes_too_late_is_answered_and_audited(world: World) -> None:
    slack, root = world.demo.slack, world.break_names()
    thread = until(lambda: world.thread())
    world.demo.estate.switch(NAMES, False)
    world.rerun(world.operator)
    until(lambda: "pending propert" in words(slack.modal(world.operator) or {}))
    world.bot._scheduler.stop()  # else the root would be edited, and its button gone
    until(lambda: not world.owed())
    with world.ports.store.transaction() as records:
        [incident] = [one for one in records.open_incidents() if one.check == "null_company_names"]
        records.save_incident(replace(incident, state=State.OK, resolved_at=world.demo.clock.now()))
    slack.submit(world.operator, {"reason": "the filter is gone"})
    until(lambda: "is resolved already; there is nothing left to do here" in world.told(world.operator))
    until(lambda: _refused(world) == ["rerun"])
    slack.press(world.operator, root["ts"], "acknowledge")
    until(lambda: "This incident is already resolved." in world.told(world.operator))
    until(lambda: _refused(world) == ["rerun", "acknowledge"])
    assert len(thread) == 1


@pytest.mark.full
def test_pressing_twice_starts_one_run_and_says_whose_it_is(world: World) -> None:
    slack, root = world.demo.slack, world.break_names()
    world.demo.estate.switch(NAMES, False)
    world.rerun(world.operator)
    until(lambda: "pending propert" in words(slack.modal(world.operator) or {}))
    sync = world.demo.census.syncs[world.update_sync()]
    sync.trouble = "hangs"  # it goes on for as long as the second click takes
    slack.submit(world.operator, {"reason": "the filter is gone"})
    until(lambda: ("U0ROBIN", "rerun") in [row[:2] for row in world.audit()])
    with suppress(LookupError):  # the root may have withdrawn the offer already
        slack.press(world.operator, root["ts"], "rerun")
        until(lambda: "A rerun of Sync B is in progress" in words(slack.modal(world.operator) or {}))
        assert f"Requested by <@{world.operator}>" in words(slack.modal(world.operator))
        assert "View thread" in words(slack.modal(world.operator))
    sync.trouble = ""
    until(lambda: "rerun completed" in words(slack.messages(root["ts"])))
    assert [run["sync_trigger_reason"]["ui_tag"] for run in world.update_runs()].count("API Request") == 1


@pytest.mark.full
def test_what_became_worse_since_the_dialog_opened_brings_it_back(world: World) -> None:
    slack, _ = world.demo.slack, world.break_names()
    world.demo.estate.switch(NAMES, False)
    world.rerun(world.operator)
    shown = until(lambda: (m := slack.modal(world.operator)) and "pending propert" in words(m) and m)
    ordered, now = len(_ordered(world)), slack._workspace.real()
    slack._workspace.real = lambda: now  # triggers live three seconds, which a busy machine needs for the facts
    world.demo.census.syncs[world.update_sync()].paused = True
    slack.submit(world.operator, {"reason": "I know"})
    again = until(lambda: (m := slack.modal(world.operator)) and m["id"] != shown["id"] and m)
    assert "Nothing was done." in words(again) and "the sync was paused" in words(again)
    assert words(again["submit"]).startswith("Resume and rerun"), "another thing is confirmed now"
    assert "I know" in words(again), "what was written stays"
    until(lambda: any(row[1] == "rerun" and "the sync was paused" in row[2] for row in world.audit()))
    assert len(_ordered(world)) == ordered
    assert "Nothing was done" not in world.told(world.operator), "it is said once"


@pytest.mark.full
def test_a_submission_whose_trigger_is_over_is_answered_all_the_same(world: World) -> None:
    """It had waited for longer than Slack lets a dialog be opened."""
    slack, _ = world.demo.slack, world.break_names()
    world.demo.estate.switch(NAMES, False)
    world.rerun(world.operator)
    until(lambda: "pending propert" in words(slack.modal(world.operator) or {}))
    slack.fail_next("views.open", Fault(error="expired_trigger_id"))
    world.demo.census.syncs[world.update_sync()].paused = True
    slack.submit(world.operator, {"reason": "I know"})
    until(lambda: "the sync was paused. Click again." in world.told(world.operator))


def _refused(world: World) -> list[str]:
    """What was refused, in its order; the audit is written after the answer."""
    return [row[1] for row in world.audit() if row[2].startswith("refused")]


def _ordered(world: World) -> list[dict]:
    return [run for run in world.update_runs() if run["sync_trigger_reason"]["ui_tag"] == "API Request"]
