"""Thresholds, durations, hours and owners, as people write them in checks and pipeline.yml."""

import operator
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from checks.days import EVERY_DAY, Days, parse_days
from checks.problems import quoted, written_like

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

    @property
    def rises(self) -> bool:
        """Whether more is worse; of `= 0` less is, of `!= 0` more."""
        return self.comparison in (">", ">=", "!=")

    def beyond(self, value: float) -> float:
        """How far on this side of the number a value is, to find the worst of some."""
        if self.comparison in ("=", "!="):
            return abs(value - self.number) if self.rises else -abs(value - self.number)
        return value if self.rises else -value

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
        raise ValueError(f'cannot read the threshold {quoted(text)}: write a comparison and a number, such as "> 50"')
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
    """When a check is evaluated: on some local days, between two times of day or a while after a daily run is due."""

    begin: int = 0  # minutes of the local day
    end: int = 24 * 60
    after_schedule: timedelta | None = None
    days: Days = EVERY_DAY  # those on which the run was due, where it waits for one


def parse_active(text: object) -> Active:
    """`"mon-fri 08:00-24:00 except 12-25"` or `"2h after schedule"` → Active. Raises ValueError with an example."""
    if isinstance(text, str) and (written := parse_days(text)):
        days, hours = written
        if not hours:
            return Active(days=days)
        if hours.endswith(" after schedule"):
            wait = _bearable(parse_duration(hours.removesuffix(" after schedule")))
            return Active(after_schedule=wait, days=days)
        if found := re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", hours, re.ASCII):
            begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
            if begin < end <= 24 * 60 and int(found[2]) < 60 and int(found[4]) < 60:
                return Active(begin, end, days=days)
    example = 'write "08:00-24:00" or "2h after schedule", on some days "mon-fri 08:00-18:00 except 12-25"'
    raise ValueError(f"cannot read the hours {quoted(text)}: {example}")


ByCadence = BeforeValidator(_chosen)

# Validators run from the right: the cadence is chosen first.
LimitText = Annotated[Limit, BeforeValidator(lambda v: v if isinstance(v, Limit) else parse_limit(v)), ByCadence]
Hours = Annotated[Active, BeforeValidator(parse_active), ByCadence]
SLACK_IDS = "a Slack user or user group ID; IDs look like U012ABCDEF and S012ABCDEF"
Owner = Annotated[str, AfterValidator(written_like(r"[UWS][A-Z0-9]+", SLACK_IDS))]
Duration = Annotated[timedelta, AfterValidator(_bearable), BeforeValidator(parse_duration)]
