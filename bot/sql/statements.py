"""What one pipeline asks its warehouse: statements by name, with its tables' names, for Databricks and for DuckDB."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot.config import shipped
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import PermanentError
from bot.objects import OURS, Column
from bot.sql.compose import MOST_JOINED, Joined, join, selected_names, written
from bot.sql.differences import declared_columns
from bot.sql.folder import GENERIC, TILES, Folder, generic_text, written_name
from bot.sql.monitor import MONITOR, monitored
from bot.sql.queues import QUEUE, STILL_PENDING, counted, counted_alone, described, looked_through
from bot.sql.runs import RUNS, logged
from bot.sql.text import parameters_in
from bot.sql.translations import read_or_cache
from bot.sql.trees import (
    Values,
    as_written,
    in_duckdb,
    keep_column,
    keep_table,
    parse_text,
    rename_tables,
    set_values,
    source_table,
)

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["databricks", "duckdb"]
COMPOSED = re.compile(
    rf"queues(?:/(?P<one>\d+))?|(?P<template>{QUEUE}|{STILL_PENDING})/(?P<at>\d+)|(?P<log>{RUNS})/(?P<runs>\d+)"
)
OF_A_QUEUE = {QUEUE: described, STILL_PENDING: looked_through}  # what makes a statement of each template
READ = (
    *(f"measure/{name}" for name in ("health", "examples", "snapshots", "trace")),
    *("daily_health_check", "sync_health_monitor", "populate_audit_log"),  # the views, and the snapshot
)


class Statements(Folder):
    """The statements of a folder as an engine gets them, and those that are composed from pipeline.yml.

    `tables` maps names as the statements write them to actual ones. `queues` counts the queues of all syncs,
    `queues/N` that of the Nth, `measure/queue/N` describes it, `measure/still_pending/N` looks for records in it. Days
    of the dashboard's tiles are those of `zone`.
    """

    def __init__(
        self,
        folder: Path = shipped.FOLDER,
        tables: Mapping[str, str] | None = None,
        syncs: Sequence[SyncSettings] = (),
        row_counts: Mapping[str, str] | None = None,
        zone: str | None = None,
    ) -> None:
        super().__init__(folder)
        pairs = (tables or {}).items()
        self.tables = {name: actual for name, actual in pairs if name.casefold() != actual.casefold()}
        self._syncs, self._row_counts, self._zone = tuple(syncs), dict(row_counts or {}), zone
        self._places = frozenset((tables or {}).values())  # also of what is called as it is written

    @classmethod
    def of(cls, settings: Settings) -> "Statements":
        """Those of a pipeline, under the names that pipeline.yml gives."""
        places = {}
        if settings.deploy_to:
            places = {name: f"{settings.deploy_to}.{name}" for name in OURS}
        if settings.audit_log:
            places["sync_audit_log"] = settings.audit_log
        ours = {written_name(name): actual for name, actual in places.items()}
        return cls(settings.folder, {**ours, **settings.tables}, settings.syncs, settings.row_counts, settings.zone.key)

    def at_work(self) -> list[str]:
        """What is asked while the bot is at work, but for the statements of checks."""
        queues = [f"{kind}/{n}" for n, one in enumerate(self._syncs) if one.queue for kind in ("queues", QUEUE)]
        looked = [f"{STILL_PENDING}/{n}" for n, one in enumerate(self._syncs) if one.queue and one.identified_by]
        return [*(name for name in READ if name in self.own), *queues, *looked]

    def tables_here(self) -> frozenset[str]:
        """The same as they are called here, with the queues; what the bot creates only where it has a place."""
        here = {name.casefold(): actual for name, actual in self.tables.items()}
        queues = (sync.queue for sync in self._syncs if sync.queue)
        named = (*self.own_tables(), *self._places, *queues, *self._row_counts.values())
        return frozenset(here.get(name.casefold(), name) for name in named)

    def parameters(self, name: str) -> frozenset[str]:
        """The names of a statement's `:name` parameters."""
        return self._once(("parameters", name), lambda: self._parameters(name))

    def _parameters(self, name: str) -> frozenset[str]:
        found = parameters_in(self._file(name))
        composed = COMPOSED.fullmatch(name)
        if not composed or not composed["log"]:
            return found
        return frozenset(f"{one}_{n}" for one in found for n in range(int(composed["runs"])))

    def _file(self, name: str) -> str:
        """The text of the file that a statement is made from; none where it is all composed."""
        template = self._template(name)
        return self.load(template) if template else ""

    def _template(self, name: str) -> str | None:
        return (made["template"] or made["log"]) if (made := COMPOSED.fullmatch(name)) else name

    def require_query(self, name: str) -> None:
        """Also of what is composed: the file that it is made from."""
        if template := self._template(name):
            super().require_query(template)

    def in_dialect(self, name: str, dialect: Dialect) -> str:
        """What a warehouse gets.

        Databricks gets the file as it is, unless a table has another name; DuckDB's parameters are `$name`.
        """
        make = self._in_databricks if dialect == "databricks" else self._in_duckdb
        return self._once((dialect, name), lambda: make(name))

    def _in_databricks(self, name: str) -> str:
        composed = COMPOSED.fullmatch(name)
        values = self._values_of(name)
        if not composed and not values and not self._may_rename(name):
            return self.load(name)

        def build() -> str:
            tree = self._tree(name)
            changed = [rename_tables(tree, self.tables), set_values(tree, values)]
            if composed:
                return written(tree, "databricks")
            return f"{tree.sql('databricks', pretty=True)}\n" if any(changed) else self.load(name)

        return read_or_cache(["databricks", *self._made_from(name)], build) if composed else build()

    def _may_rename(self, name: str) -> bool:
        text = self.load(name).casefold()
        return any(shipped.casefold() in text for shipped in self.tables)

    def _values_of(self, name: str) -> Values:
        """What stands in the `settings` CTE of a statement that no deploy creates."""
        return {"zone": self._zone} if self._zone and name.startswith(TILES) else {}

    def _in_duckdb(self, name: str) -> str:
        def build() -> str:
            tree = self._tree(name)
            rename_tables(tree, self.tables)
            set_values(tree, self._values_of(name))
            return in_duckdb(tree)

        return read_or_cache(self._made_from(name), build)

    def only_column(self, name: str, column: str, dialect: Dialect) -> str:
        """One column of a one-row statement: nothing else is read, so nothing else can fail."""

        def build() -> str:
            self.require_query(name)
            tree = keep_column(self._tree(name), column)
            rename_tables(tree, self.tables)
            return tree.sql(dialect, comments=False)

        return self._once(("only", name, column, dialect), build)

    def joined(self, questions: Sequence[str], dialect: Dialect) -> Joined:
        """Those of the questions that fit in one statement. Raises PermanentError where none does."""

        def build() -> str:
            trees = {question: tree for question in questions if (tree := self._joinable(question))}
            fitting = dict(islice(trees.items(), MOST_JOINED))
            text = written(join(list(fitting.values())), dialect)
            return json.dumps([text, {question: selected_names(tree) for question, tree in fitting.items()}])

        def made() -> Joined:
            made_from = ["joined", dialect, *(part for question in questions for part in self._made_from(question))]
            return Joined(*json.loads(read_or_cache(made_from, build)))

        return self._once(("joined", dialect, *questions), made)

    def _joinable(self, question: str) -> "exp.Query | None":
        """The tree of a question that can be joined to others."""
        from sqlglot import exp

        try:
            self.require_query(question)
            tree = self._tree(question)
        except PermanentError:  # reported when it is asked alone
            return None
        rename_tables(tree, self.tables)
        fits = isinstance(tree, exp.Query) and selected_names(tree) and not self.parameters(question)
        return tree if fits and isinstance(tree, exp.Query) else None

    def needed_columns(self, statements: Sequence[str]) -> dict[str, frozenset[str]]:
        """The columns that these statements read, in lower case, by the table's name here."""
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope

        found: dict[str, set[str]] = {}
        for name in statements:
            tree = self._tree(name)
            rename_tables(tree, self.tables)
            for scope in traverse_scope(tree):
                for source in scope.sources.values():
                    if isinstance(source, exp.Table):  # also one whose rows are counted alone
                        found.setdefault(as_written(source), set())
                for column in scope.columns:
                    if table := source_table(scope, column.table, column.name):
                        found.setdefault(as_written(table), set()).add(column.name.lower())
        return {table: frozenset(columns) for table, columns in found.items()}

    def created(self, name: str) -> str:
        """What the object that a statement creates is called here."""
        from sqlglot import exp

        def build() -> str:
            tree = parse_text(self.load(name), f"sql/{name}.sql")
            rename_tables(tree, self.tables)
            return as_written(tree.this.find(exp.Table))

        return self._once(("created", name), build)

    def kind(self, name: str) -> str:
        """`view` or `table`: what a statement creates."""
        return self._once(
            ("kind", name), lambda: str(parse_text(self.load(name), f"sql/{name}.sql").args["kind"]).lower()
        )

    def mark(self, name: str) -> str | None:
        """The comment by which a deploy knows what an earlier one created."""
        from sqlglot import exp

        comment = parse_text(self.load(name), f"sql/{name}.sql").find(exp.SchemaCommentProperty)
        return str(comment.this.name) if comment else None

    def queries(self, name: str, values: Values, dialect: str) -> list[str]:
        """The query of a view as a deploy writes it, then those of earlier versions, whose settings may differ."""
        earlier = [self._tree(f"earlier/{name}")] if f"earlier/{name}" in self.own else []
        trees = [self._filled(name, values)[0], *earlier]
        for tree in trees:
            rename_tables(tree, self.tables)
        return [written(tree.expression, dialect) for tree in trees]

    def declared(self, name: str) -> tuple[Column, ...]:
        """The columns of the table that a statement creates."""
        return declared_columns(self._tree(name))

    def to_deploy(self, name: str, values: Values, dialect: str = "databricks") -> str:
        """What creates the object of a statement, its `settings` CTE as given; a table that is there stays as it is."""
        tree, filled = self._filled(name, values)
        changed = [rename_tables(tree, self.tables), keep_table(tree), filled]
        if dialect == "databricks":
            return f"{written(tree, dialect, pretty=True)}\n" if any(changed) else self.load(name)
        return in_duckdb(tree)

    def _filled(self, name: str, values: Values) -> "tuple[exp.Expr, bool]":
        """The statement with these values, and whether it is another one than its file's."""
        from sqlglot import exp

        tree = self._tree(name, values)
        composed = name == MONITOR and (MONITOR not in self.own or isinstance(tree.expression, exp.Union))
        return tree, composed or set_values(tree, values)

    def _tree(self, name: str, values: Values | None = None) -> "exp.Expr":
        """The one statement of a file, or what is composed from pipeline.yml."""
        if name == MONITOR and self._syncs:
            return self._monitor(values or {})
        if not (composed := COMPOSED.fullmatch(name)):
            return parse_text(self.load(name), f"sql/{name}.sql")
        if composed["template"]:
            template = parse_text(self.load(composed["template"]), f"sql/{composed['template']}.sql")
            return OF_A_QUEUE[composed["template"]](template, self._syncs[int(composed["at"])])
        if composed["log"]:
            return logged(parse_text(self.load(RUNS), f"sql/{RUNS}.sql"), int(composed["runs"]))
        if composed["one"]:
            return counted_alone(self._syncs, int(composed["one"]))
        return counted(self._syncs)

    def _monitor(self, values: Values) -> "exp.Expr":
        template = parse_text(generic_text(MONITOR), f"sql/{GENERIC}{MONITOR}.sql")
        own = parse_text(self.load(MONITOR), f"sql/{MONITOR}.sql") if MONITOR in self.own else None
        return monitored(own, template, self._syncs, self._row_counts, values)

    def _made_from(self, name: str) -> list[str]:
        """All that a statement follows from."""
        made = [
            name,
            self._file(name),
            *map(str, sorted(self.tables.items())),
            *map(str, self._values_of(name).items()),
        ]
        if COMPOSED.fullmatch(name) or name == MONITOR:
            made.append(repr(self._syncs))
        if name == MONITOR:
            made += [generic_text(MONITOR), repr(sorted(self._row_counts.items()))]
        return made
