"""The files of a new pipeline: staged next to their places, loaded as they will be, then moved there at once."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import RefusedError
from bot.runtime.composition import settings_from

PIPELINE, ENVIRONMENT, IGNORED = "pipeline.yml", ".env", ".gitignore"
SECRET = (".env", ".env.bak*", "sync-health.db*")  # in no repository: tokens, those that --force keeps, the state
PRIVATE, PUBLIC = 0o600, 0o666


def refuse_existing(folder: Path, *, force: bool) -> None:
    """Before anything is asked. Raises RefusedError."""
    if folder.exists() and not folder.is_dir():
        raise RefusedError(f"{folder} is no folder: name another")
    there = [name for name in (PIPELINE, ENVIRONMENT) if os.path.lexists(folder / name)]
    if there and not force:
        how = f"name another folder, or add --force, which keeps it as {there[0]}.bak"
        raise RefusedError(f"{folder / there[0]} is there already: {how}")
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise RefusedError(f"{nearest} cannot be written by this user: name another folder")


def write_files(folder: Path, pipeline: str, environment: str, values: Mapping[str, str]) -> list[str]:
    """All of them or none. Raises ConfigurationError where they would not load; returns what was done, in words."""
    new = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".sync-health-init-", dir=folder) as staged:
            texts = {PIPELINE: pipeline, ENVIRONMENT: environment}
            for name, text in texts.items():
                _write(Path(staged) / name, text, PRIVATE if name == ENVIRONMENT else PUBLIC)
            load(Path(staged), values)
            done = [kept for name in texts if (kept := _keep(folder / name))]
            for name in texts:
                (Path(staged) / name).replace(folder / name)
            _ignore_secrets(folder / IGNORED)
    except BaseException:
        for parent in new:
            with suppress(OSError):  # somebody put something there meanwhile
                parent.rmdir()
        raise
    return [*done, f"wrote {folder / PIPELINE}", f"wrote {folder / ENVIRONMENT}, which only you can read"]


def write_environment(folder: Path, environment: str) -> None:
    """.env once more, at once."""
    with TemporaryDirectory(prefix=".sync-health-init-", dir=folder) as staged:
        _write(Path(staged) / ENVIRONMENT, environment, PRIVATE)
        (Path(staged) / ENVIRONMENT).replace(folder / ENVIRONMENT)


def load(folder: Path, values: Mapping[str, str]) -> None:
    """As every command will. Raises ConfigurationError."""
    at = {**os.environ, **values, "SYNC_HEALTH_CONFIG": str(folder / PIPELINE)}
    settings_from(at, ("census", "warehouse"))


def _write(path: Path, text: str, mode: int) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(opened, "w", encoding="utf-8") as file:  # noqa: PTH123 - of a file that was opened with its mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _ignore_secrets(path: Path) -> None:
    """Add to .gitignore what does not belong in a repository."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [f"{entry}\n" for entry in SECRET if entry not in lines]
    if missing:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * bool(text and not text.endswith("\n")) + "".join(missing))


def _keep(path: Path) -> str | None:
    """Move away what stands there, to a name that nothing has; says so."""
    if not os.path.lexists(path):
        return None
    names = (path.with_name(f"{path.name}.bak{n or ''}") for n in range(1000))
    kept = next(name for name in names if not os.path.lexists(name))
    if path.name == ENVIRONMENT and path.is_file():
        path.chmod(PRIVATE)
    path.rename(kept)
    return f"kept {path} as {kept.name}"
