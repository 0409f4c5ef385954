"""The audit of what changes something outside: a row before it is requested, and another one with how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from bot.errors import RefusedError, SyncHealthError, UncertainError
from bot.model import AuditRow, AuditState
from bot.ports import Outlet

UNFORESEEN = "an unforeseen error: whether it was done is unknown"


@dataclass
class Ending:
    """What the second row says, to be filled in by whoever does the work."""

    result: str = "done"
    after: str = ""


@contextmanager
def audited(outlet: Outlet, requested: AuditRow) -> Iterator[Ending]:
    """Commit that it is requested before the work begins, then how it ended; what the work raises passes on.

    Raises StateError, and then nothing is begun. The second row has a state for each family of errors: one that
    is uncertain, or that nobody foresaw, is unknown.
    """
    add_row(outlet, replace(requested, result="requested", state=AuditState.REQUESTED))
    ended = Ending()
    try:
        yield ended
    except SyncHealthError as error:
        with suppress(SyncHealthError):  # the state fails as well: what went wrong first is what is told
            add_end(outlet, requested, Ending(str(error)), _state_of(error))
            error.audited = True
        raise
    except BaseException:
        with suppress(SyncHealthError):
            add_end(outlet, requested, Ending(UNFORESEEN), AuditState.UNKNOWN)
        raise
    add_end(outlet, requested, ended, AuditState.SUCCEEDED)


def add_row(outlet: Outlet, row: AuditRow) -> None:
    """One row, in a transaction of its own."""
    with outlet.store.transaction() as records:
        records.audit(row)


def add_end(outlet: Outlet, requested: AuditRow, ended: Ending, state: AuditState) -> None:
    """How what was requested has ended."""
    now = outlet.clock.now()
    add_row(outlet, replace(requested, at=now, result=ended.result, state=state, before="", after=ended.after))


def _state_of(error: SyncHealthError) -> AuditState:
    if isinstance(error, UncertainError):
        return AuditState.UNKNOWN
    return AuditState.REFUSED if isinstance(error, RefusedError) else AuditState.FAILED
