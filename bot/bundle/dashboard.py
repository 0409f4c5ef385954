"""The tiles of a pipeline as an AI/BI dashboard: what a `.lvdash.json` file holds, one dataset and one widget a tile.

There is no public schema of these files; this follows exported ones.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bot.bundle.jobs import parse_here
from bot.bundle.widgets import HEADER, name_of, text_widget, widget
from bot.charts import Threshold, Tile, draws_thresholds, said_of_thresholds, thresholds_of
from bot.config.settings import Settings
from bot.sql.compose import written
from bot.sql.statements import Statements

if TYPE_CHECKING:
    from sqlglot import exp

COLUMNS = 12  # of the grid
SIZES = {"counter": (4, 3), "table": (1, 6)}  # how many stand next to each other, and how high they are
CHARTS = (2, 6)


def dashboard(statements: Statements, settings: Settings, tiles: Sequence[Tile], mark: str) -> str:
    """The text of the file; `mark` stands on the dashboard, for whoever would edit it there."""
    lines = [thresholds_of(settings, tile) for tile in tiles]
    widgets = [
        widget(tile, statements.columns(tile.statement), mine, said_of_thresholds(settings, tile))
        for tile, mine in zip(tiles, lines, strict=True)
    ]
    placed = [{"widget": one, "position": at} for one, at in zip(widgets, _placed(tiles), strict=True)]
    head = text_widget([f"# Sync Health {settings.pipeline}\n", f"{mark} from sql/dashboard_tiles: change it there."])
    at_top = {"widget": head, "position": {"x": 0, "y": 0, "width": COLUMNS, "height": HEADER}}
    page = {
        "name": "sync-health",
        "displayName": settings.pipeline,
        "pageType": "PAGE_TYPE_CANVAS",
        "layoutVersion": "GRID_V1",
        "layout": [at_top, *placed],
    }
    datasets = [_dataset(statements, settings, tile, mine) for tile, mine in zip(tiles, lines, strict=True)]
    return json.dumps({"datasets": datasets, "pages": [page]}, indent=2, ensure_ascii=False) + "\n"


def _dataset(statements: Statements, settings: Settings, tile: Tile, lines: Sequence[Threshold]) -> dict[str, Any]:
    """The statement of a tile, with a column for each threshold that is drawn as a line."""
    from sqlglot import exp

    tree = parse_here(statements, settings, tile.statement)
    if lines and draws_thresholds(tile):
        values = [exp.alias_(exp.cast(exp.convert(one.limit.number), "double"), one.column) for one in lines]
        tree = _with_columns(tree, values)
    text = f"-- {tile.question}\n{written(tree, 'databricks', pretty=True)}\n"
    return {"name": name_of(tile), "displayName": tile.title, "queryLines": text.splitlines(keepends=True)}


def _with_columns(tree: "exp.Expr", values: "Sequence[exp.Expr]") -> "exp.Expr":
    from sqlglot import exp

    if isinstance(tree, exp.Select) and not tree.args.get("distinct"):
        return tree.select(*values)
    assert isinstance(tree, exp.Query)
    return exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("tile")), *values).from_(
        tree.subquery("tile")
    )


def _placed(tiles: Sequence[Tile]) -> Iterator[dict[str, int]]:
    """Where each tile stands, by number: rows of one height, each as wide as the page."""
    top = HEADER
    for (beside, height), alike in groupby(tiles, key=lambda tile: SIZES.get(tile.chart, CHARTS)):
        left = len(list(alike))
        while left > 0:
            row = min(beside, left)
            for n in range(row):
                yield {"x": n * (COLUMNS // row), "y": top, "width": COLUMNS // row, "height": height}
            top, left = top + height, left - row
