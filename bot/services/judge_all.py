"""Judge every check by the readings that were collected: pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bot.alerts.offers import SUSPECT
from bot.alerts.timetable import is_active
from bot.config.pipeline_file import Noun
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.model import Evaluation
from bot.services.collect import WAREHOUSE, Collected
from bot.services.warehouse_numbers import Numbers
from checks.judge import judge
from checks.model import Check, Outcome, Reading, Result
from checks.numbers import count_of, in_figures, pending

MOST_REASONS, MOST_TITLES = 2, 3
BEGIN = {"databricks": WAREHOUSE, "census": "Census, "}  # of the problems of each source
# Which statement failed is told by the checks that it blinds, and so is the sync.
STATEMENT = re.compile(rf"^(?:Census, [^:]+: |{WAREHOUSE})?(?:(?:measure/|checks/|queues)[\w/-]*: )?")
ENGINE = re.compile(r"\[([A-Z][A-Z_.]+)\]|([A-Z][a-z]+ Error):")  # how the words of one begin
NOTHING = {"databricks": "the warehouse returned NULL", "census": "no value from Census"}
GONE = re.compile(r" is (?:missing|empty)\b")
HELPS = {
    "databricks": "Run sync-health check to see what the warehouse answers. These checks report no data until then.",
    "census": "Open the sync and its last runs in Census. These checks report no data until it is fixed.",
}
OF_BACKLOG = frozenset({"empty_runs", "backlog_not_shrinking"})  # metrics of Census that take the backlog as well
ANY = Noun()
BLIND = frozenset({Outcome.NO_DATA, Outcome.ERROR})


def judge_all(settings: Settings, collected: Collected) -> Iterator[Result]:
    """Every check that is active at this time, by its readings; also by those that were carried over."""
    for check in settings.checks:
        if check.source == "databricks":
            yield from _judge_warehouse(settings, check, collected)
        elif check.source == "census":
            yield from _judge_census(settings, check, collected)


def what_is_lacking(settings: Settings, check: Check, sync: SyncSettings) -> str | None:
    """What a check of syncs judges and this sync does not have, so that it never applies there; None where it does."""
    if check.source != "databricks" and check.metric not in OF_BACKLOG:
        return None
    if not settings.has_warehouse:
        return "measured backlog"
    if not sync.queue:
        return "queue"
    if check.metric == SUSPECT and not sync.suspect:
        return "suspect conditions"
    return "changed_at" if check.metric == "backlog_not_shrinking" and not sync.changed_at else None


def _judge_warehouse(settings: Settings, check: Check, collected: Collected) -> Iterator[Result]:
    fresh = collected.warehouse_at == collected.at
    if not check.per:
        reading = collected.numbers.reading(check.metric)
        if reading.carried or (fresh and is_active(check.active, collected.at, settings.zone, None)):
            yield judge(check, _with_reason(check, reading, collected.numbers))
        return
    for sync, look in zip(settings.syncs, collected.looks, strict=True):
        mine = settings.check_called(check.name, sync.name)
        if mine is None or what_is_lacking(settings, mine, sync):
            continue
        reading = collected.numbers.reading(mine.reading_of(sync.name))
        if reading.carried or (fresh and is_active(mine.active, collected.at, settings.zone, look.due)):
            reading = replace(reading, facts=facts_of_queue(reading.value, look.status.suspects, settings.noun))
            yield judge(mine, _with_reason(mine, reading, collected.numbers), sync.name)


def facts_of_queue(
    value: float | None, suspects: Sequence[tuple[str, int]] = (), noun: Noun = ANY
) -> Mapping[str, str]:
    """What the texts of checks of a queue may name."""
    labels = [label for label, _ in suspects]
    if len(labels) > 1:
        labels = [f"{in_figures(number)} {label}" for label, number in suspects]
    return {
        "pending": pending(int(value or 0), *noun.words),
        "labels": ", ".join(labels) or "see suspect in pipeline.yml",
    }


def _with_reason(check: Check, reading: Reading, numbers: Numbers) -> Reading:
    """The same with the first of the check's measured reasons that holds."""
    for reason in check.because:
        value = numbers.reading(reason.metric).value
        if value is not None and reason.when.holds(value):
            said = reason.says.format(value=in_figures(value, [reason.when.number]))
            return replace(reading, cause=said, helps=reason.helps or reading.helps)
    return reading


def _judge_census(settings: Settings, check: Check, collected: Collected) -> Iterator[Result]:
    """One for each sync; none where the metric has no meaning now, or the check is not evaluated at this time."""
    for sync, look in zip(settings.syncs, collected.looks, strict=True):
        mine = settings.check_called(check.name, sync.name)
        if mine is None or what_is_lacking(settings, mine, sync):
            continue
        if look.status.error:
            yield judge(mine, Reading(error=look.status.error), sync.name)
        elif reading := look.readings.get(mine.metric):
            active = mine.in_case(reading.case).active
            if is_active(active, collected.at, settings.zone, look.due):
                yield judge(mine, reading, sync.name)


def unmeasured(evaluation: Evaluation, checks: Mapping[str, Check]) -> Mapping[str, Reading]:
    """How many checks of each source that was asked got no number, and why: what the bot's own checks judge."""
    asked = ["databricks", "census"] if evaluation.warehouse_at == evaluation.checked_at else ["census"]
    blind: dict[str, list[Result]] = {source: [] for source in asked}
    for result in evaluation.results:
        if result.outcome in BLIND and not result.carried:
            blind[checks[result.check].source].append(result)
    return {f"unmeasured_{source}": _blinded(source, evaluation, results, checks) for source, results in blind.items()}


def _blinded(source: str, evaluation: Evaluation, results: Sequence[Result], checks: Mapping[str, Check]) -> Reading:
    """`Table … is missing`, and which checks cannot run because of that."""
    reasons = [_reason(checks[one.check], one.error) for one in results if one.outcome is Outcome.NO_DATA and one.error]
    problems = [problem for problem in evaluation.problems if problem.startswith(BEGIN[source])]
    told = list(dict.fromkeys([*problems, *reasons]))
    told = list(dict.fromkeys(map(_in_our_words, told))) or [NOTHING[source]]
    because = "; ".join(told[:MOST_REASONS]) + f"; {len(told) - MOST_REASONS} more" * (len(told) > MOST_REASONS)
    titles = list(dict.fromkeys(checks[result.check].title for result in results))
    syncs = {result.sync for result in results}
    of_sync = f" of {next(iter(syncs))}" if len(syncs) == 1 and None not in syncs else ""
    facts = {
        "reason": because[:1].upper() + because[1:],
        "blind": f"{count_of(len(titles), 'check')}{of_sync} cannot run",
        "checks": _listed(titles),
    }
    known = bool(problems) if source == "census" else any(GONE.search(reason) for reason in told)
    return Reading(float(len(results)), facts=facts, helps=None if known else HELPS[source])


def _reason(check: Check, why: str) -> str:
    """Why there is no value; a number that cannot be one says whose it is."""
    return f"{check.title}: {why}" if why[:1].isdigit() or why.startswith("-") else why


def _in_our_words(reason: str) -> str:
    """What an engine says is left to `/sync-health` and the log: here it is only named."""
    reason = STATEMENT.sub("", reason)
    found = ENGINE.match(reason)
    return f"the warehouse refused the statement ({found[1] or found[2]})" if found else reason


def _listed(titles: Sequence[str]) -> str:
    """`A, B and C`, `A, B, C and 7 more`: a headline has no room for all of them."""
    shown = list(titles[:MOST_TITLES])
    if (more := len(titles) - len(shown)) > 0:
        shown.append(f"{more} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
