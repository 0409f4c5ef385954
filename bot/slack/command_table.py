"""What can be typed behind /sync-health: every subcommand with its handler, in one table."""

from dataclasses import dataclass
from functools import partial

from bot.alerts.model import ActionKind
from bot.errors import RefusedError
from bot.messages.errors import errors_message
from bot.messages.plain import help_message, unknown_command
from bot.messages.queue import queue_message
from bot.messages.syncs import runs_message
from bot.model import KEPT_DAYS
from bot.services.show_errors import show_errors
from bot.services.show_queue import show_queue
from bot.services.show_syncs import show_runs
from bot.slack.by_hand import escalate_typed, note_typed, resolve_typed
from bot.slack.commands import (
    about_syncs,
    ack,
    audit,
    fresh_summary,
    incident,
    incidents,
    quiet,
    schedules,
    snapshot,
    summary,
    unack,
)
from bot.slack.context import COMMAND, Context, Work
from bot.slack.interaction import Interaction
from bot.slack.report import report
from bot.slack.runbook import runbook
from bot.slack.slo import slo
from bot.slack.sync_actions import typed
from bot.slack.tiles import tiles
from bot.slack.trace import trace
from bot.slack.trends import trend
from checks.problems import close_to

SUMMARY_ELSEWHERE = ("status", "health", "state")  # what the summary is called in other products; near to `pause`


def help_(context: Context, interaction: Interaction) -> None:
    """What can be typed."""
    context.answer(interaction, help_message(COMMAND, {word: command.what for word, command in COMMANDS.items()}))


def unknown(context: Context, interaction: Interaction) -> None:
    """Never silence."""
    nearest = "" if interaction.word in SUMMARY_ELSEWHERE else close_to(interaction.word, filter(None, COMMANDS))
    context.answer(interaction, unknown_command(COMMAND, interaction.word, nearest))


@dataclass(frozen=True)
class Command:
    """A subcommand and what it does, in the words of `help`."""

    run: Work
    what: str
    alone: str | None = None  # where nothing is typed behind it: what else may be meant

    def typed(self, context: Context, interaction: Interaction) -> None:
        """Run it; words that it would pass over are refused. A button's value is not typed."""
        if self.alone is not None and interaction.value:
            meant = f" {self.alone}" if self.alone else ""
            raise RefusedError(f"{COMMAND} {interaction.word} takes nothing behind it.{meant}")
        self.run(context, interaction)


COMMANDS = {
    "": Command(summary, "health summary: state, open incidents, checks, and each sync"),
    "queue": Command(
        about_syncs("queue", show_queue, queue_message),
        "backlogs: size, thresholds, oldest record, trend; of one sync also groups, first records, "
        "and what the last run rejected of it",
    ),
    "runs": Command(
        about_syncs("runs", show_runs, runs_message),
        "recent Census runs: status, record counts, duration; of one sync when named",
    ),
    "errors": Command(
        about_syncs("errors", show_errors, errors_message),
        "rejected records of the last completed run by cause, with the next step; of one sync when named",
    ),
    "trace": Command(
        trace, "where one record is on its way and what holds it; `trace 1234 --follow` watches until it arrives"
    ),
    "schedules": Command(
        schedules, "per sync: on, paused or without a schedule, frequency, next run", alone="It shows every sync."
    ),
    "trend": Command(
        trend,
        f"how a metric went over 1 to {KEPT_DAYS} days, against its thresholds and the week before: "
        "`trend coverage 30`; alone: the metrics",
    ),
    "tiles": Command(tiles, "the tiles of the dashboard; one of them as a chart: `tiles 3` or `tiles coverage`"),
    "check": Command(
        partial(fresh_summary, replace=False), "evaluates every check now", alone="It evaluates every check."
    ),
    "snapshot": Command(
        snapshot, "takes an audit snapshot and shows what changed since the last one (operators)", alone=""
    ),
    "rerun": Command(
        typed(ActionKind.RERUN), "reruns a sync after showing its backlog, in full where you choose so (operators)"
    ),
    "pause": Command(
        typed(ActionKind.PAUSE), "pauses a sync in Census; `pause all`: every sync, in an emergency (operators)"
    ),
    "resume": Command(typed(ActionKind.RESUME), "resumes a paused sync, with a rerun where you choose so (operators)"),
    "cancel": Command(typed(ActionKind.CANCEL), "cancels the run of a sync that is in progress (operators)"),
    "incidents": Command(
        incidents,
        "open incidents: severity, value, since when, who acknowledged, link to the thread",
        alone=f"One of them: {COMMAND} incident and its number.",
    ),
    "incident": Command(
        incident,
        "post-mortem of one incident by its number: causes, actions, evidence, durations, timeline; "
        "`incident 7 --markdown`: as Markdown to paste",
    ),
    "ack": Command(ack, "acknowledges an incident, or takes it over (operators)"),
    "unack": Command(unack, "removes an acknowledgment (operators)"),
    "resolve": Command(
        resolve_typed,
        "resolves an incident by hand, with a reason: `resolve 7 fixed the view`; "
        "reopens if the next evaluation still finds it (operators)",
    ),
    "note": Command(note_typed, "adds a line to the thread and the timeline: `note 7 asked the data team` (operators)"),
    "escalate": Command(escalate_typed, "mentions the owner of an incident in the channel, now (operators)"),
    "snooze": Command(
        quiet,
        "no reminders and no escalation for a while, such as `snooze 7 2h`; "
        "`snooze all 2h reason`: a maintenance window (operators)",
    ),
    "slo": Command(
        slo, "success metrics of the last 7 days, or of as many as you write: target, value, trend, longest incidents"
    ),
    "audit": Command(
        audit, "who did what in the last 7 days, or in as many as you write: action, target, outcome, reason"
    ),
    "report": Command(
        report,
        "weekly review: incidents, causes, capacity, cost, thresholds worth changing; stakeholder note (operators)",
        alone="It is about the last seven days.",
    ),
    "runbook": Command(runbook, "what to do about a check, an incident, a rejection, an emergency: `runbook backlog`"),
    "help": Command(help_, "this list"),
}
