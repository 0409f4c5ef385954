"""Translated statements, kept on disk: loading the translator takes longer than all the rest of a `check`."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISDIR

OURS = Path(__file__).parent  # the code that composes and translates
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "sync-health"  # noqa: PTH111 - no home is no error


def read_or_cache(made_from: Sequence[str], make: Callable[[], str]) -> str:
    """What any process made of this already, else what `make` makes of it."""
    key = hashlib.sha256(json.dumps([_made_by(OURS), *made_from]).encode()).hexdigest()
    try:
        if _is_ours_alone(KEPT):
            return (KEPT / key).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        pass  # not made yet, or spoilt
    made = make()
    with suppress(OSError):  # a home that cannot be written to costs time alone
        KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(KEPT):
            return made
        half = KEPT / f"{key}.{os.getpid()}-{threading.get_ident()}"
        half.write_text(made, encoding="utf-8")
        half.replace(KEPT / key)
    return made


@cache
def _made_by(folder: Path) -> str:
    """A hash of our own code and of the version of sqlglot: another version may make another text of the same."""
    found = find_spec("sqlglot")  # neither imported nor asked of the packages' metadata: either takes longer than this
    assert found and found.origin
    code = [*sorted(folder.glob("*.py")), Path(found.origin).with_name("_version.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in code)).hexdigest()


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can have put a statement there."""
    if not hasattr(os, "getuid"):
        return True  # a profile's folder on Windows is
    found = folder.lstat()
    return S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
