"""Tiles that show days, over a log that the bot and a team's own job have written: they show what was."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.runtime.composition import settings_from
from tests.small_pipeline import LOS_ANGELES
from tests.tile_answers import FEATURES, Figures, LogRow, TileAnswers, moment

SHIPPED = settings_from({})
TODAYS = (date(2026, 11, 9), date(2026, 3, 20), date(2026, 7, 1))  # clocks went back, forward, neither
DAYS, SHOWN = 40, 30
STYLES = ["of_bot", "of_bot_late", "of_team", "of_team and of_bot", "nothing"]


def counts(most: int = 30_000) -> st.SearchStrategy[int]:
    return st.integers(0, most)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    named, nameless = draw(st.sampled_from([0, 1, 18_000])), draw(st.sampled_from([0, 7, 30_000]))
    two, five = st.tuples(counts(), counts()), st.tuples(*[counts()] * 5)
    known = draw(st.sampled_from([True, True, True, False]))
    gap = draw(st.integers(-903, 903))
    return Figures(draw(counts()), named + nameless, nameless, gap, draw(two), draw(two), draw(five), known)


Evening = tuple[str, Figures, Figures]  # how its snapshots came about, and what the first and a second one say
EVENINGS = st.lists(st.tuples(st.sampled_from(STYLES), figures(), figures()), min_size=DAYS, max_size=DAYS)


def logged(evenings: Sequence[Evening], today: date) -> Iterator[LogRow]:
    """The rows of these evenings, the last one first; each day somebody takes a snapshot by hand as well."""
    for back, (style, *both) in enumerate(evenings):
        day = today - timedelta(days=back)
        yield both[1].by_hand(day, LOS_ANGELES)
        if style != "nothing":
            for how, one in zip(style.split(" and "), both, strict=False):
                yield getattr(one, how)(day, LOS_ANGELES)


def expected(evenings: Sequence[Evening], today: date) -> dict[date, Figures | None]:
    """What a chart shows of each day: from the first that has a snapshot, to yesterday or to today's snapshot."""
    known: dict[date, Figures] = {}
    for back, (style, one, other) in enumerate(evenings):
        if style != "nothing":
            later = other if style == "of_team and of_bot" else one
            known[today - timedelta(days=back)] = one if one.is_known and not later.is_known else later
    shown = [today - timedelta(days=back) for back in reversed(range(SHOWN))]
    return {day: known.get(day) for day in shown if known and day >= min(known) and (day < today or day in known)}


def percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def noted(read: Callable[[Figures], object]) -> Callable[[Figures], object]:
    """What is read from the notes, which there are only where all is known."""
    return lambda figures: read(figures) if figures.is_known else None


TRUTHS: dict[tuple[int, str], Callable[[Figures], object]] = {
    (2, "coverage"): noted(lambda one: one.coverage / 100),
    (3, "create_queue"): noted(lambda one: one.queues[0]),
    (3, "update_queue"): noted(lambda one: one.queues[1]),
    (8, "data_quality"): lambda one: percent(one.rows - one.nameless, one.rows),
    (9, "null_company_names"): lambda one: one.nameless if one.rows else None,
    (10, "created"): noted(lambda one: one.written[0]),
    (10, "updated"): noted(lambda one: one.written[1]),
    (11, "gap"): noted(lambda one: one.gap),
} | {
    (7, name): noted(lambda one, n=n: percent(one.features[n], one.rows))  # type: ignore[misc]
    for n, name in enumerate(FEATURES)
}
KNOWN = Figures(9601, 18722, 7, -903, (12, 180), (11, 150), (1, 2, 3, 4, 5))


def varied(*styles: str) -> list[Evening]:
    """Forty evenings of these styles in turn, the last one first, no two alike; each third second row is blank."""
    days = [replace(KNOWN, coverage=9000 + n, rows=18_000 + n, gap=n - 20, queues=(n, 3 * n)) for n in range(2 * DAYS)]
    return [(styles[n % len(styles)], days[n], replace(days[n + DAYS], is_known=n % 3 > 0)) for n in range(DAYS)]


BLANK = [("of_bot", replace(KNOWN, rows=0, nameless=0, is_known=n % 2 > 0), KNOWN) for n in range(DAYS)]


def check_trends(answers: TileAnswers, evenings: Sequence[Evening], today: date, evening: bool) -> None:
    if evenings:  # before the evening there is none of today, and one that comes late is not there yet
        style = evenings[0][0] if evening and evenings[0][0] != "of_bot_late" else "nothing"
        evenings = [(style, *evenings[0][1:]), *evenings[1:]]
    answers.fill(logged(evenings, today))
    days = expected(evenings, today)
    now = moment(today, "23:59:30" if evening else "07:00", LOS_ANGELES)
    for number in sorted({number for number, _ in TRUTHS}):
        rows = answers.ask(number, now)
        for column in answers.tiles[number].y:
            told = {day: TRUTHS[number, column](one) if one else None for day, one in days.items()}
            assert {row["day"]: row[column] for row in rows} == pytest.approx(told), f"tile {number}, {column}"


