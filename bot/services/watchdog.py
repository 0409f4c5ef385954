"""The watchdog: a message scheduled at Slack, postponed by every evaluation, is posted when the bot dies."""

import logging
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.alerts.timetable import lies_ahead
from bot.config.settings import Settings
from bot.errors import NotFoundError, SyncHealthError, TemporaryError, UncertainError
from bot.model import Announcement, Kind, Outage, Scheduled, Watch
from bot.ports import Clock, Ports
from bot.services.next_step import LONGEST_WAIT

log = logging.getLogger(__name__)

LONGEST_GAP = timedelta(minutes=15)  # between completed evaluations, or three ticks where those are longer
SHORTEST_GRACE = timedelta(minutes=3)  # real time: in its last minute a scheduled message cannot be deleted any more
APART = timedelta(minutes=1)  # real time between two attempts to schedule; a tick is no shorter


def grace(settings: Settings, clock: Clock) -> timedelta:
    """The real time without a completed evaluation after which the bot counts as gone."""
    return max(max(LONGEST_GAP, 3 * settings.schedule.tick) / clock.speed, SHORTEST_GRACE)


def complete_evaluation(ports: Ports, *, told: bool = False) -> None:
    """Keep that a scheduled evaluation was completed; enqueue a line for the channel where there was none for too long.

    `told`: the channel has heard of that gap already.
    """
    now = ports.clock.now()
    with ports.store.transaction() as records:
        watch = records.watch()
        if watch.completed_at and not told:
            away = (now - watch.completed_at) / ports.clock.speed
            if away > grace(ports.settings, ports.clock):
                records.enqueue_absence(Outage(watch.completed_at, now), ports.settings.channel)
        records.save_watch(replace(watch, completed_at=now))


def postpone_silence(ports: Ports) -> bool:
    """Schedule the message about a silent bot again after a completed evaluation, and cancel the one before.

    The new one is there before the old one goes, so that there is always one; whether it was due is returned.
    """
    before = _begin_attempt(ports)
    if before is None:
        return False
    post_at = ports.clock.real() + grace(ports.settings, ports.clock)
    since = Outage(before.completed_at or ports.clock.now())
    silent = Announcement(uuid.uuid4().hex, Kind.SILENT, ports.settings.channel, None, None, outage=since)
    try:
        scheduled = ports.messenger.schedule(silent, post_at)
    except SyncHealthError as error:
        _save_refusal(ports, before, error)
        return True
    saved = {"message_id": scheduled.id, "channel": scheduled.channel, "post_at": post_at, "error": None}
    if not _save_changes(ports, before.message_id, **saved):
        if not _cancel_message(ports, scheduled):  # another process scheduled one meanwhile: one is enough
            with ports.store.transaction() as records:
                records.save_watch(replace(records.watch(), uncertain=True))
        return True
    if before.error:
        log.warning("Slack schedules the message for when Sync Health stops again")
    if _cancel_all(ports, before, keep=scheduled):
        _save_changes(ports, scheduled.id, uncertain=False)
    return True


def cancel_silence(ports: Ports) -> None:
    """Before an orderly stop: nobody needs to be alerted."""
    with ports.store.snapshot() as records:
        watch = records.watch()
    if _cancel_all(ports, watch, keep=None) and watch.message:
        _save_changes(ports, watch.message_id, message_id=None, channel=None, post_at=None, not_before=None)


def _begin_attempt(ports: Ports) -> Watch | None:
    """What was known before this attempt, which is written down before Slack hears of it; None when none is due."""
    now = ports.clock.real()
    with ports.store.snapshot() as records:
        if not _is_due(records.watch(), now):
            return None
    with ports.store.transaction() as records:
        watch = records.watch()
        if not _is_due(watch, now):  # another process tries meanwhile
            return None
        attempt = replace(watch, scheduled_for=watch.completed_at, not_before=now + APART, uncertain=True)
        records.save_watch(attempt)
        return watch


def _is_due(watch: Watch, now: datetime) -> bool:
    tried = watch.not_before is not None  # a bot that hangs in its first evaluation is to be noticed, too
    done = tried and watch.completed_at == watch.scheduled_for
    return not done and not lies_ahead(watch.not_before, now, LONGEST_WAIT)


def _save_refusal(ports: Ports, before: Watch, error: SyncHealthError) -> None:
    """Logged once per reason; the next completed evaluation tries again, and not before Slack allows it."""
    wait = timedelta(seconds=error.retry_after or 0) if isinstance(error, TemporaryError) else timedelta(0)
    if str(error) != before.error:
        log.warning("Slack does not schedule the message for when Sync Health stops: %s", error)
    with ports.store.transaction() as records:
        watch = records.watch()
        uncertain = before.uncertain or isinstance(error, UncertainError)
        not_before = ports.clock.real() + max(wait, APART)
        records.save_watch(replace(watch, error=str(error), uncertain=uncertain, not_before=not_before))


def _save_changes(ports: Ports, known: str | None, **changes: Any) -> bool:
    """Unless another process has scheduled another message meanwhile."""
    with ports.store.transaction() as records:
        watch = records.watch()
        if watch.message_id == known:
            records.save_watch(replace(watch, **changes))
        return watch.message_id == known


def _cancel_all(ports: Ports, watch: Watch, keep: Scheduled | None) -> bool:
    """Cancel what is known to wait, and what Slack lists where that may be more; whether none can be left."""
    known, complete = {watch.message} - {None}, True
    if watch.uncertain:
        try:
            known |= set(ports.messenger.list_scheduled())
        except SyncHealthError as error:
            log.info("scheduled messages could not be listed: %s", error)
            complete = False
    cancelled = [_cancel_message(ports, one) for one in known - {keep} if one]
    return complete and all(cancelled)


def _cancel_message(ports: Ports, scheduled: Scheduled) -> bool:
    try:
        ports.messenger.cancel_scheduled(scheduled)
    except NotFoundError:
        log.info("scheduled message %s was posted already, or will be within a minute", scheduled.id)
    except SyncHealthError as error:
        log.info("scheduled message %s could not be cancelled: %s", scheduled.id, error)
        return False
    return True
