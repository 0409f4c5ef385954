"""The pages that the demo's alerts link to: the runs of the local Census."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

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
        "census_sync": f"{url}/documents/census/{{sync}}",
        "census_run": f"{url}/documents/census/{{sync}}#run-{{run}}",
    }


class Documents:
    """Pages by path: `census/<sync id>`. `runs` gives the runs of a sync, newest first."""

    def __init__(self, syncs: Mapping[int, str], runs: Callable[[int], list[dict[str, Any]]]) -> None:
        self._syncs, self._runs = dict(syncs), runs

    def page(self, path: str) -> str | None:
        """The HTML, None where there is no such page."""
        kind, _, name = path.partition("/")
        if kind != "census" or not name.isdecimal() or int(name) not in self._syncs:
            return None
        title = f"{escape(self._syncs[int(name)])} in Census"
        return FRAME.format(title=title, body=_table(self._runs(int(name))[:RUNS]))


def _table(runs: list[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in COLUMNS.values())
    rows = "".join(
        f'<tr id="run-{run["id"]}">{"".join(map(_cell, (run.get(key) for key in COLUMNS)))}</tr>' for run in runs
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else escape(str(value))}</td>"
