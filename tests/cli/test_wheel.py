"""What `pip install` brings: in a fresh environment and an empty folder, the first commands work."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

HOME = Path(__file__).resolve().parent.parent.parent
OURS = ("PYTHONPATH", "SYNC_HEALTH_", "SLACK_", "CENSUS_", "DATABRICKS_")
PIP = ["pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`sync-health` out of the wheel; its dependencies are borrowed from this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(HOME)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True, timeout=600)
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=600)
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    [site] = venv.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text("\n".join([sysconfig.get_path("purelib"), *borrowed]), encoding="utf-8")
    [wheel] = folder.glob("*.whl")
    install = [*PIP, "--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", *install], check=True, capture_output=True, timeout=600)
    return venv / "bin" / "sync-health"


def bare() -> dict[str, str]:
    """An environment that knows nothing of this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def test_it_holds_the_shipped_pipeline_once(installed: Path) -> None:
    [wheel] = installed.parent.parent.parent.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    inside = "bot/config/shipped"
    assert {f"{inside}/pipeline.yml", f"{inside}/manifest.yml", "bot/demo/web/index.html"} <= set(names)
    assert f"{inside}/docs/OPERATIONS_RUNBOOK.md" in names
    assert [name for name in names if name.endswith("/coverage.yml")] == ["checks/properties/coverage.yml"]
    assert [name for name in names if name.endswith("salesforce.yml")] == ["checks/rejections/salesforce.yml"]
    assert not [name for name in names if name.startswith(f"{inside}/") and name.endswith(".py")]
    assert not [name for name in names if name.startswith(("sql/", "tests/"))]


def test_a_check_of_the_demo_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    command = [str(installed), "check", "--demo", "--json"]
    ended = subprocess.run(command, env=bare(), capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert '"outcome": "ok"' in ended.stdout
    assert not list(tmp_path.iterdir())


def test_the_demo_opens_its_page_in_an_empty_folder_and_ends_with_ctrl_c(installed: Path, tmp_path: Path) -> None:
    command = [str(installed), "demo", "--port", "0"]
    with subprocess.Popen(command, env=bare(), stderr=subprocess.PIPE, text=True, cwd=tmp_path) as demo:
        assert demo.stderr
        said = next(line for line in demo.stderr if "http://127.0.0.1" in line)
        [address] = re.findall(r"http://127\.0\.0\.1:\d+\S*", said)
        with urllib.request.urlopen(address, timeout=60) as page:
            assert b"<html" in page.read()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(120) == 0
    assert not list(tmp_path.iterdir())


def test_the_runbook_is_printed_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    command = [str(installed), "runbook", "slack down"]
    ended = subprocess.run(command, env=bare(), capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert (ended.returncode, ended.stdout[:10]) == (0, "Slack down")
