"""The queue of each sync: which table or view, and which of its columns identify a record and say when it changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.cli.init.options import Options, joined, only
from bot.cli.init.prompts import AskAgainError, Prompter, listed, say
from bot.config.new_pipeline import CHANGED_AT, QUEUE, NewSync, checked, default_key, likely_changes, likely_keys
from bot.config.syncs import MOST_KEYS, SyncSettings
from bot.errors import AccessError, PermanentError, SyncHealthError
from bot.ports import Warehouse
from checks.problems import close_to

NONE = "none"
MOST = 20  # tables that are shown at once
MOST_COLUMNS = 40  # names in a line
MANY = 10_000  # as many as a warehouse lists


@dataclass
class Tables:
    """The tables and views to choose from, as far as the warehouse tells."""

    warehouse: Warehouse
    names: list[str]  # that no sync has yet

    def matching(self, part: str) -> list[str]:
        """Those that have this in their name."""
        return [name for name in self.names if part.casefold() in name.casefold()]

    def called(self, text: str) -> str | None:
        """The one of this name, whatever its case."""
        return next((name for name in self.names if name.casefold() == text.casefold()), None)

    def columns(self, table: str) -> list[str] | None:
        """Its columns; None where they cannot be known now. Raises ValueError where there is no such table."""
        try:
            return sorted(self.warehouse.columns(table))
        except PermanentError as error:
            close = close_to(table, self.names or self._listed())
            raise ValueError(f"{error}{f': did you mean {close}?' if close else ''}") from None
        except SyncHealthError as error:
            say(f"! {error}. The columns of {table} cannot be listed; they can be typed")
            return None

    def _listed(self) -> list[str]:
        try:
            return self.warehouse.list_tables()
        except SyncHealthError:
            return []  # what is wrong with the name is known already


def list_tables(warehouse: Warehouse) -> Tables:
    """What the warehouse lists; why it lists nothing is said, and a name can be typed anyway. Raises AccessError."""
    try:
        names = warehouse.list_tables()
    except AccessError:
        raise
    except SyncHealthError as error:
        say(f"! {error}. Tables cannot be listed; their full names can be typed (catalog.schema.table)")
        return Tables(warehouse, [])
    if len(names) >= MANY:
        say(f"! The warehouse has more than {MANY:,} tables and views; the full names of others can be typed")
    return Tables(warehouse, names)


def choose_queue(prompter: Prompter, options: Options, tables: Tables, sync: NewSync) -> NewSync:
    """The sync with its queue, which no other sync gets after it."""
    queue, columns = _choose_table(prompter, tables, sync, only(options.queues.get(sync.id)))
    if queue is None:
        return sync
    tables.names = [name for name in tables.names if name != queue]
    if prompter.interactive and columns:
        say(f"  Columns: {listed(columns, MOST_COLUMNS)}")
    usable = [one for one in columns or () if _is_usable(one)]
    likely = f" (likely: {listed(likely_keys(usable), 5)})" if likely_keys(usable) else ""
    key = prompter.ask(
        f"  Key, shown of a pending record: columns with commas{likely}, or {NONE}",
        "--key",
        lambda text: _key(text, columns),
        given=joined(options.keys.get(sync.id)),
        default=default_key(usable, queue) or NONE,
    )
    changed_at = prompter.ask(
        f"  When a pending record changed: a column, or {NONE}",
        "--changed-at",
        lambda text: None if text.casefold() == NONE else str(CHANGED_AT(_column(text, columns))),
        given=only(options.changed_at.get(sync.id)),
        default=next(iter(likely_changes(usable)), NONE),
    )
    return replace(sync, queue=queue, key=key, changed_at=changed_at)


def _choose_table(
    prompter: Prompter, tables: Tables, sync: NewSync, given: str | None
) -> tuple[str | None, list[str] | None]:
    """A table and its columns, once one is named, by its number among those shown last, or by its full name."""
    shown = tables.names if len(tables.names) <= MOST else []
    question = f"Queue of {sync.name}: a full name, {'a number' if shown else 'part of a name'}, or {NONE}"
    if prompter.interactive and given is None:
        _show(shown)
        if len(tables.names) > MOST:
            say(f"{len(tables.names):,} tables and views: type a part of the name to see those that match")

    def chosen(text: str) -> tuple[str | None, list[str] | None]:
        nonlocal shown
        if text.casefold() == NONE:
            return None, None
        if text.isdecimal() and 0 < int(text) <= len(shown):
            text = shown[int(text) - 1]
        named = tables.called(text)
        if named is None and given is None and (matching := tables.matching(text)):
            shown = matching[:MOST]
            _show(shown)
            more = len(matching) - len(shown)
            raise AskAgainError(
                f"{len(matching)} match{f', {more} not shown' if more else ''}: type its number, or more of the name"
            )
        name = str(QUEUE(named or text))
        return name, tables.columns(name)

    return prompter.ask(question, "--queue", chosen, given=given, default=NONE)


def _show(names: Sequence[str]) -> None:
    width = len(str(len(names)))
    for n, name in enumerate(names, 1):
        say(f"{n:>{width}}  {name}")


def _key(text: str, columns: Sequence[str] | None) -> tuple[str, ...]:
    names = [] if text.casefold() == NONE else [part.strip() for part in text.split(",") if part.strip()]
    if len(names) > MOST_KEYS:
        raise ValueError(f"names {len(names)} columns: write {MOST_KEYS} at most")
    found: tuple[str, ...] = checked(SyncSettings, "key", [_column(name, columns) for name in dict.fromkeys(names)])
    return found


def _column(text: str, columns: Sequence[str] | None) -> str:
    if columns is None or text.casefold() in columns:
        return text
    close = close_to(text.casefold(), columns)
    meant = f'did you mean "{close}"?' if close else f"known are {listed(columns, MOST)}"
    raise ValueError(f'there is no column "{text}": {meant}')


def _is_usable(column: str) -> bool:
    try:
        CHANGED_AT(column)
    except ValueError:
        return False
    return column.isprintable()
