"""`sync-health audit`, as somebody types it."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.model import AuditRow, AuditState
from tests.new_state import new_state

NOW = datetime.now(UTC)
HOME = Path(__file__).resolve().parents[2]


def audit(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["audit", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def remember(state: Path, *rows: AuditRow) -> None:
    with closing(new_state(state)) as store, store.transaction() as records:
        for row in rows:
            records.audit(row)


def row(hours: float, what: str = "rerun", **more: object) -> AuditRow:
    said = {"result": "done", "target": "Sync B"} | more
    return AuditRow(NOW - timedelta(hours=hours), "U0ROBIN", what, **said)  # type: ignore[arg-type]


def test_it_prints_the_newest_first_with_what_changed_and_why(state: Path) -> None:
    told = {"before": "unacknowledged", "after": "acknowledged by U0ROBIN", "reference": "incident 1"}
    failed = {"result": "failed: no such table", "state": AuditState.FAILED, "reason": "a\x1b[2Jb"}
    held = {"reason": "they were about to be written at {2026-01-09T11:00:00+00:00}"}
    remember(state, row(5, "acknowledge", **told), row(3, "pause", **held), row(2, "snapshot", **failed))
    code, out, _ = audit()
    assert code == 0
    head, first, paused, second, count = out.splitlines()
    assert head.split() == ["when", "(America/Los_Angeles)", "who", "action", "target", "outcome", "detail"]
    assert "snapshot" in first and "no such table · reason: a [2Jb" in first and first.count("failed") == 1
    assert "succeeded  done · unacknowledged → acknowledged by U0ROBIN · incident 1" in second
    assert "about to be written at 2026-01-09 03:00 PST" in paused
    assert count.startswith("3 entries since ")


def test_json_is_one_object_with_times_that_name_their_offset(state: Path) -> None:
    remember(state, row(5, team="T0HOME", reason="the view is fixed"), row(2, state=None))
    code, out, _ = audit("--json")
    answer = json.loads(out)
    assert code == 0 and list(answer) == ["since", "until", "entries"]
    newest, oldest = answer["entries"]
    assert (newest["state"], oldest["state"], oldest["team"]) == (None, "succeeded", "T0HOME")
    assert datetime.fromisoformat(oldest["at"]) == NOW - timedelta(hours=5)
    assert oldest["at"].endswith("+00:00") and answer["since"].endswith("+00:00")
    assert list(oldest) == ["at", "user", "what", "target", "result", "state", "team", "reason", "before", "after",
                            "reference"]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["b", "a"]),
        (["--since", "3h"], ["a"]),
        (["--since", "400d"], ["b", "a", "old"]),
        (["--since", "2020-01-01"], ["b", "a", "old"]),
        (["--since", "2020-01-01T10:00", "--until", "30d"], ["old"]),
        (["--since", "2020-01-01", "--action", "B"], ["b"]),
        (["--action", "c"], []),
    ],
)
def test_a_span_and_an_action_choose(state: Path, options: list[str], found: list[str]) -> None:
    remember(state, row(24 * 60, "old"), row(2, "a"), row(1.5, "b") if "3h" not in options else row(5, "b"))
    code, out, _ = audit("--json", *options)
    assert (code, [one["what"] for one in json.loads(out)["entries"]]) == (0, found)


def test_the_day_that_until_names_is_shown_to_its_end_in_the_pipelines_zone(state: Path) -> None:
    evening = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)  # 23:30 of November 1st in Los Angeles
    remember(state, AuditRow(evening, "U0ROBIN", "late", "x", "done"))
    days = [("2026-11-01", "2026-11-01"), ("2026-11-02", "2026-11-02"), ("2026-10-31", "2026-10-31")]
    shown = [json.loads(audit("--json", "--since", a, "--until", b)[1])["entries"] for a, b in days]
    assert [len(one) for one in shown] == [1, 0, 0]


def test_where_nothing_is_it_says_so_and_creates_nothing(state: Path) -> None:
    code, out, _ = audit()
    assert code == 0 and out.startswith("no entries since ")
    assert json.loads(audit("--json")[1])["entries"] == []
    assert not state.exists()


@pytest.mark.parametrize(
    "options",
    [["--since", "x"], ["--since", ""], ["--since", "2026-13-01"], ["--since", "999999d"], ["--until", "never"],
     ["--until", "9999-12-31"], ["--since", "1d", "--until", "2d"]],
)  # fmt: skip
def test_what_cannot_be_read_is_2_with_an_example(state: Path, options: list[str]) -> None:
    code, out, err = audit(*options)
    assert code == 2 and out == ""
    assert "such as 7d" in err or "before --since" in err


def test_a_state_that_cannot_be_read_is_2(state: Path) -> None:
    state.write_text("no database")
    code, out, err = audit("--json")
    assert code == 2 and "not a database" in json.loads(out)["errors"][0] and "Traceback" not in err


def test_a_reader_that_leaves_early_is_no_failure(state: Path) -> None:
    remember(state, *(row(1, reason="why " * 200) for _ in range(300)))
    line = f"{sys.executable} -m bot.cli audit | head -1; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    ended = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=600)
    assert ended.returncode in (0, 141)
    assert "Traceback" not in ended.stderr and ended.stdout.startswith("when")
