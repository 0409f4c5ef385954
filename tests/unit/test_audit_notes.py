"""What a generic snapshot notes is read back as it was."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.services.audit_log import SEPARATOR, note, numbers_in
from tests.fakes import shipped_settings

NAME = st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="¦"), min_size=1, max_size=40)
NUMBER = st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9, width=32))


@given(st.dictionaries(NAME.map(lambda name: f"{name}/backlog"), NUMBER, min_size=1, max_size=5))
def test_whatever_a_sync_is_called_and_however_large_its_backlog_is(numbers: dict[str, float]) -> None:
    notes = SEPARATOR.join(note(name, value) for name, value in numbers.items())
    row = {"audit_id": "x", "execution_timestamp": datetime(2026, 1, 1, tzinfo=UTC), "executed_by": "y", "notes": notes}
    read = numbers_in(row, shipped_settings())
    assert read.keys() == numbers.keys()
    assert all(abs((read[name] or 0) - value) < 1e-5 * max(1, abs(value)) for name, value in numbers.items())
