"""What a generic snapshot notes is read back as it was."""

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PermanentError
from bot.services.audit_log import SEPARATOR, note, numbers_in, taken_at
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


@pytest.mark.parametrize(
    "text", ["9" * 5000, "9" * 400, f"{'9' * 400}.5", "99999999999999999999", f"-{'9' * 5000}"], ids=len
)
def test_a_note_that_no_count_comes_to_is_no_number(text: str) -> None:
    notes = f"x: {text}{SEPARATOR}y: 12{SEPARATOR}z: -0.5"
    assert numbers_in({"notes": notes}, shipped_settings()) == {"x": None, "y": 12, "z": -0.5}


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 10**30, 1e30, True, "96.1", None])
def test_a_column_that_holds_no_count_is_no_number(odd: object) -> None:
    assert numbers_in({"gap": odd, "coverage_percentage": 96.0}, shipped_settings()) == {
        "gap": None,
        "coverage_percentage": 96.0,
    }


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 2, 2, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 1, 2),  # noqa: DTZ001 - as a column without a zone has it
        date(2026, 1, 2),
        "2026-01-02",
        "2026-01-02 00:00:00",
        "2026-01-01T16:00:00-08:00",
    ],
)
def test_a_snapshot_was_taken_when_its_row_says_in_whatever_form(at: object) -> None:
    assert taken_at({"execution_timestamp": at}) == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("odd", [None, "yesterday", "", 20260102, "0001-01-01T00:00:00+10:00"])
def test_a_row_without_a_time_is_refused_with_the_remedy_and_its_value_is_not_shown(odd: object) -> None:
    with pytest.raises(PermanentError, match=r"make it a TIMESTAMP") as refused:
        taken_at({"execution_timestamp": odd} if odd is not None else {})
    assert "yesterday" not in str(refused.value)
