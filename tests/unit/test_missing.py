"""What an engine misses is said in our words, whichever engine it is."""

import pytest

from bot.errors import MissingTableError
from bot.sql.missing import missing_in

STATEMENT = "SELECT 1 FROM crm.sfdc_dbx.properties_to_update AS q JOIN `lake-prod`.app.rows ON TRUE"
SAID = {
    "[TABLE_OR_VIEW_NOT_FOUND] The table or view `crm`.`sfdc_dbx`.`properties_to_update` cannot be found": (
        "Table or view crm.sfdc_dbx.properties_to_update is missing"
    ),
    "Catalog Error: Table with name properties_to_update does not exist!": (
        "Table or view crm.sfdc_dbx.properties_to_update is missing"
    ),
    "Catalog Error: Table with name somewhere_else does not exist!": "Table or view somewhere_else is missing",
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `e`.`company` cannot be "
    "resolved. Did you mean one of the following? [`e`.`name`]": "Column e.company is missing",
    'Binder Error: Referenced column "company" not found in FROM clause!': "Column company is missing",
    'Binder Error: Table "e" does not have a column named "company"': "Column company is missing",
    "[SCHEMA_NOT_FOUND] The schema `crm`.`sfdc_dbx` cannot be found.": "Schema crm.sfdc_dbx is missing",
    "Catalog Error: Schema with name sfdc_dbx does not exist!": "Schema sfdc_dbx is missing",
    "[DIVIDE_BY_ZERO] Division by zero": None,
    "": None,
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_missing_is_named_and_nothing_of_the_engine_s_words_is_left(said: str) -> None:
    found = missing_in(said, STATEMENT)
    assert (str(found) if found else None) == SAID[said]
    assert isinstance(found, MissingTableError) == (SAID[said] or "").startswith("Table or view")


def test_an_error_that_quotes_a_whole_value_is_read_at_once() -> None:
    assert missing_in("[CAST_INVALID_INPUT] The value 'schema " + "schema " * 200_000) is None
