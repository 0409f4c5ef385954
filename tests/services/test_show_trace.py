"""A trace over the rows of a small statement and the runs of Census: what is said is known, and what is not is said."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.alerts.rejections import Rejection
from bot.alerts.trace import Standing
from bot.answers.trace import Trace
from bot.errors import PermanentError
from bot.facts import Schedule
from bot.messages.follow_trace import named
from bot.messages.trace import trace_message
from bot.ports import Sources
from bot.runtime.composition import settings_from
from bot.services.follow_trace import begin_following, follow_on
from bot.services.show_trace import show_trace
from tests.fakes import START, FakeCensus, FakeWarehouse, HandClock
from tests.pipelines.contacts import CONFIG
from tests.unit.payloads import said, text_of

Row = dict[str, object]
SETTINGS = settings_from({"SYNC_HEALTH_CONFIG": str(CONFIG)})
STATEMENT = "measure/trace"
INVALID_EMAIL = Rejection("7", "rejected", "INVALID_EMAIL_ADDRESS:Email: invalid email address: x:Email--")
WRITTEN, ANOTHER = Rejection("7", "succeeded", ""), Rejection("8", "succeeded", "")


def way(*, pending: bool, there: bool, changed: object = START, **last: object) -> list[Row]:
    """The contact 7: in the lake, in the backlog or not, in HubSpot or not."""
    lake = {"record": "7", "hop": 1, "place": "Lake", "found": True, "changed_at": changed}
    backlog = {"hop": 2, "place": "backlog", "found": pending, "sync": "Contacts", "key": "7"}
    return [lake, lake | backlog, {"record": "7", "hop": 3, "place": "HubSpot", "found": there} | last]


class World:
    """HubSpot's contacts: what the statement returns, and runs of Contacts that a test makes."""

    def __init__(self, rows: list[Row]) -> None:
        self.clock = HandClock()
        self.census = FakeCensus(self.clock, 101, 102, 103)
        self.census.set_schedule(101, Schedule("never", paused=False, triggers=("fivetran",)))
        self.warehouse = FakeWarehouse(**{STATEMENT: rows})
        self.sources = Sources(SETTINGS, self.clock, self.warehouse, self.census)

    def run(self, *records: Rejection, counted: int | None = None) -> None:
        """A run of Contacts, ten minutes from now, and what it did."""
        self.clock.pass_(minutes=10)
        run = self.census.start(101)
        self.clock.pass_(minutes=1)
        self.census.details[run.id] = list(records)
        failed = sum(one.status == "rejected" for one in records)
        updated = len(records) - failed if counted is None else counted
        self.census.finish(run.id, records_failed=failed, records_invalid=0, records_updated=updated)
        self.clock.pass_(minutes=2)

    def trace(self, asked: str = "7") -> Trace:
        return show_trace(self.sources, self.census, asked)


def told(world: World) -> str:
    return world.trace().verdict.sentence


BEHIND: Row = {"field": "email", "ours": "a", "theirs": "b"}


@pytest.mark.parametrize("last", [{}, BEHIND | {"changed_at": START - timedelta(days=1)}])
def test_what_a_run_took_out_of_the_backlog_is_on_its_way_until_the_copy_is_refreshed(last: Row) -> None:
    world = World(way(pending=False, there=bool(last), **last))
    assert told(world).endswith("and no backlog has it: no sync will carry it"), "no run has taken it"
    world.run(WRITTEN)
    trace = world.trace()
    assert trace.verdict.standing is Standing.WAITING
    assert "Contact 7 was written in run 1 of Contacts" in trace.verdict.sentence
    followed = follow_on(world.sources, world.census, begin_following(world.sources, world.census, "7"))
    assert followed.goes_on


def test_what_a_run_took_out_of_the_backlog_and_could_not_write_was_rejected() -> None:
    world = World(way(pending=False, there=False))
    world.run(INVALID_EMAIL)
    trace = world.trace()
    assert trace.verdict.standing is Standing.HELD
    assert "no backlog has it: HubSpot rejected it in run 1 of Contacts" in trace.verdict.sentence


def test_whether_a_run_took_it_is_unknown_while_census_is_silent_and_following_goes_on() -> None:
    world = World(way(pending=True, there=False))
    followed = begin_following(world.sources, world.census, "7")
    world.warehouse.rows[STATEMENT] = way(pending=False, there=False)
    world.run(ANOTHER, counted=5)
    world.clock.pass_(minutes=10)
    followed = follow_on(world.sources, world.census, followed)
    assert followed.trace.verdict.sentence.endswith("whether Contacts has written it is unknown") and followed.goes_on
    assert followed.trace.remarks == ["Census does not identify 4 of the succeeded records of run 1"]


def test_a_copy_that_has_the_record_and_differs_is_not_called_without_it() -> None:
    world = World(way(pending=True, there=True, **BEHIND))
    world.run(WRITTEN)
    assert told(world).endswith(
        "the copy of HubSpot in the warehouse differs in 1 field, and may be older than that run"
    )


def test_a_backlog_without_changed_at_is_pending_whichever_run_wrote_the_record_before() -> None:
    world = World(way(pending=True, there=True, changed=None))
    world.run(WRITTEN)
    world.clock.pass_(hours=10)
    trace = world.trace()
    assert trace.verdict.place == "backlog" and "is pending in the backlog" in trace.verdict.sentence
    assert trace.verdict.sentence.endswith("wrote it, and whether it changed after that is unknown")


