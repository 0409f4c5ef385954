"""The temporary folder of a demo, and the removal of those whose demo was killed."""

import os
import re
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

if POSIX := hasattr(os, "getuid"):
    import fcntl

PREFIX = "sync-health-demo-"
NAME = re.compile(PREFIX + r"(\d{1,9})-\w+")  # with the id of its process


class DemoFolder:
    """A folder that nobody else may read, locked as long as its demo lives; those of killed demos go first."""

    def __init__(self) -> None:
        if POSIX:  # elsewhere nobody can be asked whether they live
            for earlier in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
                _remove_if_left(earlier)
        self._kept = ExitStack()
        self.path = Path(self._kept.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")))
        if POSIX:
            lock = os.open(self.path, os.O_RDONLY)
            self._kept.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)

    def write(self, name: str, text: str) -> Path:
        """A file that only its owner may read; returns its path."""
        (path := self.path / name).touch(0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def remove(self) -> None:
        """All of it; may be called twice."""
        self._kept.close()


def _remove_if_left(path: Path) -> None:
    """Remove the folder of a demo of ours that is gone: no such process, and nobody in another container locks it."""
    named = NAME.fullmatch(path.name)
    if not named or _lives(int(named[1])):
        return
    with suppress(OSError):  # a link, locked, or gone meanwhile
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(folder).st_uid == os.getuid():
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
        finally:
            os.close(folder)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # somebody else's
    return True
