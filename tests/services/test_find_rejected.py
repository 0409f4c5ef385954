"""Which pending records the last run rejected: counted where it is known, said to be unknown where it is not."""

from dataclasses import replace

import pytest

from bot.alerts.rejected_again import RejectedAgain
from bot.alerts.rejections import Needs, Rejection
from bot.answers.syncs import Queue
from bot.errors import PermanentError, SyncHealthError, TemporaryError
from bot.ports import Ports
from bot.services import find_rejected
from bot.services.ask_warehouse import QUEUE, STILL_PENDING
from bot.services.show_queue import show_queue
from tests.services.conftest import World

OF_B, LOOKED = f"{QUEUE}/1", f"{STILL_PENDING}/1"
LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"
MISSING = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
BACKLOG = ["measure/health + queues/1", OF_B]


@pytest.fixture(autouse=True)
def backlog(world: World) -> None:
    """180 records are pending in the queue of the update sync; none that was rejected is among them."""
    world.numbers(update_queue=180)
    total = dict.fromkeys(("part", "label", "oldest_at", "key_0", "key_1", "key_2", "suspect"))
    world.warehouse.rows[OF_B] = [{"kind": "total", "records": 180, "suspects": 0} | total]
    still_pending(world)


def still_pending(world: World, *identifiers: str) -> None:
    """What the warehouse finds of those it is asked for."""
    world.warehouse.rows[LOOKED] = [{"identifier": one} for one in identifiers]


def rejected(world: World, *found: Rejection, count: int | None = None, late: bool = False) -> int:
    """The last run of the update sync could not write these."""
    run = world.census.start(world.sync_b)
    invalid = sum(one.status != "rejected" for one in found)
    lost = len(found) - invalid if count is None else count
    world.census.finish(run.id, records_updated=100, records_failed=lost, records_invalid=invalid)
    if not late:
        world.census.details[run.id] = list(found)
    return run.id


def of_b(world: World, ports: Ports | None = None) -> Queue:
    asked = ports or world.ports
    [queue] = show_queue(asked, asked.settings.sync_called("b"))
    return queue


def with_sync(world: World, **changes: object) -> Ports:
    first, second = world.ports.settings.syncs
    syncs = (first, second.model_copy(update=changes))
    return replace(world.ports, settings=replace(world.ports.settings, syncs=syncs))


def test_pending_records_that_the_last_run_rejected_are_counted_by_cause(world: World) -> None:
    run_id = rejected(
        world,
        *(Rejection(str(n), "rejected", MISSING) for n in range(5)),
        *(Rejection(str(n), "rejected", LOCKED) for n in range(5, 9)),
    )
    still_pending(world, "0", "1", "3", "5", "8")
    found = of_b(world).rejected
    assert found and found.run and found.run.id == run_id
    assert (found.lost, found.compared, found.records, found.lasting) == (9, 9, 5, 3)
    assert [(group.records, group.cause.needs) for group in found.groups] == [(3, Needs.DATA), (2, Needs.TRANSIENT)]
    assert world.warehouse.asked == [*BACKLOG, LOOKED], "one statement more, whatever their number"


def test_where_nothing_was_rejected_the_warehouse_is_not_asked_again(world: World) -> None:
    assert of_b(world).rejected is None, "no run has completed"
    rejected(world)
    assert of_b(world).rejected is None
    assert world.warehouse.asked == [*BACKLOG, *BACKLOG]


def test_a_census_that_is_down_leaves_the_backlog(world: World) -> None:
    world.census.failure = TemporaryError("Census cannot be reached")
    queue = of_b(world)
    assert queue.size == 180
    assert queue.rejected == RejectedAgain(error="Census cannot be reached")
    assert world.warehouse.asked == BACKLOG


def test_a_census_that_hangs_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.census.free.clear()
    sync = world.ports.settings.syncs[1]
    asked = find_rejected.ask_for_rejections(world.ports, sync)
    found = find_rejected.find_rejected(world.ports, sync, asked, patience=0.01)
    world.census.free.set()
    assert found == RejectedAgain(error="Census did not answer within 0.01 s")
    assert asked.result(10).error is None


