"""Answers, from flags, from the environment or from somebody at a terminal; each is checked where it comes in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import typer

from bot.errors import RefusedError
from bot.sanitize import sanitize

LONGEST = 1000  # characters of a line
T = TypeVar("T")


class AskAgainError(ValueError):
    """Nothing is wrong with the answer, it only leads to the same question again."""


@dataclass(frozen=True)
class Prompter:
    """Asks whoever is there; without anybody, what has no answer and no default ends the command."""

    interactive: bool

    def ask(
        self,
        question: str,
        flag: str,
        check: Callable[[str], T],
        *,
        given: str | None = None,
        default: str | None = None,
        secret: bool = False,
    ) -> T:
        """The answer: `given`, or typed, or the default. Raises RefusedError, which names the flag."""
        if given is not None:
            return _accepted(given, check, flag)
        if not self.interactive:
            if default is None:
                raise RefusedError(f"{flag} is missing ({question}): add it, or run this at a terminal without --yes")
            return _accepted(default, check, flag)
        while True:
            typed = typer.prompt(question, default=default, hide_input=secret, show_default=bool(default))
            try:
                return check(_printable(typed.strip()))
            except AskAgainError as again:
                say(str(again))
            except ValueError as error:
                say(f"✗ {error}")

    @staticmethod
    def refuse(error: Exception) -> None:
        """What was answered cannot work, as it turned out; it is asked for again."""
        say(f"✗ {error}")


def split(check: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Several answers, with commas or blanks between them; `none` is none."""

    def several(text: str) -> tuple[T, ...]:
        words = [] if text.casefold() == "none" else text.replace(",", " ").split()
        return tuple(dict.fromkeys(check(word) for word in words))

    return several


def say(text: str = "") -> None:
    """One line for whoever follows the questions."""
    typer.echo(sanitize(text, LONGEST))


def listed(names: Sequence[str], most: int) -> str:
    """The first of them in a sentence."""
    return ", ".join([*names[:most], "…"] if len(names) > most else names)


def _accepted(text: str, check: Callable[[str], T], flag: str) -> T:
    try:
        return check(_printable(text.strip()))
    except ValueError as error:
        raise RefusedError(f"{flag}: {error}") from None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has characters that cannot be seen: type it anew")
    return text
