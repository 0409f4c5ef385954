"""Send what is in the outbox: never lost, looked up before it is sent again, and no message blocks another."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts.attention import is_answered
from bot.alerts.model import State
from bot.errors import PermanentError, StateError, SyncHealthError, TemporaryError, UnrenderableError
from bot.model import Announcement, AuditRow, AuditState, ClaimedMessage, Failure, Kind, Move, Place
from bot.ports import Outlet
from bot.services.next_step import Now, next_step
from bot.services.thread_links import links_to
from checks.numbers import duration

log = logging.getLogger(__name__)

LEADER = "leader"  # the lease of the one who schedules and sends
CLAIM = 60.0  # real seconds: longer than the slowest call to Slack
MOST_LINKS = 10  # in a summary: as many incidents as it lists
NOTE_SENT, NOTE_LASTS = "stakeholder note", timedelta(days=1)  # its name in the audit; how long it is news
CHANGED = "pipeline.yml names this channel now"


def deliver_next(ports: Outlet, holder: str, *, jitter: float = 0.0) -> bool:
    """Send the next message of the outbox; False when there is none to send now.

    `holder` names this sender; `jitter` from 0 to 1 shortens the pause after a failure, so that not all come at once.
    """
    claimed = ports.store.claim(holder, ports.clock.real(), CLAIM)
    if claimed is None:
        return False
    try:
        claimed = _with_content(ports, claimed)
        if _belongs_elsewhere(ports, claimed):
            move = Move(ports.settings.channel, CHANGED, ports.clock.now())
            ports.store.release_claim(claimed, holder, Failure(CHANGED, ports.clock.real(), move=move))
            return True
        place = _send_message(ports, claimed)
    except StateError:
        raise  # nothing can be written of it either: the claim expires, and the message is looked up then
    except Exception as error:
        now = Now(ports.clock.real(), ports.clock.now(), jitter)
        failure = next_step(claimed, error, ports.settings, now)
        mine = ports.store.release_claim(claimed, holder, failure)
        _log_failure(claimed, error, failure)
        if not isinstance(error, SyncHealthError):
            raise  # a bug: the loop around us shows where; the message has its next step anyway
    else:
        message = claimed.announcement
        told_its_end = message.kind is Kind.ROOT and message.ts is None and message.over
        row = _row(claimed, place, ports.clock.now())
        mine = ports.store.mark_sent(claimed, holder, place=place, alone=told_its_end, row=row)
        if place and claimed.failures:
            log.info("Slack accepts messages for %s again", claimed.channel)
    if not mine and claimed.announcement.ts is None:
        _remove_duplicate(ports, claimed.announcement)
    return True


def deliver_all(ports: Outlet, holder: str, *, most: int = 100) -> int:
    """Send what is in the outbox, unless another process leads and does it; returns how many were tried.

    The outermost loop of a command that sends: what nobody foresaw of one message is not in the way of the others.
    """
    tried = 0
    try:
        while tried < most and ports.store.take_lease(LEADER, holder, ports.clock, CLAIM):
            try:
                if not deliver_next(ports, holder):
                    break
            except StateError:
                raise
            except Exception:
                log.exception("a message met something unforeseen; the others are sent")
            tried += 1
        return tried
    finally:
        ports.store.release_lease(LEADER, holder)


def follow_channel(ports: Outlet) -> None:
    """Open incidents of a channel that pipeline.yml no longer names go on in the one that it does; once, at start."""
    with ports.store.transaction() as records:
        for channel in {incident.channel for incident in records.open_incidents()} - _channels(ports):
            records.move_channel(channel, Move(ports.settings.channel, CHANGED, ports.clock.now()))


def _with_content(ports: Outlet, claimed: ClaimedMessage) -> ClaimedMessage:
    """What it says is read when it is sent; a plain one is sent in any case, if need be without."""
    try:
        return replace(claimed, announcement=ports.store.read_content(claimed.announcement))
    except SyncHealthError:
        raise
    except Exception:
        if not claimed.announcement.plain:
            raise
        log.exception("message %s is sent without its content, which cannot be read", claimed.announcement.id)
        return claimed


def _belongs_elsewhere(ports: Outlet, claimed: ClaimedMessage) -> bool:
    """Whether the channel was changed in pipeline.yml.

    A thread that is over ends where it began, and so does an action about no incident: else "requested" would stand
    there for ever.
    """
    message = claimed.announcement
    if message.kind is Kind.STAKEHOLDERS:
        return False
    stays = message.over or (message.incident is None and message.action is not None and message.ts is not None)
    return message.kind is not Kind.MOVED and not stays and claimed.channel not in _channels(ports)


def _channels(ports: Outlet) -> set[str | None]:
    return {ports.settings.channel, ports.settings.fallback_channel}


def _send_message(ports: Outlet, claimed: ClaimedMessage) -> Place | None:
    """Where the message stands; None when it need not be sent any more."""
    message = claimed.announcement
    obsolete = _is_obsolete(message, ports.clock.now())
    if obsolete and not claimed.doubtful:
        return None
    if message.digest:
        listed = [one.id for one in message.digest.listed]
        message = replace(message, digest=replace(message.digest, links=_links(ports, listed, message.digest.roots)))
    if message.review:
        named = message.review.review.named
        message = replace(message, review=replace(message.review, links=_links(ports, named, message.review.roots)))
    if message.kind is Kind.MOVED:  # the last word in a channel that may be gone
        with suppress(PermanentError):
            ports.messenger.edit(message)
        return None
    if message.ts:
        ports.messenger.edit(message)
        return Place(message.channel, message.ts)
    if claimed.doubtful and (place := ports.messenger.find(message)):
        ports.messenger.edit(replace(message, channel=place.channel, ts=place.ts))
        return place
    return None if claimed.superseded or obsolete else ports.messenger.post(message)


def _links(ports: Outlet, incidents: Sequence[int], roots: Mapping[int, Place]) -> dict[int, str]:
    """The way to the threads of what a summary lists."""
    return links_to(ports.messenger.permalink, {one: roots[one] for one in incidents[:MOST_LINKS] if one in roots})


def _is_obsolete(message: Announcement, now: datetime) -> bool:
    """Whether what was to be said is no longer so: resolved and meanwhile firing again, or worse and meanwhile over.

    A note for stakeholders that their channel did not take within a day is no news any more.
    """
    if message.note:
        return message.note.sent_at is not None and now - message.note.sent_at > NOTE_LASTS
    incident = message.incident
    if incident is None:  # about none, or about one that cannot be read
        return False
    if message.kind is Kind.REMINDER:
        return message.ts is None and (incident.state is not State.FIRING or is_answered(incident))
    if message.kind is Kind.NOTE:  # its thread never came to be: the timeline has it
        return message.ts is None and message.thread_ts is None
    if message.kind is Kind.RESOLVED:
        return not message.over
    return message.kind in (Kind.SEVERITY, Kind.REOPENED) and incident.state is State.OK


def _row(claimed: ClaimedMessage, place: Place | None, now: datetime) -> AuditRow | None:
    """Whether a note for stakeholders stands in their channel; that it was requested is in the audit already."""
    note = claimed.announcement.note
    if note is None:
        return None
    result = "posted" if place else f"not posted within {duration(NOTE_LASTS)}: {claimed.error}"
    state = AuditState.SUCCEEDED if place else AuditState.FAILED
    return AuditRow(now, note.by, NOTE_SENT, claimed.channel, result, state, reference=f"note {note.id}")


def _log_failure(claimed: ClaimedMessage, error: Exception, failure: Failure) -> None:
    """Once for each change, not for each attempt: neither of a message nor of a channel that fails as a whole."""
    message = claimed.announcement
    known = failure.error == claimed.error or (failure.pause is not None and claimed.failures > 0)
    level = logging.DEBUG if known else logging.WARNING
    if isinstance(error, TemporaryError) and error.retry_after is not None:
        level = logging.DEBUG  # Slack's ordinary way to slow us down
    about = message.incident and message.incident.id
    trace = error if isinstance(error, UnrenderableError) else None
    words = "message %s (%s, incident %s) in %s: %s"
    log.log(level, words, message.id, message.kind, about, claimed.channel, failure.error, exc_info=trace)


def _remove_duplicate(ports: Outlet, message: Announcement) -> None:
    """We slept in the middle of a call and another took over, who may have posted it too: the older one stays."""
    try:
        healed = ports.messenger.take_back(message)
        log.warning("message %s was taken over while it was sent; %s copies deleted", message.id, healed)
    except SyncHealthError as error:
        log.warning("message %s was taken over while it was sent, and may be there twice: %s", message.id, error)
