"""A finding of the doctor from what was tried, with the remedy that follows from the error."""

from collections.abc import Callable

from bot.answers.operations import Finding
from bot.errors import AccessError, ForbiddenError, StartingError, SyncHealthError, TemporaryError, UncertainError


def try_it(name: str, act: Callable[[], object], well: str, remedy: str) -> Finding:
    """`well` where it succeeds."""
    try:
        act()
    except SyncHealthError as error:
        return not_well(name, error, remedy)
    return Finding(name, True, well)


def not_well(name: str, error: SyncHealthError, remedy: str) -> Finding:
    """What to do follows from what went wrong; `remedy` is for a thing that is not there, or not as it should be."""
    match error:
        case StartingError():
            remedy = "wait until it runs, then run this again"
        case ForbiddenError():
            pass  # who may allow it does not follow from the error
        case AccessError():
            remedy = "correct the setting that it names"
        case TemporaryError() | UncertainError():
            remedy = "run this again in a few minutes; if it stays, check the address and the network"
    return Finding(name, False, str(error), remedy)
