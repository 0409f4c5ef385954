"""The statements of sql/, and how they are loaded, mapped and translated."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from bot.config import shipped
from bot.config.names import table_parts
from bot.errors import NotFoundError, PermanentError
from bot.objects import ViewState
from bot.runtime.composition import settings_from
from bot.sql import translations, trees
from bot.sql.catalog import to_list_columns
from bot.sql.differences import view_difference
from bot.sql.statements import Statements
from bot.sql.text import only_asks, without_literals
from tests.sql_folder import SHIPPED, named, statements_in

PROPERTIES = "rds.pg_rds_public.properties"


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes the text the only statement of another sql folder, and returns its name."""
    with statements_in(tmp_path):

        def one(text: str) -> str:
            (tmp_path / "it.sql").write_text(text, encoding="utf-8")
            return "it"

        yield one


@pytest.mark.parametrize("text", ["SELECT 'not closed", "SELECT FROM WHERE", "SELECT `a", "SELECT /* a"])
def test_text_that_no_parser_takes_is_an_error_of_ours(write: Callable[[str], str], text: str) -> None:
    with pytest.raises(PermanentError):
        SHIPPED.in_dialect(write(f"-- What?\n{text}"), "duckdb")


@pytest.mark.parametrize("name", sorted(SHIPPED.own))
def test_a_file_is_one_databricks_statement_that_opens_with_its_question(name: str) -> None:
    text = SHIPPED.load(name)
    first = text.splitlines()[0]
    assert first.startswith("-- ") and "?" in first
    assert len([tree for tree in sqlglot.parse(text, dialect="databricks") if tree]) == 1
    assert ";" not in without_literals(SHIPPED.load(name))
    assert text.endswith("\n") and "\r" not in text


@pytest.mark.parametrize("name", sorted(SHIPPED.own))
def test_databricks_gets_the_very_bytes_of_a_file(name: str) -> None:
    on_disk = (shipped.FOLDER / "sql" / f"{name}.sql").read_bytes()
    for tables in ({}, {PROPERTIES: PROPERTIES}, {"some.other.thing": "a.b.c"}):
        assert named(tables).in_dialect(name, "databricks").encode() == on_disk


