"""docs/STATEMENTS.md: every statement with its question and its engines (`UPDATE_DOCS=1` writes it again)."""

import os
from pathlib import Path

from tests.dialects.script import CANNOT, ENGINES
from tests.sql_folder import shipped_statements

DOCUMENT = Path(__file__).parents[2] / "docs" / "STATEMENTS.md"
HEAD = """# Statements

Every statement of `sql/`, the question it answers, and the engines that it runs on besides Databricks: DuckDB,
translated by `bot/sql/`, and Sail, which is compatible with Spark and keeps Delta tables. On the same estate both
leave the same rows (`make dialects`). `UPDATE_DOCS=1` writes this page again.

| statement | question | DuckDB | Sail |
|---|---|---|---|"""


def test_the_page_of_statements_is_what_the_folder_holds() -> None:
    statements = shipped_statements()
    lines = (_line(name, statements.load(name)) for name in sorted(statements.own))
    written = "\n".join([HEAD, *lines, ""])
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(written, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == written, "UPDATE_DOCS=1 writes it again"


def _line(name: str, text: str) -> str:
    question = text.partition("\n")[0].removeprefix("--").strip().replace("|", "\\|")
    marks = (f"no: it {CANNOT[name, engine]}" if (name, engine) in CANNOT else "yes" for engine in ENGINES)
    return f"| `{name}` | {question} | {' | '.join(marks)} |"
