"""`sync-health deploy --bundle DIR`, as somebody types it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app

FILES = {"databricks.yml", "dashboard.lvdash.json", "snapshot.sql", "validation.sql"}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "CENSUS_API_TOKEN",
        "SYNC_HEALTH_WAREHOUSE",
        "SYNC_HEALTH_STATE",
    ):
        monkeypatch.delenv(name, raising=False)


def deploy(folder: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["deploy", "--bundle", str(folder), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_it_needs_no_setting_and_says_what_comes_next(tmp_path: Path) -> None:
    code, out, _ = deploy(tmp_path / "new" / "deploy")
    assert code == 0
    assert files(tmp_path / "new" / "deploy").keys() == FILES
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["wrote"] * 4
    commands = [line.strip() for line in out.splitlines() if line.startswith("  databricks bundle")]
    assert commands == [f"databricks bundle {what}" for what in ("validate -t dev", "deploy -t dev", "deploy -t prod")]


def test_a_second_time_it_replaces_what_changed_and_leaves_the_rest(tmp_path: Path) -> None:
    deploy(tmp_path)
    (tmp_path / "team.yml").write_text("targets: {}\n")
    before = files(tmp_path)
    with (tmp_path / "snapshot.sql").open("a") as file:
        file.write("-- by hand\n")
    code, out, _ = deploy(tmp_path)
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()[:4] if "snapshot.sql" not in line} == {"unchanged"}
    assert files(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_text("mine")
    code, _, err = deploy(tmp_path / "deploy")
    assert code == 2 and f"{tmp_path / 'deploy'} cannot be written: File exists" in err


def test_files_of_somebody_else_stay_until_force(tmp_path: Path) -> None:
    (tmp_path / "databricks.yml").write_text("bundle: {name: theirs}\n")
    code, _, err = deploy(tmp_path)
    assert code == 2
    assert f"did not write {tmp_path / 'databricks.yml'}; nothing was written" in err
    assert files(tmp_path) == {"databricks.yml": "bundle: {name: theirs}\n"}
    assert deploy(tmp_path, "--force")[0] == 0
    assert files(tmp_path).keys() == FILES


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    code, out, _ = deploy(tmp_path, "--dry-run")
    assert code == 0
    assert out.count("would write") == 4
    assert files(tmp_path) == {}


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "snapshot.sql").mkdir()
    code, _, err = deploy(tmp_path)
    assert (code, "snapshot.sql is a folder: name another folder" in err) == (2, True)


def test_without_a_warehouse_there_is_nothing_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", "none")
    code, _, err = deploy(tmp_path)
    assert (code, "nothing to deploy to" in err) == (2, True)
