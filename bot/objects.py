"""Tables and views of the warehouse as they are, and how they differ from what a deploy would create."""

from dataclasses import dataclass
from enum import StrEnum

OURS = ("sync_audit_log", "daily_health_check", "sync_health_monitor")  # what deploy creates, each after what it reads


@dataclass(frozen=True)
class Column:
    """A column of a table: `type` in Databricks' words; `nullable` is None where the engine does not say."""

    name: str
    type: str
    nullable: bool | None = None


@dataclass(frozen=True)
class ColumnDifference:
    """How a column of a table that is there differs from what a deploy would create.

    `found` is empty where it is missing, `expected` where a deploy knows no such column. A person runs the `remedy`.
    """

    column: str
    expected: str
    found: str
    fits: bool  # it serves as it is
    remedy: tuple[str, ...] = ()


class ViewState(StrEnum):
    """The text of a view that is there, next to what a deploy would create."""

    CURRENT = "current"
    SETTINGS = "settings changed"  # the same query with other values
    EARLIER = "from an earlier version"
    OTHER = "another text"
    UNREADABLE = "text not readable"  # the login has no right to it


@dataclass(frozen=True)
class SettingChange:
    """A value in the `settings` of a view, as SQL writes it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ViewDifference:
    """A view's query as it is and as a deploy would write it, both laid out by us; `text` is None where unreadable."""

    state: ViewState
    text: str | None
    wanted: str
    settings: tuple[SettingChange, ...] = ()


@dataclass(frozen=True)
class ExistingObject:
    """What stands where a statement creates something, and how it differs.

    `kind` is view, table, what else the engine calls it, or None where there is nothing yet.
    """

    statement: str
    name: str  # as it is called here
    creates: str  # view or table
    kind: str | None
    marked: bool = False  # it carries our comment
    columns: tuple[Column, ...] = ()
    differences: tuple[ColumnDifference, ...] = ()  # where both are tables
    view: ViewDifference | None = None  # where both are views

    @property
    def ours(self) -> bool:
        """By its comment, or by its text where it is older than that."""
        known = (ViewState.CURRENT, ViewState.SETTINGS, ViewState.EARLIER)
        return self.marked or (self.view is not None and self.view.state in known)