@pytest.mark.parametrize("hourly", [True, False])
def test_runs_that_passed_a_pending_record_by_are_counted(hourly: bool) -> None:
    world = World(way(pending=True, there=False))
    if hourly:
        world.census.set_schedule(101, Schedule("hourly", paused=False, minute=0))
    for _ in range(3):
        world.run(ANOTHER)
    assert "3 runs of Contacts completed after it changed, and none of them wrote it" in told(world)
    world.run(ANOTHER)
    trace = world.trace()
    assert "4 runs of Contacts completed after it changed, and the newest 3 did not write it" in trace.verdict.sentence
    assert trace.verdict.next_step.startswith("Look in Census whether a filter or the sync key of Contacts")


def test_what_was_corrected_after_its_rejection_is_no_longer_called_rejected() -> None:
    world = World(way(pending=True, there=False, changed=START + timedelta(minutes=5)))
    world.run(INVALID_EMAIL)
    assert "HubSpot rejected it in run 1" in told(world)
    world.warehouse.rows[STATEMENT] = way(pending=True, there=False, changed=START + timedelta(minutes=12))
    assert told(world) == "Contact 7 is pending in the backlog: Contacts has not run since it changed"


@pytest.mark.parametrize("shown", [[Rejection("", "succeeded", "")], [ANOTHER]])
def test_records_that_nobody_can_look_for_leave_it_unknown_whether_they_were_written(shown: list[Rejection]) -> None:
    world = World(way(pending=True, there=False))
    world.run(*shown, counted=2 if shown == [ANOTHER] else 1)
    trace = world.trace()
    assert trace.verdict.sentence.endswith(
        "1 run of Contacts completed after it changed, and whether it wrote it is unknown"
    )
    assert trace.remarks == ["Census does not identify 1 of the succeeded records of run 1"]


def by_id(record: object, key: object = "7") -> World:
    rows = way(pending=True, there=False)
    return World([row | {"record": record} | ({"key": key} if "key" in row else {}) for row in rows])


@pytest.mark.parametrize("record", ["108617123456", "C-1001", "asha@example.com"])
def test_an_id_that_is_not_shown_can_be_followed_by_what_was_typed(record: str) -> None:
    trace = by_id(record).trace("typed")
    payload = said(trace_message(trace, SETTINGS))
    assert record not in str(payload) and "An ID is not shown where it could be a phone number" in text_of(payload)
    assert "'value': 'typed'" in str(payload) and "'action_id': 'rerun'" in str(payload)
    assert named(trace, SETTINGS) == "This contact"
    assert begin_following(by_id(record).sources, by_id(record).census, "typed").goes_on


@pytest.mark.parametrize(
    ("record", "key"), [(108617123456, "7"), ("108617123456", "108617123456"), ("C-1001", "C-1001")]
)
def test_a_column_of_numbers_and_one_that_pipeline_yml_names_as_key_are_ids(record: object, key: str) -> None:
    assert by_id(record, key).trace().record == str(record)


def test_ids_that_are_not_shown_are_not_listed() -> None:
    one, other = by_id("108617123456"), by_id("108617123457")
    trace = World(one.warehouse.rows[STATEMENT] + other.warehouse.rows[STATEMENT]).trace()  # type: ignore[operator]
    assert trace.matches == 2 and "`…`" not in text_of(said(trace_message(trace, SETTINGS)))


@pytest.mark.parametrize("other", [None, 7, 7.0, Decimal(7)])
def test_null_and_another_type_of_number_are_no_other_record(other: object) -> None:
    rows = way(pending=False, there=True)
    assert World([*rows[:2], rows[2] | {"record": other}]).trace().matches == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *[({"found": text}, f"the text “{text}” as found") for text in ("false", "f", "0")],
        ({"found": float("nan")}, "nan as found"),
        ({"found": None}, "NULL as found"),
        ({"found": "Asha Rao"}, "the text “…” as found"),
        ({"hop": "1"}, "the text “1” as hop"),
        ({"hop": 1.0}, "1.0 as hop"),
        ({"record": None}, "no record but NULL"),
    ],
)
def test_a_value_that_is_not_as_documented_is_named(change: Row, says: str) -> None:
    with pytest.raises(PermanentError, match=f"^sql/measure/trace.sql returned {says}.*docs/YOUR_PIPELINE.md"):
        World([row | change for row in way(pending=False, there=True)]).trace()


def test_fields_that_differ_are_counted_before_some_are_left_out() -> None:
    lake, _, there = way(pending=False, there=True)
    trace = World([lake, *[there | BEHIND | {"field": f"field_{n}"} for n in range(500)]]).trace()
    assert "differs from HubSpot in 500 fields" in trace.verdict.sentence
    assert "… and 470 more fields" in text_of(said(trace_message(trace, SETTINGS)))


def test_a_trace_without_a_backlog_says_nothing_of_backlogs() -> None:
    lake, _, there = way(pending=False, there=False)
    assert told(World([lake, there])) == "Contact 7 is not in HubSpot, and the trace knows no reason"
