"""The schema of pipeline.yml."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import time, timedelta
from itertools import filterfalse
from string import Formatter
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.config.environment import is_safe
from checks.catalog import Changes
from checks.model import ByCadence, Cadence, Check, Duration, Owner
from checks.problems import nearest, quoted, shown, written_like

UNPLACED = re.compile(r"localtime$|Factory$|posixrules$|posix/|right/")  # files next to the zones, of this machine


def _zone(name: str) -> str:
    try:
        if UNPLACED.match(name):
            raise ZoneInfoNotFoundError
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f"there is no time zone {shown(name)}: {nearest(name, filterfalse(UNPLACED.match, available_timezones()))}"
        ) from None
    return name


NAME_PART = re.compile(r"`((?:[^`]|``)+)`|([^.`]+)")


def table_parts(name: str) -> tuple[str, ...]:
    """``lake.`my.größe`.kunden`` → its parts without backticks; none where it cannot be read."""
    parts, rest = [], f".{name}"
    while rest.startswith(".") and (found := NAME_PART.match(rest, 1)):
        parts.append(found[1].replace("``", "`") if found[1] else found[2])
        rest = rest[found.end() :]
    return () if rest else tuple(parts)


def _table(name: str) -> str:
    if re.search(r"[\s'\";]", re.sub(r"`(?:[^`]|``)+`", "", name)):
        raise ValueError(f"{shown(name)} has blanks, quotes or semicolons: write them in backticks or leave them out")
    if len(table_parts(name)) != 3:
        raise ValueError(f'"{name}" is not a full name: write catalog.schema.table')
    return name


def _channel(text: str) -> str:
    if re.fullmatch(r"[UWS](?=.*[0-9])[A-Z0-9]+|@.*", text):
        raise ValueError(f"{shown(text)} is a person or user group: {CHANNELS}")
    if not text or re.search(r"\s", text):
        raise ValueError(f"{shown(text)} is not a Slack channel: {CHANNELS}")
    return text


def _positive(span: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= span <= timedelta(days=1):
        raise ValueError("write something between 1m and 24h")
    return span


def _address(*places: str) -> Callable[[str], str]:
    """An https address, or one on this machine, that may name these places in braces."""

    def check(text: str) -> str:
        if not is_safe(text) or set(_places(text)) - set(places):
            known = f" with {' and '.join(f'{{{place}}}' for place in places)}" if places else ""
            raise ValueError(f'cannot use "{text}": write an https:// address{known}')
        return text

    return check


def _places(text: str) -> Iterator[str]:
    """What str.format would fill in; a brace alone, or one with a conversion, is as wrong as an unknown name."""
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is not None:
                yield name if not (form or conversion) else text
    except ValueError:
        yield text


CHANNELS = "write the name of a channel, such as sync-health, or its ID, such as C012ABCDEF"
Channel = Annotated[str, AfterValidator(_channel)]
Table = Annotated[str, AfterValidator(_table)]
USER_ID = "a Slack user ID; IDs look like U012ABCDEF"
GROUP_ID = "a Slack user group ID; IDs look like S012ABCDEF"
UserId = Annotated[str, AfterValidator(written_like(r"[UW][A-Z0-9]+", USER_ID))]
GroupId = Annotated[str, AfterValidator(written_like(r"S[A-Z0-9]+", GROUP_ID))]
NAME = "a name: write a lowercase letter, then lowercase letters, digits, - and _"


def _sync_name(text: str) -> str:
    tidy = " ".join(text.split())
    if not tidy:
        raise ValueError(f'{shown(text)} is not a name: write one that people can say, such as "Sync A"')
    if text != tidy:
        raise ValueError(f"has a blank at an end, several in a row, or one that is none: write {shown(tidy)}")
    return text


def _word(text: str) -> str:
    tidy = " ".join(text.split())
    if not tidy or re.search(r"[{}<>&*`]", tidy):
        raise ValueError(f'{shown(text)} cannot stand in a sentence: write a word such as "property" or "HubSpot"')
    return tidy


Word = Annotated[str, Field(max_length=40), AfterValidator(_word)]


class Part(BaseModel):
    """A part of pipeline.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Noun(Part):
    """What the records of the pipeline are, as people call them."""

    one: Word = "record"
    many: Word = "records"


