"""`sync-health runbook`, as somebody types it while Slack is down."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app


def runbook(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["runbook", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither tokens nor a pipeline of one's own."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "SYNC_HEALTH_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_section_is_printed_as_it_is_written_with_whom_to_ask() -> None:
    code, out, err = runbook("view", "bug")
    assert code == 0 and "the shipped one" in err
    assert out.startswith("View bug\n\nPause → find → roll back → evaluate → resume.\n")
    assert "\n1. **Pause.** `/sync-health pause SYNC`" in out
    assert out.endswith("Owner none · Operators none (owner and operators in pipeline.yml)\n")


def test_a_code_is_printed_with_its_next_step() -> None:
    code, out, _ = runbook("unable_to_lock_row")
    assert code == 0 and out.startswith("Rejected records: transient\n\nNext step: Another process held the record")


def test_without_a_topic_all_are_listed_in_columns() -> None:
    code, out, _ = runbook()
    assert code == 0 and out.splitlines()[0].split() == ["topic", "what", "it", "is", "about"]
    assert {"failed_runs", "permission", "slack-down", "training"} <= {line.split()[0] for line in out.splitlines()}


def test_an_unknown_topic_ends_with_2_and_names_the_nearest() -> None:
    code, out, err = runbook("slak-down")
    assert (code, out) == (2, "")
    assert err.endswith(
        "Unknown topic “slak-down”. Did you mean slack-down? Without a topic, runbook lists them all.\n"
    )


def test_nothing_in_a_pipeline_s_own_runbook_moves_the_cursor(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(
        "name: c\nzone: UTC\nchannel: c\nsyncs: [{name: Companies, id: 103}]\n", encoding="utf-8"
    )
    (tmp_path / "runbook.md").write_text("## Night shift\n\n    code \x1b[2J\u202e of SYNC\n", encoding="utf-8")
    code, out, _ = runbook("night shift")
    assert code == 0 and "\n    code [2J of Companies\n" in out


def test_the_number_of_an_incident_is_told_from_a_topic() -> None:
    code, _, err = runbook("incident", "2")
    assert code == 2 and err.endswith("is the number of an incident: here, write its check or words of the alert.\n")
