"""How the pipeline is, once a day, whether anything is wrong or not."""

from datetime import timedelta

from bot.alerts.timetable import latest_due
from bot.ports import Ports
from bot.services.run_checks import Checker

DIGEST = "digest"  # its name among the daily jobs
LATEST = timedelta(hours=12)


def send_due_digest(ports: Ports, checker: Checker) -> bool:
    """Validate and owe the digest of the latest local date on which it was due; says whether it was due still.

    A bot that was not yet at work owes none, and what was missed by half a day is no news any more.
    """
    now = ports.clock.now()
    day, due = latest_due(ports.settings.schedule.digest, now, ports.settings.zone)
    if now - due > LATEST:
        return False
    with ports.store.transaction() as records:
        at_work_since = records.first_look()
        if at_work_since is None or at_work_since > due or records.was_done(DIGEST, day):
            return False
    evaluation = checker.run(join=False)
    with ports.store.transaction() as records:
        if records.was_done(DIGEST, day):  # by another process meanwhile
            return False
        records.mark_done(DIGEST, day, ports.clock.now())
        records.owe_digest(ports.settings.channel)
        records.audit(ports.clock.now(), "sync-health", "digest", str(day), str(evaluation.outcome))
    return True
