"""What lies in a pipeline's folder of statements, read without a warehouse: names, texts, columns, problems."""

import json
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeVar

from bot.config import shipped
from bot.errors import NotFoundError, PermanentError
from bot.objects import OURS
from bot.sql.conditions import why_no_condition
from bot.sql.queues import QUEUE, STILL_PENDING
from bot.sql.runs import RUNS
from bot.sql.text import QUERY, columns_of, literals_in, named_tables, no_query, only_asks, without_literals
from bot.sql.translations import read_or_cache
from bot.sql.trees import query_in, selected_columns

PRODUCT = (  # what serves every pipeline; others of these names are not looked for
    *("sync_audit_log", QUEUE, STILL_PENDING, RUNS),
    *("measure/snapshot_by_hand", "measure/logged_run"),
    *("doctor/may_create", "doctor/may_write", "doctor/wake", "init/tables"),
    *(f"bundle/{name}" for name in ("red_syncs", "snapshot_row", "findings")),
)
PRODUCT_FOLDER = shipped.FOLDER / "sql"
OBJECTS = ("pipeline/tables/", "pipeline/views/")
CATALOG_OF_ITSELF = "system."  # of a warehouse, where it lists what is in it
GENERIC = "generic/"  # statements for pipelines that have none of their own
TILES = "dashboard_tiles/"  # of a dashboard
ASKED = ("checks/", "measure/examples", "measure/snapshots")  # whose columns nothing reads before they are asked

T = TypeVar("T")


