"""Ask the warehouse for the metrics: one statement where that can be, else one each, a few at once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime

from bot.errors import AccessError, PermanentError, StartingError, StatementError, SyncHealthError
from bot.ports import Sources
from bot.services.warehouse_numbers import Numbers, Row, one_row, only_value

log = logging.getLogger(__name__)
HEALTH = "measure/health"
AT_ONCE = 8  # statements
TOGETHER = 90.0  # real seconds for all statements that are asked apart: longer than one may take


def ask_warehouse(sources: Sources, *, own_statements: bool = True) -> Numbers:
    """The one row of numbers, each by itself where a broken view spoils it, and those that have their own statement.

    All in one statement where that can be; else what does not fit is asked at once, each by itself. Where the warehouse
    cannot be reached, is starting or refuses the login nothing more is asked.
    """
    warehouse, metrics = sources.warehouse, _metrics(sources)
    own = {check.metric: check.statement for check in sources.settings.checks if check.statement}
    shared = [metric for metric in metrics if metric not in own]
    if not own_statements:
        metrics, own = shared, {}
    joined: Mapping[str, Sequence[Row]] = {}
    try:
        joined = _ask_joined(sources, [HEALTH, *own.values()]) if own else {}
        rows = joined[HEALTH] if HEALTH in joined else warehouse.ask(HEALTH)
        numbers = Numbers(one_row(rows, shared, sources.settings.tables), statements=1 + bool(own and not joined))
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this source alone
        if not isinstance(error, PermanentError) or isinstance(error, AccessError):
            starting = isinstance(error, StartingError)
            return Numbers(errors=dict.fromkeys(metrics, reason_of(error)), reached=False, starting=starting)
        numbers = _ask_apart(shared, lambda metric: warehouse.ask_column(HEALTH, metric).get(metric))
        numbers = replace(numbers, statements=1 + bool(own) + len(shared))
    now = sources.clock.now()

    def own_value(metric: str) -> object:
        name = own[metric]
        return only_value(joined[name] if name in joined else warehouse.ask(name), now)

    others = _ask_apart(list(own), own_value)  # what cannot be read is an error of it alone, wherever it was asked
    row = {metric: _hours_ahead(value, now) for metric, value in {**numbers.row, **others.row}.items()}
    asked = sum(name not in joined for name in own.values())
    return Numbers(row, {**numbers.errors, **others.errors}, numbers.statements + asked)


def _ask_joined(sources: Sources, statements: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Their rows, as far as one statement has them; none where one of them spoilt it: then each is asked alone.

    Raises what each of them would meet, too: an unreachable, starting or refusing warehouse.
    """
    try:
        return sources.warehouse.ask_joined(list(dict.fromkeys(statements)))
    except Exception as error:  # whatever is wrong with one of them does not blind the others
        if isinstance(error, SyncHealthError) and not _is_of_the_statement(error):
            raise
        log.info("one statement for all failed: %s", reason_of(error))
        return {}


def _is_of_the_statement(error: Exception) -> bool:
    """Whether another statement may be answered although this one was not."""
    return isinstance(error, PermanentError | StatementError) and not isinstance(error, AccessError)


def _hours_ahead(value: object, now: datetime) -> object:
    """A moment as hours from now, so that a limit can be compared with it; anything else as it is."""
    return (value - now).total_seconds() / 3600 if isinstance(value, datetime) else value


def _ask_apart(metrics: Sequence[str], ask: Callable[[str], object]) -> Numbers:
    """Each alone, a few at once; what is not answered when the time for all is over is an error of it alone."""
    row: dict[str, object] = {}
    errors: dict[str, str] = {}
    pool = ThreadPoolExecutor(AT_ONCE, "apart")
    asked = {metric: pool.submit(ask, metric) for metric in metrics}
    wait(asked.values(), TOGETHER)
    pool.shutdown(wait=False, cancel_futures=True)
    for metric, answer in asked.items():
        try:
            row[metric] = answer.result(0)
        except (TimeoutError, CancelledError):
            errors[metric] = f"no answer: all that was asked for by itself took more than {TOGETHER:g} s"
        except Exception as error:  # noqa: BLE001 - as above
            errors[metric] = reason_of(error)
    return Numbers(row, errors, len(metrics))


def _metrics(sources: Sources) -> list[str]:
    """What the warehouse is asked for: by the checks, and by the summary."""
    directions = [sync.direction for sync in sources.settings.syncs]
    shown = [f"{direction}_queue{which}" for direction in directions for which in ("", "_suspicious")]
    checks = [check for check in sources.settings.checks if check.source == "databricks"]
    judged = [m for c in checks for m in ([c.column(d) for d in directions] if c.per else [c.metric])]
    reasons = [reason.metric for check in checks for reason in check.because]
    return list(dict.fromkeys([*judged, *shown, *reasons]))


def reason_of(error: Exception) -> str:
    """Why there is no answer; of an error that nobody foresaw its kind, and the log has the rest."""
    if isinstance(error, SyncHealthError):
        return str(error)
    log.error("a source answered in a way that nobody foresaw", exc_info=error)
    return f"an answer that cannot be read ({type(error).__name__})"
