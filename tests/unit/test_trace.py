"""Where a record stops and why: the decision, its rows, its messages, and a statement that does not fit."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.rejections import Cause, Needs
from bot.alerts.trace import Carrier, Difference, Hop, Standing, Verdict, judge_way
from bot.answers.trace import Arrival, LoggedRun, LogLook, Trace
from bot.config.pipeline_file import Noun
from bot.config.trace import COLUMNS, trace_problems, words_of_trace
from bot.errors import ConfigurationError, PermanentError, RefusedError
from bot.facts import RunStatus
from bot.messages.follow_trace import (
    arrival_message,
    audit_row_message,
    following_message,
    not_arrived_message,
)
from bot.messages.trace import trace_message
from bot.services.follow_trace import LATE
from bot.services.read_trace import hops_of
from bot.services.show_trace import id_meant
from bot.sql.statements import Statements
from tests.unit import payloads as common
from tests.unit.payloads import LINKED, Payload, golden, said, text_of
from tests.unit.samples import NOW, minutes, run, working
from tests.unit.test_own_statements import Own, own  # noqa: F401 - the fixture

faults = common.faults
GOLDEN = common.GOLDEN / "trace"
NOUN = Noun(one="property", many="properties")
RDS, ENRICHED = Hop("RDS", True, NOW - minutes(20)), Hop("Enriched view", True, NOW - minutes(20))
CREATE = Hop("CREATE backlog", False, sync="Sync A", key="108617")
PENDING = Hop("UPDATE backlog", True, NOW - minutes(20), sync="Sync B", key="100005")
NAME = Difference("property_name")
THERE = Hop("Salesforce", True, NOW - minutes(50), note="row a1XDEMO00000000005")
BEHIND = replace(THERE, differences=(NAME, Difference("bank_linking_enabled", "true", "false")))
WAY = (RDS, ENRICHED, CREATE, PENDING, BEHIND)
ARRIVED = (RDS, ENRICHED, CREATE, replace(PENDING, found=False), THERE)
NEXT = NOW + minutes(10)
DUE = Carrier("Sync B", "Sync B (UPDATE)", next_run=NEXT, last=run(created_at=NOW - minutes(25)))
LATER = run(created_at=NOW - minutes(10), completed_at=NOW - minutes(8))
PICKLIST = Cause("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Needs.DATA, "Correct the value", field="Property Status")
LOCKED = Cause("UNABLE_TO_LOCK_ROW", Needs.TRANSIENT, "Wait for the next run")
STOPPED = (RDS, replace(ENRICHED, found=False, changed_at=None, stops="it has no company", next_step="Give it one"))


def judged(carrier: Carrier = DUE, hops: tuple[Hop, ...] = WAY) -> Verdict:
    return judge_way("Property 100005", hops, (carrier,), destination="Salesforce")


def trace(carrier: Carrier = DUE, hops: tuple[Hop, ...] = WAY, **changes: Any) -> Trace:
    verdict = judged(carrier, hops)
    whole = Trace("p00005", NOW, NOUN, "Salesforce", verdict, ("100005",), 1, hops, (carrier,))
    return replace(whole, **changes)


def suspect() -> tuple[Hop, ...]:
    return (RDS, ENRICHED, CREATE, replace(PENDING, suspect="no company name"), BEHIND)


@pytest.mark.parametrize(
    ("carrier", "standing", "says"),
    [
        (DUE, Standing.WAITING, "is pending in the UPDATE backlog, not yet due: next run of Sync B {2026-"),
        (replace(DUE, next_run=None), Standing.WAITING, ": Sync B has not run since it changed"),
        (replace(DUE, since=1, looked=1), Standing.WAITING, ", not yet due: next run of Sync B {2026-"),
        (
            replace(DUE, since=2, looked=2),
            Standing.HELD,
            ": 2 runs of Sync B completed after it changed, and none of them",
        ),
        (replace(DUE, since=2), Standing.WAITING, ", and whether they wrote it is unknown; next run {2026-"),
        (replace(DUE, paused=True), Standing.HELD, ": Sync B is paused in Census"),
        (replace(DUE, scheduled=False, next_run=None), Standing.HELD, ": Sync B has no schedule in Census"),
        (replace(DUE, running=working()), Standing.WAITING, ": a run of Sync B has been in progress since {2026-"),
        (
            replace(DUE, failed=run(status=RunStatus.FAILED, error="BAD_LOGIN")),
            Standing.HELD,
            ") failed: BAD_LOGIN",
        ),
        (replace(DUE, cause=PICKLIST), Standing.HELD, ": Salesforce rejected it in run 500 of Sync B ({2026-"),
        (replace(DUE, cause=PICKLIST, paused=True), Standing.HELD, "PICKLIST, field Property Status"),
        (replace(DUE, cause=PICKLIST, status="invalid"), Standing.HELD, ": Census found it invalid in run 500"),
        (replace(DUE, wrote=LATER), Standing.WAITING, "Property 100005 was written in run 500 of Sync B ({2026-"),
        (Carrier("Sync B", error="the connection broke"), Standing.UNKNOWN, "is unknown: the connection broke"),
    ],
)
def test_what_holds_a_pending_record_is_what_keeps_its_sync_from_writing_it(
    carrier: Carrier, standing: Standing, says: str
) -> None:
    found = judged(carrier)
    assert found.standing is standing and says in found.sentence


def test_a_run_that_began_before_the_record_changed_did_not_write_that() -> None:
    before = replace(DUE, wrote=run(created_at=NOW - minutes(30), completed_at=NOW - minutes(15)))
    assert "not yet due" in judged(before).sentence


def test_what_was_written_and_differs_in_a_newer_copy_is_written_by_somebody_else() -> None:
    newer = (*WAY[:-1], replace(BEHIND, changed_at=NOW - minutes(1)))
    found = judged(replace(DUE, wrote=LATER), newer)
    assert found.standing is Standing.HELD and found.sentence.endswith("and Salesforce differs again")


def test_a_run_in_progress_that_began_before_the_change_leaves_it_to_a_later_one() -> None:
    early = replace(DUE, running=working(created_at=NOW - minutes(21)))
    assert judged(early).next_step == "It changed after that run began, so a later run carries it"


def test_a_hop_without_a_reason_is_still_where_it_stops() -> None:
    gone = judged(hops=(RDS, replace(ENRICHED, found=False), CREATE, THERE))
    assert gone.sentence == "Property 100005 does not reach the Enriched view, and the trace knows no reason"
    first = judged(hops=(replace(RDS, found=False), ENRICHED, THERE))
    assert first.sentence.startswith("Property 100005 is not in RDS, and")


def test_what_no_backlog_has_and_what_is_not_there_is_never_called_arrived() -> None:
    nothing = replace(PENDING, found=False)
    for last, says in ((replace(THERE, found=False), "is not in Salesforce"), (BEHIND, "differs from Salesforce in 2")):
        found = judged(hops=(RDS, CREATE, nothing, last))
        assert found.standing is Standing.STOPPED and says in found.sentence


def test_what_no_backlog_has_is_not_denied_while_a_run_goes_on_or_census_does_not_tell() -> None:
    gone = (RDS, CREATE, replace(PENDING, found=False), BEHIND)
    for carrier, standing, says in (
        (replace(DUE, running=working()), Standing.WAITING, "; a run of Sync B has been in progress since {2026-"),
        (Carrier("Sync B", error="the connection broke"), Standing.UNKNOWN, "is unknown: the connection broke"),
        (replace(DUE, remarks=(REMARK,)), Standing.UNKNOWN, "whether Sync B has written it is unknown"),
        (replace(DUE, wrote=LATER), Standing.WAITING, "Property 100005 was written in run 500 of Sync B"),
        (replace(DUE, cause=PICKLIST), Standing.HELD, "and no backlog has it: Salesforce rejected it in run 500"),
    ):
        found = judged(carrier, gone)
        assert found.standing is standing and says in found.sentence
        assert "no sync will carry it" not in found.sentence


def test_arrived_names_the_newest_run_that_wrote_it() -> None:
    assert judged(hops=ARRIVED).sentence == "Property 100005 has arrived in Salesforce: nothing differs"
    assert "; written in run 500 of Sync B ({2026-" in judged(replace(DUE, wrote=LATER), ARRIVED).sentence


LOGGED = LoggedRun("census_run_500", 180, 180, 0)


def arrival(**changes: Any) -> Arrival:
    there = trace(replace(DUE, wrote=LATER), ARRIVED)
    return replace(Arrival(there, timedelta(minutes=12), "Sync B", LATER, True, 181, 180), **changes)


SEVERAL = Verdict(Standing.UNKNOWN, "8 properties share this ID", "Trace one of them by its own property ID")
MISSING = Verdict(
    Standing.UNKNOWN,
    "Table or view crm.sfdc_dbx.properties_to_update is missing, so no property gets past it",
    "Restore it, then trace again",
)
REMARK = "Not among the first 1,000 rejected records of run 500"
GOLDENS: dict[str, Callable[[], Payload]] = {
    "due": lambda: said(trace_message(trace(), LINKED)),
    "paused": lambda: said(trace_message(trace(replace(DUE, paused=True)), LINKED)),
    "suspect": lambda: said(trace_message(trace(hops=suspect()), LINKED)),
    "rejected": lambda: said(trace_message(trace(replace(DUE, cause=PICKLIST)), LINKED)),
    "rejected_transient": lambda: said(trace_message(trace(replace(DUE, cause=LOCKED)), LINKED)),
    "not_looked_through": lambda: said(trace_message(trace(replace(DUE, remarks=(REMARK,))), LINKED)),
    "not_back": lambda: said(trace_message(trace(replace(DUE, wrote=LATER)), LINKED)),
    "stopped": lambda: said(trace_message(trace(hops=(*STOPPED, replace(THERE, found=False))), LINKED)),
    "arrived": lambda: said(trace_message(trace(replace(DUE, wrote=LATER), ARRIVED), LINKED)),
    "several": lambda: said(
        trace_message(Trace("x", NOW, NOUN, "Salesforce", SEVERAL, ("100005", "108634", "117263", "1", "2"), 8), LINKED)
    ),
    "view_missing": lambda: said(trace_message(Trace("x", NOW, NOUN, "Salesforce", MISSING), LINKED)),
    "following": lambda: said(following_message(trace(), NOW + minutes(120), LINKED)),
    "followed_in_vain": lambda: said(not_arrived_message(trace(), LINKED, "not arrived after 2 h")),
    "followed": lambda: said(arrival_message(arrival(), LINKED, logs=True)),
    "followed_unconfirmed": lambda: said(arrival_message(arrival(confirmed=False, now=None), LINKED, logs=False)),
    "followed_row": lambda: said(audit_row_message(arrival(), LogLook(LOGGED), LINKED, LATE)),
    "followed_no_row": lambda: said(audit_row_message(arrival(), LogLook(), LINKED, LATE)),
    "followed_row_unknown": lambda: said(audit_row_message(arrival(), LogLook(unknown="HTTP 503"), LINKED, LATE)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_each_message_is_what_its_golden_says(name: str, faults: Callable[[Payload], list[str]]) -> None:
    payload = GOLDENS[name]()
    assert faults(payload) == []
    assert payload == golden(GOLDEN / f"{name}.json", payload)


def test_a_rerun_is_offered_where_it_helps_alone_and_nothing_in_observe_mode() -> None:
    def offered(one: Trace, **settings: Any) -> set[str]:
        written = json.dumps(said(trace_message(one, replace(LINKED, **settings))))
        return {word for word in ("rerun", "resume", "pause", "follow_trace") if f'"action_id": "{word}"' in written}

    assert offered(trace()) == {"rerun", "follow_trace"}
    assert offered(trace(), mode="observe") == {"follow_trace"}
    assert offered(trace(replace(DUE, paused=True))) == {"resume", "follow_trace"}
    assert offered(trace(replace(DUE, cause=PICKLIST))) == {"follow_trace"}
    assert offered(trace(replace(DUE, cause=LOCKED))) == {"rerun", "follow_trace"}
    assert offered(trace(hops=suspect())) == {"pause", "follow_trace"}
    assert offered(trace(replace(DUE, paused=True), suspect())) == {"follow_trace"}
    assert offered(trace(hops=(*STOPPED, THERE))) == offered(trace(hops=ARRIVED)) == set()


ROW: dict[str, object] = {"record": "7", "hop": 1, "place": "Source", "found": 1}


def test_of_a_row_nothing_is_told_but_words_of_the_statement_ids_numbers_and_times() -> None:
    settings = replace(LINKED, trace=frozenset({"{who} wins at {when}, of {shared}; {nobody}"}))
    hop = hops_of(
        [
            ROW
            | {"note": "{who} wins at {when}, of {shared}; {nobody}", "who": "100005", "when": NOW, "shared": 3}
            | {"stops": "asha.rao@example.com of Rao & Sons", "suspect": "call 555-0100"}
        ],
        settings,
    )[0]
    assert hop.note == f"100005 wins at {{{NOW.isoformat(timespec='seconds')}}}, of 3; –"
    assert not {"asha", "Rao", "555"} & set(f"{hop.stops} {hop.suspect}".replace("-", " ").split())
    [personal] = hops_of([ROW | {"note": "{who} wins at {when}, of {shared}; {nobody}", "who": "Asha Rao"}], settings)
    assert personal.note.startswith("… wins at –")


def test_values_of_fields_are_shown_where_the_sync_of_the_record_names_them_or_both_are_flags() -> None:
    def difference(field: str, ours: object, theirs: object, sync: str = "Sync B") -> Difference:
        [hop] = hops_of([ROW | {"sync": sync, "field": field, "ours": ours, "theirs": theirs}], settings)
        return hop.differences[0]

    a, b = LINKED.syncs
    b_names = {"key": ("id", "phone"), "group_by": ("state", "phone")}
    syncs = (a.model_copy(update={"key": ("email",), "group_by": ()}), b.model_copy(update=b_names))
    settings = replace(LINKED, syncs=syncs, trace=frozenset({"flag", "email"}))
    assert difference("email", "asha@example.com", "", "Sync A") == Difference("email", "…", "empty")
    assert difference("email", "asha@example.com", "100005", "Sync B") == Difference("email", None, None)
    assert difference("id", "100005", "asha@example.com") == Difference("id", "100005", "…")
    assert difference("phone", "+1 415 555 1234", None) == Difference("…", "…", "empty")
    assert difference("state", "CA", "TX", "Sync A") == Difference("state", None, None)
    assert difference("state", "CA", "TX") == Difference("state", "CA", "TX")
    assert difference("enabled", True, None) == Difference("enabled", "true", "empty")
    assert difference("owner", "Asha Rao", "Ravi") == Difference("owner", None, None)
    assert difference("owner", "Asha Rao", None) == Difference("owner", None, "empty")
    assert difference("flag", "true", "Asha") == Difference("flag", None, None)


def test_a_place_or_a_field_that_is_made_of_values_is_redacted() -> None:
    row = ROW | {"place": "HubSpot of Asha <asha@example.com>", "field": "phone of Asha, 555-0100", "ours": "a"}
    [hop] = hops_of([row], replace(LINKED, trace=frozenset({"HubSpot", "phone"})))
    said = f"{hop.place} {hop.differences}"
    assert "Asha" not in said and "example" not in said and "0100" not in said
    [hop] = hops_of(
        [ROW | {"place": "HubSpot", "field": "phone"}], replace(LINKED, trace=frozenset({"HubSpot", "phone"}))
    )
    assert (hop.place, hop.differences[0].field) == ("HubSpot", "phone")


@pytest.mark.parametrize(
    "rows", [[{"hop": 1}], [ROW | {"hop": "1"}], [ROW | {"sync": "Sync Z"}], [ROW | {"hop": n} for n in range(1, 23)]]
)
def test_rows_that_are_not_as_documented_are_an_error_that_says_where_to_look(rows: list[dict[str, object]]) -> None:
    with pytest.raises(PermanentError, match=r"^sql/measure/trace.sql returned .*docs/YOUR_PIPELINE.md"):
        hops_of(rows, LINKED)


@pytest.mark.parametrize("typed", ["", "  ", "a b", "x" * 101])
def test_what_is_no_id_is_refused_without_being_quoted(typed: str) -> None:
    with pytest.raises(RefusedError) as refused:
        id_meant(typed)
    assert not typed.strip() or typed not in str(refused.value)


TRACE = "SELECT '7' AS record, 1 AS hop, 'Source' AS place, 1 AS found FROM lake.crm.contacts WHERE id = :id"


def test_a_trace_of_four_columns_is_enough(own: Own, tmp_path: Path) -> None:  # noqa: F811
    assert own().trace is None
    (tmp_path / "with" / "sql" / "measure").mkdir(parents=True)
    (tmp_path / "with" / "sql" / "measure" / "trace.sql").write_text(TRACE, encoding="utf-8")
    statements = Statements(tmp_path / "with")
    assert words_of_trace(statements) == {"7", "Source"} and list(trace_problems(statements)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TRACE.replace("1 AS found", "1 AS there"), "returns no found: a hop needs record, hop, place, found"),
        (TRACE.replace("1 AS found", "1 AS found, 'x' AS stop"), 'returns "stop", which no text of it names'),
        (TRACE.replace("1 AS found", "1 AS found, 'by {who}' AS note"), 'has a text with {who}, and returns no "who"'),
        (TRACE.replace(":id", ":key"), "has to ask for :id alone, the ID that is looked for; its parameters: :key"),
        (TRACE.replace(":id", "7"), "its parameters: none"),
        ("SELECT 'open", "cannot be read as Databricks SQL"),
        (f"CREATE TABLE lake.crm.copy AS {TRACE}", ":1: not a query, and what is asked must change nothing"),
    ],
)
def test_a_trace_that_does_not_fit_is_refused_at_start(own: Own, text: str, problem: str) -> None:  # noqa: F811
    with pytest.raises(ConfigurationError) as refused:
        own(**{"measure/trace": text})
    assert any(problem in one for one in refused.value.problems), refused.value.problems
    assert all(one.startswith("sql/measure/trace.sql") for one in refused.value.problems)


def test_a_text_of_a_statement_is_read_as_it_is_meant() -> None:
    from bot.sql.text import literals_in

    assert literals_in("SELECT 'it''s', 'a\\'b' -- 'no'\n/* 'no' */, ''") == {"it's", "a'b", ""}


def test_several_records_are_counted_and_not_all_listed() -> None:
    assert "`100005`, `108634`, `117263`, `1`, `2` and 3 more" in text_of(GOLDENS["several"]())


def test_the_documented_columns_are_those_that_are_read() -> None:
    page = (common.GOLDEN.parent.parent / "docs/YOUR_PIPELINE.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {said} |" in page for name, said in COLUMNS.items())
