"""The tiles of a pipeline's dashboard: a statement each, whose first lines say what it answers and how it is drawn."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.charts import Chart, Tile
from bot.config import shipped
from bot.config.settings import Settings
from bot.errors import ConfigurationError, PermanentError
from bot.sql.folder import TILES
from bot.sql.statements import Statements
from checks.problems import Written, nearest, problems

FILE = re.compile(rf"{TILES}(?P<number>\d\d)_(?P<name>[a-z][a-z0-9_]*)")
KEYS = "-- title: "  # how the line begins that says how it is drawn, below the question
EXAMPLE = f"{KEYS}Records per day · chart: line · unit: records · x: day · y: records"


def _split(written: object) -> object:
    return tuple(one.strip() for one in written.split(",")) if isinstance(written, str) else written


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Header(BaseModel):
    """The keys of the line below the question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=50)
    chart: Chart
    unit: str = ""
    x: str | None = None
    y: Names = ()
    series: str | None = None
    checks: Names = ()

    @model_validator(mode="after")
    def _is_drawable(self) -> Self:
        if self.chart == "table" and (self.x or self.y or self.series):
            raise ValueError("a table shows every column: leave out x, y and series")
        if self.chart != "table" and not self.y:
            raise ValueError(f'"y" is missing: the column that the {self.chart} shows')
        if self.chart not in ("table", "counter") and not self.x:
            raise ValueError(f'"x" is missing: the column along which the {self.chart} is drawn')
        if len(self.y) > 1 and (self.series or self.chart in ("counter", "pie")):
            raise ValueError('"y" names several columns: with series, and in a counter or a pie, it is one')
        return self


def read_tiles(statements: Statements, settings: Settings) -> tuple[Tile, ...]:
    """The pipeline's own tiles and those of every pipeline, by number: one of its own takes the place of its number.

    Those of every pipeline read what a deploy creates, and are there where `deploy_to` is. Raises ConfigurationError
    with every problem, each with its file and line.
    """
    if not settings.has_warehouse:
        return ()
    in_force = {check.name for check in settings.checks}
    every = sorted(name for name in statements.names() if name.startswith(TILES))
    generic = [name for name in every if name not in statements.own] if settings.deploy_to else []
    own = [name for name in every if name in statements.own]
    found: list[str] = []
    known = None if settings.folder == shipped.FOLDER else in_force | settings.files.keys()
    tiles = [*_readable(own, statements, known, found)]
    found += _same_numbers(tiles)
    by_number = {tile.number: tile for tile in (*_readable(generic, statements, None, found), *tiles)}
    if found:
        raise ConfigurationError(found)
    drawn = (replace(tile, checks=tuple(one for one in tile.checks if one in in_force)) for tile in by_number.values())
    return tuple(sorted(drawn, key=lambda tile: tile.number))


def _readable(
    names: Iterable[str], statements: Statements, known: Collection[str] | None, found: list[str]
) -> Iterator[Tile]:
    """The tiles of these names that can be drawn; what is wrong with the others is added to what is found.

    `known` are the checks that they may name; None: any, as a pipeline need not take those that shipped tiles name.
    """
    for name in names:
        try:
            tile, line = _read(name, statements.load(name))
            wrong = [*_wrong_columns(tile, statements), *_wrong_checks(tile, known)]
        except ConfigurationError as error:
            found += error.problems
        except PermanentError as error:  # it names the file
            found.append(str(error))
        else:
            found += [f"sql/{name}.sql:{line}: {one}" for one in wrong]
            if not wrong:
                yield tile


def _read(name: str, text: str) -> tuple[Tile, int]:
    """A tile as its file says it is, and the line that does. Raises ConfigurationError."""
    file = f"sql/{name}.sql"
    if not (named := FILE.fullmatch(name)):
        raise ConfigurationError(
            [f"{file}: a tile is called by number and name: write 21_records_per_day.sql, or the like"]
        )
    comments = list(takewhile(lambda line: line.startswith("--"), text.splitlines()))
    at = next((n for n, line in enumerate(comments) if line.startswith(KEYS)), 0)
    if not at:
        raise ConfigurationError([f"{file}:2: below its question stands how it is drawn: {EXAMPLE}"])
    parts = [part.partition(": ") for part in comments[at].removeprefix("-- ").split(" · ")]
    if twice := _repeated(key.strip() for key, _, _ in parts):
        raise ConfigurationError([f"{file}:{at + 1}: {twice}: it stands there twice, say it once"])
    written = Written(file, {key.strip(): value.strip() for key, _, value in parts}, lambda _: at + 1)
    try:
        header = Header.model_validate(written.data)
    except ValidationError as error:
        raise ConfigurationError(list(problems(written, Header, error))) from None
    question = " ".join(line.removeprefix("--").strip() for line in comments[:at])
    return Tile(int(named["number"]), named["name"], name, question, **header.model_dump()), at + 1


def _wrong_columns(tile: Tile, statements: Statements) -> Iterator[str]:
    columns = statements.columns(tile.statement)
    if twice := _repeated(column.casefold() for column in columns):
        yield f'the statement selects two columns "{twice}": give one of them another name'
    for key, names in (("x", [tile.x]), ("y", tile.y), ("series", [tile.series])):
        for one in names:
            if one and one not in columns:
                yield f'{key}: the statement selects no column "{one}": {nearest(one, columns)}'
    for parameter in sorted(statements.parameters(tile.statement)):
        yield f"the statement asks for :{parameter}, which nobody gives to a tile"


def _repeated(names: Iterable[str]) -> str | None:
    """The first that occurs more than once."""
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _wrong_checks(tile: Tile, known: Collection[str] | None) -> Iterator[str]:
    for one in tile.checks:
        if known is not None and one not in known:
            yield f'checks: there is no check "{one}": {nearest(one, known)}'


def _same_numbers(tiles: Sequence[Tile]) -> Iterator[str]:
    for before, tile in pairwise(sorted(tiles, key=lambda tile: tile.statement)):
        if before.number == tile.number:
            yield f"sql/{tile.statement}.sql: sql/{before.statement}.sql has this number: give one of them another"
