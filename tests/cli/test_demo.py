"""The demo's bot is a process of its own: it ends when the demo is gone, however that went."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from bot.cli.launch import _unwinding, _wait_for_the_end, keep_running
from bot.demo import folder
from bot.demo.folder import DemoFolder
from bot.runtime.demo import Demo
from tests.waiting import until


def test_a_bot_whose_demo_is_gone_ends() -> None:
    reader, writer = os.pipe()
    threading.Timer(0.2, os.close, [writer]).start()
    too_late = threading.Timer(60, os.kill, [os.getpid(), signal.SIGINT])  # else it would wait for ever
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


def test_a_closed_terminal_ends_the_demo() -> None:
    threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGHUP]).start()
    began = time.monotonic()
    _wait_for_the_end(until=lambda: time.monotonic() > began + 60)
    assert time.monotonic() < began + 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_a_demo_while_it_is_not_waiting_unwinds_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, _unwinding():
        _wait_for_the_end(until=lambda: True)  # after which a second Ctrl-C still does the same
        os.kill(os.getpid(), number)
        time.sleep(60)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_a_demo_under_nohup_outlives_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with _unwinding():
        os.kill(os.getpid(), signal.SIGHUP)
    signal.signal(signal.SIGHUP, before)


KILLED = """
import os, signal
from bot.demo.folder import DemoFolder
one = DemoFolder()
one.write("pipeline.yml", "a: 1")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where demos have their folders, for this process and its children."""
    (found := tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    monkeypatch.setenv("TMPDIR", str(found))
    return found


def left_by_a_killed_demo(temporary: Path) -> Path:
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    [left] = temporary.iterdir()
    assert [one.name for one in left.iterdir()] == ["pipeline.yml"]
    return left


def test_a_demo_removes_what_killed_ones_left_and_then_itself(temporary: Path) -> None:
    left_by_a_killed_demo(temporary)
    one = DemoFolder()
    assert list(temporary.iterdir()) == [one.path]
    one.remove()
    one.remove()
    assert list(temporary.iterdir()) == []


def test_a_demo_leaves_alone_what_is_not_the_folder_of_a_killed_one(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = left_by_a_killed_demo(temporary)
    dead = gone.name.split("-")[3]
    gone.rename(tmp_path / "elsewhere")  # something to point at
    linked = temporary / f"sync-health-demo-{dead}-link"
    linked.symlink_to(tmp_path / "elsewhere")
    (written := temporary / f"sync-health-demo-{dead}-file").write_text("")
    (older := temporary / "sync-health-demo-abcdefgh").mkdir()
    (running := temporary / f"sync-health-demo-{os.getpid()}-abcdefgh").mkdir()
    living = DemoFolder()
    elsewhere = living.path.rename(temporary / f"sync-health-demo-{dead}-another_container")  # its lock goes with it
    other = DemoFolder()
    assert {*temporary.iterdir()} == {linked, written, older, running, elsewhere, other.path}
    assert (tmp_path / "elsewhere" / "pipeline.yml").exists()
    elsewhere.rename(living.path)
    living.remove()
    other.remove()
    assert {*temporary.iterdir()} == {linked, written, older, running}


def test_a_folder_of_another_user_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = left_by_a_killed_demo(temporary)
    monkeypatch.setattr(folder.os, "getuid", lambda: left.stat().st_uid + 1)
    DemoFolder().remove()
    assert list(temporary.iterdir()) == [left]


def test_nobody_else_may_read_what_points_a_bot_at_the_demo(temporary: Path) -> None:
    before = os.umask(0)
    one = DemoFolder()
    path = one.write("pipeline.yml", "a: 1")
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert one.write("pipeline.yml", "b: 1").read_text() == "b: 1", "a second time, too"
    one.remove()


def test_a_port_that_is_taken_is_said_and_another_is_found(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        demo = Demo(speed=1, port=port)
        demo.start()
        assert not demo.slack.url.endswith(f":{port}")
        demo.stop()
    [said] = [record.getMessage() for record in caplog.records if record.name == "bot.runtime.demo"]
    assert said == f"port {port} cannot be had (Address already in use): the page gets another"


def _pids(starts: Path) -> list[int]:
    return [int(line) for line in starts.read_text().split()] if starts.exists() else []
