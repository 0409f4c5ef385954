"""A check that was one of its own and is evaluated per sync now: its alert goes on under the new key."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from bot.alerts.lifecycle import Policy, may_reopen
from bot.alerts.model import Alert, Incident, State
from bot.config.settings import Settings
from bot.ports import AlertRecords
from bot.services.explain import alert_key
from checks.model import Check


def policy_of(check: Check) -> Policy:
    """How patient the alerts of a check are."""
    return Policy(check.for_, check.keep_firing_for, check.reopen_within)


def follow_renamed(records: AlertRecords, opened: Iterable[Incident], settings: Settings, now: datetime) -> None:
    """Give what is open, pending or would be reopened the key, name and sync that `was` of a check says.

    Its thread and values stay.
    """
    about: list[Incident | Alert] = [*records.waiting_alerts(), *_resolved_lately(records, settings, now), *opened]
    for one in {one.key: one for one in about}.values():
        key, name = one.key, one.check
        if one.sync is not None or settings.check_called(name) or not (found := settings.check_that_was(name)):
            continue
        check, sync = found
        new_key = alert_key(settings, check.name, sync)
        if alert := records.alert(key):
            records.save_alert(replace(alert, key=new_key, check=check.name, sync=sync))
            records.save_alert(Alert(key, name, state=State.OK))
        if isinstance(one, Incident):
            records.save_incident(replace(one, key=new_key, check=check.name, sync=sync, title=check.title))
        records.move_values(name, check.name, sync)


def _resolved_lately(records: AlertRecords, settings: Settings, now: datetime) -> Iterator[Incident]:
    """The incidents of renamed checks that a new breach reopens, where nothing goes on under the new key already."""
    names = {name for check in settings.checks for name in check.was if not settings.check_called(name)}
    if not names:
        return
    records.read_alerts({alert_key(settings, name, None) for name in names})
    for name in sorted(names):
        alert, found = records.alert(alert_key(settings, name, None)), settings.check_that_was(name)
        if not alert or not found or not may_reopen(alert, policy_of(found[0]), now):
            continue
        new = records.alert(alert_key(settings, found[0].name, found[1]))
        incident = records.incident(alert.incident_id) if alert.incident_id else None
        if incident and (new is None or (new.state is State.OK and new.resolved_at is None)):
            yield incident
