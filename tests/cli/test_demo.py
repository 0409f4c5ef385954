"""The demo's bot is a process of its own: it ends when the demo is gone, however that went."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from bot.cli.launch import _wait_for_the_end, keep_running
from tests.waiting import until


def test_a_bot_whose_demo_is_gone_ends() -> None:
    reader, writer = os.pipe()
    threading.Timer(0.2, os.close, [writer]).start()
    too_late = threading.Timer(5, os.kill, [os.getpid(), signal.SIGINT])  # else it would wait for ever
    too_late.start()
    with os.fdopen(reader) as line:
        _wait_for_the_end(line)
    assert too_late.is_alive()
    too_late.cancel()


@pytest.mark.full
def test_a_demo_whose_bot_is_gone_ends() -> None:
    ended = iter([False, True])
    _wait_for_the_end(until=lambda: next(ended))


CHILD = """
import os, signal, sys, time
with open(sys.argv[1], "a") as starts:
    print(os.getpid(), file=starts, flush=True)
sys.exit(int(sys.argv[2])) if len(sys.argv) > 2 else time.sleep(60)
"""


def test_a_bot_that_is_killed_is_started_again_and_ctrl_c_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = tmp_path / "starts"

    def kill_it_then_press_ctrl_c() -> None:
        for count, target in ((1, None), (2, os.getpid())):
            pids = until(lambda count=count: (read := _pids(starts)) and len(read) == count and read)
            os.kill(target or pids[-1], signal.SIGINT if target else signal.SIGKILL)

    threading.Thread(target=kill_it_then_press_ctrl_c, daemon=True).start()
    assert keep_running([sys.executable, "-c", CHILD, str(starts)], os.environ) == 0
    assert "ended by SIGKILL: starting it again" in capsys.readouterr().err
    assert len(_pids(starts)) == 2


def test_a_bot_that_cannot_run_is_not_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keep_running([sys.executable, "-c", CHILD, str(tmp_path / "starts"), "2"], os.environ) == 2
    assert "with exit code 2" in capsys.readouterr().err
    assert len(_pids(tmp_path / "starts")) == 1


def _pids(starts: Path) -> list[int]:
    return [int(line) for line in starts.read_text().split()] if starts.exists() else []
