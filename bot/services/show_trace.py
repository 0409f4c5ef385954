"""Where one record is: the rows of the pipeline's trace, then what Census says of the sync that holds or carried it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from bot.alerts.model import Incident
from bot.alerts.trace import Hop, Standing, Verdict, ends_at, judge_way, newest_change
from bot.alerts.trace_verdict import alert_about, with_alert, with_wrong
from bot.answers.trace import Trace
from bot.config.settings import Settings
from bot.config.trace import ASKED, TRACE
from bot.errors import MissingTableError, RefusedError, StateError
from bot.ports import Census, Sources, Store
from bot.sanitize import HIDDEN, shown_id
from bot.services.ask_warehouse import find_empty
from bot.services.carrier import carrier_of
from bot.services.read_trace import hops_of, records_of

LONGEST = 100  # characters of an id
SHOWN = 5  # ids, where several records share the one that is asked for
AS_READ = re.compile(r"#\d{1,19}|#?\d{1,3}(,\d{3})+")  # a number as people and messages write it: #1234, 1,234
DASHES = ("--", "—", "–")  # begin an option; Slack's clients make dashes of `--`
ONE_ID = "Write one ID: a record ID, a short ID or an ID of the destination"


def id_meant(text: str) -> str:
    """The id that somebody typed. Raises RefusedError where it is none, without quoting it: it may be personal."""
    words = text.split()
    if len(words) > 1 and any(word.startswith(DASHES) for word in words):
        raise RefusedError("The only option of trace is --follow: trace 1234 --follow.")
    if len(words) != 1:
        raise RefusedError(f"{ONE_ID}, such as 1234.")
    if len(words[0]) > LONGEST:
        raise RefusedError(f"{ONE_ID}; this one has more than {LONGEST} characters.")
    return words[0].lstrip("#").replace(",", "") if AS_READ.fullmatch(words[0]) else words[0]


def require_trace(settings: Settings) -> None:
    """Raises RefusedError where the pipeline has no trace, with what would add it."""
    if not settings.has_warehouse:
        raise RefusedError("A trace needs a warehouse, and SYNC_HEALTH_WAREHOUSE is none here.")
    if settings.trace is None:
        raise RefusedError(
            f"The {settings.pipeline} pipeline has no trace. A statement sql/{TRACE}.sql in its folder would add it: "
            "docs/YOUR_PIPELINE.md lists its columns."
        )


def show_trace(sources: Sources, census: Census, asked: str, store: Store | None = None) -> Trace:
    """Where the record of this id is; `store` has the open alerts.

    Raises RefusedError without a trace, SyncHealthError where nothing is known.
    """
    settings = sources.settings
    require_trace(settings)
    answer = partial(Trace, asked, sources.clock.now(), settings.noun, settings.destination)
    try:
        rows = sources.warehouse.ask(TRACE, **{ASKED: asked})
    except MissingTableError as error:
        return answer(_broken_way(settings, str(error)))
    records = records_of(rows, settings)
    hops = hops_of(rows, settings) if len(records) == 1 else ()
    if (not rows or any(hop.lacks for hop in hops)) and (empty := find_empty(sources)):
        return answer(_no_data(settings, empty))
    if len(records) != 1:
        said = rows[0].get("matches") if rows else 0  # a statement may return some of them alone
        matches = max(len(records), said) if isinstance(said, int) else len(records)
        return answer(_not_one(settings, matches, asked), records[:SHOWN], matches)
    carriers = tuple(carrier_of(sources, census, *one) for one in _to_ask(hops))
    record = _named(settings, records[0])
    verdict = with_wrong(judge_way(record, hops, carriers, destination=settings.destination), hops)
    alert = alert_about(verdict, hops, carriers, _opened(store)) if store else None
    verdict = with_alert(record, verdict, hops, alert) if alert else verdict
    return answer(verdict, records, 1, hops, carriers, alert)


def _opened(store: Store) -> Sequence[Incident]:
    """The open incidents; none where the state cannot be read, which is said elsewhere."""
    try:
        with store.snapshot() as records:
            return records.open_incidents()
    except StateError:
        return []


def _named(settings: Settings, record: str) -> str:
    return f"This {settings.noun.one}" if record == HIDDEN else settings.noun.named(record)


def _broken_way(settings: Settings, error: str) -> Verdict:
    sentence = f"{error.rstrip('.')}, so no {settings.noun.one} gets past it"
    return Verdict(Standing.UNKNOWN, sentence, "Restore it, then trace again")


def _no_data(settings: Settings, empty: Sequence[str]) -> Verdict:
    """No data is never a statement about a record."""
    tables = f"Table {empty[0]} is" if len(empty) == 1 else f"Tables {', '.join(empty)} are"
    sentence = f"{tables} empty, so nothing is known of any {settings.noun.one}"
    return Verdict(Standing.UNKNOWN, sentence, "Restore the data, then trace again; change nothing until then")


def _not_one(settings: Settings, matches: int, asked: str) -> Verdict:
    noun = settings.noun
    if matches:
        sentence = f"{matches:,} {noun.many} share this ID"
        return Verdict(Standing.UNKNOWN, sentence, f"Trace one of them by its own {noun.one} ID")
    where = f"neither the source nor {settings.destination} has it, as far as the warehouse knows"
    known = "this ID" if shown_id(asked) == HIDDEN else f"the ID {asked}"
    return Verdict(Standing.UNKNOWN, f"No {noun.one} has {known}: {where}", "Check the ID for a typo")


def _to_ask(hops: Sequence[Hop]) -> Iterator[tuple[Hop, Hop]]:
    """The backlog that holds it, or all through which it may have gone; each with the destination."""
    last, held = hops[-1], ends_at(hops)
    if held and held.holds and not held.stops:
        yield held, last
    elif held is None:
        backlogs = [hop for hop in hops if hop.sync]
        has_arrived = last.found and not last.differences
        for hop in [hop for hop in backlogs if hop.key] or backlogs * (not has_arrived):
            yield replace(hop, changed_at=newest_change(hops)), last
