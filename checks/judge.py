"""A reading and a check's limits → an outcome."""

import math
from dataclasses import replace

from checks.forms import Limit
from checks.model import Check, Outcome, Reading, Result
from checks.numbers import in_figures, in_percent, possessive

WORST_FIRST = (Outcome.CRITICAL, Outcome.ERROR, Outcome.NO_DATA, Outcome.WARN, Outcome.OK)
MARGIN = 0.05  # without a `clear` of its own, a check has recovered this far inside its mildest limit


def judge(check: Check, reading: Reading, sync: str | None = None) -> Result:
    """What the reading means. NULL, NaN, infinity and no row are `no_data`; a failed measurement is `error`."""
    check = check.in_case(reading.case)
    outcome, limit = _outcome(check, reading)
    value = None if outcome in (Outcome.NO_DATA, Outcome.ERROR) else reading.value
    return Result(
        check=check.name,
        sync=sync,
        outcome=outcome,
        value=value,
        warn=str(check.warn) if check.warn else None,
        critical=str(check.critical) if check.critical else None,
        limit=str(limit) if limit else None,
        cleared=outcome is Outcome.OK and value is not None and clear_limit(check).holds(value),
        summary=_summary(check, reading, outcome, limit, sync),
        runbook=check.runbook,
        error=reading.detail if outcome is Outcome.NO_DATA else reading.error,
        carried=reading.carried,
        case=reading.case,
        helps=reading.helps or check.helps,
        cause=reading.cause,
    )


def clear_limit(check: Check) -> Limit:
    """Where an alert of this check ends: a little inside the limit where it began, so that 49, 51, 49 does not ring."""
    if check.clear:
        return check.clear
    mildest = check.mildest
    assert mildest, "the catalog refuses checks without a limit"
    if mildest.comparison in ("=", "!="):
        return replace(mildest, comparison={"=": "!=", "!=": "="}[mildest.comparison])
    inside = abs(mildest.number) * MARGIN
    comparison, end = ("<=", -inside) if mildest.rises else (">=", inside)
    return replace(mildest, comparison=comparison, number=mildest.number + end)


def overall(outcomes: list[Outcome]) -> Outcome:
    """The outcome of a whole: critical > error > no_data > warn > ok; of nothing at all, no_data."""
    return min(outcomes, key=WORST_FIRST.index, default=Outcome.NO_DATA)


def _outcome(check: Check, reading: Reading) -> tuple[Outcome, Limit | None]:
    if reading.error is not None:
        return Outcome.ERROR, None
    if reading.value is None or not math.isfinite(reading.value):
        return Outcome.NO_DATA, None
    if check.critical and check.critical.holds(reading.value):
        return Outcome.CRITICAL, check.critical
    if check.warn and check.warn.holds(reading.value):
        return Outcome.WARN, check.warn
    return Outcome.OK, None


def _summary(check: Check, reading: Reading, outcome: Outcome, crossed: Limit | None, sync: str | None) -> str:
    if outcome is Outcome.ERROR:
        return f"{_title(check, sync)}: status unknown"
    if outcome is Outcome.NO_DATA:
        return f"{_title(check, sync)}: no data{f' ({reading.detail})' if reading.detail else ''}"
    assert reading.value is not None
    limit = crossed or check.mildest
    beside = [one.number for one in (check.warn, check.critical) if one]
    text = check.healthy if outcome is Outcome.OK and check.healthy else check.summary
    said = text.replace("{sync}'s", "{whose}").format(
        value=in_figures(reading.value, beside),
        percent=in_percent(reading.value, beside),
        limit=in_figures(limit.number) if limit else "",
        s="" if reading.value == 1 else "s",
        sync=sync or "",
        whose=possessive(sync or ""),
        **reading.facts,
    )
    return f"{said}: {reading.detail}" if reading.detail else said


def _title(check: Check, sync: str | None) -> str:
    return f"{check.title}, {sync}" if sync else check.title
