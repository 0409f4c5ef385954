"""Ask the warehouse for the metrics: one statement where that can be, else one each, a few at once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import AccessError, PermanentError, StartingError, StatementError, SyncHealthError
from bot.ports import Sources
from bot.services.warehouse_numbers import (
    Numbers,
    Row,
    numbers_of_queue,
    one_row,
    only_value,
    table_of,
    with_needs,
)

log = logging.getLogger(__name__)
QUEUES = "queues"  # the statement that counts the queues of all syncs; `queues/0` counts that of the first
QUEUE = "measure/queue"  # the statement that describes one; `measure/queue/0` that of the first sync
STILL_PENDING = "measure/still_pending"  # the statement that looks for records in one, numbered likewise
AT_ONCE = 8  # statements
TOGETHER = 90.0  # real seconds for all statements that are asked apart: longer than one may take


def ask_warehouse(sources: Sources, *, own_statements: bool = True, only: SyncSettings | None = None) -> Numbers:
    """The pipeline's row of numbers, those of every queue (or of one sync's alone), and of checks with own statements.

    All in one statement where that can be; what it spoils is asked by itself, a few at once: a broken view or column
    blinds what needs it alone. Where the warehouse cannot be reached, is starting or refuses the login nothing more is
    asked.
    """
    settings = sources.settings
    own = {check.metric: check.statement for check in settings.checks if check.statement and own_statements}
    places = {n: sync for n, sync in enumerate(settings.syncs) if sync.queue and only in (None, sync)}
    queues = f"{QUEUES}/{next(iter(places))}" if only and places else QUEUES if places else ""
    measure = settings.measure if only is None or only.needs else None
    questions = list(dict.fromkeys(filter(None, [measure, queues, *own.values()])))
    try:
        joined = _ask_joined(sources, questions) if len(questions) > 1 else {}
        found = Numbers(statements=int(len(questions) > 1))
        found = found.plus(_measured(sources, measure, joined)) if measure else found
        found = found.plus(_queues(sources, queues, places, joined)) if places else found
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this source alone
        metrics, why = [*_shared_metrics(settings), *_queue_metrics(settings), *own], reason_of(error)
        return Numbers(errors=dict.fromkeys(metrics, why), reached=False, starting=isinstance(error, StartingError))
    return with_needs(found.plus(_own(sources, own, joined)), settings)


def find_empty(sources: Sources) -> list[str]:
    """Those of the tables in row_counts that have no rows, asked for now; what cannot be read is not among them."""
    settings = sources.settings
    if not (measure := settings.measure):
        return []
    counted = _ask_apart(list(settings.row_counts), lambda count: sources.warehouse.ask_column(measure, count)[count])
    return [table_of(count, settings) for count in settings.row_counts if counted.row.get(count) == 0]


def describe_queue(sources: Sources, sync: SyncSettings, most: int) -> Sequence[Row]:
    """The groups and the first records of this sync's queue, so many of each. Raises like the warehouse."""
    return sources.warehouse.ask(f"{QUEUE}/{_place_of(sources, sync)}", most=most)


def find_pending(sources: Sources, sync: SyncSettings, identifiers: Sequence[str]) -> frozenset[str]:
    """Those of the identifiers that are in the queue of a sync that has such a column. Raises like the warehouse."""
    rows = sources.warehouse.ask(f"{STILL_PENDING}/{_place_of(sources, sync)}", identifiers="\n".join(identifiers))
    return frozenset(identifiers) & {str(row.get("identifier")) for row in rows}


def _place_of(sources: Sources, sync: SyncSettings) -> int:
    return next(n for n, one in enumerate(sources.settings.syncs) if one.name == sync.name)


