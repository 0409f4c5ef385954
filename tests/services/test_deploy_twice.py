"""A deploy that comes again, is killed, meets a table of another shape, or somebody who changes things meanwhile."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError
from bot.objects import ExistingObject
from bot.ports import Ports, Warehouse
from bot.services.deploy import OURS, Step, deploy, plan_deploy, survey, text_difference
from bot.sql.trees import Values
from tests.services.test_deploy import ports, rows, with_limits
from tests.small_pipeline import SmallPipeline

__all__ = ["ports"]  # the fixture
DAILY, MONITOR, LOG = (
    f"crm.sfdc_dbx.{name}" for name in ("daily_health_check", "sync_health_monitor", "sync_audit_log")
)


class Killed(BaseException):
    """Nothing of the process runs after this."""


class Watched:
    """A warehouse before which something happens when an object is looked at, or created, for the nth time."""

    def __init__(self, real: Warehouse, call: str, nth: int, event: Callable[[], object]) -> None:
        self._real, self._call, self._left, self._event = real, call, nth, event
        self.created: list[str] = []

    def _pass(self, call: str) -> None:
        self._left -= call == self._call
        if not self._left and call == self._call:
            self._event()

    def existing_object(self, statement: str, values: Values) -> ExistingObject:
        self._pass("existing_object")
        return self._real.existing_object(statement, values)

    def create(self, statement: str, values: Values) -> None:
        self._pass("create")
        self.created.append(statement)
        self._real.create(statement, values)


def watched(ports: Ports, call: str, nth: int, event: Callable[[], object]) -> tuple[Ports, Watched]:
    warehouse = Watched(ports.warehouse, call, nth, event)
    return replace(ports, warehouse=warehouse), warehouse  # type: ignore[arg-type]


@pytest.fixture
def full(ports: Ports) -> Iterator[Ports]:
    """The pipeline's tables and views are there; nothing of ours is."""
    assert isinstance(ports.warehouse, DuckDBWarehouse)
    SmallPipeline(ports.warehouse)
    for name in (DAILY, MONITOR):
        rows(ports, f"DROP VIEW IF EXISTS {name}")
    rows(ports, f"DROP TABLE IF EXISTS {LOG}")
    yield ports


def steps_of(ports: Ports, settings: Settings | None = None, adopt: tuple[str, ...] = ()) -> tuple[Step, ...]:
    return survey(ports, plan_deploy(settings or ports.settings), adopt)


def carry_out(ports: Ports, steps: tuple[Step, ...]) -> None:
    deploy(ports, "test", plan_deploy(ports.settings), steps)


def actions(ports: Ports) -> list[str]:
    return [step.action for step in steps_of(ports)]


def there(ports: Ports) -> set[str]:
    """Which of ours are there."""
    listed = "SELECT view_name FROM duckdb_views() WHERE NOT temporary UNION SELECT table_name FROM duckdb_tables()"
    return {str(name) for (name,) in rows(ports, listed)} & set(OURS)


def test_a_second_deploy_runs_nothing_and_writes_no_entry(full: Ports, tmp_path: Path) -> None:
    def entries() -> int:
        with closing(sqlite3.connect(tmp_path / "state.db")) as state:
            return int(state.execute("SELECT COUNT(*) FROM audit").fetchone()[0])

    carry_out(full, steps_of(full))
    assert (actions(full), entries()) == (["keep"] * 3, 2)
    second, warehouse = watched(full, "create", 1, lambda: None)
    carry_out(second, steps_of(second))
    assert (warehouse.created, entries()) == ([], 2)


@pytest.mark.full
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_what_was_killed_between_two_statements_is_completed_by_the_next(nth: int, full: Ports) -> None:
    def kill() -> None:
        raise Killed

    mortal, warehouse = watched(full, "create", nth, kill)
    with pytest.raises(Killed):
        carry_out(mortal, steps_of(mortal))
    assert len(there(full)) == len(warehouse.created) == nth - 1
    steps = steps_of(full)
    assert [step.action for step in steps] == ["keep"] * (nth - 1) + ["create"] * (4 - nth)
    carry_out(full, steps)
    assert len(there(full)) == 3
    assert actions(full) == ["keep"] * 3


