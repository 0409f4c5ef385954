"""Bring a pager to where the open incidents are: never lost, a repetition is harmless, no event blocks another."""

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.alerts.model import Did, Entry, Incident, State
from bot.alerts.paging import Page, PageAction, Paged, after, is_due, next_event
from bot.alerts.timetable import lies_ahead
from bot.errors import AccessError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.model import Kind, PageEvent, UnsentPages
from bot.ports import Outlet, Pager, Records
from bot.services.next_step import LONGEST_WAIT, REFUSED, TRANSIENT
from bot.services.thread_links import links_to

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=60)  # real: longer than the slowest call to a pager and the look-up of a permalink
LONGEST_KEY = 255  # characters; PagerDuty's limit


@dataclass(frozen=True)
class Step:
    """An event that a pager is owed, and the page as it was before."""

    page: Page
    incident: Incident
    action: PageAction

    @property
    def attempt(self) -> str:
        """What the page remembers of it: the same event in another attempt is the same."""
        return f"{self.action}:{self.incident.severity}"

    @property
    def is_again(self) -> bool:
        """Whether it is the event that was tried last, which keeps its id."""
        return bool(self.page.event_id) and self.page.attempted == self.attempt

    @property
    def is_retry(self) -> bool:
        """Whether it has failed before."""
        return self.is_again and self.page.attempts > 0


