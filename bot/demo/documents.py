"""The pages that the demo's alerts link to: a runbook made of the checks, and the runs of the local Census."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from bot.config import shipped
from checks.model import Check

RUNS = 30
FRAME = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<title>{title}</title><link rel="stylesheet" href="/page.css"><body class="document"><h1>{title}</h1>{body}</html>'
)
COLUMNS = {
    "id": "run",
    "status": "status",
    "created_at": "started (UTC)",
    "completed_at": "completed (UTC)",
    "records_updated": "updated",
    "records_failed": "rejected",
    "records_invalid": "invalid",
    "error_message": "error",
}


def demo_links(url: str) -> dict[str, str]:
    """The `links` of a pipeline.yml, for a demo whose page is here."""
    return {
        "runbook": f"{url}/documents/runbook#{{section}}",
        "census_sync": f"{url}/documents/census/{{sync}}",
        "census_run": f"{url}/documents/census/{{sync}}#run-{{run}}",
    }


class Documents:
    """Pages by path: `runbook`, `census/<sync id>`. `runs` gives the runs of a sync, newest first."""

    def __init__(self, checks: Iterable[Check], syncs: Mapping[int, str], runs: Callable[[int], list[dict[str, Any]]]):
        self._checks, self._syncs, self._runs = list(checks), dict(syncs), runs

    def page(self, path: str) -> str | None:
        """The HTML, None where there is no such page."""
        if path == "runbook":
            return FRAME.format(title="Runbook", body="".join(map(_section, self._checks)))
        kind, _, name = path.partition("/")
        if kind != "census" or not name.isdecimal() or int(name) not in self._syncs:
            return None
        title = f"{escape(self._syncs[int(name)])} in Census"
        return FRAME.format(title=title, body=_table(self._runs(int(name))[:RUNS]))


def _section(check: Check) -> str:
    """What the first lines of its file say, its thresholds, the next step."""
    limits = [f"{word} {limit}" for word, limit in (("warning", check.warn), ("critical", check.critical)) if limit]
    parts = [
        _meaning(check.name),
        f"Thresholds: {', '.join(limits)}.",
        f"Next step: {check.helps}" if check.helps else "",
    ]
    text = "".join(f"<p>{escape(part)}</p>" for part in parts if part)
    return f'<h2 id="{escape(check.runbook or check.name)}">{escape(check.title)}</h2>{text}'


def _meaning(name: str) -> str:
    found = next(iter(shipped.CHECKS.rglob(f"{name}.yml")), None)
    lines = found.read_text(encoding="utf-8").splitlines() if found else []
    return " ".join(line.removeprefix("# ") for line in lines if line.startswith("# "))


def _table(runs: list[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in COLUMNS.values())
    rows = "".join(
        f'<tr id="run-{run["id"]}">{"".join(map(_cell, (run.get(key) for key in COLUMNS)))}</tr>' for run in runs
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else escape(str(value))}</td>"
