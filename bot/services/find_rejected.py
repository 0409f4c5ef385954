"""Which pending records the last completed run could not write: Census' rejections, looked for in the queue."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from bot.alerts.rejected_again import RejectedAgain, pending_again
from bot.alerts.rejections import comparable
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError
from bot.ports import Ports
from bot.services.ask_warehouse import find_pending
from bot.services.show_errors import LastRejections, last_rejections

PATIENCE = 10.0  # real seconds for Census once the warehouse has answered: the backlog does not wait longer for it
Asked = Future[LastRejections]


def ask_for_rejections(ports: Ports, sync: SyncSettings) -> Asked:
    """Ask Census about the last completed run, while the warehouse is asked something else."""
    pool = ThreadPoolExecutor(1, "rejections")
    asked = pool.submit(partial(last_rejections, ports, sync))
    pool.shutdown(wait=False)
    return asked


def find_rejected(ports: Ports, sync: SyncSettings, asked: Asked, patience: float = PATIENCE) -> RejectedAgain | None:
    """What of it is pending, by one statement where anything was rejected; None where nothing was, or no run completed.

    Never raises SyncHealthError: whatever is not known says why.
    """
    try:
        last = asked.result(patience)
    except TimeoutError:
        return RejectedAgain(error=f"Census did not answer within {patience:g} s")
    lost, identifiers = last.rejected + last.invalid, comparable(one.identifier for one in last.found)
    if last.error:
        return RejectedAgain(error=last.error)
    if last.run is None or not lost:
        return None
    if why := _why_unknown(sync, last, identifiers):
        return RejectedAgain(last.run, lost, error=why)
    try:
        pending = find_pending(ports, sync, identifiers)
    except SyncHealthError as error:
        return RejectedAgain(last.run, lost, error=str(error))
    if not pending and not sync.identifier:
        return None  # the key need not be the identifier, so that none was found says nothing
    return pending_again(last.run, lost, last.found, pending, ports.settings.rejections)


def _why_unknown(sync: SyncSettings, last: LastRejections, identifiers: list[str]) -> str:
    if not sync.identified_by:
        return "add identifier to the sync in pipeline.yml, the column by which they are found"
    if not last.found:
        return "Census has no record details yet, or no longer keeps them"
    return "" if identifiers else "Census names no identifiers for them"
