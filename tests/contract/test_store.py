"""The store on a real SQLite file: what is kept, in which order it is claimed, and what two at once may not do."""

import json
import random
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, StatementError

from bot.adapters.store import sql_store as store_module
from bot.adapters.store import tables
from bot.adapters.store.sql_store import SqlStore
from bot.alerts.alert_times import Measured, Opening, found_between
from bot.alerts.history import Spread
from bot.alerts.model import TEST_ALERT, Action, ActionKind, ActionState, Alert, Did, Entry, Incident, State
from bot.alerts.success import Evaluated
from bot.errors import TemporaryError
from bot.facts import Run, RunStatus, Schedule, SyncStatus
from bot.model import AuditRow, ClaimedMessage, Evaluation, Failure, Kind, Pause, Place, Undelivered
from checks.model import Outcome, Result, Severity
from tests.fakes import HandClock
from tests.unit import samples

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
PLACE = Place("C0001", "1700000000.000001")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


def incident(key: str = "properties/a") -> Incident:
    """With something in every field that a new one can have."""
    return samples.incident(
        id=0,
        key=key,
        check="a",
        sync="Sync B",
        summary="40 of them",
        channel="sync-health",
        value=40.5,
        peak=44.5,
        causes=("its source is still wrong",),
        opened_at=NOON,
        measured_at=None,
        acked_by="U1",
        acked_at=at(1),
        timeline=(),
    )


HOUR = 3600.0


def action(sync: str = "Sync B", state: ActionState = ActionState.REQUESTED) -> Action:
    return Action(0, sync, None, "U1", "because", state, NOON, 7)


def enqueue(store: SqlStore, *kinds: Kind, key: str = "properties/a") -> int:
    with store.transaction() as records:
        made = records.create_incident(incident(key))
        for kind in kinds:
            records.enqueue(made.id, kind)
        return made.id


def owe_more(store: SqlStore, incident_id: int, *kinds: Kind) -> None:
    with store.transaction() as records:
        for kind in kinds:
            records.enqueue(incident_id, kind)


def claim(store: SqlStore, holder: str = "me", seconds: float = 0) -> ClaimedMessage:
    claimed = store.claim(holder, at(seconds), 60)
    assert claimed
    return replace(claimed, announcement=store.read_content(claimed.announcement))


def brief(claimed: ClaimedMessage | None) -> tuple[int, str] | None:
    return claimed and (claimed.announcement.incident.id, str(claimed.announcement.kind))


# The schema.