@pytest.mark.parametrize("name", sorted(SHIPPED.own))
def test_duckdb_gets_a_translation_without_losses(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sqlglot"):
        text = SHIPPED.in_dialect(name, "duckdb")
    assert not caplog.records
    statements = [type(tree) for tree in sqlglot.parse(text, dialect="duckdb")]
    assert statements[1:] == ([exp.Comment] if SHIPPED.load(name).count("\nCOMMENT ") else [])


@pytest.mark.parametrize("name", sorted(SHIPPED.own))
def test_renaming_every_table_leaves_no_shipped_name_and_no_other_change(name: str) -> None:
    there = {table: table.replace(".", "_x.") for table in tables_of(SHIPPED.load(name))}
    renamed = named(there).in_dialect(name, "databricks")
    assert set(tables_of(renamed)) == set(there.values())
    back = unmerged(renamed)
    trees.rename_tables(back, {other: table for table, other in there.items()})
    for part in (part for table in back.find_all(exp.Table) for part in table.parts if len(table.parts) == 3):
        part.set("quoted", False)
    assert back.sql("databricks", comments=False) == unmerged(SHIPPED.load(name)).sql("databricks", comments=False)


@pytest.mark.parametrize("name", sorted(SHIPPED.own))
def test_tables_have_three_part_names_and_columns_only_an_alias_before_them(name: str) -> None:
    tree = unmerged(SHIPPED.load(name))
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert all(len(table.parts) == 3 or table.name in ctes for table in tree.find_all(exp.Table))
    assert not [column for column in tree.find_all(exp.Column) if column.args.get("db")]


@pytest.mark.parametrize("name", [name for name in sorted(SHIPPED.own) if "\nSELECT\n" in SHIPPED.load(name)])
def test_the_columns_read_from_the_text_are_those_of_the_parsed_statement(name: str) -> None:
    tree = unmerged(SHIPPED.load(name))
    query = tree if isinstance(tree, exp.Query) else tree.expression
    assert SHIPPED.columns(name) == tuple(query.named_selects)


def test_what_fills_a_table_names_its_columns_in_their_order() -> None:
    for name in ("companies", "properties", "product_property", "product_property_w_features", "sync_audit_log"):
        table = unmerged(SHIPPED.load(name if name == "sync_audit_log" else f"pipeline/tables/{name}"))
        assert SHIPPED.columns(f"pipeline/rows/{name}") == tuple(
            column.name for column in table.find_all(exp.ColumnDef)
        )


def test_the_bug_is_one_line_of_an_otherwise_healthy_view() -> None:
    healthy = SHIPPED.load("pipeline/views/rds_properties_enriched").splitlines()
    broken = SHIPPED.load("pipeline/faults/company_name_bug").splitlines()
    assert len(healthy) == len(broken)
    [(right, wrong)] = [pair for pair in zip(healthy, broken, strict=True) if pair[0] != pair[1]]
    assert wrong.startswith(right) and "c.id <" in wrong


@pytest.mark.full
def test_what_counts_as_no_company_name_is_one_expression_in_every_statement() -> None:
    """Statements are runnable as they stand, so none can include another: the text is the same, and this holds it."""
    found: dict[str, set[str]] = {}
    for name in sorted(SHIPPED.own):
        tree = unmerged(SHIPPED.load(name))
        if name.startswith("earlier/"):
            continue  # what stood there stands there
        for match in tree.find_all(exp.RegexpLike):
            match.find(exp.Column).set("table", None)
            match.find(exp.Column).set("this", exp.to_identifier("company"))
            found.setdefault(match.sql("databricks"), set()).add(name)
        for blank in tree.find_all(exp.EQ, exp.In):
            if blank.find(exp.Column) and "company" in blank.sql():
                assert "''" not in blank.sql(), f"{name} has its own idea of no name"
    [names] = found.values()
    assert {"measure/health", "measure/examples", "daily_health_check", "populate_audit_log"} < names
    [written] = found
    for sync in settings_from({}).syncs:
        suspect = sqlglot.parse_one(sync.suspect[0].when, dialect="databricks")
        suspect.find(exp.Column).set("this", exp.to_identifier("company"))
        assert suspect.sql("databricks") == written, "pipeline.yml has the same idea of no name"


def test_health_names_each_table_once() -> None:
    named = tables_of(SHIPPED.load("measure/health"))
    assert len(named) == len(set(named)) == 2


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", "measure/../measure/health", "measure/health.sql", ""])
def test_nothing_outside_the_folder_is_loaded(name: str) -> None:
    with pytest.raises(NotFoundError):
        SHIPPED.load(name)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"'measure/heath' in sql/; the nearest is measure/health$"):
        SHIPPED.load("measure/heath")


def test_a_renamed_table_keeps_strings_comments_and_aliases(write: Callable[[str], str]) -> None:
    name = write(
        f"-- What is in {PROPERTIES}?\nSELECT\n  properties.id,\n  '{PROPERTIES}' AS pg_rds_public\n"
        f"FROM RDS.pg_rds_public.`properties` AS properties\nWHERE properties.id > :id\n"
    )
    text = named({PROPERTIES: "main.my-app.`units`"}).in_dialect(name, "databricks")
    assert f"What is in {PROPERTIES}?" in text
    assert f"'{PROPERTIES}' AS pg_rds_public" in text
    assert "FROM `main`.`my-app`.`units` AS properties" in text
    assert "properties.id > :id" in text
    assert 'FROM "main"."my-app"."units" AS properties' in named({PROPERTIES: "main.my-app.units"}).in_dialect(
        name, "duckdb"
    )


