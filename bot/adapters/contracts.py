"""What `doctor --verify-contracts` reads of Census, Databricks and Slack, and the documents that it should be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from pydantic import create_model

from bot.adapters.census.documents import Pages, RecordCount, RecordDocument, RunDocument, SyncDocument
from bot.adapters.databricks.login import WarehouseDocument
from bot.adapters.documents import Document, differences, fits
from bot.ports import Comparison

T = TypeVar("T")
Ask = Callable[..., Any]
Text = Annotated[str, fits("a string")]


class Answer(Document, Generic[T]):
    """What Census wraps around everything."""

    data: T


class Page(Answer[list[T]], Generic[T]):
    """…and around a part of a list."""

    pagination: Pages


def _document(name: str, **fields: Any) -> type[Document]:
    return create_model(name, __base__=Document, **fields)


OK = Annotated[bool, fits("true or false")]
IDENTITY = _document("Identity", ok=OK, user=Text, team=Text, user_id=Text, team_id=Text)
HISTORY = _document("History", ok=OK, messages=list[_document("Message", ts=Text)])  # type: ignore[misc]
MEMBERS = _document("Members", ok=OK, users=list[Text])


def census_contract(ask: Ask, sync_ids: Sequence[int]) -> Iterator[Comparison]:
    """Each read of Census; `ask` takes a path and its parameters."""
    run_ids: list[int] = []

    def compare_runs(path: str) -> Sequence[str]:
        answer = ask(path, per_page=5, order="desc")
        rows = answer.get("data") if isinstance(answer, Mapping) else None
        run_ids.extend(row["id"] for row in rows or [] if isinstance(row, Mapping) and "id" in row)
        return differences(Page[RunDocument], answer)

    yield _comparison("Census GET syncs", Page[SyncDocument], ask, "syncs", per_page=2)
    for sync_id in sync_ids:
        yield _comparison(f"Census GET syncs/{sync_id}", Answer[SyncDocument], ask, f"syncs/{sync_id}")
        path = f"syncs/{sync_id}/sync_runs"
        yield f"Census GET {path}", partial(compare_runs, path)
    for run in [f"sync_runs/{run_id}" for run_id in run_ids[:1]]:
        rejected = {"status": "rejected"}
        yield _comparison("Census GET a run", Answer[RunDocument], ask, run)
        yield _comparison(
            "Census GET its records", Answer[list[RecordDocument]], ask, f"{run}/records", **rejected, per_page=1
        )
        yield _comparison(
            "Census GET its record count", Answer[list[RecordCount]], ask, f"{run}/records_count", **rejected
        )


def databricks_contract(ask: Ask) -> Iterator[Comparison]:
    """The state of the warehouse, which nothing is woken for."""
    yield _comparison("Databricks GET the warehouse", WarehouseDocument, ask)


def slack_contract(ask: Ask, channel: str, groups: Sequence[str]) -> Iterator[Comparison]:
    """Each read of Slack; `ask` takes a method and its arguments."""
    history = {"channel": channel, "limit": 2, "include_all_metadata": True}
    yield _comparison("Slack auth.test", IDENTITY, ask, "auth.test")
    yield _comparison("Slack conversations.history", HISTORY, ask, "conversations.history", **history)
    for group in groups[:1]:
        yield _comparison("Slack usergroups.users.list", MEMBERS, ask, "usergroups.users.list", usergroup=group)


def _comparison(name: str, model: type[Document], ask: Ask, *given: object, **named: object) -> Comparison:
    return name, lambda: differences(model, ask(*given, **named))
