"""Send what is owed: in order, never lost, looked up before it is sent a second time."""

import logging
from dataclasses import replace
from datetime import timedelta

from bot.alerts.model import State
from bot.errors import NotFoundError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.model import Announcement, Failure, Kind, Owed, Place
from bot.ports import Ports

log = logging.getLogger(__name__)

LEADER = "leader"  # the lease of the one who schedules and sends
CLAIM = 60.0  # real seconds: longer than the slowest call to Slack
PAUSE = timedelta(seconds=2)  # …before a message that failed for a while is tried again
LONG_PAUSE = timedelta(seconds=60)  # …before one that Slack refuses is


def deliver_next(ports: Ports, holder: str) -> bool:
    """Send the next owed message; False when nothing is owed now. `holder` names this sender."""
    owed = ports.store.claim(holder, ports.clock.real(), CLAIM)
    if owed is None:
        return False
    message = owed.announcement
    try:
        place = None if _obsolete(message) else _send(ports, owed)
    except SyncHealthError as error:
        mine = ports.store.give_back(owed, holder, _failure(ports, owed, error))
        about = message.incident and message.incident.id
        log.warning("message %s (%s of incident %s): %s", message.id, message.kind, about, error)
    else:
        told_its_end = message.kind is Kind.ROOT and message.ts is None and message.over
        mine = ports.store.settle(owed, holder, place=place, alone=told_its_end)
    if not mine and message.ts is None:
        _heal(ports, message)
    return True


def deliver_all(ports: Ports, holder: str, *, most: int = 100) -> int:
    """Send what is owed now, unless another process leads and does it; returns how many were tried."""
    if not ports.store.take_lease(LEADER, holder, ports.clock.real(), CLAIM):
        return 0
    try:
        tried = 0
        while tried < most and deliver_next(ports, holder):
            tried += 1
        return tried
    finally:
        ports.store.release_lease(LEADER, holder)


def _heal(ports: Ports, message: Announcement) -> None:
    """We slept in the middle of a call and another took over, who may have posted it too: the older one stays."""
    try:
        healed = ports.messenger.take_back(message)
        log.warning("message %s was taken over while it was sent; %s copies deleted", message.id, healed)
    except SyncHealthError as error:
        log.warning("message %s was taken over while it was sent, and may be there twice: %s", message.id, error)


def _send(ports: Ports, owed: Owed) -> Place:
    message = owed.announcement
    if message.ts:
        ports.messenger.edit(message)
        return Place(message.channel, message.ts)
    if owed.doubtful and (place := ports.messenger.find(message)):
        ports.messenger.edit(replace(message, channel=place.channel, ts=place.ts))
        return place
    return ports.messenger.post(message)


def _obsolete(message: Announcement) -> bool:
    """Whether what was to be said is no longer so: resolved and meanwhile firing again, or worse and meanwhile over."""
    state = message.incident and message.incident.state
    if message.kind is Kind.REMINDER:
        return state is not State.FIRING
    return (message.kind is Kind.RESOLVED and not message.over) or (message.kind is Kind.SEVERITY and state is State.OK)


def _failure(ports: Ports, owed: Owed, error: SyncHealthError) -> Failure:
    now, text = ports.clock.real(), str(error)
    match error:
        case TemporaryError(retry_after=float() | int() as seconds):
            return Failure(text, now + timedelta(seconds=seconds), doubtful=owed.doubtful, whole_channel=True)
        case UncertainError():
            return Failure(text, now + PAUSE, doubtful=True)
        case NotFoundError() if owed.announcement.ts:
            return Failure(text, now, gone=True)
        case NotFoundError() if owed.announcement.thread_ts:  # its root is gone: once a minute at most
            return Failure(text, now + LONG_PAUSE, gone=True)
        case PermanentError():
            return Failure(text, now + LONG_PAUSE, doubtful=owed.doubtful)
    return Failure(text, now + PAUSE, doubtful=owed.doubtful)
