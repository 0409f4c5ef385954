"""What a check is, and what it says."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from checks.problems import quoted, written_like


class Outcome(StrEnum):
    """What one evaluation of a check says; `no_data` and `error` are never healthy."""

    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    NO_DATA = "no_data"
    ERROR = "error"


class Severity(StrEnum):
    """How bad a firing alert is."""

    WARN = "warn"
    CRITICAL = "critical"


COMPARISONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Limit:
    """A comparison with a number, written like `> 50` or, where it has a unit, `> 5%` and `> 2 h`."""

    comparison: str
    number: float
    unit: str = field(default="", compare=False)  # % or h

    def holds(self, value: float) -> bool:
        """Whether the value is on this side of the number."""
        return bool(COMPARISONS[self.comparison](value, self.number))

    def __str__(self) -> str:
        return f"{self.comparison} {self.number:.15g}{with_unit(self.unit)}"


LIMIT = re.compile(r"\s*(>=|<=|!=|>|<|=)\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(%|h)?\s*")


def with_unit(unit: str) -> str:
    """What stands behind a number: a percent sign without a space, an hour with one."""
    return f" {unit}" if unit == "h" else unit


def parse_limit(text: object) -> Limit:
    """`"> 50"` → Limit. Raises ValueError with an example for anything else."""
    found = LIMIT.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f'cannot read the limit {quoted(text)}: write a comparison and a number, such as "> 50"')
    return Limit(found[1], float(found[2]), found[3] or "")


LIMITS = ("warn", "critical", "clear")
LONGEST = timedelta(days=365)  # that a check can be patient for
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: object) -> timedelta:
    """`"5m"` → timedelta. Raises ValueError with an example for anything else."""
    if isinstance(text, timedelta):
        return text
    if text == 0 and text is not False:
        return timedelta(0)
    found = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhd])\s*", text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f'cannot read the duration {quoted(text)}: write a number and s, m, h or d, such as "5m"')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _bearable(span: timedelta) -> timedelta:
    if span > LONGEST:
        raise ValueError(f"is longer than a year: write {LONGEST.days}d at most")
    return span


Cadence = Literal["frequent", "daily"]


def _chosen(value: object, info: ValidationInfo) -> object:
    """Of `{frequent: …, daily: …}` the one for the pipeline's cadence, which is the validation's context."""
    if not isinstance(value, dict):
        return value
    if set(value) != set(get_args(Cadence)):
        raise ValueError("write one for each cadence, {frequent: …, daily: …}, or one for both")
    return value[(info.context or {}).get("cadence", "frequent")]


@dataclass(frozen=True)
class Active:
    """When a check is evaluated: between two local times of day, or from a while after a daily run is due."""

    begin: int = 0  # minutes of the local day
    end: int = 24 * 60
    after_schedule: timedelta | None = None


def parse_active(text: object) -> Active:
    """`"08:00-24:00"` or `"2h after schedule"` → Active. Raises ValueError with an example for anything else."""
    if isinstance(text, str) and (found := re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", text, re.ASCII)):
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if begin < end <= 24 * 60 and int(found[2]) < 60 and int(found[4]) < 60:
            return Active(begin, end)
    if isinstance(text, str) and text.endswith(" after schedule"):
        return Active(after_schedule=_bearable(parse_duration(text.removesuffix(" after schedule"))))
    raise ValueError(f'cannot read the hours {quoted(text)}: write "08:00-24:00" or "2h after schedule"')


ByCadence = BeforeValidator(_chosen)

# Validators run from the right: the cadence is chosen first.
LimitText = Annotated[Limit, BeforeValidator(lambda v: v if isinstance(v, Limit) else parse_limit(v)), ByCadence]
Hours = Annotated[Active, BeforeValidator(parse_active), ByCadence]
SLACK_IDS = "a Slack user or user group ID; IDs look like U012ABCDEF and S012ABCDEF"
Owner = Annotated[str, AfterValidator(written_like(r"[UWS][A-Z0-9]+", SLACK_IDS))]
NAME = "a name: write a lowercase letter, then lowercase letters, digits and _"
Duration = Annotated[timedelta, AfterValidator(_bearable), BeforeValidator(parse_duration)]


Promise = Literal["always", "at-sync-time"]  # alerted within 15 minutes of the fault, or when it is measured next


# What a measurement can say about the situation in which it was taken; a check can have other thresholds there.
# …and, of values in the destination, what is known of the sync that writes them: no suspect record, or none at all,
# is pending.
Situation = Literal["scheduled", "paused", "transient", "permanent", "few_records", "clean_backlog", "empty_backlog"]


class Thresholds(BaseModel):
    """When a check speaks."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    warn: LimitText | None = None
    critical: LimitText | None = None
    clear: LimitText | None = None
    active: Hours = Active()


