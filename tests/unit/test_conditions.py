"""What pipeline.yml may call suspect: one boolean expression over the columns of the queue."""

import pytest

from bot.sql.conditions import why_no_condition
from tests.unit import pipelines
from tests.unit.pipelines import PIPELINE, Load

load = pipelines.load  # the fixtures
problems = pipelines.problems


@pytest.mark.parametrize(
    "text",
    [
        "email IS NULL OR email = ''",
        "NOT email LIKE '%@%'",
        "TRIM(company_name) = TRIM(property_name)",
        "amount < 0 AND currency IN ('EUR', 'USD')",
        "`odd name` RLIKE '(?i)^n/?a$'",
        "is_deleted",
        "COALESCE(is_test, FALSE)",
        "created_at > TIMESTAMP '2999-01-01 00:00:00'",
        "name = 'a; DROP TABLE b'",
        "LENGTH(name) BETWEEN 0 AND 1",
        "exists(b, x -> x IS NULL)",
        "forall(tags, t -> t <> '')",
        "size(filter(a, x -> x.y IS NULL)) > 0",
        "my.udf(a)",
        "cat.my.uuid(a)",
        "a.b IS NULL",
        "a.is_broken",
        "a.b.c = 1",
        "owner = current_user()",
        "CASE WHEN country = 'DE' THEN zip IS NULL ELSE FALSE END",
    ],
)
def test_a_condition_over_columns_is_taken(text: str) -> None:
    assert why_no_condition(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("email IS NULL; DROP TABLE contacts", "has a semicolon"),
        ("email IN (SELECT email FROM blocked)", "has a subquery"),
        ("EXISTS (SELECT 1 FROM x)", "has a subquery"),
        ("COUNT(*) > 1", "has an aggregate"),
        ("ROW_NUMBER() OVER (ORDER BY id) > 1", "has an aggregate"),
        ("email = :mail", "has a parameter"),
        ("reflect('java.util.UUID', 'randomUUID') = a", "calls reflect"),
        ("java_method('x', 'y') = a", "calls java_method"),
        ("a = SECRET('scope', 'key')", "calls secret"),
        ("ai_query('model', a) = 'bad'", "calls ai_query"),
        ("ai_classify(a, array('x')) = 'x'", "calls ai_classify"),
        ("http_request(conn => 'c', method => 'POST', path => '/', json => a).status_code = 200", "calls http_request"),
        ("rand() > a", "calls rand"),
        ("uuid() = a", "calls uuid"),
        ("explode(a)", "calls explode"),
        ("posexplode(a) = 1", "calls posexplode"),
        ("inline(a)", "calls inline"),
        ("stack(2, a) = 1", "calls stack"),
        ("exists(b, x -> x > rand())", "calls rand"),
        ("exists(b, x -> x IN (SELECT 1))", "has a subquery"),
        ("1 = 1", "names no column"),
        ("TRUE", "names no column"),
        ("amount + 1", "is a value, not a condition"),
        ("CONCAT(a, b)", "is a value, not a condition"),
        ("'text'", "names no column"),
        ("email IS NULL AS broken", "cannot be read"),
        ("email IS NULL, name IS NULL", "cannot be read"),
        ("email IS", "cannot be read"),
        ("SELECT email IS NULL FROM contacts", "cannot be read"),
        ("DROP TABLE contacts", "cannot be read"),
        ("email = 'open", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_anything_else_is_refused_and_says_what_it_is(text: str, why: str) -> None:
    said = why_no_condition(text)
    assert said is not None
    assert why in said, said


def test_a_refused_condition_is_told_with_its_line(problems: "pipelines.Callable[..., list[str]]") -> None:
    text = PIPELINE.replace(
        "    queue: crm.sfdc_dbx.properties_to_update\n",
        "    queue: crm.sfdc_dbx.properties_to_update\n    suspect:\n"
        '      - a IS NULL\n      - {when: "b; c", label: L}\n',
    )
    assert problems(text) == [
        "pipeline.yml:18: syncs.suspect: has a semicolon, and is one condition: write one such as: "
        "email IS NULL OR email = ''"
    ]


def test_a_condition_alone_is_its_own_label(load: Load) -> None:
    text = PIPELINE.replace(
        "    queue: crm.sfdc_dbx.properties_to_update\n",
        "    queue: crm.sfdc_dbx.properties_to_update\n    suspect: [a IS NULL]\n",
    )
    [suspect] = load(text).syncs[1].suspect
    assert (suspect.when, suspect.label) == ("a IS NULL", "a IS NULL")
