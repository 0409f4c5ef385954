"""What checks say in words, and read from them: spans, hours, and what is wrong in a file."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from checks.days import EVERY_DAY, Days
from checks.forms import Active, Duration, parse_active, parse_duration, parse_limit
from checks.model import Check
from checks.numbers import duration
from checks.problems import Written, problems, written_like


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((-1, "0 s"), (59, "59 s"), (60, "1 min"), (3570, "1 h"), (3900, "1 h 5 min")),
        *((86_400, "1 d"), (97_200, "1 d 3 h")),
    ],
)
def test_a_span_is_written_as_people_write_it(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_hours_are_read_as_their_owner_writes_them() -> None:
    assert parse_active("08:00-24:00") == Active(480, 1440)
    assert parse_active("2h after schedule") == Active(after_schedule=timedelta(hours=2))


WORKDAYS = frozenset(range(5))


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("mon-fri 08:00-18:00", Active(480, 1080, days=Days(WORKDAYS))),
        ("Mon-Fri 08:00-18:00", Active(480, 1080, days=Days(WORKDAYS))),
        ("mon,wed,fri", Active(days=Days(frozenset({0, 2, 4})))),
        ("mon, wed-fri", Active(days=Days(frozenset({0, 2, 3, 4})))),
        ("sat-sun", Active(days=Days(frozenset({5, 6})))),
        ("fri-mon", Active(days=Days(frozenset({4, 5, 6, 0})))),
        ("sun", Active(days=Days(frozenset({6})))),
        ("mon-sun", Active(days=EVERY_DAY)),
        ("mon-fri 2h after schedule", Active(after_schedule=timedelta(hours=2), days=Days(WORKDAYS))),
        (
            "mon-fri 08:00-18:00 except 12-25, 2026-11-27",
            Active(480, 1080, days=Days(WORKDAYS, frozenset({"12-25", "2026-11-27"}))),
        ),
        ("08:00-18:00 except 02-29", Active(480, 1080, days=Days(not_on=frozenset({"02-29"})))),
        ("sat except 12-26,12-31", Active(days=Days(frozenset({5}), frozenset({"12-26", "12-31"})))),
        ("except 12-25", Active(days=Days(not_on=frozenset({"12-25"})))),
        (
            "2h after schedule except 12-25",
            Active(after_schedule=timedelta(hours=2), days=Days(not_on=frozenset({"12-25"}))),
        ),
    ],
)
def test_days_are_read_before_the_hours_and_dates_behind_them(text: str, active: Active) -> None:
    assert parse_active(text) == active


def test_a_date_with_a_year_is_one_day_and_one_without_is_a_day_of_every_year() -> None:
    days = Days(WORKDAYS, frozenset({"12-25", "2026-11-27"}))
    tried = ["2026-12-24", "2026-12-25", "2028-12-25", "2026-11-27", "2028-11-27", "2026-11-28"]
    assert [day for day in tried if date.fromisoformat(day) in days] == ["2026-12-24", "2028-11-27"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("mon-fri except 02-30", "02-30"),
        ("mon-fri except 12-25, 2026-13-01", "2026-13-01"),
        ("except 2027-02-29", "2027-02-29"),
        ("except 1-5", "1-5"),
        ("except 12-25,", ""),
        ("except 12-25 12-31", "12-25 12-31"),
    ],
)
def test_a_date_that_is_none_is_named(text: str, day: str) -> None:
    with pytest.raises(ValueError, match=f'"{day}" is no date: write it like "12-25", for every year, or "2026-12-25"'):
        parse_active(text)


@pytest.mark.parametrize(
    ("parse", "value", "said"),
    [
        (parse_duration, True, "cannot read the duration true"),
        (parse_duration, None, "cannot read the duration nothing"),
        (parse_limit, {"a": 1}, "cannot read the threshold a mapping"),
        (parse_active, [1], "cannot read the hours a list"),
        (parse_active, "x  y", "cannot read the hours 'x  y'"),
        (parse_duration, "٥m", "cannot read the duration '٥m'"),
        (parse_active, "366d after schedule", "is longer than a year: write 365d at most"),
        (parse_active, "٠٨:٠٠-٢٤:٠٠", "cannot read the hours"),
        (parse_limit, "> ٥", "cannot read the threshold '> ٥'"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_words_of_yaml(
    parse: Callable[[object], object], value: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        parse(value)


NO_HOURS = ["08:60-24:00", "08:00-24:01", "09:00-08:00", "always", 8, None, ""]
NO_DAYS = [
    "1-5 08:00-12:00",
    "monday-friday",
    "mon-fry",
    "mon..fri",
    "mon fri",
    "08:00-18:00 mon-fri",
    "mon-fri  08:00",
]
NO_DATES = ["mon-fri except", "mon-fri except christmas", "mon-fri except sat", "mon-fri but 12-25", "mon- 08:00-09:00"]


@pytest.mark.parametrize("text", [*NO_HOURS, *NO_DAYS, *NO_DATES])
def test_hours_that_cannot_be_are_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='write "08:00-24:00" or "2h after schedule"'):
        parse_active(text)


def test_a_check_is_patient_for_a_year_at_most() -> None:
    patience: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert patience.validate_python("365d") == patience.validate_python("8760h") == timedelta(days=365)
    for text in ("366d", "8761h", "999999d"):
        with pytest.raises(ValueError, match="is longer than a year: write 365d at most"):
            patience.validate_python(text)


def test_a_check_with_a_statement_of_its_own_names_it() -> None:
    base: dict[str, Any] = {"name": "stale", "title": "Stale", "source": "databricks", "warn": "> 1", "summary": "s"}
    assert Check.model_validate(base | {"metric": "sql/checks/stale.sql"}).statement == "checks/stale"
    assert Check.model_validate(base | {"metric": "stale"}).statement is None


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: float = Field(1, gt=0)
    word: Literal["one", "two"] = "one"


class Bare(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    number: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=5, min_length=1)
    inner: Inner | None = None
    table: dict[str, int] = {}
    color: Annotated[str, AfterValidator(written_like(r"red|blue", "a color"))] = "red"
    raw: bytes = b""
    bare: Bare = {}
    some: tuple[Inner, ...] = Field((Inner(),), min_length=1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, '"name" is missing'),
        ({"name": ""}, 'name: "" is not enough: write at least one'),
        ({"name": "too long"}, 'name: "too long" is not short enough: write 5 characters at most'),
        ({"name": "a", "nam": 1}, 'nam: unknown key "nam": did you mean "name"?'),
        ({"name": "a", "inner": {"nomber": 1}}, 'inner.nomber: unknown key "nomber": did you mean "number"?'),
        ({"name": "a", "inner": {"number": 0}}, "inner.number: 0 is not a number above 0"),
        ({"name": "a", "inner": {"word": "three"}}, 'inner.word: "three" is not one of one, two'),
        ({"name": "a", "table": {"x": "y"}}, 'table.x: "y" is not a whole number, written in digits alone'),
        ({"name": "a", "color": "green"}, 'color: "green" is not a color'),
        ({"name": "a", "bare": {"nomber": 1}}, 'bare.nomber: unknown key "nomber"'),
        ({"name": None}, "name: has no value: write text"),
        ({"name": True}, "name: true is not text"),
        ({"name": [1]}, "name: a list is not text"),
        ({"name": "a", "inner": []}, "inner: an empty list is not a block of keys and values"),
        ({"name": "a", "some": {"x": 1}}, "some: a mapping is not a list"),
        ({"name": {}}, "name: an empty mapping is not text"),
        ({"name": "a", "some": []}, "some: an empty list is not enough: write at least one"),
        ({"name": "a", "some": [{"number": 0}]}, "some.number: 0 is not a number above 0"),
        ({"name": "a", "raw": 1}, "raw: 1 is not valid here (bytes type)"),
    ],
)
def test_what_is_wrong_is_said_in_our_words(data: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        Outer.model_validate(data)
    [problem] = problems(Written("a.yml", data, lambda _: 3), Outer, found.value)
    assert problem.startswith(f"a.yml:3: {said}")
