"""Census and the warehouse in observe mode: calls that only read pass, every other call is refused."""

from collections.abc import Callable, Collection
from typing import NoReturn, cast

from bot.config.settings import REFUSES_CHANGES
from bot.errors import PermanentError
from bot.ports import Census, Warehouse

CENSUS_READS = frozenset({"sync", "syncs", "runs", "runs_since", "run", "records", "record_count"})
WAREHOUSE_READS = frozenset(
    {
        "ask",
        "ask_joined",
        "ask_column",
        "state",
        "login",
        "columns",
        "list_tables",
        "existing_object",
        "auto_stop",
        "awake",
        "close",
    }
)


class ReadOnly:
    """Another object's methods of these names; any other call raises PermanentError, one that is added later, too."""

    def __init__(self, target: object, reads: Collection[str]) -> None:
        self._target, self._reads = target, reads

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name in self._reads:
            return cast("Callable[..., object]", getattr(self._target, name))
        return _refuse


def read_only_census(census: Census) -> Census:
    """Census, of which no sync is started, paused, resumed or cancelled."""
    return cast("Census", ReadOnly(census, CENSUS_READS))


def read_only_warehouse(warehouse: Warehouse) -> Warehouse:
    """The warehouse, in which nothing is written or created."""
    return cast("Warehouse", ReadOnly(warehouse, WAREHOUSE_READS))


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermanentError(REFUSES_CHANGES)
