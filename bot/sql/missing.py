"""What an engine misses that a statement names, in our words: a table, a view, a schema, a column."""

import re

from bot.errors import MissingTableError, NotFoundError

NAME = r"[`\"']?(?P<name>`[^`]+`(?:\.`[^`]+`)*|[\w$.-]+(?:`\.`[^`]+)*)[`\"']?"
RELATION = re.compile(
    rf"table or view {NAME} cannot be found|Table with name {NAME.replace('<name>', '<bare>')} does not exist",
    re.IGNORECASE,
)
SAYS_SO = re.compile(
    r"\[(?:TABLE_OR_VIEW_NOT_FOUND|UNRESOLVED_COLUMN|SCHEMA_NOT_FOUND|NO_SUCH_CATALOG)|^(?:Catalog|Binder) Error"
)
LONGEST = 2000  # characters that are searched: an error may quote a whole value
SCHEMA = re.compile(
    rf"(?P<kind>schema|catalog|database)(?: with name)? {NAME} (?:cannot be found|does not exist|was not found)",
    re.IGNORECASE,
)
COLUMN = re.compile(
    rf"parameter with name {NAME} cannot be resolved|Referenced column {NAME.replace('<name>', '<bare>')} not found"
    rf"|Table {NAME.replace('<name>', '<table>')} does not have a column named {NAME.replace('<name>', '<of>')}",
    re.IGNORECASE,
)


def missing_in(said: str, statement: str = "") -> NotFoundError | None:
    """`Table or view crm.sfdc_dbx.properties_to_update is missing`; None where the engine `said` something else.

    A bare name is completed by how the `statement` writes it.
    """
    said = said[:LONGEST]
    if not SAYS_SO.search(said):
        return None
    if found := COLUMN.search(said):
        name = _plain(found["name"] or found["bare"] or found["of"])
        return NotFoundError(f"Column {name} is missing")
    if found := RELATION.search(said):
        return MissingTableError(_full(_plain(found["name"] or found["bare"]), statement))
    if found := SCHEMA.search(said):
        return NotFoundError(f"{found['kind'].capitalize()} {_plain(found['name'])} is missing")
    return None


def _plain(name: str) -> str:
    return name.replace("`", "").replace('"', "")


def _full(name: str, statement: str) -> str:
    written = re.search(rf"[\w$-]+(?:\.[\w$-]+)*\.{re.escape(name)}\b", statement.replace("`", "").replace('"', ""))
    return written[0] if written and "." not in name else name