def send_pages(
    ports: Outlet, pager: Pager, holder: str, *, jitter: float = 0.0, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Send what a pager is owed now, while it may `go_on`; how many events were tried, after which more may be owed.

    Which ones those are follows from the incidents as they stand, so nothing has to be enqueued where they change: what
    happened meanwhile collapses into one event, and what a crash interrupts is owed still. Each event is claimed in a
    transaction before it is sent. Whoever crashes in between leaves it in doubt, and it is sent again under the same
    dedup key: PagerDuty adds it to the alert that is open under that key, and opens no second one.
    """
    with ports.store.snapshot() as records:  # most looks find nothing: those wait for no writer
        stale, steps = _stale(ports, records, pager.name), list(_steps(ports, records, pager.name))
    if stale:
        _forget(ports, stale)
    tried, failed = 0, False
    for step in steps:
        if not go_on() or (failed and step.is_retry):
            break
        if (claimed := _claim(ports, step, holder)) is None:
            continue
        tried += 1
        error = _send(ports, pager, step, claimed, jitter)
        failed = failed or error is not None
        if isinstance(error, TemporaryError):  # so would it refuse the others
            break
    return tried


def retry_refused(ports: Outlet, target: str) -> None:
    """Try once more what was given up: whoever starts the bot may have corrected what was wrong."""
    with ports.store.snapshot() as records:
        refused = [page for page in records.pages(target) if page.is_given_up]
    if refused:
        _forget(ports, refused)


def next_look(ports: Outlet, pager: Pager) -> datetime | None:
    """When (real time) an event that waits may be tried again; None where none waits."""
    now = ports.clock.real()
    with ports.store.snapshot() as records:
        pages = records.pages(pager.name)
    ends = [end for page in pages for end in (page.not_before, page.sending_until) if _is_ahead(end, now)]
    return min((end for end in ends if end), default=None)


def unsent_pages(ports: Outlet, records: Records) -> tuple[UnsentPages, ...]:
    """What the configured pagers have not accepted, and why."""
    return tuple(one for one in records.unsent_pages() if one.target in ports.settings.pagers.names)


def dedup_key(incident: Incident) -> str:
    """The key of its alert, which a reopened incident and the next one of the same check share."""
    key = incident.key
    return key if len(key) <= LONGEST_KEY else f"{key[:180]}#{sha256(key.encode()).hexdigest()}"


def _steps(ports: Outlet, records: Records, target: str) -> Iterator[Step]:
    """What this pager is owed and may be sent now, what failed least often first.

    An event whose answer is lost may be to blame for that: it holds up no event that was not tried yet, and of those
    that failed too one in turn finds out whether the pager is back. A pager that refuses all, or is not there, is
    asked by one event in turn alone.
    """
    real = ports.clock.real()
    pages = records.pages(target)
    if any(page.is_of_the_pager and _is_ahead(page.not_before, real) for page in pages):
        return
    failing = any(page.unreachable and _is_ahead(page.not_before, real) for page in pages)
    for step in sorted(_owed(ports, records, pages, target), key=lambda step: step.page.attempts):
        page = step.page
        waits = step.is_retry and (failing or page.is_given_up or _is_ahead(page.not_before, real))
        if not waits and not (page.sending_by and _is_ahead(page.sending_until, real)):
            yield step


def _stale(ports: Outlet, records: Records, target: str) -> list[Page]:
    """What failed and is not owed any more, as where an incident resolved before it could page."""
    pages = records.pages(target)
    failed = [page for page in pages if page.error]
    owed = {step.page.id for step in _owed(ports, records, pages, target)} if failed else set()
    return [page for page in failed if page.id not in owed]


def _owed(ports: Outlet, records: Records, pages: list[Page], target: str) -> Iterator[Step]:
    now, at_once = ports.clock.now(), ports.settings.pager.at_once
    maintenance = records.maintenance() is not None
    opened = {one.id: one for one in records.open_incidents()}
    for page in pages:
        incident = opened.get(page.incident_id) or records.incident(page.incident_id) if page.is_open else None
        action = next_event(page, incident, now, at_once=at_once, maintenance=maintenance) if incident else None
        if incident and action:
            yield Step(page, incident, action)
    told = {page.incident_id for page in pages if page.is_open}
    by_key = {page.key: page for page in pages}
    for incident in opened.values():
        if incident.id in told or not is_due(incident, now, at_once=at_once, maintenance=maintenance):
            continue
        key = dedup_key(incident)
        page = by_key.get(key) or Page(target, key, incident.id)
        if not page.is_open:  # else an earlier incident of this key is resolved there first
            yield Step(replace(page, incident_id=incident.id), incident, PageAction.TRIGGER)


def _claim(ports: Outlet, step: Step, holder: str) -> Page | None:
    """From here on it may have arrived, whatever becomes of this process; None where it is not owed like that now."""
    with ports.store.transaction() as records:
        kept = records.page(step.page.target, step.page.key) or step.page
        page = replace(kept, incident_id=step.page.incident_id)
        incident = records.incident(step.incident.id)
        rules = {"at_once": ports.settings.pager.at_once, "maintenance": records.maintenance() is not None}
        if page != step.page or next_event(page, incident, ports.clock.now(), **rules) is not step.action:
            return None
        if incident is None or incident.severity is not step.incident.severity:
            return None
        claimed = replace(
            page,
            doubt=step.action,
            attempted=step.attempt,
            event_id=page.event_id if step.is_again else uuid.uuid4().hex,
            sending_by=holder,
            sending_until=ports.clock.real() + CLAIM,
        )
        records.save_page(claimed)
        return records.page(claimed.target, claimed.key)


def _send(ports: Outlet, pager: Pager, step: Step, claimed: Page, jitter: float) -> SyncHealthError | None:
    """Why the pager has not accepted it, which is kept; None where it has."""
    thread = _thread(ports, step) if step.action is PageAction.TRIGGER else None
    event = PageEvent(
        claimed.event_id, step.action, claimed.key, step.incident, ports.clock.now(), thread, claimed.plain
    )
    try:
        pager.send(event)
    except Exception as error:
        _settle_failure(ports, step, claimed, error, jitter)
        if not isinstance(error, SyncHealthError):
            raise  # a bug: the loop around us shows where; the event has its next attempt anyway
        return error
    _settle(ports, step, claimed)
    return None


def _forget(ports: Outlet, failed: Sequence[Page]) -> None:
    """How these failed, unless that has changed meanwhile."""
    anew = {"error": None, "failed_at": None, "attempts": 0, "not_before": None, "unreachable": False, "plain": False}
    with ports.store.transaction() as records:
        for page in failed:
            if records.page(page.target, page.key) == page:
                records.save_page(replace(page, **anew))  # type: ignore[arg-type]


def _thread(ports: Outlet, step: Step) -> str | None:
    """The address of the Slack thread, as far as Slack tells it: one bounded call, and the page goes without."""
    with ports.store.snapshot() as records:
        roots = records.roots_of([step.incident.id])
    return links_to(ports.messenger.permalink, roots).get(step.incident.id)


def _settle(ports: Outlet, step: Step, claimed: Page) -> None:
    """The pager accepted it; the thread shows when somebody was woken."""
    with ports.store.transaction() as records:
        if not _is_mine(records, claimed):
            _doubt(records, claimed)
            return
        records.save_page(after(claimed, step.action, step.incident.severity))
        first = step.action is PageAction.TRIGGER and step.page.state is Paged.NOT
        now = records.incident(step.incident.id) if first else None
        if now and now.state is not State.OK:
            records.note(now.id, Entry(ports.clock.now(), Did.PAGED, detail=claimed.target))
            records.enqueue(now.id, Kind.ROOT)
    if step.page.error:
        log.warning("%s accepts events again", claimed.target)


def _settle_failure(ports: Outlet, step: Step, claimed: Page, error: Exception, jitter: float) -> None:
    """Why it was not accepted, or perhaps was, and when it is tried again."""
    real, why = ports.clock.real(), str(error) or type(error).__name__
    temporary = isinstance(error, TemporaryError | UncertainError)
    known = isinstance(error, TemporaryError | PermanentError)  # that it did not arrive
    simpler = isinstance(error, PermanentError) and not isinstance(error, AccessError) and not claimed.plain
    told = error.retry_after if isinstance(error, TemporaryError) else None
    wait = (TRANSIENT if temporary else REFUSED).after(claimed.attempts, jitter)
    if told is not None:
        wait = min(timedelta(seconds=told), LONGEST_WAIT)
    with ports.store.transaction() as records:
        if not _is_mine(records, claimed):
            if not known:
                _doubt(records, claimed)
            return
        failed = replace(
            claimed,
            doubt=step.page.doubt if known else claimed.doubt,
            plain=claimed.plain or simpler,
            attempts=claimed.attempts + 1,
            not_before=real if simpler else real + wait,
            unreachable=temporary,
            error=why,
            failed_at=claimed.failed_at or real,
            sending_by=None,
            sending_until=None,
        )
        if failed.is_given_up:
            failed = replace(failed, error=f"{why}. Given up after {failed.attempts} attempts, until the bot restarts")
        records.save_page(failed)
    level = logging.DEBUG if why == step.page.error else logging.WARNING
    log.log(level, "%s, %s for incident %s: %s", claimed.target, step.action, step.incident.id, why)


def _is_mine(records: Records, claimed: Page) -> bool:
    now = records.page(claimed.target, claimed.key)
    return now is not None and (now.sending_by, now.event_id) == (claimed.sending_by, claimed.event_id)


def _doubt(records: Records, claimed: Page) -> None:
    """We slept in the middle of a call and another took over: ours may have arrived after theirs."""
    page = records.page(claimed.target, claimed.key)
    if page and page.doubt is None:
        records.save_page(replace(page, doubt=claimed.doubt))


def _is_ahead(end: datetime | None, real: datetime) -> bool:
    return lies_ahead(end, real, LONGEST_WAIT)
