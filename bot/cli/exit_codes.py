"""What every command shares: exit codes, errors as one line each, and output that any terminal can show."""

import codecs
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from bot.errors import ConfigurationError, SyncHealthError
from bot.sanitize import sanitize

log = logging.getLogger(__name__)

CRITICAL = 1  # a critical finding, and nothing else
IN_THE_WAY = 1  # of `deploy --dry-run`, which judges nothing else: an object that a deploy may not touch
CANNOT = 2  # nothing is known, or nothing can be done, until somebody changes something; also anything unforeseen
LONGEST = 2000  # characters of one error
AT_THE_TERMINAL = "sync-health at a terminal"  # who did it, in the audit log
PIPE_CLOSED = 141  # as a shell reports it of any other program
IN_ASCII = {"→": "->", "…": "...", "–": "-", "—": "-", "·": "-", "✓": "+", "✗": "x", "“": '"', "”": '"', "’": "'"}


Demonstration = Annotated[
    bool, typer.Option("--demo", help="On a pipeline of its own, on this machine; needs no settings.")
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="End with 2 instead of waiting, up to ten minutes, for a warehouse to start.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More about each step.")]


@contextmanager
def told(*, as_json: bool = False) -> Iterator[None]:
    """Our own errors as sentences on standard error, whatever is unforeseen as one line; both end with code 2.

    With `as_json` the sentences are on standard output, too: {"errors": [...]} is then the one object there.
    """
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BrokenPipeError:
        _discard_stdout()
        raise typer.Exit(PIPE_CLOSED) from None
    except ConfigurationError as error:
        errors = [sanitize(problem, LONGEST) for problem in error.problems]
        _report_errors(_as_lines(errors), errors if as_json else None)
        raise typer.Exit(CANNOT) from None
    except SyncHealthError as error:
        told = sanitize(str(error), LONGEST)
        _report_errors([f"sync-health: {told}"], [told] if as_json else None)
        raise typer.Exit(CANNOT) from None
    except typer.Abort:  # nobody was there to answer a question, or somebody did with Ctrl-C
        raise
    except Exception as error:  # the outermost loop of a command
        what = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        unforeseen = f"unforeseen error ({what}); --verbose shows where"
        _report_errors([f"sync-health: {unforeseen}"], [unforeseen] if as_json else None)
        log.info("unforeseen", exc_info=error)
        raise typer.Exit(CANNOT) from None


def run_to_its_end(app: Callable[[], None]) -> int:
    """The exit code of the whole command line.

    Typer ends with 1 where a reader has left or a question was not answered; 1 is a finding here, and nothing else.
    """
    _write_what_the_terminal_can()
    try:
        with told():  # what is written before a command begins: --help, --version
            app()
    except typer.Exit as ended:
        return ended.exit_code
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            return PIPE_CLOSED
        if isinstance(ended.__context__, typer.Abort):
            return CANNOT
        return ended.code if isinstance(ended.code, int) else CANNOT
    return 0


def _report_errors(lines: Iterable[str], errors: list[str] | None) -> None:
    for line in lines:
        typer.echo(line, err=True)
    try:
        if errors is not None:
            print_json({"errors": errors})
        sys.stdout.flush()
    except OSError:  # the disk behind it is full, or its reader has left
        _discard_stdout()


def _discard_stdout() -> None:
    """What is still to be written is dropped, else the interpreter fails at its last flush with a code of its own."""
    with _open_devnull() as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _open_devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def is_a_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty()


def print_json(answer: Mapping[str, object]) -> None:
    """One object on standard output, and nothing else there; times in ISO 8601."""
    sys.stdout.write(json.dumps(answer, indent=2, default=datetime.isoformat) + "\n")


def _as_lines(problems: list[str]) -> Iterator[str]:
    yield f"{len(problems)} configuration error{'' if len(problems) == 1 else 's'}:"
    yield from (f"  {problem}" for problem in problems)
    if any(" is not set (" in problem for problem in problems):
        yield "--demo needs no settings."


def _write_what_the_terminal_can() -> None:
    """Characters that standard output or error cannot encode are written in ASCII instead of ending the command.

    Where one of them is closed (`>&-`), what goes there is dropped; so is what standard error cannot take, because the
    disk behind it is full: the answer and the exit code do not depend on it.
    """
    sys.stdout = sys.stdout or _open_devnull()
    stderr = sys.stderr or _open_devnull()
    codecs.register_error("in_ascii", _in_ascii)
    for stream in (sys.stdout, stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="in_ascii")
    sys.stderr = _BestEffort(stderr)


class _BestEffort:
    """A stream on which nothing fails; everything else is that of the stream below it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_nearest_ascii, error.object[error.start : error.end])), error.end


def _nearest_ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return IN_ASCII.get(character) or plain or "?"
