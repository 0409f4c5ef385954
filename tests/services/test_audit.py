"""Each thing that somebody does says in the audit who, from where to where, and how it ended."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.alerts.model import ITSELF, Action, ActionKind, ActionState
from bot.errors import PermanentError, RefusedError, SyncHealthError, UncertainError
from bot.model import AuditRow, AuditState
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.audited import audited
from bot.services.authorise import Person, note_refusal
from bot.services.log_runs import RunLog
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.show_audit import days_meant, show_audit
from bot.services.snooze import snooze
from bot.services.take_snapshot import take_snapshot
from tests.services.conftest import ADA, ROBIN, SAM, TEAM, World
from tests.sql_folder import shipped_statements


def trail(world: World) -> list[AuditRow]:
    """The oldest first."""
    return list(reversed(show_audit(world.store, world.clock.now() - timedelta(days=1)).rows))


def test_an_acknowledgment_says_whose_it_was_and_whose_it_is(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN, team=TEAM)
    acknowledge(world.ports, 1, ADA, team=TEAM)
    unacknowledge(world.ports, 1, ADA, team=TEAM)
    assert [(one.user, one.team, one.before, one.after, one.reference) for one in trail(world)] == [
        (ROBIN, TEAM, "unacknowledged", f"acknowledged by {ROBIN}", "incident 1"),
        (ADA, TEAM, f"acknowledged by {ROBIN}", f"acknowledged by {ADA}", "incident 1"),
        (ADA, TEAM, f"acknowledged by {ADA}", "unacknowledged", "incident 1"),
    ]


def test_a_snooze_says_until_when(world: World) -> None:
    world.open_incident()
    snooze(world.ports, 1, "2h", ROBIN, team=TEAM)
    snooze(world.ports, 1, "4h", ADA)
    first, second = trail(world)
    until = (world.clock.now() + timedelta(hours=2)).astimezone(world.ports.settings.zone)
    assert (first.before, first.after) == ("not snoozed", f"snoozed until {until:%Y-%m-%d %H:%M %Z} by {ROBIN}")
    assert second.before == first.after and second.after.endswith(f"by {ADA}")
    assert (first.team, second.team) == (TEAM, None)


def test_a_maintenance_window_says_why_and_from_when_to_when(world: World) -> None:
    begin_maintenance(world.ports, "2h", "loading, ask jane@example.com", ROBIN, team=TEAM)
    end_maintenance(world.ports, ADA, team=TEAM)
    began, ended = trail(world)
    assert (began.reason, began.before, began.after[:6]) == ("loading, ask …", "no window", "until ")
    assert (ended.user, ended.before, ended.after, ended.reference) == (ADA, began.after, "ended", "window 1")


def test_a_refusal_says_whom_to_ask_and_an_unforeseen_error_where_the_log_has_it(world: World) -> None:
    sam, now = Person(SAM, TEAM, TEAM), world.clock.now()
    note_refusal(world.ports, now, sam, "rerun", "1", RefusedError("Only operators may do that. Ask", people=(ROBIN,)))
    note_refusal(world.ports, now, sam, "rerun", "1", SyncHealthError("unforeseen"), "log 1f2e3d4c")
    assert [(one.state, one.result, one.team, one.reference) for one in trail(world)] == [
        (AuditState.REFUSED, f"refused: Only operators may do that. Ask {ROBIN}", TEAM, ""),
        (AuditState.FAILED, "failed: unforeseen", TEAM, "log 1f2e3d4c"),
    ]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, AuditState.SUCCEEDED),
        (PermanentError("no such table"), AuditState.FAILED),
        (RefusedError("not now"), AuditState.REFUSED),
        (UncertainError("no answer in time"), AuditState.UNKNOWN),
        (ZeroDivisionError("planted"), AuditState.UNKNOWN),
        (KeyboardInterrupt(), AuditState.UNKNOWN),
    ],
)
def test_what_is_requested_is_written_before_and_how_it_ended_afterwards(
    world: World, error: BaseException | None, state: AuditState
) -> None:
    asked = AuditRow(world.clock.now(), ROBIN, "deploy", "properties", "", team=TEAM, before="1 of 3 objects exist")

    def work() -> None:
        with audited(world.ports, asked) as ended:
            [requested] = trail(world)
            assert (requested.state, requested.before) == (AuditState.REQUESTED, "1 of 3 objects exist")
            world.clock.pass_(minutes=1)
            if error:
                raise error
            ended.result, ended.after = "created", "all 3 objects exist"

    if error:
        with pytest.raises(type(error)):
            work()
    else:
        work()
    _, told = trail(world)
    assert (told.state, told.user, told.team, told.at) == (state, ROBIN, TEAM, world.clock.now())
    assert (told.after == "all 3 objects exist") == (error is None)
    assert "planted" not in told.result, "what nobody foresaw may quote anything"
    assert getattr(error, "audited", False) == isinstance(error, SyncHealthError), "nobody writes it a second time"


def test_a_snapshot_that_gets_no_answer_is_unknown_and_a_failed_one_failed(world: World) -> None:
    world.warehouse.rows["measure/snapshots"] = []
    world.warehouse.rows["measure/snapshot_by_hand"] = []
    for error, state in ((UncertainError("silent"), AuditState.UNKNOWN), (PermanentError("no"), AuditState.FAILED)):

        def do(*_: object, error: SyncHealthError = error, **__: object) -> None:
            assert trail(world)[-1].state is AuditState.REQUESTED, "before the warehouse is asked"
            raise error

        world.warehouse.do = do  # type: ignore[method-assign]
        with pytest.raises(type(error)):
            take_snapshot(world.ports, ROBIN, team=TEAM)
        told = trail(world)[-1]
        assert (told.state, told.team, told.what) == (state, TEAM, "snapshot")
        assert told.reference == told.target and told.reference.startswith("manual_snapshot_")


@pytest.mark.parametrize(("typed", "days"), [("", 7), (" ", 7), ("1", 1), ("30", 30), ("90d", 90)])
def test_days_are_typed_with_or_without_their_unit(typed: str, days: int) -> None:
    assert days_meant(typed) == timedelta(days=days)


@pytest.mark.parametrize("typed", ["0", "91", "-1", "x", "1.5", "3h", "9" * 30, "²", "7 8"])
def test_other_words_are_refused_with_an_example(typed: str) -> None:
    with pytest.raises(RefusedError, match="days from 1 to 90, such as"):
        days_meant(typed)


def rerun_of(run_id: int, sync: str, by: str, **changes: object) -> Action:
    now = World.__dataclass_fields__["clock"].default_factory().now()  # type: ignore[misc]
    started = Action(0, sync, None, by, "", ActionState.FINISHED, now, 0, run_id=run_id)
    return replace(started, **changes)  # type: ignore[arg-type]


def test_a_run_in_the_audit_log_says_who_asked_for_it(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db")
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    warehouse.do("sync_audit_log")
    runs = []
    for n in range(4):
        run = world.census.start(world.sync_b, "API Request")
        world.census.finish(run.id, records_updated=n, records_failed=0)
        runs.append(run.id)
        world.clock.pass_(seconds=30)
    with world.store.transaction() as records:
        records.create_action(rerun_of(runs[0], "Sync B", ROBIN))
        records.create_action(rerun_of(runs[1], "Sync B", ITSELF))
        records.create_action(rerun_of(runs[2], "Sync B", ADA, adopted=True))
        records.create_action(rerun_of(runs[0], "Sync B", ADA, adopted=True))
        records.create_action(rerun_of(runs[3], "Sync B", ADA, kind=ActionKind.CANCEL))
    world.clock.pass_(minutes=6)
    world.look(7)
    assert RunLog(replace(world.ports, warehouse=warehouse)).write() == 4
    with warehouse.cursor() as cursor:
        rows = cursor.execute(
            "SELECT executed_by, notes FROM crm.sfdc_dbx.sync_audit_log ORDER BY execution_timestamp"
        ).fetchall()
    assert rows == [
        (f"Sync Health ({ROBIN})", None),
        ("Sync Health (automatic)", None),
        ("Census (API Request)", None),
        ("Census (API Request)", None),
    ], "a run that was followed or canceled here was started elsewhere"
    warehouse.close()
    world.close()