class SyncSettings(Part):
    """One Census sync of the pipeline."""

    name: Annotated[str, Field(max_length=40), AfterValidator(_sync_name)]
    id: Annotated[int, Field(gt=0, strict=True)]
    direction: Literal["create", "update"]
    queue: Table
    starts: Literal["census", "external"] = "census"  # external: by Airflow, Dagster, … over the API of Census
    owner: Owner | None = None  # of its alerts, where the check names none

    @property
    def label(self) -> str:
        """As people call it: `Sync B (UPDATE)`."""
        return f"{self.name} ({self.direction.upper()})"

    @property
    def names(self) -> frozenset[str]:
        """Its full names, as they are compared: in lower case."""
        return frozenset({self.name.casefold(), self.label.casefold()})

    @property
    def last_word(self) -> str:
        """Its short name: the `b` of `Sync B`."""
        return self.name.split()[-1].casefold()

    @property
    def signs(self) -> frozenset[str]:
        """What it goes by without a name."""
        return frozenset({self.direction, str(self.id)})


class Operators(Part):
    """Who may change something."""

    users: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()


def _time_of_day(text: object) -> time:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text) if isinstance(text, str) else None
    if not found:
        raise ValueError(
            f'cannot read the time of day {quoted(text)}: write hours and minutes in quotes, such as "03:00"'
        )
    return time(int(found[1]), int(found[2]))


Interval = Annotated[Duration, AfterValidator(_positive)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


def _exists_every_day(at: time) -> time:
    if at < time(1):
        raise ValueError("some days begin at 01:00, when clocks go forward: write a time from 01:00 on")
    return at


class Timetable(Part):
    """What happens when; times of day in the pipeline's zone."""

    tick: Interval = timedelta(minutes=5)  # between two evaluations of Census
    # …at the warehouse, at the latest; a daily run is measured before and after it as well
    idle_floor: Annotated[Interval, ByCadence] = Field(
        default={"frequent": "60m", "daily": "24h"}, validate_default=True
    )
    digest: TimeOfDay = time(3, 0)  # the nightly validation
    summary: Annotated[TimeOfDay, AfterValidator(_exists_every_day)] = time(9, 0)  # the daily summary
    snapshot: TimeOfDay = time(23, 59)


class Links(Part):
    """Addresses of what people look at, with the places that are filled in; what is not set is not shown."""

    census_sync: Annotated[str, AfterValidator(_address("sync"))] | None = None
    census_run: Annotated[str, AfterValidator(_address("sync", "run"))] | None = None
    dashboard: Annotated[str, AfterValidator(_address())] | None = None
    salesforce_record: Annotated[str, AfterValidator(_address("id"))] | None = None
    runbook: Annotated[str, AfterValidator(_address("section"))] | None = None


class PipelineFile(Part):
    """pipeline.yml."""

    name: Annotated[str, AfterValidator(written_like(r"[a-z][a-z0-9_-]*", NAME))]
    zone: Annotated[str, AfterValidator(_zone)]
    cadence: Cadence = "frequent"
    noun: Noun = Noun()
    destination: Word = "destination"  # where its records go, a name that can stand before a noun
    owner: Owner | None = None  # of every alert whose check and sync name none
    channel: Channel
    fallback_channel: Channel | None = None
    operators: Operators = Operators()
    syncs: tuple[SyncSettings, ...] = Field(min_length=1)
    schedule: Timetable = Field(default={}, validate_default=True)
    links: Links = Links()
    tables: dict[str, Table] = {}
    limits: dict[str, Changes] = {}
    checks: list[Check] = []


def in_words(written: object, words: Mapping[str, str]) -> object:
    """Checks with the pipeline's own words in their texts: `{destination}`, `{noun}` and `{nouns}`."""
    if isinstance(written, str):
        for name, word in words.items():
            written = written.replace(f"{{{name}}}", word)
        return written
    if isinstance(written, dict):
        return {key: in_words(value, words) for key, value in written.items()}
    return [in_words(value, words) for value in written] if isinstance(written, list) else written
