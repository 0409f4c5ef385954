"""A state at the newest schema for a test: migrated once in a process, and copied for each.

What SQLAlchemy compiles is kept for all of them, too: a test of some ten statements would compile each anew.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect

from bot.adapters.store.sql_store import SqlStore

_FOLDER = tempfile.TemporaryDirectory(prefix="sync-health-state-")
_COMPILED: dict[Any, Any] = {}


def new_state(path: Path) -> SqlStore:
    """The store in this file, an empty one where there is no file yet."""
    migrated, dialect = _migrated()
    if not path.exists():
        shutil.copyfile(migrated, path)
    store = SqlStore(f"sqlite:///{path}")
    for engine in (store._engine, store._reading):
        engine.dialect = dialect  # by which it finds what is compiled
        engine.update_execution_options(compiled_cache=_COMPILED)
    return store


@cache
def _migrated() -> tuple[Path, Dialect]:
    path = Path(_FOLDER.name) / "state.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        return path, store._engine.dialect


def earlier_state(path: Path) -> None:
    """A file that says it is of the version before."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('0016')"
        )
