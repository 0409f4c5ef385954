"""The page under test, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """Where a test module says; nothing may go wrong on it."""
    from tests.browsers import opened

    with opened(address) as one:
        yield one
