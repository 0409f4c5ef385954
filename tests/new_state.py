"""A state at the newest schema for a test: migrated once in a process, and copied for each.

What SQLAlchemy compiles is kept for all of them, too: a test of some ten statements would compile each anew.
"""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Engine

from bot.adapters.store import SqlStore

_FOLDER = tempfile.TemporaryDirectory(prefix="sync-health-state-")
_COMPILED: dict[Any, Any] = {}
_DIALECTS: list[Dialect] = []


def new_state(path: Path) -> SqlStore:
    """The store in this file, an empty one where there is no file yet."""
    if not path.exists():
        shutil.copyfile(_migrated(), path)
    store = SqlStore(f"sqlite:///{path}")
    for engine in (store._engine, store._reading):
        engine.dialect = _dialect(engine)  # by which it finds what is compiled
        engine.update_execution_options(compiled_cache=_COMPILED)
    return store


def _dialect(engine: Engine) -> Dialect:
    """That of the first one."""
    if not _DIALECTS:
        _DIALECTS.append(engine.dialect)
    return _DIALECTS[0]


@cache
def _migrated() -> Path:
    path = Path(_FOLDER.name) / "state.db"
    SqlStore(f"sqlite:///{path}").close()
    return path