@pytest.mark.parametrize(
    ("found", "late", "why"),
    [
        ([], False, "no record details yet"),
        ([], True, "no record details yet"),
        ([Rejection("", "null", "")], False, "names no identifiers"),
        ([Rejection("cut off…", "rejected", LOCKED)], False, "names no identifiers"),
    ],
)
def test_details_that_say_not_which_records_are_not_told_as_none(
    world: World, found: list[Rejection], late: bool, why: str
) -> None:
    rejected(world, *found, count=7, late=late)
    unknown = of_b(world).rejected
    assert unknown and unknown.records is None
    assert unknown.lost == 7 + sum(one.status == "null" for one in found)
    assert why in unknown.error
    assert world.warehouse.asked == BACKLOG


@pytest.mark.parametrize("key", [("rds_property_id", "sfdc_id"), ()], ids=["composite", "none"])
def test_which_column_is_the_identifier_is_not_guessed(world: World, key: tuple[str, ...]) -> None:
    rejected(world, Rejection("1", "rejected", MISSING))
    found = of_b(world, with_sync(world, identifier=None, key=key)).rejected
    assert found and found.records is None
    assert "add identifier to the sync" in found.error
    assert world.warehouse.asked == BACKLOG


def test_none_found_by_the_key_alone_says_nothing_and_by_the_identifier_it_does(world: World) -> None:
    rejected(world, Rejection("1", "rejected", MISSING))
    assert of_b(world, with_sync(world, identifier=None, key=("sfdc_id",))).rejected is None
    found = of_b(world).rejected
    assert found and (found.records, found.lasting, found.groups) == (0, 0, ())
    still_pending(world, "1")
    by_key = of_b(world, with_sync(world, identifier=None, key=("sfdc_id",))).rejected
    assert by_key and by_key.records == 1


@pytest.mark.parametrize("error", [TemporaryError("the warehouse is busy"), PermanentError("there is no column x")])
def test_a_statement_that_fails_leaves_the_rest_of_the_answer(world: World, error: SyncHealthError) -> None:
    rejected(world, Rejection("1", "rejected", MISSING))
    asked = find_rejected.ask_for_rejections(world.ports, world.ports.settings.syncs[1])
    asked.result(10)
    world.warehouse.failure = error
    found = find_rejected.find_rejected(world.ports, world.ports.settings.syncs[1], asked)
    assert found and (found.lost, found.records, found.error) == (1, None, str(error))


def test_only_so_many_are_compared_and_that_is_said(world: World) -> None:
    rejected(world, *(Rejection(str(n), "rejected", MISSING) for n in range(618)))
    still_pending(world, *map(str, range(618)))
    found = of_b(world).rejected
    assert found and (found.lost, found.compared, found.records) == (618, 300, 300)


def test_a_record_counts_once_though_it_is_rejected_and_invalid(world: World) -> None:
    rejected(world, Rejection("1", "rejected", MISSING), Rejection("1", "duplicate", ""), Rejection("", "null", ""))
    still_pending(world, "1", "2")
    found = of_b(world).rejected
    assert found and (found.records, found.lasting) == (1, 1), "what it was not asked for is not counted"


def test_an_empty_backlog_and_all_syncs_together_ask_census_nothing(world: World) -> None:
    rejected(world, Rejection("1", "rejected", MISSING))
    world.census.calls = 0
    show_queue(world.ports, None)
    world.numbers(update_queue=0)
    of_b(world)
    assert world.census.calls == 0


def test_the_only_sync_of_a_pipeline_need_not_be_named(world: World) -> None:
    rejected(world, Rejection("1", "rejected", MISSING))
    settings = replace(world.ports.settings, syncs=world.ports.settings.syncs[1:])
    world.warehouse.rows["queues/0"] = [{"q0_backlog": 180, "q0_suspect_0": 0, "q0_suspect_1": 0, "q0_oldest": None}]
    world.warehouse.rows[f"{QUEUE}/0"] = world.warehouse.rows[OF_B]
    world.warehouse.rows[f"{STILL_PENDING}/0"] = [{"identifier": "1"}]
    [queue] = show_queue(replace(world.ports, settings=settings), None)
    assert queue.rejected and queue.rejected.records == 1
