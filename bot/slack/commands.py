"""What can be typed behind /sync-health."""

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from functools import partial

from bot.errors import SyncHealthError
from bot.messages.plain import help_message, note, unknown_command
from bot.messages.summary import summary_message
from bot.services.summarise import summarise
from bot.slack.desk import COMMAND, Desk, Press
from checks.problems import close_to

RECENT = 60.0  # real seconds: numbers younger than this are not measured again because somebody asks
PATIENCE = 0.7  # real seconds to wait for fresh numbers before showing the last ones


def summary(desk: Desk, press: Press) -> None:
    """How the pipeline is: the last numbers at once when they are recent, else fresh ones."""
    shown = summarise(desk.ports)
    if shown.evaluation:
        age = (desk.ports.clock.now() - shown.evaluation.checked_at).total_seconds() / desk.ports.clock.speed
        if age < RECENT:
            desk.answer(press, summary_message(shown, desk.ports.settings.zone))
            return
    fresh_summary(desk, press, replace=False)


def fresh_summary(desk: Desk, press: Press, *, replace: bool) -> None:
    """Measure, then show; what is known already meanwhile, when measuring takes long."""
    flight, mine = desk.checker.begin()
    try:
        flight.result(PATIENCE if mine else 0)
    except NotYet:
        _show(desk, press, replace=replace, measuring=True)
        flight.add_done_callback(lambda _: desk.take(press, partial(_show, replace=replace)))
        return
    except SyncHealthError as error:
        desk.answer(press, note(f"I could not keep what I measured: {error}"))
        return
    _show(desk, press, replace=replace)


def help_(desk: Desk, press: Press) -> None:
    """What can be typed."""
    desk.answer(press, help_message(COMMAND, {word: command.what for word, command in COMMANDS.items()}))


def unknown(desk: Desk, press: Press) -> None:
    """Never silence."""
    desk.answer(press, unknown_command(COMMAND, press.word, close_to(press.word, filter(None, COMMANDS))))


def _show(desk: Desk, press: Press, *, replace: bool, measuring: bool = False) -> None:
    message = summary_message(summarise(desk.ports, measuring=measuring), desk.ports.settings.zone)
    desk.answer(press, message, replace=replace)


@dataclass(frozen=True)
class Command:
    """A subcommand and what it does, in the words of `help`."""

    run: Callable[[Desk, Press], None]
    what: str


COMMANDS = {
    "": Command(summary, "how the pipeline is: checks, queues, syncs, open incidents"),
    "help": Command(help_, "this list"),
}
