"""How tables and views differ from what a deploy would create, without a warehouse."""

import pytest

from bot.adapters.databricks.description import read_description
from bot.objects import Column, ColumnDifference, ViewState
from bot.sql.differences import column_differences, databricks_type, query_text, view_difference

TABLE = "lake-prod.ops.log"
SETTINGS = "WITH settings AS (SELECT {warn} AS coverage_warn, 'UTC' AS zone) SELECT zone FROM settings WHERE {where}"
NOW = SETTINGS.format(warn=95, where="coverage_warn > 1")


def compare(
    expected: str,
    found: str | None,
    *,
    dialect: str = "databricks",
    is_written: bool = True,
    nullable: bool | None = None,
) -> ColumnDifference | None:
    """A column `c`, declared and as it is there."""
    there = [Column("C", found, nullable)] if found else []
    declared = [Column("c", expected, True)] if expected else []
    differences = column_differences(TABLE, declared, there, dialect, is_written=is_written)
    return differences[0] if differences else None


@pytest.mark.parametrize(
    ("expected", "found", "fits"),
    [
        ("INT", "BIGINT", True),
        ("BIGINT", "INT", True),
        ("INT", "DECIMAL(10, 0)", True),
        ("INT", "STRING", False),
        ("DOUBLE", "DECIMAL(5, 2)", True),
        ("DOUBLE", "DECIMAL(18, 0)", False),
        ("DOUBLE", "FLOAT", True),
        ("DOUBLE", "INT", False),
        ("STRING", "VARCHAR(200)", True),
        ("STRING", "CHAR(20)", False),
        ("STRING", "INT", False),
        ("TIMESTAMP", "TIMESTAMP_NTZ", False),
        ("TIMESTAMP", "DATE", False),
        ("TIMESTAMP", "STRING", False),
        ("BOOLEAN", "INT", False),
        ("ARRAY<STRING>", "ARRAY<INT>", False),
    ],
)
def test_a_type_fits_where_it_holds_what_is_written(expected: str, found: str, fits: bool) -> None:
    difference = compare(expected, found)
    assert difference and (difference.expected, difference.found, difference.fits) == (expected, found, fits)
    assert bool(difference.remedy) != fits


def test_the_same_type_is_no_difference_whatever_the_case_of_the_name() -> None:
    assert compare("TIMESTAMP", "TIMESTAMP") is None


def test_a_missing_column_names_the_statement_that_adds_it() -> None:
    for dialect, text in (
        ("databricks", "ALTER TABLE `lake-prod`.`ops`.`log` ADD COLUMNS (`c` STRING)"),
        ("duckdb", 'ALTER TABLE "lake-prod"."ops"."log" ADD COLUMN "c" TEXT'),
    ):
        difference = compare("STRING", None, dialect=dialect)
        assert difference == ColumnDifference("c", "STRING", "", False, (text,))


def test_a_column_of_another_type_makes_room_and_keeps_its_values() -> None:
    difference = compare("TIMESTAMP", "STRING")
    assert difference and difference.remedy == (
        "ALTER TABLE `lake-prod`.`ops`.`log` RENAME COLUMN `c` TO `c_before`",
        "ALTER TABLE `lake-prod`.`ops`.`log` ADD COLUMNS (`c` TIMESTAMP)",
    )


@pytest.mark.parametrize(
    ("nullable", "is_written", "fits"),
    [(False, True, False), (False, False, True), (True, True, True), (None, True, True)],
    ids=["written", "only read", "nullable", "not told"],
)
def test_another_column_is_fine_unless_rows_of_ours_would_lack_its_value(
    nullable: bool | None, is_written: bool, fits: bool
) -> None:
    difference = compare("", "STRING", nullable=nullable, is_written=is_written)
    assert difference and (difference.expected, difference.fits) == ("", fits)
    relax = ("ALTER TABLE `lake-prod`.`ops`.`log` ALTER COLUMN `C` DROP NOT NULL",)
    assert difference.remedy == (() if fits else relax)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (NOW, ViewState.CURRENT),
        (f"/* mine */ {NOW.lower().replace('utc', 'UTC')}\n\n-- end", ViewState.CURRENT),
        (SETTINGS.format(warn=96, where="coverage_warn > 1"), ViewState.SETTINGS),
        (SETTINGS.format(warn=7, where="coverage_warn >= 1"), ViewState.EARLIER),
        (SETTINGS.format(warn=95, where="coverage_warn > 2"), ViewState.OTHER),
        ("SELECT FROM (", ViewState.OTHER),
        (None, ViewState.UNREADABLE),
    ],
    ids=["same", "other layout", "other value", "earlier", "other", "no SQL", "unreadable"],
)
def test_a_view_is_known_by_what_it_asks(text: str | None, state: ViewState) -> None:
    found = view_difference(text, NOW, [SETTINGS.format(warn=95, where="coverage_warn >= 1")], "databricks")
    assert found.state is state
    assert (found.text == found.wanted) == (state is ViewState.CURRENT)
    changed = [(one.name, one.before, one.after) for one in found.settings]
    assert changed == ([("coverage_warn", "96", "95")] if state is ViewState.SETTINGS else [])


