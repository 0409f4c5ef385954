"""What a day of statements costs: unions of spans, cut at local midnights."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.warehouse_use import Purpose, SentStatement, Usage, awake_by_day, awake_spans, usage_by_day

ZONE = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)  # there
LATER = NOON + timedelta(days=30)
minute = timedelta(minutes=1)


def sent(at: float, takes: float = 0, stop: timedelta | None = 10 * minute, **more: object) -> SentStatement:
    purpose, woke = more.get("purpose", Purpose.MEASURE), bool(more.get("woke"))
    begin = NOON + at * minute
    return SentStatement(Purpose(purpose), begin, begin + takes * minute, stop, woke)


def minutes(*statements: SentStatement, until: datetime = LATER) -> dict[str, float]:
    days = awake_by_day([one.awake for one in statements], ZONE, until)
    return {str(day): span / minute for day, span in days.items()}


def test_a_statement_keeps_it_awake_until_the_auto_stop_after_its_end() -> None:
    assert minutes(sent(0, takes=2)) == {"2026-03-02": 12}


def test_what_overlaps_is_counted_once_and_what_lies_apart_by_itself() -> None:
    assert minutes(sent(0), sent(5), sent(15), sent(60)) == {"2026-03-02": 25 + 10}


def test_a_poll_every_five_minutes_keeps_it_awake_all_day() -> None:
    days = minutes(*(sent(5 * n) for n in range(3 * 24 * 12)))
    assert days["2026-03-03"] == 24 * 60


def test_midnight_is_that_of_the_pipeline_also_on_the_day_when_clocks_change() -> None:
    assert minutes(sent(11 * 60 + 55)) == {"2026-03-02": 5, "2026-03-03": 5}
    spring = datetime(2026, 3, 8, 8, tzinfo=UTC)  # midnight; the day has 23 hours
    days = awake_by_day([(spring - timedelta(days=1), spring + timedelta(days=3))], ZONE, LATER)
    assert days[date(2026, 3, 8)] == timedelta(hours=23)


def test_what_has_not_happened_yet_is_not_counted() -> None:
    assert minutes(sent(0), until=NOON + 4 * minute) == {"2026-03-02": 4}
    assert minutes(sent(0), until=NOON - minute) == {}


def test_ten_minutes_are_assumed_where_the_auto_stop_is_not_known_and_none_where_it_is_off() -> None:
    assert minutes(sent(0, stop=None)) == {"2026-03-02": 10}
    assert minutes(sent(0, takes=3, stop=timedelta(0))) == {"2026-03-02": 3}


def test_a_clock_that_is_set_back_meanwhile_makes_no_negative_span() -> None:
    assert minutes(sent(0, takes=-90)) == {"2026-03-02": 10}


def test_statements_are_counted_by_local_day_and_purpose() -> None:
    late = sent(12 * 60, purpose=Purpose.SNAPSHOT, stop=None)
    off = sent(2, stop=timedelta(0))
    assert usage_by_day([sent(0, woke=True), late, off, sent(1)], ZONE) == [
        Usage(date(2026, 3, 2), Purpose.MEASURE, statements=3, woke=1, auto_stop_unknown=0, auto_stop_off=1),
        Usage(date(2026, 3, 3), Purpose.SNAPSHOT, statements=1, woke=0, auto_stop_unknown=1, auto_stop_off=0),
    ]


spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60)).map(
        lambda pair: (NOON + pair[0] * minute, NOON + (pair[0] + pair[1]) * minute)
    )
)


@given(spans)
def test_a_union_covers_every_span_in_order_and_apart(some: list[tuple[datetime, datetime]]) -> None:
    union = awake_spans(some)
    assert all(any(a <= begin and end <= b for a, b in union) for begin, end in some)
    assert all(end < begin for (_, end), (begin, _) in pairwise(union))
    assert awake_spans(union) == union