def _ask_joined(sources: Sources, statements: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Their rows, as far as one statement has them; none where one of them spoilt it: then each is asked alone.

    Raises what each of them would meet, too: an unreachable, starting or refusing warehouse.
    """
    try:
        return sources.warehouse.ask_joined(statements)
    except Exception as error:  # whatever is wrong with one of them does not blind the others
        if isinstance(error, SyncHealthError) and not _is_of_the_statement(error):
            raise
        log.info("one statement for all failed: %s", reason_of(error))
        return {}


def _is_of_the_statement(error: Exception) -> bool:
    """Whether another statement may be answered although this one was not."""
    return isinstance(error, PermanentError | StatementError) and not isinstance(error, AccessError)


def _is_spoilt(error: Exception) -> bool:
    """Whether a statement may have a part that can be answered without the others."""
    return isinstance(error, PermanentError) and not isinstance(error, AccessError)


def _measured(sources: Sources, question: str, joined: Mapping[str, Sequence[Row]]) -> Numbers:
    """The pipeline's own numbers; each by itself where one of them spoils the statement. Raises like the warehouse."""
    settings, warehouse = sources.settings, sources.warehouse
    metrics, now = _shared_metrics(settings), sources.clock.now()
    try:
        rows = joined[question] if question in joined else warehouse.ask(question)
        found = Numbers(one_row(rows, metrics, settings), statements=int(question not in joined))
    except SyncHealthError as error:
        if not _is_spoilt(error):
            raise
        found = _ask_apart(metrics, lambda metric: warehouse.ask_column(question, metric).get(metric))
        found = replace(found, statements=found.statements + 1)
    return replace(found, row={metric: _hours_ahead(value, now) for metric, value in found.row.items()})


def _queues(
    sources: Sources, question: str, places: Mapping[int, SyncSettings], joined: Mapping[str, Sequence[Row]]
) -> Numbers:
    """The numbers of these queues; each queue by itself where one spoils the statement. Raises like the warehouse."""
    try:
        [row] = joined[question] if question in joined else sources.warehouse.ask(question)
    except (SyncHealthError, ValueError) as error:
        if isinstance(error, SyncHealthError) and not _is_spoilt(error):
            raise
        return _queues_apart(sources, places).plus(Numbers(statements=1))
    found = (numbers_of_queue(sync, place, row) for place, sync in places.items())
    return Numbers(statements=int(question not in joined)).plus(*found)


def _queues_apart(sources: Sources, places: Mapping[int, SyncSettings]) -> Numbers:
    """Each queue by itself, and the numbers of one that fails each by itself."""
    warehouse = sources.warehouse
    questions = {f"{QUEUES}/{place}": place for place in places}
    alone = _ask_apart(list(questions), lambda question: warehouse.ask(question)[0])
    found: list[Numbers] = []
    for question, place in questions.items():
        sync, row = places[place], alone.row.get(question)
        if isinstance(row, Mapping):
            found.append(numbers_of_queue(sync, place, row))
            continue
        columns = [f"q{place}_{what}" for what in sync.counted]
        by_column = _ask_apart(columns, partial(_column_of, sources, question))
        found.append(numbers_of_queue(sync, place, by_column.row, by_column.errors))
        found.append(Numbers(statements=by_column.statements))
    return Numbers(statements=alone.statements).plus(*found)


def _column_of(sources: Sources, question: str, column: str) -> object:
    return sources.warehouse.ask_column(question, column).get(column)


def _own(sources: Sources, own: Mapping[str, str], joined: Mapping[str, Sequence[Row]]) -> Numbers:
    """The numbers of checks that have a statement; what cannot be read is an error of it alone."""
    now, warehouse = sources.clock.now(), sources.warehouse

    def value(metric: str) -> object:
        name = own[metric]
        return _hours_ahead(only_value(joined[name] if name in joined else warehouse.ask(name), now), now)

    return replace(_ask_apart(list(own), value), statements=sum(name not in joined for name in own.values()))


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


def _shared_metrics(settings: Settings) -> list[str]:
    """Which of the pipeline's own numbers are needed: by checks, their reasons, and syncs."""
    checks = [check for check in settings.checks if check.source == "databricks"]
    judged = [check.metric for check in checks if not check.per and not check.statement]
    reasons = [reason.metric for check in checks for reason in check.because]
    return list(dict.fromkeys([*judged, *reasons, *settings.row_counts]))


def _queue_metrics(settings: Settings) -> list[str]:
    """What is known of the queues, by sync."""
    return [
        f"{sync.name}/{what}" for sync in settings.syncs if sync.queue for what in (*sync.counted, "suspect_records")
    ]


def reason_of(error: Exception) -> str:
    """Why there is no answer; of an error that nobody foresaw its kind, and the log has the rest."""
    if isinstance(error, SyncHealthError):
        return str(error)
    log.error("a source answered in a way that nobody foresaw", exc_info=error)
    return f"an answer that cannot be read ({type(error).__name__})"
