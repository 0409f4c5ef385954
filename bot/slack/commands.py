"""What can be typed behind /sync-health."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial

from bot.answers import Queue, Snapshot, Summary, SyncErrors, SyncRuns, SyncSchedule
from bot.config.pipeline_file import SyncSettings
from bot.errors import RefusedError, StateError, SyncHealthError
from bot.messages.errors import errors_message
from bot.messages.incidents import MOST, incident_message, incidents_message
from bot.messages.maintenance import maintenance_begun
from bot.messages.plain import help_message, note, taken_over, unknown_command
from bot.messages.queue import queue_message
from bot.messages.snapshot import snapshot_message
from bot.messages.summary import summary_message
from bot.messages.syncs import runs_message, schedules_message
from bot.model import Evaluation, Place
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.shared_answers import Answer
from bot.services.show_errors import show_errors
from bot.services.show_incident import incident_meant, show_incident, show_incidents
from bot.services.show_queue import show_queue
from bot.services.show_syncs import show_runs, show_schedules
from bot.services.snooze import snooze
from bot.services.take_snapshot import take_snapshot
from bot.slack.desk import COMMAND, Desk, Press
from checks.problems import close_to

RECENT = 60.0  # real seconds: numbers younger than this are not measured again because somebody asks
PATIENCE = 0.7  # real seconds to wait for fresh numbers before showing the last ones


def summary(desk: Desk, press: Press) -> None:
    """How the pipeline is: the last numbers at once when they are recent, else fresh ones."""
    shown = summarised(desk, press.arrived)
    if shown.evaluation:
        measured_at = shown.evaluation.warehouse_at or shown.evaluation.checked_at
        age = (desk.ports.clock.now() - measured_at).total_seconds() / desk.ports.clock.speed
        if 0 <= age < RECENT:  # below: measured before the clock was set back
            desk.answer(press, summary_message(shown, desk.ports.settings.zone))
            return
    fresh_summary(desk, press, replace=False)


def fresh_summary(desk: Desk, press: Press, *, replace: bool) -> None:
    """Measure, then show; what is known already meanwhile, when measuring takes long."""
    flight, mine = desk.checker.begin(asked=press.arrived)
    wait([flight], PATIENCE if mine else 0)
    if not flight.done():
        _show(desk, press, replace=replace, measuring=True)
    desk.follow(press, flight, partial(_show_evaluated, replace=replace))


def _show_evaluated(desk: Desk, press: Press, flight: "Future[Evaluation]", *, replace: bool) -> None:
    """What was measured; where that failed why, above the numbers of before."""
    error = flight.exception()
    if isinstance(error, StateError):
        desk.checker.state.failed(error)  # which the summary says
        error = None
    why = desk.explain(press, error) if error else None
    if error and not isinstance(error, SyncHealthError):
        why = f"unexpected error, reference {why} in the log"
    _show(desk, press, replace=replace, failed=why)


def summarised(desk: Desk, asked: float, *, measuring: bool = False, failed: str | None = None) -> Summary:
    """What was known at `asked` (monotonic) or later, also where nothing can be stored or even read."""
    try:
        shown = desk.summary.since(asked, measuring=measuring)
    except StateError as error:
        desk.checker.state.failed(error)
        shown = Summary(desk.ports.settings.pipeline, None)
    outage, others = desk.checker.state.outage, desk.line.others
    return dataclasses.replace(shown, state_outage=outage, other_connections=others, failed=failed)


def queue(desk: Desk, press: Press) -> None:
    """What waits."""
    sync = _sync_meant(desk, press)
    desk.ask(press, ("queue", sync), partial(show_queue, desk.ports, sync), _show_queue)


def _show_queue(desk: Desk, press: Press, found: Answer[list[Queue]]) -> None:
    desk.answer(press, queue_message(found.value, desk.ports.settings.zone, found.as_of))


def runs(desk: Desk, press: Press) -> None:
    """What Census did."""
    sync = _sync_meant(desk, press)
    desk.ask(press, ("runs", sync), partial(show_runs, desk.ports, sync), _show_runs)


def _show_runs(desk: Desk, press: Press, found: Answer[list[SyncRuns]]) -> None:
    desk.answer(press, runs_message(found.value, desk.ports.settings.zone, found.as_of))


def errors(desk: Desk, press: Press) -> None:
    """What Census could not bring over, and why."""
    sync = _sync_meant(desk, press)
    desk.ask(press, ("errors", sync), partial(show_errors, desk.ports, sync), _show_errors)


def _show_errors(desk: Desk, press: Press, found: Answer[list[SyncErrors]]) -> None:
    desk.answer(press, errors_message(found.value, desk.ports.settings.zone, found.as_of))


def schedules(desk: Desk, press: Press) -> None:
    """When Census runs what."""
    desk.ask(press, "schedules", partial(show_schedules, desk.ports), _show_schedules)


def _show_schedules(desk: Desk, press: Press, found: Answer[list[SyncSchedule]]) -> None:
    desk.answer(press, schedules_message(found.value, desk.ports.settings.zone, found.as_of))


def incidents(desk: Desk, press: Press) -> None:
    """What is open, each with the way to its thread."""
    count, oldest = show_incidents(desk.ports, MOST)
    links = {one.id: _link(desk, root) for one, root in oldest if root}
    desk.answer(press, incidents_message(count, [one for one, _ in oldest], links, desk.ports.settings.zone))


def incident(desk: Desk, press: Press) -> None:
    """The story of one."""
    if not press.value:
        raise RefusedError(
            f"Which one? Write {COMMAND} incident and its number; {COMMAND} incidents lists the open ones."
        )
    found, actions = show_incident(desk.ports, press.value)
    desk.answer(press, incident_message(found, actions, desk.ports.settings.zone))


def ack(desk: Desk, press: Press) -> None:
    """The Acknowledge button, typed; also in place of somebody else."""
    desk.authorise(press)
    meant = incident_meant(desk.ports, press.value)
    desk.answer(press, taken_over(acknowledge(desk.ports, meant.id, press.person.id)))


def unack(desk: Desk, press: Press) -> None:
    """Give an acknowledgement back."""
    desk.authorise(press)
    freed = unacknowledge(desk.ports, incident_meant(desk.ports, press.value).id, press.person.id)
    whose = freed.acked_by if freed.acked_by != press.person.id else None
    was = f"Incident {freed.id} is unacknowledged"
    desk.answer(press, note(f"{was}; it was acknowledged by", (whose,)) if whose else note(f"{was}."))


def quiet(desk: Desk, press: Press) -> None:
    """No reminders for a while, said publicly."""
    desk.authorise(press)
    words = press.value.split()
    if words and words[0].lower() == "all":
        _maintenance(desk, press, words[1:])
        return
    if not 1 <= len(words) <= 2:
        raise RefusedError(f"Write the incident's number and for how long, such as {COMMAND} snooze 7 2h.")
    meant = incident_meant(desk.ports, words[0] if len(words) == 2 else "")
    snoozed = snooze(desk.ports, meant.id, words[-1], press.person.id)
    what = f"Incident {snoozed[0].id} is" if len(snoozed) == 1 else f"{len(snoozed)} incidents of one thread are"
    desk.answer(press, note(f"{what} snoozed for {words[-1]}."))


def _maintenance(desk: Desk, press: Press, words: list[str]) -> None:
    """Begin, prolong or end a maintenance window."""
    if [word.lower() for word in words] == ["end"]:
        end_maintenance(desk.ports, press.person.id)
        desk.answer(press, note("The maintenance window has ended; its summary goes to the channel."))
        return
    if len(words) < 2:
        example = f"{COMMAND} snooze all 2h loading old records"
        raise RefusedError(f"Write for how long and why, such as {example}. {COMMAND} snooze all end ends it.")
    window = begin_maintenance(desk.ports, words[0], " ".join(words[1:]), press.person.id)
    desk.answer(press, maintenance_begun(window, desk.ports.settings.zone, COMMAND))


def snapshot(desk: Desk, press: Press) -> None:
    """A row for the audit log, typed or pressed."""
    desk.authorise(press)
    desk.ask(press, object(), partial(take_snapshot, desk.ports, press.person.id), _show_snapshot)


def _show_snapshot(desk: Desk, press: Press, taken: Answer[Snapshot]) -> None:
    desk.answer(press, snapshot_message(taken.value, desk.ports.settings.zone))


def help_(desk: Desk, press: Press) -> None:
    """What can be typed."""
    desk.answer(press, help_message(COMMAND, {word: command.what for word, command in COMMANDS.items()}))


def unknown(desk: Desk, press: Press) -> None:
    """Never silence."""
    desk.answer(press, unknown_command(COMMAND, press.word, close_to(press.word, filter(None, COMMANDS))))


def _sync_meant(desk: Desk, press: Press) -> SyncSettings | None:
    """The sync that is named behind the command; None where none is. Raises RefusedError with those there are."""
    found = desk.ports.settings.sync_called(press.value) if press.value else None
    if press.value and found is None:
        known = ", ".join(sync.label for sync in desk.ports.settings.syncs)
        raise RefusedError(f"“{press.value[:40]}” is not one sync of this pipeline. There are: {known}.")
    return found


def _link(desk: Desk, root: Place) -> str | None:
    """The address of a thread; none where Slack does not tell it."""
    with suppress(SyncHealthError):
        return desk.ports.messenger.permalink(root)
    return None


def _show(desk: Desk, press: Press, *, replace: bool, measuring: bool = False, failed: str | None = None) -> None:
    shown = summarised(desk, press.arrived if measuring else desk.checker.ended, measuring=measuring, failed=failed)
    desk.answer(press, summary_message(shown, desk.ports.settings.zone), replace=replace)


@dataclasses.dataclass(frozen=True)
class Command:
    """A subcommand and what it does, in the words of `help`."""

    run: Callable[[Desk, Press], None]
    what: str


COMMANDS = {
    "": Command(summary, "how the pipeline is: checks, queues, syncs, open incidents"),
    "queue": Command(queue, "what waits, since when, where it is heading; with a sync behind it also its rows"),
    "runs": Command(runs, "the latest Census runs, with counts and error rates; of one sync when it is named"),
    "errors": Command(
        errors, "rejected records of the last completed run by cause, with the next step; of one sync when named"
    ),
    "schedules": Command(schedules, "per sync: on, paused or never, how often, and the next run"),
    "check": Command(partial(fresh_summary, replace=False), "runs the validation now and shows what came of it"),
    "snapshot": Command(snapshot, "takes an audit snapshot now and shows what changed since the last one (operators)"),
    "incidents": Command(incidents, "what is open: number, limit, since when, acknowledged by whom, its thread"),
    "incident": Command(incident, "the story of one, by its number: changes, presses and runs, for a post-mortem"),
    "ack": Command(ack, "acknowledges an incident, also in place of somebody else (operators)"),
    "unack": Command(unack, "gives an acknowledgement back (operators)"),
    "snooze": Command(
        quiet,
        "no reminders about an incident for a while, such as `snooze 7 2h`; "
        "`snooze all 2h reason`: a maintenance window (operators)",
    ),
    "help": Command(help_, "this list"),
}
