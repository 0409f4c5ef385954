"""The schema of pipeline.yml."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import time, timedelta
from itertools import filterfalse
from string import Formatter
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StrictBool

from bot.alerts.timetable import Weekly
from bot.config.addresses import is_safe
from bot.config.names import Schema, Table
from bot.config.remedies import Remedy
from bot.config.syncs import Part, SyncSettings
from checks.forms import ByCadence, Cadence, Duration, Owner
from checks.model import Changes
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
USER_ID = "a Slack user ID; IDs look like U012ABCDEF"
GROUP_ID = "a Slack user group ID; IDs look like S012ABCDEF"
UserId = Annotated[str, AfterValidator(written_like(r"[UW][A-Z0-9]+", USER_ID))]
GroupId = Annotated[str, AfterValidator(written_like(r"S[A-Z0-9]+", GROUP_ID))]
NAME = "a name: write a lowercase letter, then lowercase letters, digits, - and _"


def _word(text: str) -> str:
    tidy = " ".join(text.split())
    if not tidy or re.search(r"[{}<>&*`]", tidy):
        raise ValueError(f'{shown(text)} cannot stand in a sentence: write a word such as "property" or "HubSpot"')
    return tidy


Word = Annotated[str, Field(max_length=40), AfterValidator(_word)]


class Noun(Part):
    """What the records of the pipeline are, as people call them."""

    # One record, as people call it.
    one: Word = "record"
    # Several records.
    many: Word = "records"

    @property
    def words(self) -> tuple[str, str]:
        """Both, as counts take them."""
        return self.one, self.many

    def named(self, record: str) -> str:
        """`Property 108617`."""
        return f"{self.one[:1].upper()}{self.one[1:]} {record}".rstrip()


class Operators(Part):
    """Who may change something."""

    # Slack user IDs.
    users: tuple[UserId, ...] = ()
    # Slack user group IDs, which need a paid Slack plan.
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


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekly(written: object) -> Weekly | None:
    if written is False or isinstance(written, Weekly):
        return written or None
    found = re.fullmatch(
        r"([a-z]+) +([01][0-9]|2[0-3]):([0-5][0-9])", written.lower() if isinstance(written, str) else ""
    )
    day = next((n for n, name in enumerate(WEEKDAYS) if found and found[1] in (name, name[:3])), None)
    if not found or day is None:
        example = 'write a weekday and a time, such as "Mon 08:00", or false for none'
        raise ValueError(f"cannot read {quoted(written)}: {example}")
    return Weekly(day, _exists_every_day(time(int(found[2]), int(found[3]))))


class Timetable(Part):
    """What happens when; times of day in the pipeline's zone."""

    # The time between two evaluations of Census, from 1m to 24h.
    tick: Interval = timedelta(minutes=5)
    # The longest time between two evaluations of the warehouse, from 1m to 24h. Runs bring their own.
    idle_floor: Annotated[Interval, ByCadence] = Field(
        default={"frequent": "60m", "daily": "24h"}, validate_default=True
    )
    # When everything is evaluated at night. The validation speaks through alerts alone.
    digest: TimeOfDay = time(3, 0)
    # When the daily summary is posted, from 01:00 on.
    summary: Annotated[TimeOfDay, AfterValidator(_exists_every_day)] = time(9, 0)
    # When the daily snapshot is written into the audit log.
    snapshot: TimeOfDay = time(23, 59)
    # When the weekly review is posted: a weekday and a time from 01:00 on. `false` switches it off.
    report: Annotated[Weekly | None, BeforeValidator(_weekly)] = Weekly(0, time(8, 0))


class Links(Part):
    """Addresses of what people look at, with the places that are filled in; what is not set is not shown."""

    # A sync in Census. `{sync}` is its ID.
    census_sync: Annotated[str, AfterValidator(_address("sync"))] | None = None
    # A run in Census. `{sync}` and `{run}` are the IDs.
    census_run: Annotated[str, AfterValidator(_address("sync", "run"))] | None = None
    # A dashboard about the pipeline.
    dashboard: Annotated[str, AfterValidator(_address())] | None = None
    # A record in the destination. `{id}` is its ID. `salesforce_record`, its earlier name, is accepted.
    record: Annotated[str, AfterValidator(_address("id"))] | None = Field(
        default=None, validation_alias=AliasChoices("record", "salesforce_record")
    )
    # A runbook of yours. `{section}` is what the check says under `runbook`. Without it Slack shows the product's.
    runbook: Annotated[str, AfterValidator(_address("section"))] | None = None