@pytest.mark.parametrize(
    "name", ["lake.größe.kunden", "lake.`größe`.`order`", "lake.a-b.table", "lake.`a.b`.`c``d`", "LAKE.Select.from"]
)
def test_a_name_that_needs_backticks_has_them(name: str, write: Callable[[str], str]) -> None:
    written = write(f"-- ?\nSELECT\n  p.id\nFROM {PROPERTIES} AS p\n")
    text = named({PROPERTIES: name}).in_dialect(written, "databricks")
    quoted = ".".join(f"`{part.replace('`', '``')}`" for part in table_parts(name))
    assert f"FROM {quoted} AS p" in text
    [table] = sqlglot.parse_one(text, dialect="databricks").find_all(exp.Table)
    assert tuple(part.name for part in table.parts) == table_parts(name)
    assert list(named({PROPERTIES: name}).needed_columns([written])) == [name.replace("`größe`.`order`", "größe.order")]
    assert quoted in to_list_columns(name, "databricks")


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.`b", "a.b`", "`a`b.c", "a.b."])
def test_a_name_that_cannot_be_read_has_no_parts(name: str) -> None:
    assert table_parts(name) == ()


def test_two_part_names_can_replace_three_part_ones(write: Callable[[str], str]) -> None:
    name = write(f"-- ?\nSELECT\n  p.id\nFROM {PROPERTIES} AS p\n")
    assert "FROM `app`.`units` AS p" in named({PROPERTIES: "app.units"}).in_dialect(name, "databricks")


def test_names_that_only_begin_alike_are_left_alone(write: Callable[[str], str]) -> None:
    name = write(f"-- ?\nSELECT\n  p.id\nFROM {PROPERTIES}_old AS p\n")
    assert named({PROPERTIES: "a.b.c"}).in_dialect(name, "databricks") == SHIPPED.load(name)


def test_a_merge_loses_the_qualifiers_that_duckdb_refuses(write: Callable[[str], str]) -> None:
    name = write("-- ?\nMERGE INTO a.b.c AS t USING a.b.d AS s ON t.k = s.k WHEN MATCHED THEN UPDATE SET t.v = s.v\n")
    assert SHIPPED.in_dialect(name, "duckdb").endswith("UPDATE SET v = s.v")


def test_parameters_and_columns_are_not_looked_for_in_strings_and_comments(write: Callable[[str], str]) -> None:
    name = write(
        "-- :a?\nSELECT\n  CASE\n    WHEN x THEN ':b'\n  END AS one, -- :c, and\n  t.two,\n  :d::INT AS it\nFROM t\n"
    )
    assert SHIPPED.parameters(name) == {"d"}
    assert SHIPPED.columns(name) == ("one", "two", "it")


DEPLOYED = "CREATE OR REPLACE VIEW a.b.v AS\nWITH settings AS (SELECT 'here' AS zone, 5 AS low, 1.5 AS high)\n"


def test_settings_are_replaced_in_the_parsed_statement_and_only_where_they_differ(write: Callable[[str], str]) -> None:
    name = write(f"-- ?\n{DEPLOYED}SELECT 'here' AS other, zone, low\nFROM settings\n")
    for same in ({}, {"zone": "here", "low": 5, "high": 1.5}, {"low": 5.0, "unknown": 1}):
        assert SHIPPED.to_deploy(name, same) == SHIPPED.load(name)
    text = SHIPPED.to_deploy(name, {"zone": "it's'); DROP TABLE x --", "low": -2.5})
    query = sqlglot.parse_one(text, dialect="databricks").expression
    [settings] = query.find_all(exp.CTE)
    zone, low, high = settings.this.expressions
    assert zone.this == exp.Literal.string("it's'); DROP TABLE x --")
    assert (low.sql(), high.sql()) == ("-2.5 AS low", "1.5 AS high")
    assert "'here' AS other" in text


@pytest.mark.full
def test_databricks_text_of_an_earlier_version_is_known_and_a_changed_one_is_not() -> None:
    tables = {PROPERTIES: "a.b.c", "hive_metastore.salesforce.product_property": "lake.crm.`größe`"}
    text = named(tables).to_deploy("earlier/daily_health_check", {"zone": "Asia/Tokyo", "coverage_warn": 97.5})
    query = text.split(" AS\n", 1)[1]  # what DESCRIBE TABLE EXTENDED calls View Text
    wanted, *earlier = named(tables).queries("daily_health_check", {}, "databricks")
    for before, after in (("NO DATA", "NICHTS"), ("zone AS DATE", "zone AS DATE"), ("multi_property", "multi")):
        found = view_difference(query.replace(before, after), wanted, earlier, "databricks")
        assert (found.state is ViewState.EARLIER) == (before == after)
    assert view_difference("SELECT FROM (", wanted, earlier, "databricks").state is ViewState.OTHER


