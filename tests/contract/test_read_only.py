"""Observe mode at the adapters: what is not known to read only is refused, whatever is added to a protocol later."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.read_only import CENSUS_READS, WAREHOUSE_READS, read_only_census, read_only_warehouse
from bot.errors import PermanentError
from bot.ports import Census, Warehouse
from bot.runtime.composition import SystemClock, connect_sources, settings_from

CENSUS_WRITES = {"pause", "resume", "trigger", "cancel"}
WAREHOUSE_WRITES = {"do", "try_write", "create"}


class Recorder:
    """Takes any call and remembers its name."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self.called.append(name)


def methods(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


GUARDS = [
    (Census, read_only_census, CENSUS_READS, CENSUS_WRITES),
    (Warehouse, read_only_warehouse, WAREHOUSE_READS, WAREHOUSE_WRITES),
]


@pytest.mark.parametrize(("protocol", "_", "reads", "writes"), GUARDS, ids=["Census", "the warehouse"])
def test_every_method_of_the_protocol_either_reads_or_writes(
    protocol: type, _: object, reads: frozenset[str], writes: set[str]
) -> None:
    assert methods(protocol) == reads | writes, "say of a new method which it does; until then it is refused"
    assert not reads & writes


@pytest.mark.parametrize(("protocol", "guard", "reads", "_"), GUARDS, ids=["Census", "the warehouse"])
def test_only_reads_arrive(protocol: type, guard: Any, reads: frozenset[str], _: object) -> None:
    guarded = guard(outside := Recorder())
    for name in sorted({*methods(protocol), "drop_everything", "_private"}):
        if name in reads:
            getattr(guarded, name)(1)
        else:
            with pytest.raises(PermanentError, match="set mode to act"):
                getattr(guarded, name)(1, most=2)
    assert set(outside.called) == reads


def test_the_composition_root_guards_both_in_observe_mode_and_only_then(tmp_path: Path) -> None:
    act = settings_from({"SYNC_HEALTH_WAREHOUSE": f"duckdb:{tmp_path}", "CENSUS_API_TOKEN": "t"})
    observed = connect_sources(replace(act, mode="observe"), SystemClock(), writes=True)
    census: Any = observed.census
    for write in (lambda: observed.warehouse.do("sync_audit_log"), lambda: census.trigger(1), lambda: census.pause(1)):
        with pytest.raises(PermanentError, match="Observe mode"):
            write()
    target: Any = vars(observed.warehouse)["_target"]
    assert target._read_only and list(tmp_path.iterdir()) == [], "an embedded warehouse is not even opened for writing"
    acting = connect_sources(act, SystemClock(), writes=True)
    acting.warehouse.do("sync_audit_log")
    acting.warehouse.close()
    observed.warehouse.close()
