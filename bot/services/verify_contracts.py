"""`doctor --verify-contracts`: the shape of real answers against what the bot reads; read-only, no value is shown."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.answers import Finding
from bot.errors import SyncHealthError

# What the bot reads of an answer: a type, several of them, the words that it knows, or an object or list of these.
Shape = type | tuple[type, ...] | frozenset[str] | Mapping[str, Any] | list[Any]
Ask = Callable[..., Any]

NULL = type(None)
NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", NULL: "null"}
NAMES |= {dict: "an object", list: "a list"}
SAYABLE = re.compile(r"[A-Za-z_ ]{1,30}")  # a new word of an enumeration; anything else could be somebody's value
REPORT = "the bot would misread this: report the line, it holds no value of yours"

SCHEDULES = frozenset({"never", "continuous", "quarter_hourly", "hourly", "daily", "weekly", "expression"})
RUN_STATUSES = frozenset({"queued", "working", "completed", "failed", "skipped", "cancelled", "canceled"})
STATES = frozenset({"running", "starting", "stopping", "stopped", "deleting", "deleted"})
SYNC: Shape = {
    "id": int,
    "label": (str, NULL),
    "status": str,
    "paused": bool,
    "schedule_frequency": SCHEDULES,
    "schedule_day": (str, int, NULL),
    "schedule_hour": (int, NULL),
    "schedule_minute": (int, NULL),
}
RUN: Shape = {
    "id": int,
    "sync_id": int,
    "status": RUN_STATUSES,
    "canceled": (bool, NULL),
    "created_at": str,
    "completed_at": (str, NULL),
    "source_record_count": (int, NULL),
    "records_processed": (int, NULL),
    "records_updated": (int, NULL),
    "records_failed": (int, NULL),
    "records_invalid": (int, NULL),
    "error_message": (str, NULL),
    "sync_trigger_reason": {"ui_tag": str},
}
RECORD: Shape = {"identifier": (str, int, NULL), "status": str, "status_message": (str, NULL)}
PAGES: Shape = {"page": int, "next_page": (int, NULL), "total_records": int}


def verify_census(ask: Ask, sync_ids: Sequence[int]) -> Iterator[Finding]:
    """Each read of Census; `ask` takes a path and its parameters."""
    listed: Shape = {"data": [SYNC], "pagination": PAGES}
    yield _compared("Census GET syncs", listed, ask, "syncs", per_page=2)[0]
    run_id = None
    for sync_id in sync_ids:
        path = f"syncs/{sync_id}"
        yield _compared(f"Census GET {path}", {"data": SYNC}, ask, path)[0]
        path, listed = f"{path}/sync_runs", {"data": [RUN], "pagination": PAGES}
        finding, answer = _compared(f"Census GET {path}", listed, ask, path, per_page=5, order="desc")
        yield finding
        run_id = run_id or _first_id(answer)
    if run_id is None:
        return
    run, count = f"sync_runs/{run_id}", {"data": [{"record_count": int}]}
    yield _compared("Census GET a run", {"data": RUN}, ask, run)[0]
    yield _compared("Census GET its records", {"data": [RECORD]}, ask, f"{run}/records", status="rejected", per_page=1)[
        0
    ]
    yield _compared("Census GET its record count", count, ask, f"{run}/records_count", status="rejected")[0]


def verify_databricks(ask: Ask) -> Iterator[Finding]:
    """The state of the warehouse, which nothing is woken for."""
    yield _compared("Databricks GET the warehouse", {"state": STATES, "auto_stop_mins": int}, ask)[0]


def verify_slack(ask: Ask, channel: str, groups: Sequence[str]) -> Iterator[Finding]:
    """Each read of Slack; `ask` takes a method and its arguments."""
    who = {"ok": bool, "user": str, "team": str, "user_id": str, "team_id": str}
    yield _compared("Slack auth.test", who, ask, "auth.test")[0]
    said, method = {"ok": bool, "messages": [{"ts": str}]}, "conversations.history"
    yield _compared(f"Slack {method}", said, ask, method, channel=channel, limit=2, include_all_metadata=True)[0]
    members, method = {"ok": bool, "users": [str]}, "usergroups.users.list"
    for group in groups[:1]:
        yield _compared(f"Slack {method}", members, ask, method, usergroup=group)[0]


def differences(expected: Shape, actual: Any, where: str = "") -> Iterator[str]:
    """`data.schedule_hour: a string where a whole number or null is expected`, for all that is read of an answer."""
    match expected:
        case frozenset():
            if not isinstance(actual, str):
                yield f"{where}: {_name(actual)} where a word is expected"
            elif actual.casefold() not in expected:
                yield f"{where}: an unknown word{f', “{actual}”' if SAYABLE.fullmatch(actual) else ''}"
        case list() if isinstance(actual, list):
            yield from dict.fromkeys(one for item in actual for one in differences(expected[0], item, f"{where}[]"))
        case Mapping() if isinstance(actual, Mapping):
            for key, shape in expected.items():
                inner = f"{where}.{key}" if where else key
                yield from differences(shape, actual[key], inner) if key in actual else [f"{inner}: missing"]
        case _:
            allowed = expected if isinstance(expected, tuple) else (_kind(expected),)
            if type(actual) not in allowed:
                yield f"{where}: {_name(actual)} where {' or '.join(NAMES[one] for one in allowed)} is expected"


def _compared(name: str, shape: Shape, ask: Ask, *given: Any, **named: Any) -> tuple[Finding, Any]:
    try:
        answer = ask(*given, **named)
    except SyncHealthError as error:
        return Finding(name, False, str(error), "without this answer nothing can be compared: sync-health doctor"), None
    found = list(differences(shape, answer))
    return Finding(name, not found, "; ".join(found) or "as expected", REPORT if found else ""), answer


def _first_id(answer: Any) -> int | None:
    rows = answer.get("data") if isinstance(answer, Mapping) else None
    return rows[0].get("id") if isinstance(rows, list) and rows and isinstance(rows[0], Mapping) else None


def _kind(expected: Shape) -> type:
    return expected if isinstance(expected, type) else list if isinstance(expected, list) else dict


def _name(value: object) -> str:
    return NAMES.get(type(value), "something else")
