"""Wait for something that other threads bring about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(find: Callable[[], T | None], seconds: float = 120.0) -> T:
    """What `find` returns as soon as it is truthy; fails after so many real seconds, with what it returned last."""
    ends = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < ends, f"still {found!r} after {seconds:g} s: {find.__doc__ or find}"
        time.sleep(0.02)
    return found
