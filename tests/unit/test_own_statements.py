"""The statements that somebody else writes, in their layout and with their mistakes, next to their pipeline.yml."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.load import load_settings
from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.sql.statements import Statements
from tests.unit.pipelines import ENVIRONMENT

PIPELINE = """\
name: contacts
zone: UTC
channel: contacts-health
syncs:
  - {name: Contacts, id: 1}
measure: ./sql/health.sql
row_counts: {contact_rows: lake.crm.contacts}
checks:
  - sync
  - name: nameless
    title: Nameless
    metric: nameless
    source: databricks
    warn: "> 2"
    summary: "{value} have no name"
    helps: Fix them.
"""
HEALTH = "SELECT COUNT(*) AS contact_rows, COUNT(name) AS nameless FROM lake.crm.contacts"

Own = Callable[..., Settings]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """The settings of a pipeline with these files below sql/."""

    def one(health: str | bytes = HEALTH, **others: str | bytes) -> Settings:
        (tmp_path / "pipeline.yml").write_text(PIPELINE)
        for name, text in {"health": health, **others}.items():
            path = tmp_path / "sql" / f"{name}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        given = ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(tmp_path)}
        return load_settings(given, library=Statements)

    return one


@pytest.mark.parametrize(
    "health",
    [
        HEALTH,
        HEALTH.lower(),
        "-- ?\nSELECT\n    COUNT(*) AS contact_rows,\n    COUNT(name) AS nameless\nFROM lake.crm.contacts\n",
        "-- ?\nselect\n\tcount(*) contact_rows\n\t, count(name) as `nameless`\nfrom lake.crm.contacts;\n",
        "WITH c AS (\nSELECT\n  1 AS other\nFROM lake.crm.contacts\n)\n  SELECT contact_rows, t.nameless FROM c, t",
        "  SELECT 1 AS contact_rows, 2 AS nameless\n  UNION ALL\n  SELECT 3, 4",
        b"\xef\xbb\xbf" + HEALTH.encode(),
        HEALTH.replace(" FROM", "\r\nFROM"),
    ],
)
def test_a_measure_may_have_any_layout(own: Own, health: str | bytes) -> None:
    assert own(health).measure == "health"


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ("SELECT COUNT(* AS contact_rows FROM x", "sql/health.sql cannot be read as Databricks SQL: "),
        ("SELECT 'open", "sql/health.sql cannot be read as Databricks SQL: "),
        ("", "sql/health.sql must hold one statement, it holds 0"),
        (f"{HEALTH}; {HEALTH}", "sql/health.sql must hold one statement, it holds 2"),
        ("DELETE FROM lake.crm.contacts", "sql/health.sql:1: not a query, and what is asked must change nothing"),
        (f"-- ?\n/* a\nb */ CREATE TABLE lake.crm.copy AS {HEALTH}", "sql/health.sql:3: not a query"),
        (f"-- ?\nWITH c AS ({HEALTH})\nINSERT INTO lake.crm.copy SELECT * FROM c", "sql/health.sql:2: not a query"),
        ("SELECT * FROM lake.crm.contacts", "sql/health.sql selects *: write the names of its columns"),
        (b"SELECT 'M\xfcller' AS contact_rows", "sql/health.sql is not UTF-8: save it as UTF-8"),
        (HEALTH.encode("utf-16"), "sql/health.sql is not UTF-8: save it as UTF-8"),
    ],
)
def test_a_measure_that_cannot_be_read_is_one_problem_that_names_its_file(
    own: Own, health: str | bytes, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        own(health)
    [problem] = refused.value.problems
    assert problem.startswith(said) and "\n" not in problem


def test_what_a_measure_does_not_return_is_told_by_the_names_that_it_has(own: Own) -> None:
    with pytest.raises(ConfigurationError) as refused:
        own("select count(*) as contact_row, count(name) as nameless from lake.crm.contacts")
    said = './sql/health.sql returns no "contact_rows": did you mean "contact_row"?'
    assert refused.value.problems == [f"pipeline.yml:7: row_counts.contact_rows: {said}"]


def view(name: str, *reads: str) -> str:
    joined = " CROSS JOIN ".join(f"a.b.{read}" for read in reads)
    return f"-- ?\nCREATE OR REPLACE VIEW a.b.{name} AS\nSELECT 1 AS one FROM {joined}\n"


@pytest.mark.parametrize(
    ("reads", "circle"), [({"one": "two", "two": "one"}, 2), ({"one": "two", "two": "three", "three": "one"}, 3)]
)
def test_views_that_read_each_other_are_named(own: Own, reads: dict[str, str], circle: int) -> None:
    files = {f"pipeline/views/{name}": view(name, read) for name, read in reads.items()}
    with pytest.raises(ConfigurationError) as refused:
        own(**files, **{"pipeline/views/outside": view("outside", "one")})
    [problem] = refused.value.problems
    assert problem.endswith(" read each other: let one of them read none of the others")
    assert all(f"sql/{name}.sql" in problem for name in files) and problem.count(".sql") == circle


def test_every_file_that_is_no_text_is_told_with_the_rest_of_the_problems(own: Own, tmp_path: Path) -> None:
    (tmp_path / "sql" / "folder.sql").mkdir(parents=True)
    with pytest.raises(ConfigurationError) as refused:
        own("SELECT 'open", **{"checks/one": b"\xff\xfe", "pipeline/views/two": b"\x80"})
    said = refused.value.problems
    assert said[:3] == [
        "sql/checks/one.sql is not UTF-8: save it as UTF-8",
        "sql/folder.sql cannot be opened: Is a directory",
        "sql/pipeline/views/two.sql is not UTF-8: save it as UTF-8",
    ]
    assert len(said) == 4 and said[3].startswith("sql/health.sql cannot be read")


@pytest.mark.parametrize("name", ["checks/copies", "measure/examples", "measure/snapshots"])
def test_whatever_is_asked_must_be_a_query(own: Own, name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        own(**{name: f"-- ?\nCREATE TABLE lake.crm.copy AS {HEALTH}"})
    what = "not a query, and what is asked must change nothing: write it as one SELECT"
    assert refused.value.problems == [f"sql/{name}.sql:2: {what}"]
    own(**{name: "-- ?\n(SELECT * FROM lake.crm.contacts -- CREATE TABLE\n)"})


def test_a_file_that_has_the_name_of_a_product_statement_is_refused_unless_it_is_a_copy(own: Own) -> None:
    with pytest.raises(ConfigurationError) as refused:
        own(sync_audit_log="SELECT 1 AS one")
    what = "is not used, because the product has a statement of this name: rename or delete it"
    assert refused.value.problems == [f"sql/sync_audit_log.sql {what}"]
    assert own(sync_audit_log=Statements().load("sync_audit_log")).measure == "health"
