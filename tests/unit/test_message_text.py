"""Text from anywhere in what the bot says: Slack takes it, and it formats nothing and pings nobody."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages.text import escape, figure, number, with_times
from tests.unit.payloads import (
    ESCAPED,
    anything,
)
from tests.unit.samples import (
    ZONE,
)


@given(anything, st.integers(1, 60))
@settings(deadline=None)
def test_escaped_text_keeps_its_length_and_every_entity_whole(text: str, most: int) -> None:
    cut = escape(text, most)
    assert 1 <= len(cut) <= most
    assert ESCAPED.fullmatch(cut)
    assert cut == escape(text, 10**6) or cut.endswith("…")


def test_what_is_escaped_reads_the_same_in_slack() -> None:
    assert escape("a < b && c > d, é 🔥") == "a &lt; b &amp;&amp; c &gt; d, é 🔥"
    assert escape("&lt;") == "&amp;lt;"


def test_braces_that_hold_no_time_stay_as_they_are() -> None:
    assert with_times("since {2026-13-45T00:00:00+00:00}", ZONE) == "since {2026-13-45T00:00:00+00:00}"
    assert with_times("since {2026-01-09T10:30:00+00:00}", ZONE).startswith("since <!date^")


def test_no_number_is_rounded_onto_the_threshold_it_stands_next_to_in_whatever_unit() -> None:
    assert (figure(94.998, "%", [95]), figure(2.001, "h", [2]), figure(59.99, "min", [60])) == (
        "94.998%",
        "2.001 h",
        "59.99 min",
    )
    assert (figure(2, "h", [2]), figure(1.5, "h", [2]), figure(20274), figure(3, "s")) == (
        "2 h",
        "1 h 30 min",
        "20,274",
        "3 s",
    )
    assert number(2.001, "> 2h") == "2.001 h"
