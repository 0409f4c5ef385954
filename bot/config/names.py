"""Names as pipeline.yml writes them: of tables, columns and schemas of a warehouse."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from checks.problems import shown

NAME_PART = re.compile(r"`((?:[^`]|``)+)`|([^.`]+)")


def table_parts(name: str) -> tuple[str, ...]:
    """``lake.`my.größe`.kunden`` → its parts without backticks; none where it cannot be read."""
    parts, rest = [], f".{name}"
    while rest.startswith(".") and (found := NAME_PART.match(rest, 1)):
        parts.append(found[1].replace("``", "`") if found[1] else found[2])
        rest = rest[found.end() :]
    return () if rest else tuple(parts)


def table_name(parts: Iterable[object]) -> str:
    """The parts of a full name → as pipeline.yml writes it, with backticks where a part needs them."""
    named = (str(part) for part in parts)
    return ".".join(part if re.fullmatch(r"[\w-]+", part) else f"`{part.replace('`', '``')}`" for part in named)


def _table(name: str) -> str:
    if re.search(r"[\s'\";]", re.sub(r"`(?:[^`]|``)+`", "", name)):
        raise ValueError(f"{shown(name)} has blanks, quotes or semicolons: write them in backticks or leave them out")
    if len(table_parts(name)) != 3:
        raise ValueError(f'"{name}" is not a full name: write catalog.schema.table')
    return name


def _schema(name: str) -> str:
    if len(table_parts(name)) != 2 or re.search(r"[\s'\";]", name):
        raise ValueError(f"{shown(name)} is not a schema: write catalog.schema")
    return name


def _column(name: str) -> str:
    if not name.strip() or re.search(r"[`\x00-\x1f]", name):
        raise ValueError(f"{shown(name)} is not the name of a column")
    if re.search(r"[()'\";]", name):
        raise ValueError(f"{shown(name)} is not the name of a column: compute it in the view that is the queue")
    return name


Table = Annotated[str, AfterValidator(_table)]
Schema = Annotated[str, AfterValidator(_schema)]
Column = Annotated[str, AfterValidator(_column)]
