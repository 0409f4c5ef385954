"""The audit snapshot of each day, at its time or as soon afterwards as a bot is running."""

from bot.answers.history import Snapshot
from bot.ports import Ports
from bot.services.daily_digest import due_day
from bot.services.take_snapshot import SCHEDULED_BY, take_snapshot

SNAPSHOT = "snapshot"  # its name among the daily jobs


def take_due_snapshot(ports: Ports) -> Snapshot | None:
    """Take the latest one that is due, if it was not taken; earlier ones that were missed stay missed.

    It keeps its day's id and has the true time of its taking. A bot that was not yet running takes none,
    nor does one in observe mode.
    """
    if ports.settings.deploy_to is None or ports.settings.observes:
        return None
    day = due_day(ports, SNAPSHOT, ports.settings.schedule.snapshot)
    if day is None:
        return None
    taken = take_snapshot(ports, SCHEDULED_BY, day=day)
    with ports.store.transaction() as records:
        if not records.was_done(SNAPSHOT, day):  # by another process meanwhile
            records.mark_done(SNAPSHOT, day, ports.clock.now())
    return taken
