"""A state at the newest schema for a test: migrated once in a process, and copied for each."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from bot.adapters.store import SqlStore

_FOLDER = tempfile.TemporaryDirectory(prefix="sync-health-state-")


def new_state(path: Path) -> SqlStore:
    """The store in this file, an empty one where there is no file yet."""
    if not path.exists():
        shutil.copyfile(_migrated(), path)
    return SqlStore(f"sqlite:///{path}")


@cache
def _migrated() -> Path:
    path = Path(_FOLDER.name) / "state.db"
    SqlStore(f"sqlite:///{path}").close()
    return path
