"""What the store keeps of the use of the warehouse, and of who leads."""

from datetime import UTC, date, datetime, timedelta

from bot.adapters.store.sql_store import SqlStore
from bot.alerts.warehouse_use import Purpose, Span, Usage
from tests.fakes import HandClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
minute = timedelta(minutes=1)


def span(begin: float, end: float) -> Span:
    return NOON + begin * minute, NOON + end * minute


def note(store: SqlStore, *spans: Span) -> list[tuple[float, float]]:
    with store.transaction() as records:
        records.note_awake(spans)
        return [((a - NOON) / minute, (b - NOON) / minute) for a, b in records.awake_since(NOON - timedelta(days=1))]


def test_counts_of_a_day_and_purpose_add_up(store: SqlStore, other: SqlStore) -> None:
    mine = Usage(DAY, Purpose.MEASURE, 3, 1, 0, 2)
    for one in (store, other):
        with one.transaction() as records:
            records.note_usage([mine, Usage(DAY, Purpose.SNAPSHOT, 1, 0, 1, 0)])
    with store.snapshot() as records:
        assert records.usage_since(DAY) == [
            Usage(DAY, "measure", 6, 2, 0, 4),
            Usage(DAY, "snapshot", 2, 0, 2, 0),
        ]
        assert records.usage_since(DAY + timedelta(days=1)) == []


def test_spans_that_overlap_or_meet_are_kept_as_one(store: SqlStore, other: SqlStore) -> None:
    assert note(store, span(0, 10)) == [(0, 10)]
    assert note(other, span(30, 40), span(60, 70)) == [(0, 10), (30, 40), (60, 70)]
    assert note(store, span(40, 45)) == [(0, 10), (30, 45), (60, 70)]
    assert note(other, span(5, 35)) == [(0, 45), (60, 70)], "noted late, by another process"
    assert note(store, span(61, 62), span(44, 60)) == [(0, 70)]


def test_only_spans_that_are_not_over_by_then_are_read(store: SqlStore) -> None:
    note(store, span(0, 10), span(20, 30))
    with store.snapshot() as records:
        assert records.awake_since(NOON + 10 * minute) == [span(20, 30)]
        assert records.awake_since(NOON + 25 * minute) == [span(20, 30)]


def test_what_is_old_is_forgotten(store: SqlStore) -> None:
    note(store, span(0, 10), span(20, 30))
    with store.transaction() as records:
        records.note_usage([Usage(DAY - timedelta(days=1), "measure", 1, 0, 0, 0), Usage(DAY, "measure", 1, 0, 0, 0)])
        records.prune_usage(NOON + 15 * minute, DAY)
        assert records.awake_since(NOON) == [span(20, 30)]
        assert [one.day for one in records.usage_since(date(2026, 1, 1))] == [DAY]


def test_the_leader_is_known_with_since_when_however_often_it_renews_its_lease(store: SqlStore) -> None:
    clock = HandClock(NOON)
    with store.snapshot() as records:
        assert records.leader("leader") is None
    store.take_lease("leader", "first", clock, 60)
    clock.pass_(seconds=30)
    store.take_lease("leader", "first", clock, 60)
    with store.snapshot() as records:
        found = records.leader("leader")
    assert found and (found.holder, found.since, found.until) == ("first", NOON, NOON + 1.5 * minute)
    clock.pass_(minutes=10)
    assert store.take_lease("leader", "second", clock, 60)
    with store.snapshot() as records:
        found = records.leader("leader")
    assert found and (found.holder, found.since) == ("second", NOON + 10.5 * minute)
    store.release_lease("leader", "second")
    with store.snapshot() as records:
        assert records.leader("leader") is None
