"""How the command line ends: 1 means a critical finding and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    return subprocess.run(command, env=given, capture_output=True, encoding=written_in, cwd=folder, timeout=120)


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
    planted = "import bot.main\ndef broken(*_, **__): raise KeyError('planted')\nbot.main.settings_from = broken\n"
    script = f"{planted}import sys\nfrom bot.cli import main\nsys.argv[1:] = sys.argv[1:]\nmain()\n"
    (path := tmp_path / "planted.py").write_text(script, encoding="utf-8")
    for more, traceback in ([], False), (["--verbose"], True):
        command = [sys.executable, str(path), "check", "--dry-run", *more]
        given = {**os.environ, "PYTHONPATH": str(HOME)}
        ended = subprocess.run(command, env=given, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert ended.returncode == 2
        assert "sync-health: unforeseen error (KeyError)" in ended.stderr
        assert ("Traceback" in ended.stderr) is traceback


@pytest.mark.full
def test_a_reader_that_leaves_is_no_finding(tmp_path: Path) -> None:
    given = {**os.environ, "PYTHONPATH": str(HOME)}
    line = f"{sys.executable} -m bot.cli check --demo --dry-run | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], env=given, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert ended.returncode in (0, 141), "0 where all was written before the reader left"
    assert ended.stderr.startswith("--demo ignores") or not ended.stderr


@pytest.mark.full
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_without_unicode_gets_ascii(encoding: str, tmp_path: Path) -> None:
    ended = run("check", "--demo", "--dry-run", folder=tmp_path, PYTHONIOENCODING=encoding)
    assert ended.returncode == 0 and ended.stderr.startswith("--demo ignores")
    assert "healthy" in ended.stdout and "?" not in ended.stdout
