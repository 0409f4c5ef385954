"""Text from anywhere in what the bot says: Slack takes it, and it formats nothing and pings nobody."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages.text import escape, with_times
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
