"""What DESCRIBE TABLE EXTENDED tells of a table or view, in Unity Catalog and in hive_metastore alike."""

from itertools import takewhile

from bot.adapters.values import LONGEST, Rows
from bot.objects import Column
from bot.sanitize import sanitize
from bot.sql.differences import databricks_type
from bot.sql.existing import Described

DETAILS = "# Detailed Table Information"
MERGEABLE = ("", "delta", "iceberg")  # how a table is kept into which rows can be merged; empty where it is not told


def read_description(rows: Rows) -> Described:
    """The columns stand first, up to an empty row or a heading, without a type; whether one may be NULL is not told.

    What is told twice counts as it is first: sections that follow the details have rows named by columns.
    """
    pairs = [(str(row["col_name"] or ""), str(row["data_type"] or "")) for row in rows]
    columns = list(takewhile(lambda pair: pair[1], pairs))
    others = pairs[len(columns) :]
    names = [name for name, _ in others]
    details = dict(reversed(others[names.index(DETAILS) if DETAILS in names else 0 :]))
    text = details.get("View Text", "")
    return Described(
        _kind(details.get("Type", "").upper(), details.get("Provider", "").lower()),
        details.get("Comment"),
        tuple(Column(name, databricks_type(kind, "databricks")) for name, kind in columns),
        text if 0 < len(text) < LONGEST else None,  # else it was cut
    )


def _kind(told: str, provider: str) -> str:
    """`view`, `streaming table`, `table kept as csv`; whatever rows can be merged into is a `table`."""
    if told.endswith("VIEW") or told == "STREAMING_TABLE":
        return told.lower().replace("_", " ")
    return "table" if provider in MERGEABLE else f"table kept as {sanitize(provider, 40)}"
