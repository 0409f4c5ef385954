"""How the command line ends: 1 means a critical finding and nothing else."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import typer

from bot.cli.exit_codes import CANNOT, run_to_its_end

HOME = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-m", "bot.cli"]


def run(*arguments: str, text: str | None = None, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with this pipeline.yml; nothing outside can be reached."""
    shipped = (HOME / "pipeline.yml").read_text(encoding="utf-8")
    (config := folder / "mine.yml").write_text(shipped if text is None else text, encoding="utf-8")
    reachable = {"PYTHONPATH": str(HOME), "SYNC_HEALTH_CONFIG": str(config), "CENSUS_API_TOKEN": "t"}
    reachable |= {"CENSUS_API_URL": "http://127.0.0.1:9/api", "SYNC_HEALTH_WAREHOUSE": f"duckdb:{folder}"}
    given = {**os.environ, **reachable, **environment}
    written_in = environment.get("PYTHONIOENCODING", "utf-8")
    command = [*COMMAND, *arguments]
    return subprocess.run(command, env=given, capture_output=True, encoding=written_in, cwd=folder, timeout=600)


@pytest.mark.full
@pytest.mark.parametrize(
    "text",
    [
        "limits: &a\n  coverage: *a\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "tables: " + "[" * 100_000,
        "\x00",
        "- name",
        "name: [",
    ],
    ids=["recursion", "alias bomb", "depth", "no text", "a list", "not closed"],
)
def test_a_file_that_cannot_be_read_is_2_and_a_few_lines(text: str, tmp_path: Path) -> None:
    ended = run("check", "--dry-run", text=text, folder=tmp_path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "configuration error" in ended.stderr and len(ended.stderr) < 2_000


@pytest.mark.full
def test_what_is_unforeseen_is_2_and_one_line_and_verbose_tells_where(tmp_path: Path) -> None:
    planted = "from bot.runtime import composition\ndef broken(*_, **__): raise KeyError('planted')\n"
    planted += "composition.settings_from = broken\n"
    script = f"{planted}import sys\nfrom bot.cli.app import main\nsys.argv[1:] = sys.argv[1:]\nmain()\n"
    (path := tmp_path / "planted.py").write_text(script, encoding="utf-8")
    for more, traceback in ([], False), (["--verbose"], True):
        command = [sys.executable, str(path), "check", "--dry-run", *more]
        given = {**os.environ, "PYTHONPATH": str(HOME)}
        ended = subprocess.run(command, env=given, capture_output=True, text=True, cwd=tmp_path, timeout=600)
        assert ended.returncode == 2
        assert "sync-health: unforeseen error (KeyError)" in ended.stderr
        assert ("Traceback" in ended.stderr) is traceback


@pytest.mark.full
def test_a_reader_that_leaves_is_no_finding(tmp_path: Path) -> None:
    given = {**os.environ, "PYTHONPATH": str(HOME)}
    line = f"{sys.executable} -m bot.cli check --demo --dry-run | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], env=given, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert ended.returncode in (0, 141), "0 where all was written before the reader left"
    assert ended.stderr.startswith("--demo ignores") or not ended.stderr


@pytest.mark.full
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_without_unicode_gets_ascii(encoding: str, tmp_path: Path) -> None:
    ended = run("check", "--demo", "--dry-run", folder=tmp_path, PYTHONIOENCODING=encoding)
    assert ended.returncode == 0 and ended.stderr.startswith("--demo ignores")
    assert "healthy" in ended.stdout and "?" not in ended.stdout


def ended_in_a_shell(line: str, folder: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """`$SYNC` in the line is the command; the code is that of the first program of a pipe."""
    given = {**os.environ, "PYTHONPATH": str(HOME), "SYNC": " ".join(COMMAND)}
    script = f"{line}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(["bash", "-c", script], env=given, capture_output=True, text=True, cwd=folder, timeout=600)


@pytest.mark.full
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("$SYNC --help | true", (0, 141), ""),
        ("$SYNC --version >/dev/full", (2,), "unforeseen error (No space left on device)"),
        ("$SYNC check --demo --dry-run >/dev/full", (2,), "unforeseen error (No space left on device)"),
        ("$SYNC check --demo --dry-run >&-", (0,), ""),
        ("$SYNC check --demo --dry-run 2>&-", (0,), ""),
        ("$SYNC bogus", (2,), "No such command"),
        ("$SYNC bogus 2>/dev/full", (2,), ""),
        ("$SYNC check 2>/dev/full", (2,), ""),
        ("$SYNC deploy --demo --dry-run --adopt nosuch", (2,), "deploy creates nothing of that name"),
        ("$SYNC test-alert --demo --mention U0ROBIN", (2,), "add --escalate"),
        ("script -qec '$SYNC deploy' /dev/null </dev/null", (2,), ""),
    ],
    ids=[
        "help to nobody",
        "version, disk full",
        "disk full",
        "no output",
        "no errors",
        "unknown",
        "unknown, log full",
        "log full",
        "adopted in a dry run",
        "no escalation",
        "no answer",
    ],
)
def test_an_end_that_typer_calls_1_is_no_finding(line: str, code: tuple[int, ...], said: str, tmp_path: Path) -> None:
    ended = ended_in_a_shell(line, tmp_path)
    assert ended.returncode in code, ended.stderr
    assert said in ended.stderr and "Traceback" not in ended.stderr


def test_a_question_that_nobody_answers_is_2() -> None:
    app = typer.Typer()

    @app.command()
    def ask() -> None:
        raise typer.Abort

    assert run_to_its_end(partial(app, [])) == CANNOT


@pytest.mark.full
@pytest.mark.parametrize("command", ["check --json", "snapshot --json", "test-alert --json"])
def test_json_is_json_when_the_configuration_is_wrong(command: str, tmp_path: Path) -> None:
    ended = run(*command.split(), text="name: [", folder=tmp_path)
    assert ended.returncode == 2
    errors = json.loads(ended.stdout)["errors"]
    assert any("mine.yml" in error for error in errors)
    assert all(error in ended.stderr for error in errors)


@pytest.mark.full
def test_colour_is_for_terminals_that_want_it_and_lines_are_broken_where_they_end(tmp_path: Path) -> None:
    def seen(columns: int, **environment: str) -> str:
        given = {**os.environ, "PYTHONPATH": str(HOME), "TERM": "xterm", "COLUMNS": str(columns), **environment}
        command = ["script", "-qec", f"{' '.join(COMMAND)} check --demo --dry-run --all", "/dev/null"]
        return subprocess.run(command, env=given, capture_output=True, text=True, cwd=tmp_path, timeout=600).stdout

    coloured = seen(110)
    assert "\x1b[32mhealthy" in coloured
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in coloured.splitlines()) <= 110
    assert "\x1b" not in seen(110, NO_COLOR="1")


@pytest.mark.full
def test_json_does_not_depend_on_a_log_that_can_be_written(tmp_path: Path) -> None:
    ended = ended_in_a_shell("$SYNC check --json 2>/dev/full", tmp_path)
    assert ended.returncode == 2 and json.loads(ended.stdout)["errors"]


@pytest.mark.full
def test_showing_what_the_demo_deploys_reads_no_configuration_of_ours(tmp_path: Path) -> None:
    ended = run("deploy", "--demo", "--show", text="name: [", folder=tmp_path)
    assert ended.returncode == 0 and "CREATE TABLE IF NOT EXISTS" in ended.stdout
    assert ended.stderr.startswith("--demo ignores")
