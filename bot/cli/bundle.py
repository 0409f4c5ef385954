"""`sync-health deploy --bundle DIR`: writes the files of a Databricks bundle, and asks nothing of any workspace."""

from collections.abc import Mapping
from pathlib import Path

import typer

from bot.cli.launch import announced_settings, say_what_the_demo_ignores
from bot.errors import RefusedError
from bot.runtime.composition import shipped_settings

NEXT = """
Next, in {folder} (docs/DEPLOYMENT.md has what it needs):
  databricks bundle validate -t dev
  databricks bundle deploy -t dev
  databricks bundle deploy -t prod"""


def write_bundle(folder: Path, *, demo: bool, force: bool, dry_run: bool) -> None:
    """Write the files, and say which and what comes next.

    Raises RefusedError, before the first is written, where somebody else's are in the way.
    """
    from bot.bundle.files import bundle_files

    if demo:
        say_what_the_demo_ignores()
    files = bundle_files(shipped_settings() if demo else announced_settings())
    before = {name: _read(folder / name) for name in files}
    if not force:
        _refuse_what_is_not_ours(folder, before)
    changed = {name: text for name, text in files.items() if text != before[name]}
    if not dry_run:
        _write(folder, changed)
    for name in files:
        typer.echo(f"{('would write' if dry_run else 'wrote') if name in changed else 'unchanged':<11} {folder / name}")
    if not dry_run:
        typer.echo(NEXT.format(folder=folder))


def _write(folder: Path, changed: Mapping[str, str]) -> None:
    """Raises RefusedError where the system does not let us."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in changed.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise RefusedError(f"{error.filename or folder} cannot be written: {error.strerror}") from None


def _read(path: Path) -> str | None:
    """Nothing where there is nothing; what is no text is somebody else's, whatever it is."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace") if path.exists() else None
    except IsADirectoryError:
        raise RefusedError(f"{path} is a folder: name another folder for the bundle") from None


def _refuse_what_is_not_ours(folder: Path, before: Mapping[str, str | None]) -> None:
    from bot.bundle.files import is_ours

    if foreign := [name for name, text in before.items() if text is not None and not is_ours(text)]:
        raise RefusedError(
            f"sync-health did not write {', '.join(str(folder / name) for name in foreign)}; nothing was written. "
            "Name another folder, or add --force to replace it"
        )