Mode = Literal["observe", "act"]


def _mode(text: object) -> object:
    if text not in get_args(Mode):
        raise ValueError(f"{shown(text)} is no mode: write observe or act")
    return text


class PagerRules(Part):
    """When the pagers that the environment names are used."""

    # Page when an alert turns critical. Else the second escalation pages, 30 minutes later.
    at_once: StrictBool = False


class ReportChannel(Part):
    """A channel that gets the stakeholder note."""

    # Its name or, when you run it for real, its ID. The bot has to be invited there.
    channel: Channel
    # Who reads there, such as sales operations.
    audience: Word


class Report(Part):
    """The stakeholder note."""

    # Where an operator can send it from the weekly review. Without any it is not offered.
    channels: Annotated[tuple[ReportChannel, ...], Field(max_length=10)] = ()


def _as_entries(written: object) -> object:
    return [written] if isinstance(written, dict) else written


class PipelineFile(Part):
    """pipeline.yml; the comment above each key is what docs/YOUR_PIPELINE.md says of it."""

    # The pipeline, in every headline and in the key of every alert.
    name: Annotated[str, AfterValidator(written_like(r"[a-z][a-z0-9_-]*", NAME))]
    # The time zone of its dates and times of day. Slack shows each reader their own.
    zone: Annotated[str, AfterValidator(_zone)]
    # How often the syncs run, which chooses the thresholds that fit.
    cadence: Cadence = "frequent"
    # What its records are called in messages.
    noun: Noun = Noun()
    # Where its records go. A destination with a table of error codes (Salesforce) is read by that.
    destination: Word = "destination"
    # Whom alerts mention, where neither the check nor the sync names anybody.
    owner: Owner | None = None
    # `observe`: alerts and answers only, and no change to Census or the warehouse: no rerun, snapshot or deploy.
    mode: Annotated[Mode, BeforeValidator(_mode)] = "act"
    # Where alerts go. Write the ID when you run it for real.
    channel: Channel
    # Where alerts go while `channel` is archived or lost.
    fallback_channel: Channel | None = None
    # Who gets the stakeholder note, once an operator sends it.
    report: Report = Report()
    # Who may act on incidents, rerun and take snapshots.
    operators: Operators = Operators()
    # When PagerDuty, or another pager that the environment names, wakes somebody.
    pager: PagerRules = PagerRules()
    # The Census syncs of the pipeline, one at least.
    syncs: tuple[SyncSettings, ...] = Field(min_length=1)
    # What happens when; times of day in `zone`.
    schedule: Timetable = Field(default={}, validate_default=True)
    # Addresses that alerts lead to, with their places in braces. What is not set is not shown.
    links: Links = Links()
    # The file below ./sql of the statement that returns one row of numbers for checks.
    measure: str | None = None
    # Which of these numbers count the rows of a table: the table that an alert names when it is empty.
    row_counts: dict[str, Table] = Field(default={})
    # The schema of what the bot creates: the audit log and the views. Without it there is neither.
    deploy_to: Schema | None = None
    # The audit log, where it is not `deploy_to`.sync_audit_log.
    audit_log: Table | None = None
    # Tables that have another name here than in the statements.
    tables: dict[str, Table] = Field(default={})
    # Thresholds that differ from those of a check, by its name, for all syncs.
    limits: dict[str, Changes] = Field(default={})
    # What the bot does on its own, one or a list. Without it nothing is automatic.
    remedy: Annotated[tuple[Remedy, ...], BeforeValidator(_as_entries)] = ()
    # Groups of the product by name, files and folders by path (./checks), and checks of your own.
    checks: tuple[object, ...] = ("sync",)


def in_words(written: object, words: Mapping[str, str]) -> object:
    """Checks with the pipeline's own words in their texts: `{destination}`, `{noun}` and `{nouns}`."""
    if isinstance(written, str):
        for name, word in words.items():
            written = written.replace(f"{{{name}}}", word)
        return written
    if isinstance(written, dict):
        return {key: in_words(value, words) for key, value in written.items()}
    return [in_words(value, words) for value in written] if isinstance(written, list) else written
