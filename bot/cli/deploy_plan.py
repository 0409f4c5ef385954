"""The plan of a deploy on the terminal and as JSON: each object, what would happen to it, and the differences."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from bot.cli.terminal import Cells, print_diff, print_line, print_table
from bot.config.settings import REFUSES_CHANGES, Settings
from bot.objects import ColumnDifference
from bot.services.deploy import Step, text_difference
from checks.numbers import count_of

STYLES = {"create": "green", "replace": "yellow", "adopt": "yellow", "keep": "dim", "refuse": "red"}
RENAMES = "Delta renames a column only where the table has delta.columnMapping.mode = name."


def print_steps(steps: Sequence[Step]) -> None:
    """A line for each object."""
    rows = [((STYLES[step.action], step.action), step.name, step.reason) for step in steps]
    print_table(("action", "object", "what is there"), rows)


def print_plan(steps: Sequence[Step], settings: Settings) -> None:
    """Each object, how it differs from what is there, and what that comes to."""
    print_steps(steps)
    for step in steps:
        _print_columns(step, settings)
        _print_view(step)
    print_line("")
    if settings.observes:
        print_line(f"! {REFUSES_CHANGES}", "magenta")
    print_line(_in_sum(steps))


def print_refused(steps: Sequence[Step], settings: Settings) -> None:
    """The columns of the tables that are in the way, with what to run there."""
    for step in _refused(steps):
        _print_columns(step, settings)


def print_outcome(steps: Sequence[Step]) -> None:
    """What a deploy has done."""
    changed = sum(step.changes for step in steps)
    if not changed:
        print_line(_nothing_to_do(steps))
        return
    kept = len(steps) - changed
    print_line(f"{count_of(changed, 'object')} deployed{f', {kept} kept' if kept else ''}")


def plan_as_json(steps: Sequence[Step], settings: Settings) -> dict[str, object]:
    """What `print_plan` shows; `remedy` and `diff` are lines."""
    return {
        "can_deploy": not _refused(steps) and not settings.observes,
        "mode": "observe" if settings.observes else "act",
        "statements": 0 if _refused(steps) else sum(step.changes for step in steps),
        "objects": [_step_as_json(step) for step in steps],
    }


def _step_as_json(step: Step) -> dict[str, object]:
    found, view = step.found, step.found.view
    return {
        "object": step.name,
        "action": step.action,
        "reason": step.reason,
        "creates": found.creates,
        "found": found.kind,
        "ours": found.ours,
        "columns": [asdict(one) for one in found.differences],
        "settings": [asdict(one) for one in view.settings] if view else [],
        "text_readable": view.text is not None if view else None,
        "diff": text_difference(view) if view else (),
    }


def _print_columns(step: Step, settings: Settings) -> None:
    if not (differences := step.found.differences):
        return
    print_line("")
    print_line(step.name, "bold")
    print_table(("column", "deploy creates", "found", ""), map(_cells, differences))
    if not (remedies := [line for one in differences for line in one.remedy]):
        return
    owns = f"correct sql/{step.statement}.sql" if "/" in step.statement else "name another table in pipeline.yml"
    print_line(f"A deploy changes no table. Run this, or {owns}:")
    for line in remedies:
        print_line(f"{line};")
    if settings.databricks and any(len(one.remedy) > 1 for one in differences):
        print_line(RENAMES)


def _cells(one: ColumnDifference) -> Cells:
    verdict = ("", "fits") if one.fits else ("red", "does not fit" if one.found else "missing")
    return one.column, one.expected or "–", one.found or "–", verdict


def _print_view(step: Step) -> None:
    view = step.found.view
    if view is None or step.action == "keep":
        return
    lines = text_difference(view)
    if lines or view.text is None:
        print_line("")
        print_line(step.name, "bold")
    if view.text is None:
        print_line("Its text cannot be read by this login, so no difference is shown: its owner sees it.")
    print_diff(lines)


def _refused(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.action == "refuse"]


def _in_sum(steps: Sequence[Step]) -> str:
    """`2 statements would run: 1 create, 1 replace; 1 object kept. Nothing was changed.`"""
    if refused := _refused(steps):
        are = "is" if len(refused) == 1 else "are"
        return f"{count_of(len(refused), 'object')} {are} in the way: no statement would run. Nothing was changed."
    changes = Counter(step.action for step in steps if step.changes)
    if not changes:
        return _nothing_to_do(steps)
    kept = len(steps) - changes.total()
    listed = ", ".join(f"{count} {action}" for action, count in changes.items())
    rest = f"; {count_of(kept, 'object')} kept" if kept else ""
    return f"{count_of(changes.total(), 'statement')} would run: {listed}{rest}. Nothing was changed."


def _nothing_to_do(steps: Sequence[Step]) -> str:
    return f"Nothing to deploy: {count_of(len(steps), 'object is', 'objects are')} as pipeline.yml says"
