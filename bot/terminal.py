"""A validation as a table in the terminal; colour turns itself off where nobody would see it."""

from rich.console import Console
from rich.table import Table

from bot.ports import Evaluation
from bot.services.move_alerts import Said
from checks.model import Outcome

STYLES = {
    Outcome.OK: ("green", "healthy"),
    Outcome.WARN: ("yellow", "warning"),
    Outcome.CRITICAL: ("red", "critical"),
    Outcome.NO_DATA: ("magenta", "no data"),
    Outcome.ERROR: ("magenta", "error"),
}


def print_evaluation(evaluation: Evaluation, said: list[Said], *, verbose: bool) -> None:
    """What was measured, what it means, and what was or would be said."""
    console = Console()
    console.print(_checks(evaluation))
    if verbose:
        console.print(_syncs(evaluation))
    for problem in evaluation.problems:
        console.print(f"! {problem}", style="magenta", markup=False, highlight=False)
    for one in said:
        console.print(f"→ {one.reason}: {one.incident.summary}", markup=False, highlight=False)
    style, word = STYLES[evaluation.outcome]
    count = "1 statement" if evaluation.statements == 1 else f"{evaluation.statements} statements"
    console.print(f"[{style}]{word}[/] · {count} · {evaluation.seconds:.2f} s", highlight=False)


def _checks(evaluation: Evaluation) -> Table:
    table = Table("outcome", "check", "warn", "critical", "what was found", box=None, pad_edge=False)
    for result in evaluation.results:
        style, word = STYLES[result.outcome]
        name = result.check if result.sync is None else f"{result.check} ({result.sync})"
        table.add_row(f"[{style}]{word}[/]", name, result.warn, result.critical, result.summary)
    return table


def _syncs(evaluation: Evaluation) -> Table:
    table = Table("sync", "waiting", "suspicious", "last sync (UTC)", "schedule", box=None, pad_edge=False)
    for sync in evaluation.syncs:
        last = sync.last_sync.completed_at if sync.last_sync else None
        schedule = "unknown" if not sync.schedule else "paused" if sync.schedule.paused else sync.schedule.frequency
        numbers = ["–" if value is None else f"{value:,}" for value in (sync.queue, sync.suspicious)]
        table.add_row(sync.label, *numbers, f"{last:%Y-%m-%d %H:%M}" if last else "–", schedule)
    return table