@pytest.mark.parametrize(
    ("evenings", "today", "evening"),
    [
        ([], TODAYS[0], True),
        (varied("of_bot", "of_team", "nothing"), TODAYS[0], True),
        (varied("of_team and of_bot", "of_bot_late"), TODAYS[1], False),
        (BLANK, TODAYS[2], True),
    ],
    ids=["none", "of the bot, of the team, missing", "two in an evening, and late ones", "empty and unknown"],
)
def test_every_day_of_a_trend_shows_what_its_snapshot_said(
    answers: TileAnswers, evenings: Sequence[Evening], today: date, evening: bool
) -> None:
    check_trends(answers, evenings, today, evening)


@pytest.mark.full
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(evenings=EVENINGS, today=st.sampled_from(TODAYS), evening=st.booleans())
def test_so_it_does_whatever_forty_days_were_like(
    answers: TileAnswers, evenings: Sequence[Evening], today: date, evening: bool
) -> None:
    check_trends(answers, evenings, today, evening)


def test_a_number_that_is_not_written_in_digits_is_a_gap_and_no_error(answers: TileAnswers) -> None:
    day = TODAYS[2] - timedelta(days=1)
    odd = str(KNOWN.notes).replace("9601", "n/a").replace("96.01%", "n/a").replace(": 18722", ": 18,722")
    answers.fill([replace(KNOWN.of_team(day, LOS_ANGELES), notes=odd.replace(": 180 ", ": 1,180 "))])
    now = moment(TODAYS[2], "12:00", LOS_ANGELES)
    assert answers.ask(2, now) == [{"day": day, "coverage": None}]
    assert answers.ask(3, now) == [{"day": day, "create_queue": 12, "update_queue": None}]
    assert {row["idv"] for row in answers.ask(7, now)} == {None}


RUNS = st.lists(
    st.builds(
        lambda minutes, sync, processed, failed, known: (minutes, sync, processed if known else None, failed),
        minutes=st.integers(0, DAYS * 24 * 60),
        sync=st.sampled_from(["Sync A (CREATE)", "Sync B (UPDATE)", "Deals"]),
        processed=st.integers(0, 8000),
        failed=st.floats(0, 1),
        known=st.sampled_from([True, True, True, False]),
    ),
    max_size=60,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(runs=RUNS, today=st.sampled_from(TODAYS), old=st.booleans())
def test_syncs_have_the_records_of_their_local_days_and_the_share_that_was_accepted(
    answers: TileAnswers, runs: Sequence[tuple[int, str, int | None, float]], today: date, old: bool
) -> None:
    now = moment(today, "23:59:59", LOS_ANGELES)
    rows = [KNOWN.of_bot(today, LOS_ANGELES), KNOWN.by_hand(today, LOS_ANGELES)]
    rows.append(LogRow("setup", "SETUP", now, processed=5, succeeded=5))
    for n, (minutes, sync, processed, failed) in enumerate(runs):
        at, succeeded = now - timedelta(minutes=minutes), None if processed is None else round(processed * (1 - failed))
        audit_id, type_ = (f"create_{n}", "CREATE") if old else (f"census_run_{n}", "MANUAL")  # a role has any name
        rows.append(LogRow(audit_id, type_, at, sync, processed, succeeded, sync_id=7))
    answers.fill(rows)
    written: dict[tuple[date, str], int | None] = {}
    taken: dict[tuple[date, str], tuple[int, int]] = {}
    for row in rows[3:]:
        day = row.at.astimezone(LOS_ANGELES).date()
        if day <= today - timedelta(days=SHOWN):
            continue
        key = day, row.sync
        written.setdefault(key, None)
        if row.processed is not None and row.succeeded is not None:
            written[key] = (written[key] or 0) + row.succeeded
            before = taken.get(key, (0, 0))
            taken[key] = before[0] + row.processed, before[1] + row.succeeded
    assert {(row["day"], row["sync"]): row["records"] for row in answers.ask(4, now)} == written
    first = min((day for day, _ in taken), default=today + timedelta(days=1))
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    rates = {(day, sync): percent(*reversed(taken.get((day, sync), (0, 0)))) for day in days for _, sync in taken}
    assert {(row["day"], row["sync"]): row["success_rate"] for row in answers.ask(5, now)} == pytest.approx(rates)
