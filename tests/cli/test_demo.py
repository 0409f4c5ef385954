"""The demo's bot is a process of its own: it ends when the demo is gone, however that went."""

import os
import signal
import threading

from bot.launch import _wait_for_the_end


def test_a_bot_whose_demo_is_gone_ends() -> None:
    reader, writer = os.pipe()
    threading.Timer(0.2, os.close, [writer]).start()
    too_late = threading.Timer(5, os.kill, [os.getpid(), signal.SIGINT])  # else it would wait for ever
    too_late.start()
    with os.fdopen(reader) as line:
        _wait_for_the_end(line)
    assert too_late.is_alive()
    too_late.cancel()


def test_a_demo_whose_bot_is_gone_ends() -> None:
    ended = iter([False, True])
    _wait_for_the_end(until=lambda: next(ended))
