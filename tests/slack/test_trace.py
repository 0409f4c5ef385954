"""`/sync-health trace`, typed and followed, against the local Slack, Census and warehouse."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.slack.follows import MOST, Follows
from tests.fakes import START
from tests.slack import conftest
from tests.slack.conftest import World, words
from tests.waiting import until


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of the others, kept for the whole file."""
    yield from conftest.world.__wrapped__(request)


def _ask(world: World, text: str, user: str | None = None) -> str:
    user = user or world.visitor
    seen = len(world.demo.slack.ephemerals(user))
    world.demo.slack.command(user, text)
    return words(until(lambda: world.demo.slack.ephemerals(user)[seen:])[:1])


def _pending(world: World) -> str:
    """A property that has just changed, and no scheduled run comes for twelve hours."""
    census = world.demo.census
    for sync in census.syncs.values():
        sync.frequency, sync.hour = "daily", (world.demo.clock.now().hour + 12) % 24
    until(lambda: not any(run["status"] in ("queued", "working") for one in census.syncs for run in census.runs(one)))
    world.demo.estate.work(9)  # some properties get another name
    with world.demo.warehouse.cursor() as cursor:
        cursor.execute("SELECT rds_property_id FROM crm.sfdc_dbx.properties_to_update LIMIT 1")
        [[record]] = cursor.fetchall()
    return str(record)


def test_everybody_of_the_workspace_may_ask_where_a_record_is(world: World) -> None:
    answer = _ask(world, "trace 119500")
    assert "⛔ *Property 119500 does not reach the Aggregated view: its Salesforce ID is the placeholder" in answer
    assert "*Next step* Enter its Salesforce ID in RDS." in answer
    assert "Example Street" not in answer and "Property 19500" not in answer


def test_an_id_that_several_records_share_asks_for_one_of_them(world: World) -> None:
    answer = _ask(world, "trace a0XDEMO00000000005")
    assert "❔ *3 properties share this ID*" in answer and "`100005`, `108634`, `117263`" in answer


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("trace", "Write one ID: a record ID"),
        ("trace 1 2", "Write one ID: a record ID"),
        (f"trace {'9' * 101}", "this one has more than 100 characters"),
        ("trace <!channel>", "No property has this ID"),
        ("trace x'; DROP", "Write one ID"),
        ("trace 19999999", "No property has the ID 19999999"),
        ("trace 119500 --folow", "The only option of trace is --follow"),
        ("trace #119,500 --follow", "Not followed: no run carries it as it is."),
        ("trace ';DROP--", "No property has this ID"),
        ("trace asha.rao@example.com", "No property has this ID"),
    ],
)
def test_what_is_no_id_of_a_record_is_answered_without_being_quoted(world: World, typed: str, says: str) -> None:
    answer = _ask(world, typed)
    assert says in answer
    assert not any(part in answer for part in ("<!channel>", "DROP", "asha", "9" * 20))


def test_what_was_typed_and_is_no_id_is_not_kept_in_the_audit(world: World) -> None:
    _ask(world, "trace Asha Rao")

    def targets() -> list[str]:
        with world.ports.store.transaction() as records:
            rows = records._db.exec_driver_sql("SELECT target FROM audit WHERE what = 'trace'")  # type: ignore[attr-defined]
            return [str(row[0]) for row in rows]

    assert set(until(targets)) <= {"…", ""}


@pytest.mark.full
def test_a_followed_record_is_told_when_it_has_arrived_with_its_run_and_the_row_in_the_audit_log(world: World) -> None:
    record = _pending(world)
    user = world.visitor
    seen = len(world.demo.slack.ephemerals(user))
    began = _ask(world, f"trace {record} —follow")
    assert f"Property {record} is pending in the UPDATE backlog" in began and "👀 Following until <!date^" in began
    assert "You follow" in _ask(world, f"trace {record} --follow"), "once is enough"
    world.demo.census.trigger(world.update_sync())

    def told() -> str:
        return "\n".join(words(one) for one in world.demo.slack.ephemerals(user)[seen:])

    until(lambda: f"*Property {record} has arrived in Salesforce*" in told())
    assert re.search(r"\|run \d+>: [1-9]\d* updated, 0 rejected, 0 invalid", told())
    assert re.search(r"\*Sync B backlog since you followed it\*\n[1-9]\d* → 0\b", told())
    until(lambda: "Row `census_run_" in told())
    assert "✅ *Audit log, run " in told()


def test_a_step_that_fails_as_nobody_foresaw_ends_the_following_so_that_it_can_begin_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, failed = _pending(world), threading.Event()

    def broken(*_: object) -> None:
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr("bot.slack.follow_trace.follow_on", broken)
    assert "👀 Following until" in _ask(world, f"trace {record} --follow")
    until(failed.is_set)
    until(lambda: "Unexpected error" in world.told(world.visitor))
    monkeypatch.undo()
    assert "👀 Following until" in _ask(world, f"trace {record} --follow")


@pytest.mark.full
def test_the_button_follows_and_a_stop_of_the_bot_says_that_following_has_ended(request: pytest.FixtureRequest) -> None:
    with contextmanager(conftest.world.__wrapped__)(request) as world:
        record = _pending(world)
        _ask(world, f"trace {record}")
        shown = world.demo.slack.ephemerals(world.visitor)
        world.demo.slack.press(world.visitor, shown[-1]["ts"], "follow_trace", record)
        until(lambda: "👀 Following until" in world.told(world.visitor))
        world.bot.stop()
        assert f"Following Property {record} ended: Sync Health is restarting" in world.told(world.visitor)


def test_one_person_follows_a_few_records_at_once_and_what_is_over_makes_room() -> None:
    follows, later = Follows(), START.replace(hour=12)
    assert all(follows.begin("U1", str(n), later, START) for n in range(MOST))
    assert not follows.begin("U1", "one more", later, START)
    assert follows.begin("U2", "0", later, START) and not follows.begin("U2", "0", later, START)
    follows.end("U1", "0")
    assert follows.begin("U1", "0", later, START)
    assert follows.begin("U1", "much later", later.replace(hour=13), later)