class Case(Thresholds):
    """What is different about a check in one situation; only what is written there counts."""

    summary: str = ""
    healthy: str | None = None  # …instead of the summary, where the number alone would read oddly when all is well
    helps: str = Field("", max_length=500)
    rerun: Literal["create", "update", "same"] | None = None  # the sync whose rerun can bring this back to healthy


class Because(BaseModel):
    """A measured reason for a check's value: while it holds, an alert names it, and a rerun is not offered."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    metric: str  # a column of the measurement
    when: LimitText
    says: str  # may name {value}
    helps: str = Field("", max_length=500)  # the next step then


class Check(Case):
    """One thing that should hold, as its owner writes it (checks/*.yml, pipeline.yml)."""

    name: Annotated[str, AfterValidator(written_like(r"[a-z][a-z0-9_]*", NAME))]
    title: str = Field(min_length=1, max_length=120)
    metric: str  # a column of the measurement, or `sql:`, a statement of one row
    source: Literal["databricks", "census", "bot"]
    per: Literal["sync"] | None = None
    depends_on: tuple[str, ...] = ()
    promise: Promise = "always"  # a check of the warehouse: at-sync-time
    for_: Duration = Field(timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=10)
    reopen_within: Duration = timedelta(minutes=30)
    owner: Owner | None = None
    runbook: str | None = None
    summary: str
    cases: dict[Situation, Case] = {}
    because: tuple[Because, ...] = ()

    def changed(self, changes: BaseModel) -> Self:
        """The same with what is written in `changes`, whose fields are named as here."""
        changed = {name: getattr(changes, name) for name in changes.model_fields_set - {"enabled"}}
        if {"warn", "critical"} & changed.keys() and "clear" not in changed:
            changed["clear"] = None  # it belonged to the old limit
        changed = {name: self._in_its_unit(value) if name in LIMITS else value for name, value in changed.items()}
        if "cases" in changed:
            changed["cases"] = self.cases | changed["cases"]
        return self.model_copy(update=changed)

    def _in_its_unit(self, limit: Limit | None) -> Limit | None:
        """A threshold that is written without a unit has that of those it replaces."""
        units = (one.unit for one in (self.warn, self.critical, self.clear) if one)
        return limit and (limit if limit.unit else replace(limit, unit=next(units, "")))

    def in_case(self, situation: Situation | None) -> Self:
        """What holds in this situation."""
        return self.changed(self.cases[situation]) if situation in self.cases else self

    def column(self, direction: str) -> str:
        """What the warehouse calls its number of the queue of this direction."""
        return f"{direction}_{self.metric}"

    @property
    def statement(self) -> str | None:
        """The name of its own statement, where it has one: `sql/checks/stale.sql` is `checks/stale`."""
        own = self.metric.startswith("sql/")
        return self.metric.removeprefix("sql/").removesuffix(".sql") if own else None

    @property
    def wakes_the_warehouse(self) -> bool:
        """Whether its number costs a statement, and so is not measured at every tick."""
        return self.source == "databricks" or self.metric == "unmeasured_databricks"

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        if "sql" in data and "metric" in data:
            raise ValueError("it has both a metric and sql: write one of them")
        written = {"metric" if key == "sql" else key: value for key, value in data.items()}
        return {"promise": "at-sync-time" if data.get("source") == "databricks" else "always"} | written


@dataclass(frozen=True)
class Reading:
    """One number that was measured: None where there was none, `error` where measuring failed.

    `detail` says more about the number, or why there is none; `facts` fill in the summary; `helps` is the next step
    where the measurement knows a better one than the check, `cause` why the number is what it is.
    """

    value: float | None = None
    error: str | None = None
    detail: str | None = None
    case: Situation | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    helps: str | None = None
    cause: str | None = None
    carried: bool = False  # measured at an earlier evaluation, and standing in: no event


@dataclass(frozen=True)
class Result:
    """What one evaluation of one check came to.

    `limit` is the one that was crossed, `cleared` says whether the value is far enough inside to end an alert.
    """

    check: str
    sync: str | None
    outcome: Outcome
    value: float | None
    warn: str | None
    critical: str | None
    limit: str | None
    cleared: bool
    summary: str
    runbook: str | None
    error: str | None = None  # why there is no number
    carried: bool = False  # as its reading
    case: Situation | None = None
    helps: str = ""
    cause: str | None = None