@pytest.mark.parametrize("depth", [100, 200, 400, 2000])
def test_a_view_that_is_nested_too_deeply_to_be_read_is_another_text(depth: int) -> None:
    for text in (
        f"SELECT {'(' * depth}1{')' * depth}",
        f"SELECT {'CASE WHEN a THEN 1 ELSE ' * depth}0{' END' * depth}",
    ):
        assert view_difference(text, NOW, [NOW], "databricks").state is ViewState.OTHER


def test_a_query_is_laid_out_in_lines() -> None:
    for dialect in ("databricks", "duckdb"):
        assert len(view_difference(None, NOW, [], dialect).wanted.splitlines()) > 5


def test_the_text_of_a_view_is_what_stands_after_its_as() -> None:
    created = "CREATE OR REPLACE VIEW a.b.c\nCOMMENT 'known as x' AS\nSELECT 1 AS one -- kept\n"
    assert query_text(created) == "SELECT 1 AS one -- kept"


def test_types_have_databricks_words() -> None:
    known = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ", "x(": "X("}
    assert {type_: databricks_type(type_, "duckdb") for type_ in known} == known


def described(*pairs: tuple[str, str | None]) -> list[dict[str, object]]:
    return [{"col_name": name, "data_type": kind, "comment": None} for name, kind in pairs]


COLUMNS = (("Type", "string"), ("day", "date"), ("rate", "decimal(5,2)"))
PARTITIONS = (("# Partition Information", ""), ("# col_name", "data_type"), ("day", "date"), ("", ""))


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("MANAGED", "table"),
        ("EXTERNAL", "table"),
        ("FOREIGN", "table"),
        ("STREAMING_TABLE", "streaming table"),
        ("VIEW", "view"),
        ("MATERIALIZED_VIEW", "materialized view"),
        ("METRIC_VIEW", "metric view"),
        ("view", "view"),
    ],
)
def test_a_description_has_columns_first_and_details_after_their_heading(type_: str, kind: str) -> None:
    details = (("# Detailed Table Information", ""), ("Type", type_), ("Comment", "ours"), ("View Text", "SELECT 1"))
    found = read_description(described(*COLUMNS, *PARTITIONS, *details))
    assert (found.kind, found.comment, found.text) == (kind, "ours", "SELECT 1")
    assert [(one.name, one.type) for one in found.columns] == [
        ("Type", "STRING"),
        ("day", "DATE"),
        ("rate", "DECIMAL(5, 2)"),
    ]


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ("delta", "table"),
        ("DELTA", "table"),
        ("iceberg", "table"),
        ("csv", "table kept as csv"),
        ("postgresql", "table kept as postgresql"),
        ("deltaSharing", "table kept as deltasharing"),
    ],
)
def test_a_table_into_which_no_rows_can_be_merged_is_another_kind(provider: str, kind: str) -> None:
    details = (("# Detailed Table Information", ""), ("Type", "EXTERNAL"), ("Provider", provider))
    assert read_description(described(*COLUMNS, ("", ""), *details)).kind == kind


def test_sections_around_the_details_change_nothing_of_them() -> None:
    odd = (("#id", "bigint"), ("# Detailed Table Information", "string"), *COLUMNS)
    details = (("# Detailed Table Information", ""), ("Type", "VIEW"), ("Comment", "ours\nand more"))
    masks = (("# Column Masks", ""), ("Type", "hide(`Type`)"), ("Comment", "hide(`Comment`)"))
    found = read_description(described(*odd, *PARTITIONS, *details, *masks))
    assert (found.kind, found.comment) == ("view", "ours\nand more")
    assert [one.name for one in found.columns] == [name for name, _ in odd]


def test_a_text_that_is_absent_empty_or_cut_is_not_readable() -> None:
    heading = (("", ""), ("# Detailed Table Information", None), ("Type", "VIEW"))
    for text in ((), (("View Text", ""),), (("View Text", None),), (("View Text", "x" * 2**16),)):
        assert read_description(described(*COLUMNS, *heading, *text)).text is None
