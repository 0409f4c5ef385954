"""Checks that alerted often for nothing, and the threshold that is quieter where a replay says so; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bot.alerts.attention import TAKEN
from bot.alerts.incident_figures import Figures
from bot.alerts.lifecycle import Policy, Reason, advance, timer_ends
from bot.alerts.model import Alert, Did
from checks.forms import Limit
from checks.judge import judge
from checks.model import Changes, Check, Reading, Severity

FEWEST = 3  # incidents in a week, before a check is called noisy
SHORT = timedelta(minutes=30)  # one that lasted longer was no noise
FURTHEST = 1.5  # times the threshold: a proposal beyond that hides a change of the pipeline
NEAREST = 4  # a proposal raises at most one of so many incidents
DIGITS = 2  # of a proposal
ACTED = TAKEN | {
    Did.SNOOZED,
    Did.RERUN,
    Did.FOLLOWED,
    Did.PAUSED,
    Did.RESUMED,
    Did.CANCELED,
    Did.NOTED,
    Did.RESOLVED_BY_HAND,
}
Values = Sequence[tuple[datetime, float]]
Subject = tuple[str, str | None]  # a check and the sync that it is about


@dataclass(frozen=True)
class Noise:
    """A check whose incidents of a window all resolved on their own.

    `proposed` is a threshold with which a replay of the stored values raises `would`; None where none is quieter.
    """

    check: str
    title: str
    sync: str | None
    incidents: int
    longest: timedelta
    warn: str
    proposed: str | None = None
    would: int = 0


def noisy(
    opened: Iterable[Figures],
    check_of: Callable[[Subject], Check | None],
    values_of: Callable[[Subject], Values],
    since: datetime,
    until: datetime,
) -> tuple[Noise, ...]:
    """The noisiest first. `opened` are the incidents of the window from `since`; values may begin earlier."""
    found = []
    for subject, mine in _by_subject(opened).items():
        check = check_of(subject)
        if check is None or not _is_quiet(mine) or not _is_matter_of_degree(check):
            continue
        noise = Noise(*_told(check, subject[1], mine))
        found.append(_with_proposal(noise, check, mine, values_of(subject), (since, until)))
    return tuple(sorted(found, key=lambda one: (-one.incidents, one.title, one.sync or "")))


def raised(check: Check, values: Values, since: datetime, until: datetime) -> int:
    """How many incidents the check would have opened or reopened in a window, by these values, oldest first.

    A value holds until the next one, so that a check's patience ends between them. What explains an alert is not
    known here.
    """
    silent = check.model_copy(update={"summary": "", "healthy": None, "cases": {}})
    policy = Policy(check.for_, check.keep_firing_for, check.reopen_within)
    alert, count = Alert("replay", check.name), 0
    for at, value, following in _with_next(values, until):
        result, moment = judge(silent, Reading(value)), at
        while moment < following:
            change = advance(alert, result.outcome, policy, moment, cleared=result.cleared)
            if change:
                alert = change.alert
                count += change.reason in (Reason.OPENED, Reason.REOPENED) and since < moment
            end = timer_ends(alert, policy)
            if end is None or end <= moment:
                break
            moment = end
    return count


def _by_subject(opened: Iterable[Figures]) -> Mapping[Subject, list[Figures]]:
    found: dict[Subject, list[Figures]] = defaultdict(list)
    for one in opened:
        found[one.incident.check, one.incident.sync].append(one)
    return {subject: mine for subject, mine in found.items() if _times(mine) >= FEWEST}


def _times(mine: Sequence[Figures]) -> int:
    """How often they alerted: a reopened one did so again."""
    return sum(1 + one.reopened for one in mine)


def _is_quiet(mine: Iterable[Figures]) -> bool:
    """Whether they were warnings that were soon over without anybody doing anything."""
    return all(
        one.severity is Severity.WARN
        and one.recovered_at is not None
        and max(end - begin for begin, end in one.spans) <= SHORT
        and not any(entry.did in ACTED for entry in one.incident.timeline)
        for one in mine
    )


def _is_matter_of_degree(check: Check) -> bool:
    """Whether another threshold can be right: not of a fact, such as a paused sync, failed runs or any suspect record.

    Nor of a check that has other thresholds in some situations: which of them held is not stored.
    """
    warn = check.warn
    own = not any(case.model_fields_set & {"warn", "critical", "clear"} for case in check.cases.values())
    return check.source != "bot" and own and warn is not None and warn.comparison in "<>" and warn.number != 0


def _told(check: Check, sync: str | None, mine: Sequence[Figures]) -> tuple[str, str, str | None, int, timedelta, str]:
    longest = max(end - begin for one in mine for begin, end in one.spans)
    return check.name, check.title, sync, _times(mine), longest, str(check.warn)


def _with_proposal(
    noise: Noise, check: Check, mine: Sequence[Figures], values: Values, window: tuple[datetime, datetime]
) -> Noise:
    """With the mildest threshold that is quiet enough, where a replay of today's raises what was raised."""
    if raised(check, values, *window) != noise.incidents:
        return noise
    for limit in _candidates(check, [value for value in (one.incident.peak for one in mine) if value is not None]):
        other = check.changed(Changes.model_validate({"warn": str(limit)}))
        would = raised(other, values, *window)
        if would <= noise.incidents // NEAREST:
            return replace(noise, proposed=str(limit), would=would)
    return noise


def _candidates(check: Check, peaks: Sequence[float]) -> Iterator[Limit]:
    """Thresholds just above these peaks (or below, of what should stay high), the mildest change first."""
    warn, critical = check.warn, check.critical
    assert warn, "it is a matter of degree"
    up = warn.rises
    for peak in sorted(set(peaks), reverse=not up):
        number = _rounded(peak, up=up)
        limit = replace(warn, number=number)
        near = abs(warn.number) / FURTHEST <= abs(number) <= abs(warn.number) * FURTHEST
        if near and warn.holds(number) and not (critical and (critical.holds(number) or critical.number == number)):
            yield limit


def _rounded(value: float, *, up: bool) -> float:
    """To two digits, outward."""
    exact = Decimal(repr(value))
    if not exact:
        return 0.0
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - DIGITS + 1), ROUND_CEILING if up else ROUND_FLOOR))


def _with_next(values: Values, until: datetime) -> Iterator[tuple[datetime, float, datetime]]:
    """Each value with the moment up to which it holds."""
    ends = [at for at, _ in values[1:]]
    for (at, value), following in zip(values, [*ends, until], strict=False):
        yield at, value, following
