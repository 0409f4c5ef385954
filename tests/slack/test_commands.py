"""What can be typed beside the summary, end to end; one world serves many questions."""

import re
from collections.abc import Iterator

import pytest

from bot.demo.slack.server import Fault
from bot.slack.command_table import COMMANDS
from bot.slack.context import COMMAND
from tests.slack import conftest
from tests.slack.conftest import World, words
from tests.waiting import until


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of the others, kept for the whole file."""
    yield from conftest.world.__wrapped__(request)


def _ask(world: World, text: str, user: str | None = None) -> str:
    return words(world.ask(text, user or world.visitor))


@pytest.mark.full
def test_queues_are_shown_short_and_one_of_them_with_its_rows(world: World) -> None:
    both = _ask(world, "queue")
    assert "*Sync A (CREATE): " in both and "*Sync B (UPDATE): " in both
    assert "First rows" not in both
    create = _ask(world, "queue create")
    assert "Sync B" not in create
    assert "pending properties" in create and "properties_to_create" in create


@pytest.mark.full
def test_runs_are_shown_with_counts_and_error_rates(world: World) -> None:
    answer = until(lambda: (a := _ask(world, "runs b")) and ("✅ Completed" in a or "with no changes" in a) and a)
    assert "*Sync B (UPDATE)* none of its last" in answer and "Sync A" not in answer
    assert "*Sync A (CREATE)* none of its last" in _ask(world, "runs")


def test_schedules_are_shown_with_the_next_run(world: World) -> None:
    answer = _ask(world, "schedules")
    assert answer.count("✅ On, every 15 minutes · next <!date^") == 2
    sync = world.demo.census.syncs[next(iter(world.demo.census.syncs))]
    sync.paused = True
    assert "⏸️ Paused" in _ask(world, "schedules")
    sync.paused = False


@pytest.mark.full
def test_a_snapshot_is_taken_typed_or_pressed_and_a_second_one_at_once_is_the_first(world: World) -> None:
    typed = _ask(world, "snapshot", world.operator)
    assert "📸 Snapshot taken" in typed
    assert "change since `daily_snapshot_" in typed
    _ask(world, "", world.operator)
    seen = world.demo.slack.ephemerals(world.operator)
    world.demo.slack.press(world.operator, seen[-1]["ts"], "more", "snapshot now")
    pressed = words(until(lambda: world.demo.slack.ephemerals(world.operator)[len(seen) :]))
    assert "Coverage of Salesforce (%)" in pressed
    assert ("U0ROBIN", "snapshot", "taken") in world.audit()


def test_a_snapshot_is_for_operators(world: World) -> None:
    assert "Only operators may do that" in _ask(world, "snapshot")


@pytest.mark.full
def test_check_validates_now_and_shows_the_summary(world: World) -> None:
    answers = world.ask("check", world.visitor)
    assert "properties: healthy" in words(answers)
    # Where it joined one that was going on the second answer comes with its end.
    assert len(answers) == (2 if "Newer values follow" in words(answers) else 1)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("incidents 4", "incidents takes nothing behind it. One of them: /sync-health incident and its number."),
        ("report last week", "/sync-health report takes nothing behind it. It is about the last seven days."),
        ("snapshot now", "/sync-health snapshot takes nothing behind it."),
    ],
)
def test_words_that_would_be_passed_over_are_refused(world: World, typed: str, said: str) -> None:
    assert said in _ask(world, typed)


@pytest.mark.parametrize("typed", ["queue zz", "queue sync", "runs <!channel>", "runs 99999999999999999999999"])
def test_a_sync_that_nobody_knows_gets_the_list(world: World, typed: str) -> None:
    answer = _ask(world, typed)
    assert "Syncs: Sync A (CREATE), Sync B (UPDATE)." in answer
    assert "<!channel>" not in answer


def test_the_audit_is_shown_to_everybody_of_the_workspace_and_says_who_did_what(world: World) -> None:
    _ask(world, "ack 99", world.operator)
    until(lambda: any(row[:2] == (world.operator, "ack") for row in world.audit()))
    shown = world.demo.slack.ephemerals(world.visitor)
    _ask(world, "audit 30")
    [answer] = world.demo.slack.ephemerals(world.visitor)[len(shown) :]
    [table] = [block for block in answer["blocks"] if block["type"] == "table"]
    assert words(table["rows"][0]) == "When\nWho\nAction\nTarget\nOutcome\nReason"
    [row] = [one for one in table["rows"][1:] if words(one[2:4]) == "ack\n99"]  # others may be written late
    assert {"type": "user", "user_id": world.operator} in row[1]["elements"][0]["elements"]
    assert words(row[4]) == "⛔ Refused: There is no incident “99”. /sync-health incidents lists the open ones."
    assert "audit entr" in answer["text"]


def test_the_success_metrics_are_shown_to_everybody_of_the_workspace(world: World) -> None:
    shown = world.demo.slack.ephemerals(world.visitor)
    _ask(world, "slo 3")
    [answer] = world.demo.slack.ephemerals(world.visitor)[len(shown) :]
    [table] = [block for block in answer["blocks"] if block["type"] == "table"]
    assert words(table["rows"][0]) == "Metric\nTarget\nValue\nTrend\nMet\nSource"
    assert answer["text"].startswith("SLO, last 3 days: ") and len(table["rows"]) == 10


def test_days_of_success_metrics_that_are_not_kept_are_refused_with_an_example(world: World) -> None:
    assert "Write a number of days from 1 to 90, such as /sync-health slo 30." in _ask(world, "slo 91")


@pytest.mark.parametrize("typed", ["audit 91", "audit x", "audit <!channel>"])
def test_days_that_the_audit_does_not_show_are_refused_with_an_example(world: World, typed: str) -> None:
    assert "Write a number of days from 1 to 90, such as /sync-health audit 30." in _ask(world, typed)


RUBBISH = (
    "incident",
    "incident x",
    "incident --markdown",
    "incident 1 --pdf",
    "incident 99999999999999999999",
    "ack x",
    "unack x",
    "resolve",
    "resolve 1",
    "note 1",
    "escalate x",
    "snooze",
    "snooze 1 2 3",
    "snooze x 2h",
    "snooze all",
    "snooze all 2h",
    "snooze all soon migration",
    "snooze all 1m migration",
    "snooze all end",
)
REFUSALS = (
    "Which one?",
    "Unknown option",
    "There is no incident",
    "Write the incident's number",
    "Write for how long and why",
    "annot read",
    "A snooze lasts from",
    "No maintenance window is on",
)


@pytest.mark.parametrize("typed", RUBBISH)
def test_rubbish_is_refused_with_what_to_write_and_audited(world: World, typed: str) -> None:
    answer = _ask(world, typed, world.operator)
    assert "went wrong" not in answer
    assert any(words in answer for words in REFUSALS)
    until(lambda: any(row[0] == world.operator and row[1] == typed.split()[0] for row in world.audit()))


@pytest.mark.full
@pytest.mark.parametrize("world", [120], indirect=True)  # slow enough for all that happens while it is open
def test_an_incident_is_listed_taken_snoozed_and_told(world: World) -> None:
    assert "No open incidents" in _ask(world, "incidents")
    assert "No incident is open." in _ask(world, "ack", world.operator)
    sync = world.demo.census.syncs[world.update_sync()]
    scheduled = sync.hour, sync.frequency
    world.rest()  # nothing of the queue is written before it is asked about
    world.demo.estate.switch("company_name_bug", True)
    queue = _ask(world, "queue Sync B")
    sync.hour, sync.frequency = scheduled
    for shown in ("⚠️", "Suspect records", "a0XDEMO", "no company name", "By state"):
        assert shown in queue
    assert not re.search(r"Property \d| St\b|Street|@", queue), "ids and companies, and nothing else"
    until(lambda: world.root())
    listed = until(lambda: (a := _ask(world, "incidents")) and "/archives/" in a and a)
    assert "Nobody" in listed
    number = until(lambda: _stays_open(world))
    for typed in (f"ack {number}", f"snooze {number} 12h"):
        assert "Only operators may do that" in _ask(world, typed, world.visitor)
    assert "is acknowledged by you" in _ask(world, f"ack #{number}", world.operator)
    assert f"Incident {number} is unacknowledged." in _ask(world, f"unack #{number}", world.operator)
    assert "Nobody has acknowledged this incident." in _ask(world, f"unack {number}", world.operator)
    assert "is acknowledged by you" in _ask(world, f"ack {number}", world.operator)
    assert "A snooze lasts from 15m to 24h" in _ask(world, f"snooze {number} 2d", world.operator)
    assert f"Incident {number} is snoozed until" in _ask(world, f"snooze {number} 12h", world.operator)
    until(lambda: f"Acknowledged by <@{world.operator}>" in words(world.demo.slack.messages()))
    assert world.operator in _ask(world, "incidents").partition("Snoozed until")[2]
    story = _ask(world, f"incident {number}")
    for step in ("opened", f"acknowledged by <@{world.operator}>", f"snoozed by <@{world.operator}>: for 12h"):
        assert step in story
    for dash in ("--markdown", "—markdown", "markdown"):
        assert f"# Incident {number}: " in _ask(world, f"incident #{number} {dash}")
    assert f"acknowledged by @{world.operator}" in _ask(world, f"incident {number}. --markdown")
    assert "Unknown option “--pdf”" in _ask(world, f"incident {number} --pdf")
    assert (world.operator, "snooze", "snoozed for 12h") in world.audit()
    world.bot._context._permalink.cache_clear()  # type: ignore[attr-defined]
    world.demo.slack.fail_next("chat.getPermalink", Fault(error="channel_not_found"), times=None)
    answer = _ask(world, "incidents")
    world.demo.slack.heal()
    assert f"\n{number}\n" in answer and "/archives/" not in answer, "listed without a way to its thread"


def _stays_open(world: World) -> int | None:
    """The id of the incident that is open for as long as the view is wrong; pending records are written meanwhile."""
    with world.ports.store.snapshot() as records:
        return next((one.id for one in records.open_incidents() if one.check == "null_company_names"), None)


@pytest.mark.full
def test_help_lists_every_command_and_a_slip_gets_the_nearest(world: World) -> None:
    answer = _ask(world, "help")
    for word, command in COMMANDS.items():
        assert f"`{f'{COMMAND} {word}'.strip()}` {command.what}" in answer
    for slip, meant in {
        "queues": "queue",
        "scheduels": "schedules",
        "incidence": "incident",
        "snoze": "snooze",
    }.items():
        assert f"Did you mean `{COMMAND} {meant}`?" in _ask(world, slip)


@pytest.mark.full
def test_rejected_rows_are_shown_by_cause_with_what_helps_and_nothing_of_the_rows(world: World) -> None:
    assert "✅ Nothing was rejected" in until(lambda: (a := _ask(world, "errors b")) and "Nothing" in a and a)
    sync = world.demo.census.syncs[world.update_sync()]
    scheduled = sync.hour, sync.frequency
    world.rest()  # the run that is asked for stays the newest
    world.demo.census.switch("rows_rejected", True)
    world.demo.estate.switch("update_queue_grows", True)
    world.demo.census.trigger(world.update_sync())
    answer = until(lambda: (a := _ask(world, "errors b")) and "🟠" in a and "UNABLE_TO_LOCK_ROW" in a and a)
    again = until(lambda: (a := _ask(world, "queue b")) and "rejected in the last run" in a and a)
    assert re.search(r"\d+ of [\d,]+ pending properties (?:was|were) rejected in the last run", again)
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" in again
    sync.hour, sync.frequency = scheduled
    world.demo.census.switch("rows_rejected", False)
    world.demo.estate.switch("update_queue_grows", False)
    assert answer.index("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST") < answer.index("UNABLE_TO_LOCK"), "in the table"
    picklist, locked = (
        answer.index(f"*`{code}`") for code in ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "UNABLE_TO_LOCK_ROW")
    )
    assert picklist < locked, "the frequent one first"
    for shown in ("“LEASE_UP”", "(via `CANNOT_EXECUTE_FLOW_TRIGGER`)", "A rerun does not help", "*Examples* `1"):
        assert shown in answer[:locked]
    assert "a rerun helps" in answer[locked:]
    assert not re.search(r"Somebody|someone@|@example|Error ID|001DEMO", answer)
    assert "*Rejected records of Sync A (CREATE)*" in _ask(world, "errors")


@pytest.mark.full
def test_census_and_the_warehouse_down_are_said_with_what_helps(world: World) -> None:
    world.demo.census.stop()
    assert "Census cannot be reached" in until(lambda: (a := _ask(world, "runs b")) and "❗" in a and a)
    world.ports.warehouse.close()
    answer = _ask(world, "queue")
    assert "The warehouse did not answer" in answer
    assert "/sync-health shows the last known backlogs" in answer


@pytest.mark.full
def test_a_maintenance_window_is_typed_shown_and_ended(world: World) -> None:
    assert "Only operators may do that" in _ask(world, "snooze all 2h moving <!channel>", world.visitor)
    begun = _ask(world, "snooze all 24h moving <!channel> data", world.operator)
    shown = _ask(world, "")
    for answer in (begun, shown):
        assert f"by <@{world.operator}>: moving &lt;!channel&gt; data · Nothing is sent to the channel" in answer
    assert "The maintenance window has ended" in _ask(world, "snooze ALL End", world.operator)
    until(lambda: "maintenance window ended" in words(world.demo.slack.messages()))
    assert "Maintenance window until" not in _ask(world, "")
