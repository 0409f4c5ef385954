"""`/sync-health audit`: a golden payload, and as many rows as Slack takes.

`UPDATE_GOLDEN=1` writes the golden anew; read the difference before you keep it.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.model import ITSELF
from bot.answers.history import AuditTrail
from bot.messages.audit import audit_message, outcome_of
from bot.model import AuditRow, AuditState
from tests import oracles
from tests.unit.payloads import golden

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "audit" / "audit.json"
NOW = datetime(2026, 1, 9, 11, 5, tzinfo=UTC)
ZONE = ZoneInfo("America/Los_Angeles")


def row(minutes: int, what: str, target: str, result: str, state: AuditState | None, **more: Any) -> AuditRow:
    user = more.pop("user", "U0ROBIN")
    return AuditRow(NOW - timedelta(minutes=minutes), user, what, target, result, state, "T0HOME", **more)


HELD = "240 suspect records were about to be written at {2026-01-09T11:00:00+00:00}"
ROWS = (
    row(1, "rerun", "Sync B", "run completed, not recovered: 60 missing", AuditState.SUCCEEDED, user="U0ADA"),
    row(4, "rerun", "Sync B", "requested", AuditState.REQUESTED, user="U0ADA", reason="the view is *fixed* <!channel>"),
    row(9, "rerun", "1", "refused: Only operators may do that. Ask U0ROBIN", AuditState.REFUSED, user="U0SAM"),
    row(20, "acknowledge", "incident 1", "done", AuditState.SUCCEEDED, before="unacknowledged"),
    row(25, "escalate", "incident 1", "mentioned S0OPS", AuditState.SUCCEEDED),
    row(30, "pause", "Sync B", "Nothing was done: Census answered 403", AuditState.FAILED, user=ITSELF, reason=HELD),
    row(40, "snapshot", "manual_snapshot_20260109T102500Z", "the warehouse did not answer", AuditState.UNKNOWN),
    row(50, "deploy", "properties", "no such catalog", AuditState.FAILED, user="sync-health at a terminal"),
    row(90, "rerun", "Sync B", "action 1: the view is fixed", None),
)


def payload(rows: tuple[AuditRow, ...], total: int | None = None, *, native: bool = True) -> dict[str, Any]:
    found = AuditTrail(NOW - timedelta(days=7), rows, len(rows) if total is None else total)
    return audit_message(found, ZONE).payload(native=native)


def faults(shown: dict[str, Any]) -> list[str]:
    found = [] if len(json.dumps(shown["blocks"])) < 60_000 else ["too much"]
    if oracles.there():
        found += [f"{at}: {why}" for at, why in oracles.script("slack/check_blocks.py").faults(shown)]
    return found


def test_it_is_as_it_was() -> None:
    shown = {"native": payload(ROWS, 312), "text": payload(ROWS, 312, native=False)}
    assert shown["native"] == golden(GOLDEN, shown["native"])
    assert [faults(one) for one in shown.values()] == [[], []]


def test_what_is_not_shown_is_counted_with_the_command_that_shows_it() -> None:
    assert "303 older not shown. On the command line: `sync-health audit --since 2026-01-02`" in str(payload(ROWS, 312))
    assert "not shown" not in str(payload(ROWS))
    assert payload(())["text"] == "No audit entries" and "No audit entries since" in str(payload(())["blocks"])


def test_as_many_of_the_newest_rows_are_shown_as_slack_takes() -> None:
    long = row(1, "maintenance", "t" * 200, "<r*" * 300, AuditState.FAILED, user="x" * 40, reason="why & " * 200)
    for native in (True, False):
        shown = payload((long,) * 50, 50, native=native)
        assert faults(shown) == []
        assert str(shown).count("maintenance") > 15
    [table] = [block for block in payload((long,) * 50)["blocks"] if block["type"] == "table"]
    told = len(table["rows"]) - 1
    assert 15 < told < 50 and f"{50 - told} older not shown" in str(payload((long,) * 50))


def test_no_text_of_a_row_is_markup_and_people_are_mentioned_by_their_id() -> None:
    text = str(payload(ROWS, native=False)["blocks"])
    assert "<!channel>" not in text and "*fixed*" not in text
    assert "<@U0ADA>" in text and "<@sync" not in text and "sync-health at a terminal" in text


@pytest.mark.parametrize("native", [True, False])
def test_people_and_times_inside_a_text_are_shown_for_each_reader(native: bool) -> None:
    text = str(payload(ROWS, native=native)["blocks"])
    assert "{2026" not in text and "S0OPS>" in text.replace("'usergroup_id': 'S0OPS'", "S0OPS>")
    assert "Ask <@U0ROBIN>" in text or "'user_id': 'U0ROBIN'" in text


def test_what_only_looks_like_a_person_is_left_as_it_is() -> None:
    odd = row(1, "rerun", "Sync B", "UPDATE failed: W3C, S0_ODD, {@nobody}", AuditState.FAILED)
    text = str(payload((odd,), native=False)["blocks"])
    assert "UPDATE failed: W3C, S0_ODD, {@nobody}" in text
    torn = row(1, "rerun", "Sync B", "done", AuditState.SUCCEEDED, reason=f"{'x' * 100} {{2026-01-09T11:00:00+00:00}}")
    assert "{2026" not in str(payload((torn,), native=False)["blocks"]), "no time is torn"


def test_the_state_is_said_once_and_a_row_of_an_earlier_version_has_none() -> None:
    assert [outcome_of(one) for one in ROWS[1:4]] == [
        "Requested",
        "Refused: Only operators may do that. Ask U0ROBIN",
        "Done",
    ]
    assert [outcome_of(one) for one in (ROWS[0], *ROWS[5:8])] == [
        "Run completed, not recovered: 60 missing",
        "Nothing was done: Census answered 403",
        "Unknown: the warehouse did not answer",
        "Failed: no such catalog",
    ]
    assert outcome_of(row(1, "rerun", "Sync B", "", AuditState.UNKNOWN)) == "Unknown"
    assert outcome_of(ROWS[-1]) == "Action 1: the view is fixed"
