"""Many syncs are asked for by their list, and only those that may have run are asked for their runs."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import TemporaryError
from bot.facts import Schedule, Sync
from bot.services.remembered_census import MANY, RememberedCensus
from tests.fakes import CountedCensus, HandClock

HOURLY = Schedule("hourly", paused=False, minute=5)
IDS = range(1, MANY + 2)


class Counted(CountedCensus):
    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock, *IDS)
        self._syncs = {n: Sync(n, f"sync {n}", "ready", HOURLY, clock.now()) for n in IDS}

    def change(self, sync_id: int, **changes: object) -> None:
        self._syncs[sync_id] = replace(self._syncs[sync_id], **changes)  # type: ignore[arg-type]


@pytest.fixture
def census(clock: HandClock) -> Counted:
    return Counted(clock)


def evaluate(remembered: RememberedCensus, census: Counted, *, fresh: bool = False) -> Counter[str]:
    """What one evaluation asks."""
    census.asked.clear()
    remembered.begin(IDS, fresh=fresh)
    for n in IDS:
        remembered.sync(n)
        remembered.runs(n, most=100)
    return Counter(census.asked)


def test_nothing_is_asked_again_but_the_list_while_nothing_can_have_run(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    assert evaluate(remembered, census) == {"list": 1, "runs": len(IDS)}
    clock.pass_(minutes=4)
    assert evaluate(remembered, census) == {"list": 1}


def test_a_sync_whose_run_was_due_since_is_asked(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    census.change(3, schedule=replace(HOURLY, minute=1))
    evaluate(remembered, census)
    clock.pass_(minutes=2)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}


@pytest.mark.parametrize(
    "schedule",
    [Schedule("never", paused=False, triggers=("fivetran",)), Schedule("expression", paused=False, cron="x")],
)
def test_a_sync_whose_runs_cannot_be_foreseen_is_always_asked(
    clock: HandClock, census: Counted, schedule: Schedule
) -> None:
    remembered = RememberedCensus(census, clock)
    census.change(3, schedule=schedule)
    evaluate(remembered, census)
    clock.pass_(minutes=1)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}


def test_a_sync_with_a_run_in_progress_is_asked_until_it_has_ended(clock: HandClock, census: Counted) -> None:
    for n in IDS:
        census.change(n, schedule=Schedule("daily", paused=False, hour=3, minute=0))
    remembered, run = RememberedCensus(census, clock), census.start(3)
    evaluate(remembered, census)
    clock.pass_(minutes=1)
    census.finish(run.id)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}
    assert remembered.runs(3, most=100)[0].final
    clock.pass_(minutes=5)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}, "Census counts for a while after its end"
    assert evaluate(remembered, census) == {"list": 1}


def test_a_run_that_begins_a_while_after_its_minute_is_seen(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    census.change(3, schedule=replace(HOURLY, minute=1))
    evaluate(remembered, census)
    clock.pass_(minutes=2)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}
    census.start(3)
    clock.pass_(minutes=2)
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}


def test_a_sync_that_census_has_touched_is_asked(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    evaluate(remembered, census)
    clock.pass_(minutes=1)
    census.change(2, updated_at=clock.now())
    assert evaluate(remembered, census) == {"list": 1, "runs": 1}


@pytest.mark.parametrize("back", [False, True])
def test_everything_is_asked_again_after_nine_minutes_and_when_the_clock_is_set_back(
    clock: HandClock, census: Counted, back: bool
) -> None:
    remembered = RememberedCensus(census, clock)
    for n in IDS:
        census.change(n, schedule=Schedule("daily", paused=False, hour=3, minute=0))
    evaluate(remembered, census)
    clock.pass_(minutes=8)
    assert evaluate(remembered, census) == {"list": 1}
    clock.set_back(minutes=20) if back else clock.pass_(minutes=1)
    assert evaluate(remembered, census) == {"list": 1, "runs": len(IDS)}


def test_whoever_wants_to_know_now_gets_what_is_now(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    evaluate(remembered, census)
    assert evaluate(remembered, census, fresh=True) == {"list": 1, "runs": len(IDS)}


def test_without_the_list_each_is_asked_by_itself(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    evaluate(remembered, census)
    census.failure = TemporaryError("Census answered 503")
    remembered.begin(IDS, fresh=False)
    with pytest.raises(TemporaryError):
        remembered.sync(1)
    with pytest.raises(TemporaryError):
        remembered.runs(1, most=100)


def test_few_syncs_are_asked_as_ever(clock: HandClock, census: Counted) -> None:
    remembered = RememberedCensus(census, clock)
    for _ in range(2):
        census.asked.clear()
        remembered.begin(range(1, MANY + 1), fresh=False)
        remembered.sync(1)
        remembered.runs(1, most=100)
        assert census.asked == {"sync": 1, "runs": 1}
        clock.pass_(minutes=timedelta(minutes=1).total_seconds() / 60)
