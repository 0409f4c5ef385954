"""For every test: what was skipped is listed with its remedy, and in CI it is a failure."""

import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.sql import translations
from tests.fakes import HandClock
from tests.patience import be_patient
from tests.sql_folder import statements_in

settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # as Hypothesis is in CI by itself: how fast an example is says what else runs
collect_ignore = [] if find_spec("pysail") else ["dialects"]  # `make dialects` has it, in a .venv of its own
CACHE = tempfile.TemporaryDirectory(prefix="sync-health-tests-")  # nothing of a test stays in a home
os.environ["XDG_CACHE_HOME"] = CACHE.name
translations.KEPT = Path(CACHE.name)
be_patient()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Puts a statement into another sql folder and returns its name."""
    with statements_in(tmp_path):

        def one(text: str) -> str:
            name = f"s{len(list(tmp_path.glob('*.sql')))}"
            (tmp_path / f"{name}.sql").write_text(f"-- ?\n{text}\n", encoding="utf-8")
            return name

        yield one


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") == "true" and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    CACHE.cleanup()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("not run on this machine, and how to run it")
    for reason in sorted({report.longrepr[2].removeprefix("Skipped: ") for report in skipped}):
        count = sum(reason in report.longrepr[2] for report in skipped)
        terminalreporter.line(f"{count} skipped: {reason}")
