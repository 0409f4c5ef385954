"""Validations and snapshots as tables in the terminal; colour turns itself off where nobody would see it."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import typer

from bot.answers.history import Replay, Replayed, Snapshot
from bot.answers.operations import Finding
from bot.config.settings import Settings
from bot.messages.phrases import how_often
from bot.model import Evaluation
from bot.sanitize import sanitize
from bot.services.move_alerts import Said
from checks.forms import parse_limit, with_unit
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result
from checks.numbers import in_figures, in_percent

LONGEST = 1000  # characters of one text from outside
NARROWEST = 24  # characters of the last column, before lines are left to the terminal to break
APART = "  "  # between two columns

BOLD, DIM = "bold", "dim"

Cells = tuple[str | tuple[str, str], ...]  # of a row, each with a style before it where it has one
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}  # by the first character of a line
STYLES = {
    Outcome.OK: ("green", "healthy"),
    Outcome.WARN: ("yellow", "warning"),
    Outcome.CRITICAL: ("red", "critical"),
    Outcome.NO_DATA: ("magenta", "no data"),
    Outcome.ERROR: ("magenta", "error"),
}


def print_evaluation(
    evaluation: Evaluation, said: list[Said], zone: ZoneInfo, *, verbose: bool, every: bool = False
) -> None:
    """What was measured, what it means, and what was or would be said.

    On a terminal what is healthy is a count, unless `every` check is asked for.
    """
    everything = every or not sys.stdout.isatty()
    shown = [one for one in evaluation.results if everything or one.outcome is not Outcome.OK]
    if shown:
        print_table(("status", "check", "value", "warning", "critical", "detail"), _checks(shown))
    if hidden := len(evaluation.results) - len(shown):
        print_line(f"{_counted(hidden, 'healthy check')} not shown (--all)", DIM)
    if verbose:
        queues = ("pending", "suspect") if any(sync.has_queue for sync in evaluation.syncs) else ()
        print_table(("sync", *queues, f"last run ({zone.key})", "schedule"), _syncs(evaluation, zone, len(queues)))
    for problem in evaluation.problems:
        print_line(f"! {problem}", "magenta")
    for one in said:
        print_line(f"→ {one.reason}: {one.incident.summary}")
    counts = [_passed(evaluation), *_failed(evaluation), _counted(evaluation.statements, "statement")]
    print_line(" · ".join([*counts, f"{evaluation.seconds:.1f} s"]), STYLES[evaluation.outcome][0])


def print_snapshot(taken: Snapshot, settings: Settings) -> None:
    """The numbers of a snapshot, and what changed since the one before."""
    print_table(("number", "now", "change"), _numbers(taken, settings))
    what = "would be taken" if taken.dry_run else "taken"
    if taken.existed:
        what = f"was taken at {taken.taken_at.astimezone(settings.zone):%Y-%m-%d %H:%M %Z} already, and stays as it is"
    if taken.foreign:
        print_line(f"! Not ours: {taken.foreign}", "magenta")
    since = f"; change since {taken.previous_id}" if taken.previous_id else ""
    print_line(f"{taken.id} {what}{since}")


def _numbers(taken: Snapshot, settings: Settings) -> Iterator[Cells]:
    from bot.messages.snapshot import snapshot_labels

    for name, label in snapshot_labels(taken, settings).items():
        now, change = taken.numbers[name], taken.change(name)
        yield (
            label,
            "no data" if now is None else f"{now:,}",
            "–" if change is None else f"{round(change, 1) + 0:+,}",
        )


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


def _checks(results: Iterable[Result]) -> Iterator[Cells]:
    for result in sorted(results, key=lambda result: WORST_FIRST.index(result.outcome)):
        name = result.check if result.sync is None else f"{result.check} ({result.sync})"
        why = result.error if result.error and result.error not in result.summary else None  # said once
        found = f"{result.summary} ({why})" if why else result.summary
        yield STYLES[result.outcome], name, _value(result), result.warn or "", result.critical or "", found


def _syncs(evaluation: Evaluation, zone: ZoneInfo, of_queues: int) -> Iterator[Cells]:
    for sync in evaluation.syncs:
        last = sync.last_sync.completed_at if sync.last_sync else None
        schedule = "unknown" if not sync.schedule else "paused" if sync.schedule.paused else how_often(sync.schedule)
        numbers = ["–" if value is None else f"{value:,}" for value in (sync.queue, sync.suspicious)[:of_queues]]
        yield sync.label, *numbers, f"{last.astimezone(zone):%Y-%m-%d %H:%M}" if last else "–", schedule or "none"


def print_replay(replay: Replay, zone: ZoneInfo) -> None:
    """Per check: what it was given, how often it would have spoken, and each time with its words."""
    print_table(("check", "warn", "critical", "lowest", "median", "highest", "alerts"), map(_replayed, replay.checks))
    told = sorted((at, one.check.name, reason, what) for one in replay.checks for at, reason, what in one.told)
    for at, name, reason, what in told:
        _write_line(f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}  {reason}  {sanitize(f'{name}: {what}', LONGEST)}")
    span = " to ".join(f"{at.astimezone(zone):%Y-%m-%d}" for at in (replay.first, replay.last))
    print_line(f"{replay.snapshots} snapshots, {span}; a value holds until the next one")
    if replay.others:
        print_line(f"The audit log has no values of {', '.join(replay.others)}", DIM)


def _replayed(one: Replayed) -> Cells:
    numbers = [f(one.readings) if one.readings else None for f in (min, median, max)]
    shown = ["–" if number is None else f"{round(number, 2):,.10g}" for number in numbers]
    limits = [str(limit or "–") for limit in (one.check.warn, one.check.critical)]
    opened = sum(reason == "opened" for _, reason, _ in one.told)
    return one.check.name, *limits, *shown, ("yellow" if opened else "", str(opened))


def print_finding(finding: Finding, before: Finding | None = None) -> None:
    """`✓ Slack token: @sync-health in Acme`, or what is wrong and what to do, unless that is as for the one before."""
    mark = _styled("✓", "green") if finding.ok else _styled("✗", "red")
    _write_line(f"{mark} {sanitize(f'{finding.name}: {finding.detail}', LONGEST)}")
    if finding.remedy:
        same = before is not None and before.remedy == finding.remedy
        _write_line(f"  → {'the same' if same else sanitize(finding.remedy, LONGEST)}")


def print_line(text: str, style: str = "") -> None:
    """One line with its indentation; nothing in it moves the cursor."""
    words = text.lstrip(" ")
    _write_line(_styled(" " * (len(text) - len(words)) + sanitize(words, LONGEST), style))


def print_diff(lines: Iterable[str]) -> None:
    """A unified diff, with the indentation of what it shows."""
    for line in lines:
        text = line.lstrip("+- ")
        before = line[: len(line) - len(text)]
        _write_line(_styled(before + sanitize(text, LONGEST), DIFF_STYLES.get(line[:1], "")))


def _write_line(line: str) -> None:
    """Not by Typer, which writes UTF-8 where the terminal takes ASCII."""
    sys.stdout.write(f"{line}\n")


def print_table(head: Sequence[str], rows: Iterable[Cells]) -> None:
    """In columns as wide as they need to be; on a terminal the last one is broken where the line ends."""
    cells = [[(BOLD, name) for name in head]]
    cells += [[("", cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    cells = [[(style, sanitize(text, LONGEST)) for style, text in row] for row in cells]
    widths = [max(_width(row[column][1]) for row in cells) for column in range(len(head))]
    before = sum(widths[:-1]) + len(APART) * (len(head) - 1)
    wide = shutil.get_terminal_size().columns - before
    for row in cells:
        *firsts, (style, last) = row
        padded = (
            (text + " " * (width - _width(text)), how) for (how, text), width in zip(firsts, widths, strict=False)
        )
        broken = textwrap.wrap(last, wide) if sys.stdout.isatty() and wide >= NARROWEST else [last]
        lines = [_styled(line, style) for line in broken or [""]]
        _write_line(("".join(_styled(*cell) + APART for cell in padded) + f"\n{' ' * before}".join(lines)).rstrip())


def _width(text: str) -> int:
    """Cells of a terminal: a wide character, such as a Chinese one, takes two."""
    return len(text) if text.isascii() else sum(1 + (east_asian_width(one) in "WF") for one in text)


def _styled(text: str, style: str) -> str:
    """In colour, where somebody sees it and has not asked for none (no-color.org)."""
    if not style or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return typer.style(
        text, bold=style == "bold" or None, dim=style == DIM or None, fg=None if style in ("bold", DIM) else style
    )
