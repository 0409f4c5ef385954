"""Another folder of statements than the shipped one, for as long as a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.runtime.composition import settings_from
from bot.sql.statements import Statements

SHIPPED = Statements()
TABLES = SHIPPED.table_names()  # read before anybody puts statements into another folder, like these
SETTINGS = settings_from({})
COMPOSED = Statements.of(SETTINGS)


def shipped_statements() -> Statements:
    """The shipped pipeline's, with its syncs: those that are composed, too."""
    return COMPOSED


def named(tables: dict[str, str] | None = None) -> Statements:
    """The shipped pipeline's where tables have other names."""
    return Statements(tables=tables, syncs=SETTINGS.syncs, row_counts=SETTINGS.row_counts)


@contextmanager
def statements_in(folder: Path) -> Iterator[None]:
    """Every pipeline's own statements are read from this folder, each time anew; its tables stay the shipped ones."""

    def listed(_: Statements) -> frozenset[str]:
        return frozenset(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.sql"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statements, "own", property(listed))
        patch.setattr(Statements, "_folder", property(lambda _: folder, lambda _, __: None), raising=False)
        patch.setattr(Statements, "_once", lambda _, __, make: make())
        patch.setattr(Statements, "table_names", lambda _: TABLES)
        yield
