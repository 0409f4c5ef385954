"""Statements read without a parser: the tables, parameters and columns that a text names."""

import re

from bot.errors import PermanentError

STRING_OR_COMMENT = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
PARAMETER = re.compile(r"(?<![:\w]):([a-zA-Z_]\w*)")
ESCAPED = re.compile(r"''|\\.")
LAST_SELECT = re.compile(r"^SELECT(?: DISTINCT)?[ ]*$", re.MULTILINE)
PART = r"(?:`[^`]+`|[A-Za-z_]\w*)"
TABLE = re.compile(  # a full name where a table stands: elsewhere it can be a field of a structure
    rf"\b(?:FROM|JOIN|INTO|USING|UPDATE|(?:VIEW|TABLE)(?:\s+IF(?:\s+NOT)?\s+EXISTS)?)\s+({PART}(?:\.{PART}){{2}})(?![\w.`])",
    re.IGNORECASE,
)
NO_QUERY = "not a query, and what is asked must change nothing: write it as one SELECT"
QUERY = re.compile(r"\s*(?:SELECT|WITH)\b")
ASKS = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
WRITES = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE|INTO|GRANT|REVOKE|COPY|CALL|EXECUTE)\b", re.IGNORECASE
)
COLUMN = re.compile(r"(?:^|\bAS |\.)(\w+)\s*$")


def named_tables(text: str) -> list[str]:
    """The full names of tables in a statement, in order, without backticks."""
    return [found.replace("`", "") for found in TABLE.findall(without_literals(text))]


def without_literals(text: str) -> str:
    """The text without comments, and with nothing in its strings."""
    return STRING_OR_COMMENT.sub(lambda found: "''" if found[0].startswith("'") else "", text)


def only_asks(text: str) -> bool:
    """Whether a statement is a query by its words, where no parser can read it."""
    code = without_literals(text)
    return ASKS.match(code) is not None and not WRITES.search(code)


def no_query(what: str, text: str) -> PermanentError:
    """Why a statement is not asked, with the line on which it begins."""
    code = STRING_OR_COMMENT.sub(lambda found: "\n" * found[0].count("\n") or "-" * found[0].startswith("'"), text)
    line = 1 + code[: len(code) - len(code.lstrip())].count("\n")
    return PermanentError(f"{what}:{line}: {NO_QUERY}")


def columns_of(name: str, text: str) -> tuple[str, ...]:
    """The names in the last SELECT list at the left margin, a column at two spaces each: the layout of shipped files.

    Raises PermanentError where there is no such list.
    """
    _, *selects = LAST_SELECT.split(without_literals(text))
    if not selects:
        raise no_query(f"sql/{name}.sql", text)
    listed = re.split(r"^FROM\b", selects[-1], maxsplit=1, flags=re.MULTILINE)[0].strip()
    return tuple(found[1] for item in re.split(r",\s*\n {2}(?=\S)", listed) if (found := COLUMN.search(item)))


def parameters_in(text: str) -> frozenset[str]:
    """The names of its `:name` parameters."""
    return frozenset(PARAMETER.findall(without_literals(text)))


def literals_in(text: str) -> frozenset[str]:
    """The texts that stand in it in quotes, without these and with nothing escaped."""
    found = (one[0][1:-1] for one in STRING_OR_COMMENT.finditer(text) if one[0].startswith("'"))
    return frozenset(ESCAPED.sub(lambda one: one[0][-1], literal) for literal in found)
