"""What every command of the command line shares: exit codes, errors as sentences, and what the terminal can show."""

import codecs
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated

import typer

from bot.errors import ConfigurationError, SyncHealthError
from bot.sanitize import sanitize

log = logging.getLogger(__name__)

CRITICAL = 1  # a critical finding, and nothing else
CANNOT = 2  # nothing is known, or nothing can be done, until somebody changes something; also anything unforeseen
LONGEST = 2000  # characters of one error
PIPE_CLOSED = 141  # as a shell reports it of any other program
IN_ASCII = {"→": "->", "…": "...", "–": "-", "—": "-", "·": "-", "✓": "+", "✗": "x", "“": '"', "”": '"', "’": "'"}


Demonstration = Annotated[
    bool, typer.Option("--demo", help="On a pipeline of its own, on this machine; needs no settings.")
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="End with 2 instead of waiting, up to ten minutes, for a warehouse to start.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More about each step.")]


@contextmanager
def told() -> Iterator[None]:
    """Our own errors as sentences on standard error, whatever is unforeseen as one line; both end with code 2."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter fails at its last flush
        raise typer.Exit(PIPE_CLOSED) from None
    except ConfigurationError as error:
        for line in _lines(error.problems):
            typer.echo(line, err=True)
        raise typer.Exit(CANNOT) from None
    except SyncHealthError as error:
        typer.echo(f"sync-health: {sanitize(str(error), LONGEST)}", err=True)
        raise typer.Exit(CANNOT) from None
    except Exception as error:  # the outermost loop of a command
        typer.echo(f"sync-health: unforeseen error ({type(error).__name__}); --verbose shows where", err=True)
        log.info("unforeseen", exc_info=error)
        raise typer.Exit(CANNOT) from None


def print_json(answer: Mapping[str, object]) -> None:
    """One object on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


def _lines(problems: list[str]) -> Iterator[str]:
    yield f"{len(problems)} configuration error{'' if len(problems) == 1 else 's'}:"
    yield from (f"  {sanitize(problem, LONGEST)}" for problem in problems)
    if any(" is not set (" in problem for problem in problems):
        yield "--demo needs no settings."


def write_what_the_terminal_can() -> None:
    """Characters that standard output or error cannot encode are written in ASCII instead of ending the command."""
    codecs.register_error("in_ascii", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="in_ascii")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_nearest_ascii, error.object[error.start : error.end])), error.end


def _nearest_ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return IN_ASCII.get(character) or plain or "?"
