"""Validations and snapshots as tables in the terminal; colour turns itself off where nobody would see it."""

from collections.abc import Iterable, Iterator
from statistics import median
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.answers import SHOWN, Finding, Replay, Snapshot
from bot.model import Evaluation
from bot.sanitize import sanitize
from bot.services.move_alerts import Said
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result, parse_limit, with_unit
from checks.numbers import in_figures, in_percent

WIDE = 240  # characters, where nobody looks at a screen
LONGEST = 1000  # characters of one text from outside
STYLES = {
    Outcome.OK: ("green", "healthy"),
    Outcome.WARN: ("yellow", "warning"),
    Outcome.CRITICAL: ("red", "critical"),
    Outcome.NO_DATA: ("magenta", "no data"),
    Outcome.ERROR: ("magenta", "error"),
}


def print_evaluation(evaluation: Evaluation, said: list[Said], *, verbose: bool, every: bool = False) -> None:
    """What was measured, what it means, and what was or would be said.

    On a terminal what is healthy is a count, unless `every` check is asked for.
    """
    console = _console()
    shown = [one for one in evaluation.results if every or one.outcome is not Outcome.OK or not console.file.isatty()]
    if shown:
        console.print(_checks(shown))
    if hidden := len(evaluation.results) - len(shown):
        console.print(_text(f"{_counted(hidden, 'healthy check')} not shown (--all)", "dim"))
    if verbose:
        console.print(_syncs(evaluation))
    for problem in evaluation.problems:
        console.print(_text(f"! {problem}", "magenta"))
    for one in said:
        console.print(_text(f"→ {one.reason}: {one.incident.summary}"))
    counts = [_passed(evaluation), *_failed(evaluation), _counted(evaluation.statements, "statement")]
    console.print(_text(" · ".join([*counts, f"{evaluation.seconds:.1f} s"]), STYLES[evaluation.outcome][0]))


def print_snapshot(taken: Snapshot) -> None:
    """The numbers of a snapshot, and what changed since the one before."""
    console = _console()
    table = Table("number", "now", "change", box=None, pad_edge=False)
    for name, label in SHOWN.items():
        now, change = getattr(taken.numbers, name), taken.change(name)
        table.add_row(
            label, "no data" if now is None else f"{now:,}", "–" if change is None else f"{round(change, 1) + 0:+,}"
        )
    console.print(table)
    what = "would be taken" if taken.rehearsed else "taken"
    if taken.existed:
        what = f"was taken at {taken.taken_at:%Y-%m-%d %H:%M} UTC already, and stays as it is"
    if taken.foreign:
        console.print(f"! Not ours: {taken.foreign}", style="magenta", markup=False, highlight=False)
    since = f"; change since {taken.previous_id}" if taken.previous_id else ""
    console.print(_text(f"{taken.id} {what}{since}"))


def _passed(evaluation: Evaluation) -> str:
    """`12 checks passed`, `9 of 12 checks passed`."""
    passed, checks = sum(one.outcome is Outcome.OK for one in evaluation.results), len(evaluation.results)
    return f"{f'{passed} of ' if passed < checks else ''}{_counted(checks, 'check')} passed"


def _failed(evaluation: Evaluation) -> Iterator[str]:
    for outcome in (one for one in WORST_FIRST if one is not Outcome.OK):
        if count := sum(one.outcome is outcome for one in evaluation.results):
            yield f"{count} {STYLES[outcome][1]}"
    if evaluation.problems:
        yield _counted(len(evaluation.problems), "problem")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _value(result: Result) -> str:
    """Never rounded onto a threshold in the columns next to it."""
    limits = [parse_limit(limit) for limit in (result.warn, result.critical) if limit]
    if result.value is None:
        return "–"
    unit, beside = next((limit.unit for limit in limits), ""), [limit.number for limit in limits]
    return in_percent(result.value, beside) if unit == "%" else in_figures(result.value, beside) + with_unit(unit)


def _checks(results: Iterable[Result]) -> Table:
    table = Table("status", "check", "value", "warning", "critical", "detail", box=None, pad_edge=False)
    for result in sorted(results, key=lambda result: WORST_FIRST.index(result.outcome)):
        style, word = STYLES[result.outcome]
        name = result.check if result.sync is None else f"{result.check} ({result.sync})"
        why = result.error if result.error and result.error not in result.summary else None  # said once
        found = f"{result.summary} ({why})" if why else result.summary
        cells = (name, _value(result), result.warn or "", result.critical or "", found)
        table.add_row(_text(word, style), *map(_text, cells))
    return table


def _syncs(evaluation: Evaluation) -> Table:
    table = Table("sync", "pending", "suspect", "last sync (UTC)", "schedule", box=None, pad_edge=False)
    for sync in evaluation.syncs:
        last = sync.last_sync.completed_at if sync.last_sync else None
        schedule = "unknown" if not sync.schedule else "paused" if sync.schedule.paused else sync.schedule.frequency
        numbers = ["–" if value is None else f"{value:,}" for value in (sync.queue, sync.suspicious)]
        table.add_row(*map(_text, (sync.label, *numbers, f"{last:%Y-%m-%d %H:%M}" if last else "–", schedule)))
    return table


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads on: rich would end the process with code 1, which means a critical finding here."""
        raise BrokenPipeError


def _text(text: str, style: str = "") -> Text:
    """Text as it is: no markup, no emoji by name, nothing that moves the cursor."""
    return Text(sanitize(text, LONGEST), style)


def _console() -> Console:
    """As wide as the terminal; in a pipe wide enough that no line is broken."""
    console = _Console()
    return console if console.is_terminal else _Console(width=WIDE)


def print_replay(replay: Replay, zone: ZoneInfo) -> None:
    """Per check: what it was given, how often it would have spoken, and each time with its words."""
    console = _console()
    table = Table("check", "warn", "critical", "lowest", "median", "highest", "alerts", box=None, pad_edge=False)
    for one in replay.checks:
        numbers = [f(one.readings) if one.readings else None for f in (min, median, max)]
        shown = ["–" if number is None else f"{round(number, 2):,.10g}" for number in numbers]
        limits = [str(limit or "–") for limit in (one.check.warn, one.check.critical)]
        opened = sum(reason == "opened" for _, reason, _ in one.told)
        table.add_row(*map(_text, (one.check.name, *limits, *shown)), _text(str(opened), "yellow" if opened else ""))
    console.print(table)
    told = sorted((at, one.check.name, reason, what) for one in replay.checks for at, reason, what in one.told)
    for at, name, reason, what in told:
        console.print(Text(f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}  {reason}  ") + _text(f"{name}: {what}"))
    span = " to ".join(f"{at.astimezone(zone):%Y-%m-%d}" for at in (replay.first, replay.last))
    console.print(f"{replay.snapshots} snapshots, {span}; a number holds until the next one", highlight=False)
    if replay.others:
        console.print(_text(f"The audit log says nothing of {', '.join(replay.others)}", "dim"))


def print_finding(finding: Finding, before: Finding | None = None) -> None:
    """`✓ Slack token  @sync-health in Acme`, or what is wrong and what to do, unless that is as for the one before."""
    console = _console()
    console.print("✓" if finding.ok else "✗", style="green" if finding.ok else "red", end=" ")
    console.print(_text(f"{finding.name}: {finding.detail}"))
    if finding.remedy:
        same = before is not None and before.remedy == finding.remedy
        console.print(Text("  → ") + _text("the same" if same else finding.remedy))
