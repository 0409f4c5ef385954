"""The pipeline's own words come from its folder: what people read out of bot/ belongs to no company and no product."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

BOT = Path(__file__).resolve().parents[2] / "bot"
OWN = re.compile(r"\b[Pp]ropert(?:y|ies)\b|Salesforce|\bCREATE\b|\bUPDATE\b|\b[Cc]ompan(?:y|ies)\b")
SQL = re.compile(r"CREATE OR REPLACE|CREATE TABLE|^\s*(?:SELECT|INSERT|UPDATE)\b.* (?:FROM|INTO|SET)\b")
EXAMPLE = 'write a word such as "property" or "HubSpot"'
ASIDE = (
    "sanitize.py",
    "error_text.py",
    "rejections.py",
)  # words of error texts; what codes mean


def prose(source: str) -> Iterator[str]:
    """The strings of a module that have several words, its docstrings left out."""
    tree = ast.parse(source)
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and _is_text(node.body[0])
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docs
            and " " in node.value
        ):
            yield node.value


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def of_one_pipeline(source: str) -> list[str]:
    found = (text for text in prose(source) if OWN.search(text) and not SQL.search(text) and EXAMPLE not in text)
    return list(found)


MODULES = [
    path
    for path in sorted(BOT.rglob("*.py"))
    if "demo" not in path.parts and "migrations" not in path.parts and path.name not in ASIDE
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BOT)))
def test_nothing_that_a_person_reads_is_about_one_pipeline(path: Path) -> None:
    assert of_one_pipeline(path.read_text(encoding="utf-8")) == []


def test_a_planted_word_is_found_and_a_docstring_is_not() -> None:
    assert of_one_pipeline('"""Of Salesforce alone."""\nsay = f"{n} rows in Salesforce"') == [" rows in Salesforce"]
