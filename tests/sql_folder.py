"""Another folder of statements than the shipped one, for as long as a test needs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import sql

sql.table_names()  # read before anybody puts statements into another folder


@contextmanager
def statements_in(folder: Path) -> Iterator[Callable[[], None]]:
    """Statements are read from this folder; gives what forgets those that were read, after a change of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql, "FOLDER", folder)
        forget()
        yield forget
    forget()


def forget() -> None:
    """Whatever `sql` keeps in memory of the statements; the tables stay those of the shipped ones."""
    for function in vars(sql).values():
        if hasattr(function, "cache_clear") and function is not sql.table_names:
            function.cache_clear()