def test_a_table_of_another_shape_is_in_the_way_of_everything(full: Ports) -> None:
    rows(full, f"CREATE TABLE {LOG} (audit_id VARCHAR, notes INTEGER)")
    steps = steps_of(full)
    assert [step.action for step in steps] == ["refuse", "create", "create"]
    assert steps[0].reason.startswith("a table of another shape: sync_name, sync_type, execution_timestamp,")
    with pytest.raises(RefusedError, match="1 object is in the way; nothing was changed"):
        carry_out(full, steps)
    assert there(full) == {"sync_audit_log"}
    assert rows(full, f"DESCRIBE {LOG}")[1][:2] == ("notes", "INTEGER")


def test_a_view_where_the_log_belongs_is_in_the_way(full: Ports) -> None:
    rows(full, f"CREATE VIEW {LOG} AS SELECT 1 AS audit_id")
    assert (steps_of(full)[0].action, steps_of(full)[0].reason.split(",")[0]) == ("refuse", "a view")
    rows(full, f"DROP VIEW {LOG}")


@pytest.mark.full
def test_why_a_view_is_replaced_is_said(full: Ports) -> None:
    carry_out(full, steps_of(full))
    changed = steps_of(full, with_limits(full.settings, warn="> 60"))
    assert [step.reason for step in changed[1:]] == ["settings changed: create_queue_warn 50 → 60"] * 2
    other = steps_of(full, with_limits(full.settings, warn=">= 50"))
    assert [(step.action, step.reason) for step in other[1:]] == [("replace", "ours, another text")] * 2
    lines = text_difference(other[1].found.view)  # type: ignore[arg-type]
    assert [line[:1] for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == ["-", "+"]
    rows(full, f"COMMENT ON VIEW {DAILY} IS NULL")
    assert steps_of(full)[1].reason == "current but for our mark, its comment"


MEANWHILE = {
    "a view of somebody else where there was nothing": (
        "",
        f"CREATE VIEW {DAILY} AS SELECT 2 AS mine",
        "not from sync",
    ),
    "a table where there was nothing": (
        "",
        f"CREATE TABLE {DAILY} AS SELECT 2 AS mine",
        "a table, where deploy creates",
    ),
    "another text of the view that is adopted": (
        f"CREATE VIEW {DAILY} AS SELECT 1 AS mine",
        f"CREATE OR REPLACE VIEW {DAILY} AS SELECT 2 AS mine",
        "a view not from sync-health",
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_somebody_changed_after_the_survey_is_not_replaced(what: str, full: Ports) -> None:
    before, change, said = MEANWHILE[what]
    rows(full, before) if before else None
    steps = steps_of(full, adopt=("daily_health_check",))
    racing, warehouse = watched(full, "existing_object", 2, lambda: rows(full, change))
    with pytest.raises(RefusedError, match="has changed since it was looked at and stays as it is") as caught:
        carry_out(racing, steps)
    assert said in str(caught.value) and "1 of 3 objects are deployed" in str(caught.value)
    assert rows(full, f"SELECT mine FROM {DAILY}") == [(2,)]
    assert warehouse.created == ["sync_audit_log"]


@pytest.mark.full
def test_what_somebody_else_deployed_or_dropped_meanwhile_is_no_matter(full: Ports) -> None:
    steps = steps_of(full)
    plan = plan_deploy(full.settings)
    racing, warehouse = watched(
        full, "existing_object", 2, lambda: full.warehouse.create("daily_health_check", plan.values)
    )
    carry_out(racing, steps)
    assert warehouse.created == ["sync_audit_log", "sync_health_monitor"], "the other one is current already"
    rows(full, f"COMMENT ON VIEW {DAILY} IS NULL")
    steps = steps_of(full)
    carry_out(watched(full, "existing_object", 1, lambda: rows(full, f"DROP VIEW {DAILY}"))[0], steps)
    assert actions(full) == ["keep"] * 3


def test_what_a_view_reads_and_somebody_dropped_is_named(full: Ports) -> None:
    steps = steps_of(full)
    gone = "crm.sfdc_dbx.properties_to_update"
    racing, _ = watched(full, "create", 2, lambda: rows(full, f"DROP VIEW {gone}"))
    with pytest.raises(PermanentError, match=f"{gone} is missing .1 of 3 objects are deployed."):
        carry_out(racing, steps)
