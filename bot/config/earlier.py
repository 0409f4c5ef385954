"""A pipeline.yml of an earlier version, which says `direction` of its syncs, in the words of today."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.config.syncs import SyncSettings
from checks.problems import Place, Written

UNSAID = Path(__file__).with_name("earlier.yml")
Part = dict[str, Any]


def from_earlier(written: Written) -> Written:
    """The same where it is of today; else with what it left unsaid, because there was one pipeline alone."""
    data, listed, limits = written.data, written.part(("syncs",)), written.part(("limits",))
    listed = listed if isinstance(listed, list) else []
    limits = limits if isinstance(limits, dict) else {}
    syncs = [one for one in listed if isinstance(one, dict)]
    if not isinstance(data, dict) or not any("direction" in one for one in syncs):
        return written
    unsaid = _unsaid()
    moved = {name: limits[name] for name in unsaid["limits"] if name in limits}
    new: Part = {**unsaid["pipeline"], **data, "syncs": [_sync(one, unsaid, moved) for one in listed]}
    new["checks"] = [*unsaid["pipeline"]["checks"], *_own_checks(data.get("checks"))]
    if moved:
        new["limits"] = {name: change for name, change in limits.items() if name not in moved}
    return Written(written.file, new, _lines(written, len(unsaid["pipeline"]["checks"])))


def queue_names(syncs: Iterable[SyncSettings]) -> dict[str, str]:
    """Queues with names of their own, by what the shipped statements call them; the role of the sync tells which."""
    pairs = ((_unsaid()["queues"].get(sync.role), sync.queue) for sync in syncs)
    return {shipped: actual for shipped, actual in pairs if shipped and actual and shipped != actual}


@cache
def _unsaid() -> Part:
    read: Part = yaml.safe_load(UNSAID.read_text(encoding="utf-8"))
    return read


def _sync(one: object, unsaid: Part, moved: Mapping[str, object]) -> object:
    if not isinstance(one, dict) or str(one.get("direction")) not in unsaid["syncs"]:
        return one
    known = unsaid["syncs"][one["direction"]]
    sync = {**known, **{key: value for key, value in one.items() if key != "direction"}}
    backlog = known.get("limits", {}).get("backlog", {})
    for name, direction in unsaid["limits"].items():
        change = moved.get(name)
        if direction == one["direction"] and isinstance(change, dict):
            sync["limits"] = {**sync.get("limits", {}), "backlog": {**backlog, **change}}
    return sync


def _own_checks(listed: object) -> list[object]:
    """Its own checks, which named a direction where they name a role now."""
    return [_own_check(one) for one in listed] if isinstance(listed, list) else []


def _own_check(one: object) -> object:
    if not isinstance(one, dict) or one.get("rerun") in (None, "same"):
        return one
    return {**one, "rerun": f"role:{one['rerun']}"}


def _lines(written: Written, before: int) -> Any:
    """Where a part of today stands in the file of earlier."""
    if not written.line:
        return None
    find = written.line

    def line(place: Place) -> int:
        if place[:1] == ("checks",) and len(place) > 1 and isinstance(place[1], int):
            place = ("checks", max(0, place[1] - before), *place[2:])
        return find(place)

    return line