@pytest.mark.parametrize("name", sorted(name for name in sorted(SHIPPED.own) if "VIEW crm." in SHIPPED.load(name)))
def test_every_view_that_is_created_says_whose_it_is(name: str) -> None:
    assert name.startswith("earlier/") or SHIPPED.mark(name) == "Made by sync-health deploy, which replaces it"


def test_a_deployed_table_never_replaces_one(write: Callable[[str], str]) -> None:
    name = write("-- ?\n-- Replaces it.\nCREATE OR REPLACE TABLE a.b.c (\n  k INT NOT NULL -- the key\n)\n")
    assert SHIPPED.to_deploy(name, {}).startswith("CREATE TABLE IF NOT EXISTS a.b.c (")
    assert (
        named({"a.b.c": "x.y.z"}).to_deploy(name, {}, "duckdb").startswith('CREATE TABLE IF NOT EXISTS "x"."y"."z" (')
    )


def test_a_statement_that_answers_nothing_has_no_columns() -> None:
    with pytest.raises(PermanentError, match=r"forget\.sql:2: not a query"):
        SHIPPED.columns("pipeline/census/forget")


@pytest.mark.parametrize(("text", "message"), [("SELECT 1; SELECT 2", "holds 2"), ("SELECT FROM (", "cannot be read")])
def test_a_broken_file_is_named(text: str, message: str, write: Callable[[str], str]) -> None:
    name = write(text)
    with pytest.raises(PermanentError, match=rf"sql/it\.sql .*{message}"):
        SHIPPED.in_dialect(name, "duckdb")


def test_what_an_earlier_version_of_our_code_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(["first", "second", "third"])
    for version, text in (("1", "first"), ("1", "first"), ("2", "second")):
        code = tmp_path / f"{version}-{text}"  # where it lies does not matter, what it says does
        code.mkdir(exist_ok=True)
        (code / "compose.py").write_text(f"VERSION = {version}")
        monkeypatch.setattr(translations, "OURS", code)
        assert translations.read_or_cache([str(tmp_path)], lambda: next(made)) == text


def test_the_hash_of_our_code_covers_every_file_that_composes() -> None:
    assert {path.name for path in translations.OURS.glob("*.py")} >= {"statements.py", "queues.py", "conditions.py"}


def test_the_kept_view_of_the_syncs_follows_from_them_and_from_the_tables_they_need() -> None:
    settings = settings_from({})
    other = settings.syncs[0].model_copy(update={"name": "Third", "id": 7, "role": None, "queue": "a.b.third"})
    two, three = settings.syncs, (*settings.syncs, other)
    needs, counts = settings.row_counts, dict.fromkeys(settings.row_counts, "a.b.counted")
    texts = [Statements(syncs=syncs, row_counts=need).in_dialect("sync_health_monitor", "duckdb") for syncs, need in
             ((two, needs), (three, needs), (three, counts))]  # fmt: skip
    assert len(set(texts)) == 3
    assert '"third"' in texts[1] and '"counted"' in texts[2]


def tables_of(text: str) -> list[str]:
    """The full names of the tables and views in a statement."""
    tables = unmerged(text).find_all(exp.Table)
    return [".".join(part.name for part in table.parts) for table in tables if len(table.parts) > 1]


def unmerged(text: str) -> exp.Expr:
    tree = sqlglot.parse_one(text, dialect="databricks")
    trees.unqualify_merge(tree)
    return tree


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("SELECT a ?? b FROM t", True),
        ("(\nwith x as (select 1) select 'DROP' from x) -- INSERT", True),
        ("SELECT a ?? b FROM t; DROP TABLE t", False),
        ("WITH x AS (SELECT a ?? b) INSERT INTO t SELECT * FROM x", False),
        ("OPTIMIZE t ??", False),
    ],
)
def test_what_no_parser_reads_is_a_query_by_its_words(text: str, asks: bool) -> None:
    assert only_asks(text) is asks