class Folder:
    """The statements of a pipeline's folder and of the product, each named by its path below sql/.

    Where a file is absent the product's own serves (sql/generic/).
    """

    def __init__(self, folder: Path = shipped.FOLDER) -> None:
        self._folder = folder / "sql"
        self._made: dict[tuple[object, ...], object] = {}

    @cached_property
    def own(self) -> frozenset[str]:
        """Those of the pipeline's folder."""
        return _listed(self._folder)

    def own_objects(self) -> tuple[str, ...]:
        """Those that create the pipeline's own tables and views, each after what it reads.

        Raises PermanentError where there is no such order.
        """
        named = {name: named_tables(text) for name, text in self._readable().items() if name.startswith(OBJECTS)}
        made = {names[0]: name for name, names in named.items() if names}
        reads = {name: [made[one] for one in names[1:] if made.get(one, name) != name] for name, names in named.items()}
        try:
            return tuple(TopologicalSorter(reads).static_order())
        except CycleError as error:
            circle = _listed_files(dict.fromkeys(error.args[1]))
            raise PermanentError(f"{circle} read each other: let one of them read none of the others") from None

    def problems(self) -> list[str]:
        """What is wrong with the pipeline's own files before any is asked, a line each."""
        found = [str(error) for name in sorted(self.own) if (error := _error_of(self.load, name))]
        asked = [name for name in self._readable() if name.startswith(ASKED)]
        found += [str(error) for name in asked if (error := _error_of(self.require_query, name))]
        found += [
            f"sql/{name}.sql is not used, because the product has a statement of this name: rename or delete it"
            for name in sorted(self.own & {*PRODUCT})
            if self._path(name).read_bytes() != (self._folder / f"{name}.sql").read_bytes()
        ]
        try:
            self.own_objects()
        except PermanentError as error:
            found.append(str(error))
        return found

    def _readable(self) -> dict[str, str]:
        """The pipeline's own files; what is wrong with others is said by `problems`."""
        return {name: self.load(name) for name in sorted(self.own) if not _error_of(self.load, name)}

    def names(self) -> tuple[str, ...]:
        """Every statement that lies in a file."""
        generic = {name.removeprefix(GENERIC) for name in _listed(PRODUCT_FOLDER) if name.startswith(GENERIC)}
        return tuple(sorted(self.own | generic | set(PRODUCT)))

    def load(self, name: str) -> str:
        """The text of a file, without the mark that some editors begin it with.

        Raises NotFoundError with the nearest name, nothing leaves sql/, and PermanentError where it is no text.
        """
        return self._once(("load", name), lambda: _text_of(self._path(name), name))

    def _path(self, name: str) -> Path:
        if name in PRODUCT:
            return PRODUCT_FOLDER / f"{name}.sql"
        if name in self.own:
            return self._folder / f"{name}.sql"
        if name in self.names():
            return PRODUCT_FOLDER / f"{GENERIC}{name}.sql"
        nearest = get_close_matches(name, self.names(), n=1, cutoff=0.0)
        raise NotFoundError(f"there is no statement {name!r} in sql/; the nearest is {' '.join(nearest)}")

    def columns(self, name: str) -> tuple[str, ...]:
        """The names of what it returns, in order; those of a shipped file are read without a parser.

        Raises PermanentError where they cannot be read.
        """
        return self._once(("columns", name), lambda: self._columns(name))

    def _columns(self, name: str) -> tuple[str, ...]:
        text = self.load(name)
        if self._path(name).is_relative_to(PRODUCT_FOLDER):
            return columns_of(name, text)  # loading the parser takes longer than all the rest of a start

        def build() -> str:
            return json.dumps(selected_columns(text, f"sql/{name}.sql"))

        return tuple(json.loads(read_or_cache(["columns", text], build)))

    def require_query(self, name: str) -> None:
        """Raises PermanentError for a statement that would change something; a shipped one is read without a parser."""
        self._once(("query", name), lambda: self._require_query(name))

    def _require_query(self, name: str) -> None:
        text = self.load(name)
        if not self._path(name).is_relative_to(PRODUCT_FOLDER):
            try:
                read_or_cache(["query", text], lambda: str(query_in(text, f"sql/{name}.sql") and ""))
            except PermanentError:
                if not only_asks(text):  # what the parser does not know the warehouse may
                    raise
        elif not QUERY.match(without_literals(text)):
            raise no_query(f"sql/{name}.sql", text)

    def literals(self, name: str) -> frozenset[str]:
        """Every text that stands in a statement in quotes, as it is meant. Raises PermanentError like `load`."""
        return self._once(("literals", name), lambda: literals_in(self.load(name)))

    def table_names(self) -> frozenset[str]:
        """The full names of the tables and views that the statements read or write, as they write them."""
        return self._once(("table_names",), lambda: self.own_tables() | frozenset(map(written_name, OURS)))

    def own_tables(self) -> frozenset[str]:
        """Those of the pipeline's own statements, but for what the warehouse itself knows of its tables."""
        own = (found for text in self._readable().values() for found in named_tables(text))
        return frozenset(name for name in own if not name.startswith(CATALOG_OF_ITSELF))

    def why_no_condition(self, text: str) -> str | None:
        """Why a text is not one boolean expression over the columns of a queue."""
        return read_or_cache(["condition", text], lambda: why_no_condition(text) or "") or None

    def _once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]


def _error_of(read: Callable[[str], object], name: str) -> PermanentError | None:
    try:
        read(name)
    except PermanentError as error:
        return error
    return None


@cache
def _listed(folder: Path) -> frozenset[str]:
    return frozenset(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.sql"))


def _text_of(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PermanentError(f"sql/{name}.sql is not UTF-8: save it as UTF-8") from error
    except OSError as error:
        raise PermanentError(f"sql/{name}.sql cannot be opened: {error.strerror}") from error


def _listed_files(names: Iterable[str]) -> str:
    *others, last = (f"sql/{name}.sql" for name in names)
    return f"{', '.join(others)} and {last}"


@cache
def generic_text(name: str) -> str:
    return (PRODUCT_FOLDER / f"{GENERIC}{name}.sql").read_text(encoding="utf-8")


@cache
def written_name(name: str) -> str:
    """What an object of ours is called in its statement."""
    text = (PRODUCT_FOLDER / f"{name}.sql").read_text(encoding="utf-8")  # as the shipped pipeline has it
    return named_tables(text)[0]
