"""Look at the whole pipeline once: one statement to the warehouse, a few calls to Census."""

from collections.abc import Mapping
from dataclasses import replace

from bot.errors import SyncHealthError
from bot.ports import Evaluation, Ports, SyncStatus
from bot.settings import SyncSettings
from checks.judge import judge, overall
from checks.model import Outcome, Reading

HEALTH = "measure/health"
RUNS = 10  # enough to find the newest real run behind skipped, dry and cancelled ones


def measure(ports: Ports) -> Evaluation:
    """What holds now. A source that cannot be asked makes its numbers unknown, never healthy."""
    began, checked_at = ports.clock.monotonic(), ports.clock.now()
    numbers, unmeasured = ask_warehouse(ports)
    syncs = tuple(look_at(ports, sync, numbers) for sync in ports.settings.syncs)
    results = tuple(judge(check, _reading(numbers, check.metric, unmeasured)) for check in ports.settings.checks)
    problems = [f"the warehouse: {unmeasured}"] if unmeasured else []
    problems += [f"Census, {sync.label}: {sync.error}" for sync in syncs if sync.error]
    outcomes = [result.outcome for result in results] + [Outcome.ERROR] * bool(problems)
    return Evaluation(
        checked_at=checked_at,
        outcome=overall(outcomes),
        statements=1,
        seconds=round(ports.clock.monotonic() - began, 3),
        results=results,
        syncs=syncs,
        problems=tuple(problems),
    )


def ask_warehouse(ports: Ports) -> tuple[Mapping[str, object], str | None]:
    """The one row of numbers, and why there is none."""
    try:
        found = ports.warehouse.ask(HEALTH)
    except SyncHealthError as error:
        return {}, str(error)
    return (found[0], None) if found else ({}, None)


def _reading(numbers: Mapping[str, object], metric: str, error: str | None) -> Reading:
    value = numbers.get(metric)
    return Reading(float(value) if isinstance(value, int | float) else None, error)


def _count(numbers: Mapping[str, object], name: str) -> int | None:
    value = numbers.get(name)
    return value if isinstance(value, int) else None


def look_at(ports: Ports, sync: SyncSettings, numbers: Mapping[str, object]) -> SyncStatus:
    """One sync, as Census tells it and with the queue from the row of numbers."""
    queue = _count(numbers, f"{sync.direction}_queue")
    suspicious = _count(numbers, f"{sync.direction}_queue_suspicious")
    status = SyncStatus(sync.name, sync.label, sync.direction, queue, suspicious)
    try:
        schedule = ports.census.sync(sync.id).schedule
        runs = ports.census.runs(sync.id, most=RUNS)
    except SyncHealthError as error:
        return replace(status, error=str(error))
    return replace(
        status,
        latest=runs[0] if runs else None,
        running=next((run for run in runs if not run.final), None),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=schedule,
    )
