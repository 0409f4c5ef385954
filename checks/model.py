"""What a check is, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from checks.forms import LIMITS, Active, Duration, Hours, Limit, LimitText, Owner
from checks.problems import shown, written_like


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


NAME = "a name: write a lowercase letter, then lowercase letters, digits and _"
Promise = Literal["always", "at-sync-time"]  # alerted within 15 minutes of the fault, or when it is measured next


# What a measurement can say about the situation in which it was taken; a check can have other thresholds there.
# …and, of values in the destination, what is known of the sync that writes them: no suspect record, or none at all,
# is pending.
Situation = Literal[
    "scheduled", "expected", "paused", "transient", "permanent", "few_records", "clean_backlog", "empty_backlog"
]


class Thresholds(BaseModel):
    """When a check speaks."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    # A value that is a warning. A threshold may differ by cadence: `{frequent: "> 50", daily: "> 300"}`.
    warn: LimitText | None = None
    # A value that is critical.
    critical: LimitText | None = None
    # Where an alert recovers; without it 5% inside the mildest threshold.
    clear: LimitText | None = None
    # When it is evaluated: days, hours, dates left out, or a while after a run was due.
    active: Hours = Active()


class Case(Thresholds):
    """What is different about a check in one situation; only what is written there counts."""

    # The headline. It may name `{value}`, `{percent}`, `{limit}`, `{s}`, `{sync}` and the facts of its metric.
    summary: str = ""
    # The headline instead of `summary` while the check is healthy.
    healthy: str | None = None
    # The next step, at most 500 characters.
    helps: str = Field("", max_length=500)
    # The sync whose rerun can bring this back to healthy: `same`, `role:update`, or a sync's name.
    rerun: str | None = Field(None, min_length=1, max_length=60)


class Because(BaseModel):
    """A measured reason for a check's value: while it holds, an alert names it, and a rerun is not offered."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    # A column of `measure`.
    metric: str
    # When this is the reason.
    when: LimitText
    # The cause, as the alert names it. It may name `{value}`.
    says: str
    # The next step then.
    helps: str = Field("", max_length=500)


class Check(Case):
    """One thing that should hold, as its owner writes it (checks/*.yml, pipeline.yml)."""

    # Its name, which is part of the key of its alerts: choose one that stays.
    name: Annotated[str, AfterValidator(written_like(r"[a-z][a-z0-9_]*", NAME))]
    # What people call it, in lists.
    title: str = Field(min_length=1, max_length=120)
    # What it judges: a column of `measure`, a metric of Census or of a queue. Or `sql: sql/checks/NAME.sql`.
    metric: str
    # Who measures it. Checks of the bot itself are the product's own.
    source: Literal["databricks", "census", "bot"]
    # Evaluated once for each sync: checks of Census and of queues.
    per: Literal["sync"] | None = None
    # Checks that explain this one: no second alert while one of them is open.
    depends_on: tuple[str, ...] = ()
    # `always`: alerted within 15 minutes. `at-sync-time`, the default of a warehouse check: when it is measured next.
    promise: Promise = "always"
    # How long a value has to stay bad before an alert opens.
    for_: Duration = Field(timedelta(minutes=5), alias="for")
    # How long it has to stay good before the alert resolves.
    keep_firing_for: Duration = timedelta(minutes=10)
    # How soon after that the same incident is opened again instead of a new one.
    reopen_within: Duration = timedelta(minutes=30)
    # Whom its alerts mention.
    owner: Owner | None = None
    # The section of the runbook.
    runbook: str | None = None
    summary: str
    # What differs in a situation that the measurement names; keys are those of a check.
    cases: dict[Situation, Case] = {}
    # Measured reasons: the first that holds is the cause of the alert, and no rerun is offered while it does.
    because: tuple[Because, ...] = ()
    # A success metric of the pipeline: every value over the days of `slo` has to be so.
    slo: LimitText | None = None
    # Names it had as a check of one sync, each with the role of that sync: open incidents go on.
    was: dict[str, str] = {}

    def changed(self, changes: BaseModel) -> Self:
        """The same with what is written in `changes`, whose fields are named as here."""
        changed = {name: getattr(changes, name) for name in changes.model_fields_set - {"enabled"}}
        if {"warn", "critical"} & changed.keys() and "clear" not in changed:
            changed["clear"] = None  # it belonged to the old limit
        with_unit = (*LIMITS, "slo")
        changed = {name: self._in_its_unit(value) if name in with_unit else value for name, value in changed.items()}
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

    def reading_of(self, sync: str | None) -> str:
        """What its number is called among those of the warehouse; that of a sync's queue has the sync's name."""
        return f"{sync}/{self.metric}" if sync else self.metric

    @property
    def mildest(self) -> Limit | None:
        """The threshold that is crossed first."""
        return self.warn or self.critical

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


class Changes(Thresholds):
    """What may be changed of a check that stands elsewhere; only what is written there counts."""

    @model_validator(mode="before")
    @classmethod
    def _switched_off(cls, written: object) -> object:
        if written is False:
            return {"enabled": False}
        if isinstance(written, str | bool | int | float):
            raise ValueError(f"{shown(written)} is no threshold: write {{enabled: false}} to switch the check off")
        return written

    # `false` switches the check off.
    enabled: StrictBool = True
    cases: dict[Situation, Case] = Field(default={})
    for_: Duration = Field(timedelta(0), alias="for")
    keep_firing_for: Duration = timedelta(0)
    reopen_within: Duration = timedelta(0)
    owner: Owner | None = None
    helps: str = Field("", max_length=500)
    runbook: str | None = None
    slo: LimitText | None = None
    because: tuple[Because, ...] = ()


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