def test_the_migrations_make_exactly_the_tables_we_use(store: SqlStore, url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


@pytest.mark.full
def test_the_migrations_make_the_partial_indexes_too(store: SqlStore, tmp_path: Path) -> None:
    """Alembic does not compare the WHERE of an index, and that is what makes one unique among the open."""
    metadata_engine = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    tables.metadata.create_all(metadata_engine)
    metadata_engine.dispose()

    def indexes(file: str) -> dict[str, str]:
        with closing(sqlite3.connect(tmp_path / file)) as db:
            found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            return {name: " ".join(sql.split()) for name, sql in found}

    assert indexes("state.db") == indexes("other.db")
    assert "WHERE resolved_at IS NULL" in indexes("state.db")["one_open_incident_per_key"]


def test_opening_again_keeps_everything(store: SqlStore, other: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    with other.transaction() as records:
        assert [one.id for one in records.open_incidents()] == [incident_id]


def test_many_may_open_a_new_file_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for one in pool.map(SqlStore, [url] * 4):
            one.close()
    again = SqlStore(url)
    assert again.claim("me", NOON, 60) is None
    again.close()


def test_writes_survive_the_machine(store: SqlStore) -> None:
    with store._engine.connect() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"
        assert db.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(TemporaryError, match="cannot be opened"):
        SqlStore(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


# Transactions.


def test_a_transaction_that_breaks_leaves_nothing_and_loses_nothing(store: SqlStore) -> None:
    kept = enqueue(store, Kind.ROOT)
    with pytest.raises(ZeroDivisionError), store.transaction() as records:
        records.save_incident(replace(incident(), id=kept, summary="changed"))
        records.save_alert(Alert("k", "a"))
        records.create_action(action())
        records.enqueue(kept, Kind.EVIDENCE)
        records.audit(AuditRow(NOON, "U1", "x", "y", "z"))
        _ = 1 / 0
    with store.transaction() as records:
        assert records.incident(kept).summary == "40 of them"
        assert records.alert("k") is None
        assert records.open_actions() == []
    assert brief(claim(store)) == (kept, "root")
    store.mark_sent(claim(store, seconds=61), "me", place=PLACE)
    assert store.claim("me", at(62), 60) is None


def test_who_writes_sees_what_was_committed_before(store: SqlStore, other: SqlStore) -> None:
    """Read, decide, write: two that do so at once must not decide on the same."""
    with store.transaction() as records:
        records.save_alert(Alert("k", "a"))

    def count_up(one: SqlStore) -> None:
        for _ in range(20):
            with one.transaction() as records:
                alert = records.alert("k")
                records.save_alert(replace(alert, incident_id=None, sync=str(int(alert.sync or 0) + 1)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count_up, [store, other]))
    with store.transaction() as records:
        assert records.alert("k").sync == "40"


def test_a_database_that_stays_locked_is_temporary(store: SqlStore, other: SqlStore) -> None:
    with other._engine.connect() as db:
        db.exec_driver_sql("PRAGMA busy_timeout=10")  # the connection goes back to the pool with it
    with store.transaction(), pytest.raises(TemporaryError, match="locked"), other.transaction():
        pass


# One open thing each.


def test_the_database_allows_one_open_incident_per_key(store: SqlStore) -> None:
    first = enqueue(store)
    with pytest.raises(IntegrityError):
        enqueue(store)
    enqueue(store, key="properties/b")
    with store.transaction() as records:
        records.save_incident(replace(records.incident(first), resolved_at=NOON))
    second = enqueue(store)
    with store.transaction() as records:
        assert [one.key for one in records.open_incidents()] == ["properties/b", "properties/a"]
    with pytest.raises(IntegrityError), store.transaction() as records:
        records.save_incident(replace(records.incident(first), resolved_at=None))
    assert second != first


@pytest.mark.parametrize("state", [ActionState.REQUESTED, ActionState.RUNNING, ActionState.CHECKING])
def test_the_database_allows_one_open_action_per_sync_and_kind(store: SqlStore, state: ActionState) -> None:
    with store.transaction() as records:
        first = records.create_action(action(state=state))
    with pytest.raises(IntegrityError), store.transaction() as records:
        records.create_action(action())
    with store.transaction() as records:
        assert records.open_action("Sync B", ActionKind.RERUN) == first
        assert records.create_action(action("Sync A")).id != first.id
        pause = records.create_action(replace(action(), kind=ActionKind.PAUSE))
        assert records.open_action("Sync B", ActionKind.PAUSE) == pause
        records.save_action(replace(pause, state=ActionState.FINISHED))
        assert len(records.open_actions()) == 2
        records.save_action(replace(first, state=ActionState.FAILED))
        assert records.open_action("Sync B", ActionKind.RERUN) is None
        again = records.create_action(action())
        assert [one.sync for one in records.open_actions()] == ["Sync A", "Sync B"]
        assert records.action(first.id).state is ActionState.FAILED
        assert again.id != first.id


# What is kept comes back as it was.


def test_alerts_come_back_as_they_were(store: SqlStore) -> None:
    incident_id = enqueue(store)
    full = Alert(
        "k", "a", "Sync B", State.FIRING, Severity.CRITICAL, at(1), at(2), at(3), at(4), "U0ROBIN", at(5), incident_id
    )
    assert None not in [getattr(full, one.name) for one in fields(full)]
    for alert in (full, Alert("empty", "a"), replace(full, state=State.OK, severity=None, since=None)):
        with store.transaction() as records:
            records.save_alert(alert)
        with store.transaction() as records:
            assert records.alert(alert.key) == alert
    with store.transaction() as records:
        assert records.alert("nobody") is None


def test_incidents_come_back_with_their_timeline(store: SqlStore) -> None:
    entries = (Entry(NOON, Did.OPENED, detail="40 of them"), Entry(at(1), Did.ACKNOWLEDGED, "U1"))
    with store.transaction() as records:
        made = records.create_incident(replace(incident(), resolved_at=at(9), timeline=entries))
        for entry in entries:
            records.note(made.id, entry)
    with store.transaction() as records:
        assert records.incident(made.id) == made
        assert records.open_incidents() == []
        assert records.incident(made.id + 1) is None
        bare = replace(incident("b"), sync=None, value=None, limit=None, clear=None, rerun=None, runbook=None)
        bare = records.create_incident(replace(bare, acked_by=None, acked_at=None))
    with store.transaction() as records:
        assert records.incident(bare.id) == bare
        records.save_incident(replace(made, id=bare.id, key="b", timeline=entries[:1]))
        assert records.incident(bare.id).timeline == (), "a timeline is only added to"
        assert records.incident(bare.id).title == made.title


def test_actions_come_back_as_they_were(store: SqlStore) -> None:
    incident_id = enqueue(store)
    full = Action(
        0, "Sync B", incident_id, "U1", "because", ActionState.CHECKING, NOON, 7, True, 8, "completed", 1, 2, 3, 4
    )
    full = replace(full, ended_at=at(3), verdict="well")
    with store.transaction() as records:
        made = records.create_action(action("Sync A"))
        records.save_action(replace(full, id=made.id, sync="Sync A"))
    with store.transaction() as records:
        assert records.action(made.id) == replace(full, id=made.id, sync="Sync A")
        assert records.action(99) is None


def evaluation(value: float | None = 40.5, seconds: float = 0) -> Evaluation:
    run = Run(1, 2, RunStatus.COMPLETED, False, "Schedule", NOON, at(60), 1, 2, 3, 4, 5, "why")
    schedule = Schedule("expression", False, 1, 2, "Monday", "0 * * * *")
    syncs = (
        SyncStatus(
            *("Sync B", "Sync B (UPDATE)", True, 3, 2, (("no company name", 2), ("too old", 0)), NOON, 1, at(30)),
            *(run, run, run, schedule, None),
        ),
        SyncStatus("Sync A", "Sync A (CREATE)", error="Census cannot be reached"),
    )
    results = (
        Result("a", "Sync B", Outcome.WARN, value, "> 30", "> 50", "> 30", False, "40 of them", "a-trouble"),
        Result("b", None, Outcome.NO_DATA, None, None, None, None, False, "b: no data", None),
    )
    return Evaluation(at(seconds), Outcome.WARN, 1, 0.25, results, syncs, ("Census: down",))


def test_evaluations_come_back_as_they_were_newest_first(store: SqlStore) -> None:
    with store.transaction() as records:
        assert records.latest_evaluation() is None
        records.save_evaluation(evaluation())
        records.save_evaluation(evaluation(41, seconds=1))
        records.save_evaluation(replace(evaluation(), results=(), syncs=(), problems=()))
        assert records.latest_evaluation().results == ()
        records.save_evaluation(evaluation(42, seconds=1))
    with store.transaction() as records:
        found = records.latest_evaluation()
    assert found == evaluation(42, seconds=1)
    assert found.checked_at.utcoffset() == timedelta(0)
    assert isinstance(found.syncs[0].running.status, RunStatus)


def test_values_are_the_latest_that_were_measured_oldest_first(store: SqlStore) -> None:
    with store.transaction() as records:
        for second, value in enumerate((1, 2, None, 3, 4)):
            records.save_evaluation(evaluation(value, seconds=second))
        assert records.latest_values("a", "Sync B", 3) == ((at(1), 2), (at(3), 3), (at(4), 4)), "each with its time"
        assert records.latest_values("a", "Sync B", 99) == ((at(0), 1), (at(1), 2), (at(3), 3), (at(4), 4))
        assert records.latest_values("a", "Sync B", 9, until=at(3)) == ((at(0), 1), (at(1), 2), (at(3), 3))
        assert records.latest_values("a", None, 3) == (), "another alert"
        assert records.latest_values("b", None, 3) == ()
        assert records.values_between("a", "Sync B", at(1), at(3)) == ((at(1), 2), (at(3), 3)), "both ends"
        assert records.values_between("a", None, at(0), at(9)) == (), "another alert"


def test_values_are_counted_between_times_with_the_lowest_the_highest_the_mean_and_the_last(store: SqlStore) -> None:
    edges = [at(10), at(20), at(30), at(40)]
    with store.transaction() as records:
        for second, value in ((9, 7), (10, 1), (12, 9.5), (19, None), (19.9, 3), (30, -2), (39, 4), (40, 99)):
            records.save_evaluation(evaluation(value, seconds=second))
        found = records.spreads_of_values("a", "Sync B", edges)
        assert records.spreads_of_values("a", None, edges) == {}, "of another alert"
    assert found == {
        -1: Spread(1, 7, 7, 7, 7, at(9), at(9)),
        0: Spread(3, 1, 9.5, 4.5, 3, at(10), at(19.9)),
        2: Spread(2, -2, 4, 1, 4, at(30), at(39)),
    }


def test_ninety_days_of_values_every_five_minutes_come_back_as_one_row_for_a_day(store: SqlStore) -> None:
    tick, edges = 5 * 60, [at(day * 86_400 - 1) for day in range(91)]
    with store.transaction() as records:
        records.save_evaluation(evaluation(1))
        fill = (
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 25920)"
            " INSERT INTO evaluations (id, checked_at, body) SELECT i, strftime('%Y-%m-%d %H:%M:%f000',"
            f" '{NOON:%Y-%m-%d %H:%M:%S}', '+' || ((i - 1) * {tick}) || ' seconds'), x'' FROM n"
        )
        records._db.exec_driver_sql(fill)
        records._db.exec_driver_sql(
            "INSERT INTO results SELECT (SELECT id FROM series WHERE sync = 'Sync B'), id, 'ok', id % 500"
            " FROM evaluations WHERE id > 1"
        )
        found = records.spreads_of_values("a", "Sync B", edges)
    assert sorted(found) == list(range(90))
    assert {one.count for one in found.values()} == {288}
    assert max(one.highest for one in found.values()) == 499


def test_a_workspace_that_takes_text_alone_is_remembered(store: SqlStore, other: SqlStore) -> None:
    with store.transaction() as records:
        assert records.text_only_since() is None
        records.note_text_only(at(1))
        records.note_text_only(at(2))
    with other.transaction() as records:
        assert records.text_only_since() == at(2)


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(store: SqlStore) -> None:
    los_angeles = timezone(timedelta(hours=-8))
    with store.transaction() as records:
        records.save_alert(Alert("k", "a", since=NOON.astimezone(los_angeles)))
        since = records.alert("k").since
    assert since == NOON
    assert since.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: SqlStore) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"), store.transaction() as records:
        records.save_alert(Alert("k", "a", since=naive))
    enqueue(store, Kind.ROOT)
    with pytest.raises((StatementError, TypeError)):
        store.claim("me", naive, 60)
    assert claim(store)


def test_the_audit_keeps_who_did_what_and_when(store: SqlStore, tmp_path: Path) -> None:
    with store.transaction() as records:
        records.audit(AuditRow(NOON, "U1", "rerun", "Sync B", "refused: no"))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        found = db.execute('SELECT at, "user", what, target, result FROM audit').fetchall()
    assert found == [("2026-03-02 12:00:00.123456", "U1", "rerun", "Sync B", "refused: no")]


# What is owed.


def test_an_owed_message_brings_all_that_is_needed_to_say_it(store: SqlStore) -> None:
    with store.transaction() as records:
        for value in range(14):
            records.save_evaluation(evaluation(value))
    incident_id = enqueue(store, Kind.ROOT)
    claimed = claim(store)
    message = claimed.announcement
    assert (claimed.revision, claimed.doubtful) == (1, False)
    assert (message.channel, message.thread_ts, message.ts, message.action) == ("sync-health", None, None, None)
    assert message.incident.id == incident_id
    assert [value for _, value in message.values] == [*range(2, 14)], "the latest twelve"
    assert {when for when, _ in message.values} == {NOON}, "each with its time"
    assert len(message.id) == 32
    with store.transaction() as records:
        run = records.create_action(replace(action(), incident_id=incident_id))
        records.enqueue(incident_id, Kind.RUN, action_id=run.id)
    store.mark_sent(claimed, "me", place=PLACE)
    told = claim(store).announcement
    assert (told.kind, told.action, told.channel, told.thread_ts) == (Kind.RUN, run, PLACE.channel, PLACE.ts)
    assert told.id != message.id


def test_it_holds_no_payload(store: SqlStore, tmp_path: Path) -> None:
    enqueue(store, Kind.ROOT)
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        assert "40 of them" not in str(db.execute("SELECT * FROM outbox").fetchall())


def test_messages_of_an_incident_are_claimed_in_order_and_one_at_a_time(store: SqlStore, other: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT, Kind.EVIDENCE, Kind.SEVERITY)
    root = claim(store)
    assert brief(root) == (incident_id, "root")
    assert other.claim("you", at(1), 60) is None
    assert store.claim("me", at(1), 60) is None
    store.mark_sent(root, "me", place=PLACE)
    evidence = claim(other, "you", 2)
    assert brief(evidence) == (incident_id, "evidence")
    assert store.claim("me", at(3), 60) is None
    other.mark_sent(evidence, "you", place=Place("C0001", "2.0"))
    assert brief(claim(store, seconds=4)) == (incident_id, "severity")


def test_where_threads_begin_is_told_of_those_that_do_each_incident_of_a_shared_thread_by_its_root(
    store: SqlStore,
) -> None:
    root = enqueue(store, Kind.ROOT, Kind.EVIDENCE)
    store.mark_sent(claim(store), "me", place=PLACE)
    store.mark_sent(claim(store, seconds=1), "me", place=Place("C0001", "2.0"))
    with store.transaction() as records:
        beside = records.create_incident(replace(incident("properties/b"), thread_id=root)).id
        alone = records.create_incident(incident("properties/c")).id
        records.enqueue(alone, Kind.ROOT)
        assert records.roots_of([root, beside, alone, 99]) == {root: PLACE, beside: PLACE}
        assert records.roots_of([]) == {}
        assert (records.root_of(beside), records.root_of(alone)) == (PLACE, None)


def test_a_new_version_of_the_root_waits_for_the_reply_that_is_being_sent(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT, Kind.EVIDENCE)
    store.mark_sent(claim(store), "me", place=PLACE)
    evidence = claim(store, "me", 1)
    owe_more(store, incident_id, Kind.ROOT)
    assert store.claim("you", at(2), 60) is None, "one at a time per incident"
    store.mark_sent(evidence, "me", place=Place("C0001", "2.0"))
    assert brief(claim(store, "you", 3)) == (incident_id, "root")


def test_a_busy_or_waiting_incident_does_not_block_the_others(store: SqlStore) -> None:
    first, second, third = (enqueue(store, Kind.ROOT, key=key) for key in "abc")
    busy = claim(store)
    waits = claim(store, "you")
    store.release_claim(waits, "you", Failure("no", at(100)))
    assert (brief(busy), brief(waits)) == ((first, "root"), (second, "root"))
    assert brief(claim(store, "you", 1)) == (third, "root")
    assert store.claim("you", at(2), 60) is None


def test_it_says_when_time_frees_what_is_owed(store: SqlStore) -> None:
    assert store.next_attempts(at(0)) == set()
    enqueue(store, Kind.ROOT, Kind.EVIDENCE)
    assert store.next_attempts(at(0)) == {at(0)}
    store.release_claim(claim(store), "me", Failure("no", at(100)))
    assert store.next_attempts(at(1)) == {at(100), at(1)}, "no time holds the evidence: its root does"
    assert store.next_attempts(at(100)) == {at(100)}
    enqueue(store, Kind.ROOT, key="b")
    claim(store, seconds=2)
    assert at(62) in store.next_attempts(at(3)), "another process sends it, unless it died"


def test_who_listens_hears_of_each_write_of_this_process_once_it_is_committed(store: SqlStore) -> None:
    heard: list[set[datetime]] = []
    store.when_written(lambda: heard.append(set(store.next_attempts(at(0)))))
    with store.snapshot() as records:
        records.latest_evaluation()
    assert heard == []
    enqueue(store, Kind.ROOT)
    assert heard == [{at(0)}]


def test_versions_that_were_not_sent_become_one(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    owe_more(store, incident_id, Kind.ROOT, Kind.ROOT)
    claimed = claim(store)
    assert claimed.revision == 3
    store.mark_sent(claimed, "me", place=PLACE)
    assert store.claim("me", at(1), 60) is None
    owe_more(store, incident_id, Kind.ROOT)
    again = claim(store, seconds=1)
    assert (again.announcement.id, again.announcement.ts) == (claimed.announcement.id, PLACE.ts)


def test_each_action_has_a_message_of_its_own(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    store.mark_sent(claim(store), "me", place=PLACE)
    with store.transaction() as records:
        for sync in ("Sync A", "Sync B"):
            made = records.create_action(replace(action(sync), incident_id=incident_id))
            records.enqueue(incident_id, Kind.RUN, action_id=made.id)
            records.enqueue(incident_id, Kind.RUN, action_id=made.id)
    told = []
    while claimed := store.claim("me", NOON, 60):
        told.append((store.read_content(claimed.announcement).action.sync, claimed.revision))
        store.mark_sent(claimed, "me", place=PLACE)
    assert told == [("Sync A", 2), ("Sync B", 2)]


def test_what_is_owed_while_it_is_being_sent_stays_owed(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    claimed = claim(store)
    owe_more(store, incident_id, Kind.ROOT)
    assert store.mark_sent(claimed, "me", place=PLACE)
    assert claim(store, seconds=1).revision == 2


def test_a_claim_that_ran_out_is_doubtful_for_the_next(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT)
    claim(store, "frozen")
    assert store.claim("you", at(59), 60) is None
    again = claim(store, "you", 60)
    assert again.doubtful
    store.release_claim(again, "you", Failure("no", at(61), doubtful=True))
    assert claim(store, "you", 61).doubtful


def test_who_lost_the_claim_cannot_settle_nor_give_back(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT, Kind.EVIDENCE)
    frozen = claim(store, "frozen")
    claimed = claim(store, "you", 61)
    assert store.mark_sent(frozen, "frozen", place=Place("C0001", "9.9"), alone=True) is False
    store.release_claim(frozen, "frozen", Failure("no", at(999), gone=True))
    assert store.mark_sent(claimed, "you", place=PLACE)
    assert store.mark_sent(frozen, "frozen", place=Place("C0001", "9.9")) is False
    evidence = claim(store, "you", 62)
    assert evidence.announcement.thread_ts == PLACE.ts


def test_sent_is_forgotten_trouble(store: SqlStore, tmp_path: Path) -> None:
    enqueue(store, Kind.ROOT)
    store.release_claim(claim(store), "me", Failure("no", NOON, doubtful=True))
    with store.transaction() as records:
        assert records.undelivered() == (Undelivered("sync-health", "no", 1, NOON),)
    store.mark_sent(claim(store), "me", place=PLACE)
    with store.transaction() as records:
        assert records.undelivered() == ()
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        row = db.execute("SELECT error, attempts, doubtful, not_before, sending_by, sending_until FROM outbox")
        assert row.fetchone() == (None, 0, 0, None, None, None)


def test_what_is_given_back_is_tried_again_when_it_may(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT)
    store.release_claim(claim(store), "me", Failure("no", at(30)))
    assert store.claim("me", at(29), 60) is None
    again = claim(store, seconds=30)
    assert again.doubtful is False


def test_a_channel_that_wants_patience_gets_it_for_all_its_messages(store: SqlStore) -> None:
    first = enqueue(store, Kind.ROOT, Kind.EVIDENCE, key="a")
    second = enqueue(store, Kind.ROOT, key="b")
    with store.transaction() as records:
        elsewhere = records.create_incident(replace(incident("c"), channel="elsewhere"))
        records.enqueue(elsewhere.id, Kind.ROOT)
    store.release_claim(claim(store), "me", Failure("429", at(0), pause=Pause(at(30), 0)))
    assert brief(claim(store, seconds=1)) == (elsewhere.id, "root")
    assert store.claim("me", at(29), 60) is None
    assert brief(claim(store, seconds=30)) == (first, "root")
    assert brief(claim(store, seconds=30)) == (second, "root")


def test_a_wait_that_was_stored_before_the_clock_was_set_back_keeps_nobody_waiting_for_that_long(
    store: SqlStore,
) -> None:
    first = enqueue(store, Kind.ROOT, key="a")
    store.release_claim(claim(store, seconds=HOUR), "me", Failure("no", at(HOUR + 60)))
    assert brief(claim(store)) == (first, "root")


def test_a_pause_of_a_channel_from_before_the_clock_was_set_back_is_void(store: SqlStore) -> None:
    first = enqueue(store, Kind.ROOT, key="a")
    store.release_claim(claim(store, seconds=HOUR), "me", Failure("429", at(0), pause=Pause(at(HOUR + 600), 1)))
    assert store.claim("me", at(HOUR), 60) is None
    assert brief(claim(store)) == (first, "root")


def test_a_sender_that_died_before_the_clock_was_set_back_keeps_nobody_waiting_for_that_long(store: SqlStore) -> None:
    first = enqueue(store, Kind.ROOT, key="a")
    claim(store, "dead", seconds=HOUR)
    assert store.claim("me", at(HOUR + 59), 60) is None
    taken_over = claim(store)
    assert (brief(taken_over), taken_over.doubtful) == ((first, "root"), True)


def test_patience_for_a_channel_shortens_nobodys_wait(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT, key="a")
    second = enqueue(store, Kind.ROOT, key="b")
    store.release_claim(claim(store), "me", Failure("refused for good", at(60)))
    busy = claim(store)
    assert brief(busy) == (second, "root")
    store.release_claim(busy, "me", Failure("429", at(0), pause=Pause(at(1), 0)))
    assert brief(claim(store, seconds=2)) == (second, "root")
    assert store.claim("me", at(3), 60) is None


def test_what_is_gone_is_posted_anew_and_replies_follow_it(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    store.mark_sent(claim(store), "me", place=PLACE)
    owe_more(store, incident_id, Kind.ROOT, Kind.SEVERITY)
    edit = claim(store)
    assert edit.announcement.ts == PLACE.ts
    store.release_claim(edit, "me", Failure("gone", NOON, gone=True))
    anew = claim(store)
    assert (anew.announcement.ts, anew.announcement.channel, anew.doubtful) == (None, PLACE.channel, False)
    store.mark_sent(anew, "me", place=Place("C0001", "5.5"))
    assert claim(store).announcement.thread_ts == "5.5"


def test_a_message_that_needs_not_be_said_is_settled_without_a_place(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT)
    assert store.mark_sent(claim(store), "me", place=None)
    assert store.claim("me", at(99), 60) is None


def test_a_root_that_tells_the_end_stands_alone(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT, Kind.EVIDENCE, Kind.SEVERITY, Kind.RESOLVED)
    other = enqueue(store, Kind.EVIDENCE, key="b")
    with store.transaction() as records:
        records.save_incident(replace(records.incident(incident_id), state=State.OK, resolved_at=NOON))
        run = records.create_action(replace(action(), incident_id=incident_id))
        records.enqueue(incident_id, Kind.RUN, action_id=run.id)
    store.mark_sent(claim(store), "me", place=PLACE, alone=True)
    run_message, evidence = sorted([claim(store), claim(store)], key=lambda claimed: claimed.announcement.incident.id)
    assert [brief(run_message), brief(evidence)] == [(incident_id, "run"), (other, "evidence")]
    assert store.mark_sent(run_message, "me", place=Place("C0001", "2.0"))
    assert store.claim("me", at(1), 60) is None
    owe_more(store, incident_id, Kind.RESOLVED)
    assert brief(claim(store, seconds=1)) == (incident_id, "resolved"), "what comes later is said"


def test_messages_of_ours_are_known_by_their_place(store: SqlStore) -> None:
    incident_id = enqueue(store, Kind.ROOT)
    store.mark_sent(claim(store), "me", place=PLACE)
    with store.transaction() as records:
        assert records.message_at(incident_id, PLACE.channel, PLACE.ts)
        assert not records.message_at(incident_id, "C9", PLACE.ts)
        assert not records.message_at(incident_id, PLACE.channel, "9.9")
        assert not records.message_at(incident_id + 1, PLACE.channel, PLACE.ts)


def test_a_thread_is_known_to_have_a_message_on_its_way_until_slack_has_told_where_it_stands(store: SqlStore) -> None:
    def posting(incident: int) -> bool:
        with store.snapshot() as records:
            return records.is_posting(incident)

    incident_id = enqueue(store, Kind.ROOT)
    assert not posting(incident_id), "nobody has begun"
    claimed = claim(store)
    assert posting(incident_id) and not posting(incident_id + 1)
    store.release_claim(claimed, "me", Failure("lost", at(30), doubtful=True))
    assert posting(incident_id), "its answer was lost: it may stand there"
    store.mark_sent(claim(store, seconds=31), "me", place=PLACE)
    assert not posting(incident_id)
    owe_more(store, incident_id, Kind.EVIDENCE)
    claim(store, seconds=32)
    assert posting(incident_id)


# The lease.


def test_a_lease_is_kept_by_its_holder_and_taken_over_when_it_was_not_renewed(store: SqlStore, other: SqlStore) -> None:
    clock = HandClock(NOON)
    assert store.take_lease("leader", "me", clock, 60)
    assert not other.take_lease("leader", "you", clock, 60)
    clock.pass_(seconds=59)
    assert other.take_lease("another", "you", clock, 60), "each name is its own"
    assert store.take_lease("leader", "me", clock, 60), "renewed"
    clock.pass_(seconds=1)
    assert not other.take_lease("leader", "you", clock, 60), "60 s after it was seen first, but it has changed"
    clock.pass_(seconds=59)
    assert not other.take_lease("leader", "you", clock, 60)
    clock.pass_(seconds=1)
    assert other.take_lease("leader", "you", clock, 60)
    assert not store.take_lease("leader", "me", clock, 60)


def test_a_lease_that_was_released_is_free_and_only_its_holder_can(store: SqlStore) -> None:
    clock = HandClock(NOON)
    store.take_lease("leader", "me", clock, 60)
    store.release_lease("leader", "you")
    assert not store.take_lease("leader", "you", clock, 60)
    store.release_lease("leader", "me")
    assert store.take_lease("leader", "you", clock, 60)
    store.release_lease("nobody's", "you")


@pytest.mark.parametrize("apart", [-3600, -91, -31, 0, 31, 61, 240])
def test_a_lease_is_not_taken_at_first_sight_however_the_clocks_differ(
    store: SqlStore, other: SqlStore, apart: float
) -> None:
    """Its holder may be alive and have another time, or dead and have had another; or the clock was set meanwhile."""
    mine, yours = HandClock(NOON), HandClock(at(apart))
    assert store.take_lease("leader", "me", mine, 60)
    for _ in range(3):
        assert not other.take_lease("leader", "you", yours, 60)
        for clock in (mine, yours):
            clock.pass_(seconds=30)
        assert store.take_lease("leader", "me", mine, 60)
    assert not other.take_lease("leader", "you", yours, 60)
    yours.pass_(seconds=60)
    assert other.take_lease("leader", "you", yours, 60), "it died"


def test_a_lease_that_ended_minutes_ago_keeps_nobody_waiting(store: SqlStore, other: SqlStore) -> None:
    assert store.take_lease("leader", "me", HandClock(NOON), 60)
    assert not other.take_lease("leader", "you", HandClock(at(60 + 300)), 60)
    assert other.take_lease("leader", "you", HandClock(at(60 + 301)), 60)


def test_a_daily_job_is_done_for_its_date_alone_whatever_the_audit_says(store: SqlStore) -> None:
    with store.transaction() as records:
        records.audit(AuditRow(NOON, "U0SAM", "snapshot", "2026-03-02", "refused: Only operators may do that."))
        assert not records.was_done("snapshot", NOON.date())
        records.mark_done("snapshot", NOON.date(), NOON)
    with store.transaction() as records:
        assert records.was_done("snapshot", NOON.date())
        assert not records.was_done("digest", NOON.date())
        assert not records.was_done("snapshot", NOON.date() + timedelta(days=1))


def test_one_of_many_gets_the_lease(store: SqlStore, other: SqlStore) -> None:
    start = threading.Barrier(8)

    def take(number: int) -> bool:
        start.wait(60)
        return (store, other)[number % 2].take_lease("leader", str(number), HandClock(NOON), 60)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(8))) == [False] * 7 + [True]


# Two at once.

CLAIMER = """
import json, sys
from datetime import datetime
from bot.adapters.store.sql_store import SqlStore
store, holder = SqlStore(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
mine = []
while owed := store.claim(holder, datetime.fromisoformat(sys.argv[3]), 60):
    mine.append(owed.announcement.id)
store.close()
print(json.dumps(mine))
"""


def owe_many(store: SqlStore, many: int) -> set[str]:
    with store.transaction() as records:
        for number in range(many):
            made = records.create_incident(incident(f"k{number}"))
            records.enqueue(made.id, Kind.ROOT)
        return {id_ for (id_,) in records._db.exec_driver_sql("SELECT id FROM outbox")}


@pytest.mark.full
def test_threads_that_claim_at_once_never_get_the_same_message(store: SqlStore, other: SqlStore) -> None:
    expected, start = owe_many(store, 40), threading.Barrier(4)

    def drain(number: int) -> list[str]:
        start.wait(60)
        mine = []
        while claimed := (store, other)[number % 2].claim(f"t{number}", NOON, 60):
            mine.append(claimed.announcement.id)
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = [id_ for mine in pool.map(drain, range(4)) for id_ in mine]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == expected


@pytest.mark.full
def test_processes_that_claim_at_once_never_get_the_same_message(store: SqlStore, url: str) -> None:
    expected = owe_many(store, 60)
    command = [sys.executable, "-c", CLAIMER, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [
        subprocess.Popen([*command, name, NOON.isoformat()], cwd=Path(__file__).parents[2], **pipes)  # type: ignore[call-overload]
        for name in ("one", "two")
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [json.loads(process.communicate(timeout=600)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert set(claimed[0]) & set(claimed[1]) == set()
    assert set(claimed[0]) | set(claimed[1]) == expected


# Migrations keep what is there.


def test_a_state_of_the_version_before_keeps_its_messages_and_their_places(url: str, tmp_path: Path) -> None:
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(store_module.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        values = "'k', 'c', 't', 'critical', 'firing', '2026-03-02 12:00:00', 's', '', 'sync-health'"
        columns = 'key, "check", title, severity, state, opened_at, summary, helps, channel'
        connection.execute(text(f"INSERT INTO incidents (id, {columns}) VALUES (1, {values})"))
        rows = "(1, 'a', 1, 'root', 'C1', '1.1', 1, 1, 0, 0), (2, 'b', 1, 'evidence', 'sync-health', NULL, 1, 0, 0, 0)"
        columns = "seq, id, incident_id, kind, channel, ts, wanted, sent, doubtful, attempts"
        connection.execute(text(f"INSERT INTO outbox ({columns}) VALUES {rows}"))
    engine.dispose()
    store = SqlStore(url)
    claimed = claim(store)
    assert claimed
    assert (claimed.announcement.kind, claimed.announcement.channel, claimed.announcement.thread_ts) == (
        "evidence",
        "C1",
        "1.1",
    )
    assert claimed.announcement.incident
    assert claimed.announcement.incident.examples == ()
    with store.transaction() as records:
        assert records.message_at(1, "C1", "1.1")
    store.close()


def test_messages_of_a_shared_thread_wait_for_its_root_whichever_incident_they_are_about(store: SqlStore) -> None:
    with store.transaction() as records:
        first, second = (records.create_incident(incident(key)) for key in "ab")
        for one in (first, second):
            records.save_incident(replace(one, thread_id=first.id))
            records.enqueue(one.id, Kind.ROOT)
        records.enqueue(second.id, Kind.SEVERITY)
    root = claim(store)
    assert brief(root) == (first.id, "root")
    assert store.claim("you", at(0), 60) is None, "the reply waits"
    assert [one.id for one in root.announcement.thread] == [first.id, second.id]
    store.mark_sent(root, "me", place=PLACE)
    reply = claim(store)
    assert (brief(reply), reply.announcement.thread_ts) == ((second.id, "severity"), PLACE.ts)


def test_what_was_done_for_a_date_before_the_upgrade_is_not_done_again(url: str) -> None:
    """Refusals stood in the audit, too, and count for nothing."""
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(store_module.__file__).parent / "migrations"))
    rows = [
        ("sync-health", "digest", "2026-03-02", "ok"),
        ("sync-health", "snapshot", "daily_snapshot_20260301", "taken"),
        ("sync-health", "snapshot", "daily_snapshot_20260301", "it is there already"),
        ("U0ROBIN", "snapshot", "manual_snapshot_20260302T101500Z", "taken"),
        ("U0SAM", "snapshot", "daily_snapshot_20260302", "refused: Only operators may do that."),
    ]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for row in rows:
            connection.exec_driver_sql(
                'INSERT INTO audit (at, "user", what, target, result) VALUES (?, ?, ?, ?, ?)',
                ("2026-03-02 12:00:00", *row),
            )
    engine.dispose()
    store, today = SqlStore(url), NOON.date().replace(year=2026, month=3, day=2)
    with store.transaction() as records:
        assert records.was_done("digest", today)
        assert not records.was_done("snapshot", today)
        assert records.was_done("snapshot", today - timedelta(days=1))
    store.close()


def test_incidents_of_a_time_are_those_that_were_open_then(store: SqlStore) -> None:
    with store.transaction() as records:
        over = records.create_incident(incident("properties/over"))
        records.save_incident(replace(over, resolved_at=at(60)))
        ended = records.create_incident(incident("properties/ended"))
        records.save_incident(replace(ended, resolved_at=at(61)))
        records.note(ended.id, Entry(at(61), Did.RESOLVED))
        records.create_incident(incident("properties/open"))
        records.create_incident(samples.incident(id=0, key="properties/test", check=TEST_ALERT))
    with store.snapshot() as records:
        found = records.incidents_since(at(61))
    assert [one.key for one in found] == ["properties/ended", "properties/open"]
    assert [entry.did for entry in found[0].timeline] == [Did.RESOLVED]


def when_found(measured: list[Measured], opened_at: datetime) -> tuple[datetime | None, datetime | None]:
    """The last healthy evaluation before, and the first after it that found a breach: step by step."""
    healthy = breached = None
    for one in measured:
        if one.at <= opened_at and one.outcome is Outcome.OK:
            healthy, breached = one.at, None
        elif one.at <= opened_at and one.outcome in (Outcome.WARN, Outcome.CRITICAL):
            breached = breached or one.at
    return healthy, healthy and breached


def test_what_was_measured_before_an_incident_begins_with_the_last_healthy_evaluation(store: SqlStore) -> None:
    drawn = random.Random(7).choices(list(Outcome), k=60)
    whole = [Measured(at(2 * n), outcome) for n, outcome in enumerate([Outcome.OK, Outcome.WARN, *drawn])]
    like = evaluation().results[0]
    with store.transaction() as records:
        for one in whole:
            records.save_evaluation(
                replace(evaluation(), checked_at=one.at, results=(replace(like, outcome=one.outcome),))
            )
    openings = [Opening("a", "Sync B", at(second)) for second in range(-1, 130)]
    other = Opening("a", None, at(99))
    for since in (at(0), at(9), at(999)):
        with store.snapshot() as records:
            found = dict(records.measured_before([*openings, other], since))
        assert found.pop(other) == [], "another alert"
        for opening, measured in found.items():
            expected = when_found([one for one in whole if one.at >= since], opening.at)
            assert found_between(measured, opening.at) == expected
            assert [one.outcome for one in measured].count(Outcome.OK) == bool(measured), "no more than is needed"


def test_what_was_not_measured_since_a_time_comes_oldest_first(store: SqlStore) -> None:
    with store.transaction() as records:
        for second, value in enumerate((1, None, 3)):
            records.save_evaluation(evaluation(value, seconds=second))
        carried = replace(evaluation(4, seconds=3), warehouse_reached=False)
        records.save_evaluation(replace(carried, results=tuple(replace(one, carried=True) for one in carried.results)))
    with store.snapshot() as records:
        assert records.unmeasured_since(["a", "b"], at(1)) == [at(1), at(2)]
        assert records.unmeasured_since(["a"], NOON) == records.unmeasured_since([], NOON) == []
        times = [Evaluated(at(1), 0.25, answered=True), Evaluated(at(2), 0.25, answered=True)]
        assert records.evaluations_since(at(1)) == [*times, Evaluated(at(3), 0.25, answered=False)]


def test_a_thread_came_to_slack_with_its_first_message_whatever_became_of_it(store: SqlStore) -> None:
    enqueue(store, Kind.ROOT, Kind.EVIDENCE)
    waiting = enqueue(store, Kind.ROOT, key="properties/waits")
    with store.transaction() as records:
        silent = records.create_incident(incident("properties/silent")).id
    store.mark_sent(claim(store), "me", place=PLACE)
    store.mark_sent(claim(store), "me", place=Place("C0001", "1700000060.000002"))
    with store.snapshot() as records:
        threads = records.posted_at([1, waiting, silent, 99])
        assert threads == {1: datetime.fromtimestamp(1_700_000_000, UTC), waiting: None}
        assert records.posted_at([]) == {}
    with store.transaction() as records:
        records.drop_unposted(waiting)
        assert waiting not in records.posted_at([waiting]), "given up before it was posted"
