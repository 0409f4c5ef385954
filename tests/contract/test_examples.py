"""sql/measure/examples.sql and queue.sql: ids that show what a number says, for each that a shipped check judges."""

from collections.abc import Iterator

import pytest

from bot.runtime.composition import settings_from
from tests.small_pipeline import SmallPipeline, local


@pytest.fixture
def small() -> Iterator[SmallPipeline]:
    one = SmallPipeline()
    one.properties(20)
    one.salesforce(20)
    yield one
    one.warehouse.close()


QUEUE = {"create": 0, "update": 1}
OF_A_QUEUE = {"backlog", "suspect_records"}  # which measure/queue.sql shows records of


def pending(small: SmallPipeline, direction: str, most: int = 3) -> list[str]:
    rows = small.warehouse.ask(f"measure/queue/{QUEUE[direction]}", most=most)
    return [f"{row['kind']} {row['key_0']}" for row in rows if row["kind"] == "record"]


def examples(small: SmallPipeline, metric: str) -> list[str]:
    if metric in OF_A_QUEUE:
        return [one for direction in QUEUE for one in pending(small, direction)]
    return [f"{row['kind']} {row['id']}" for row in small.warehouse.ask("measure/examples", metric=metric)]


@pytest.mark.parametrize("metric", sorted({c.metric for c in settings_from({}).checks if c.source == "databricks"}))
def test_a_healthy_pipeline_has_no_example(small: SmallPipeline, metric: str) -> None:
    assert examples(small, metric) == []


def test_rows_without_a_name_are_shown_newest_first_and_three_at_most(small: SmallPipeline) -> None:
    for n, at in enumerate(["2026-01-03", "2026-01-09", "2026-01-05", "2026-01-07"], 21):
        small.salesforce(n, first=n, company=None, created=local(f"{at} 12:00"))
    assert examples(small, "null_company_names") == ["row s22", "row s24", "row s23"]
    assert examples(small, "data_quality_percentage") == ["row s22", "row s24", "row s23"]


def test_rows_with_the_name_of_the_property_are_told_from_those_without(small: SmallPipeline) -> None:
    small.salesforce(21, first=21, company="Twin", name="Twin")
    small.run("UPDATE hive_metastore.salesforce.product_property SET name = 'Twin' WHERE id = 's21'")
    small.salesforce(22, first=22, company=None)
    assert examples(small, "company_name_equals_property_name_percentage") == ["row s21"]


def test_what_waits_to_be_created_and_is_missing_is_the_longest_waiting(small: SmallPipeline) -> None:
    for n, at in enumerate(["2026-01-07", "2026-01-03", "2026-01-09", "2026-01-05"], 21):
        small.properties(n, first=n, updated=local(f"{at} 12:00"))
    waiting = ["record 22", "record 24", "record 21"]
    assert pending(small, "create") == waiting
    assert pending(small, "update") == []
    assert examples(small, "coverage_percentage") == waiting


def test_what_waits_to_be_updated_is_shown_by_its_property(small: SmallPipeline) -> None:
    small.run("UPDATE rds.pg_rds_public.properties SET name = 'Other' WHERE id = 7")
    assert pending(small, "update") == ["record 7"]
    assert pending(small, "create") == []


def test_a_number_that_it_knows_nothing_of_has_none(small: SmallPipeline) -> None:
    small.salesforce(30, first=21, company=None)
    assert examples(small, "sql/checks/stale.sql") == []
