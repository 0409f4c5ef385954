"""Values on the wire: what the connector binds becomes Python, what DuckDB answers becomes columns of Thrift."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from databricks.sql.thrift_api.TCLIService import ttypes

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """The answer to a statement: DuckDB's description, its rows, and the zone in which times are written."""

    description: Sequence[tuple[Any, ...]]
    rows: list[Row]
    zone: str

    @property
    def schema(self) -> Any:
        """The columns as Thrift describes them."""
        columns = []
        for position, (name, type_, *_) in enumerate(self.description, start=1):
            entry = ttypes.TPrimitiveTypeEntry(type=_kind(type_)[0], typeQualifiers=_qualifiers(str(type_)))
            described = ttypes.TTypeDesc(types=[ttypes.TTypeEntry(primitiveEntry=entry)])
            columns.append(ttypes.TColumnDesc(columnName=name, typeDesc=described, position=position))
        return ttypes.TTableSchema(columns=columns)

    def page(self, first: int, size: int) -> Any:
        """`size` rows from `first` (counted from 0), column by column."""
        part = self.rows[first : first + size]
        columns = [
            _column(type_, [row[n] for row in part], self.zone) for n, (_, type_, *_) in enumerate(self.description)
        ]
        return ttypes.TRowSet(startRowOffset=first, rows=[], columns=columns)


def bound(parameter: Any) -> object:
    """The value of a parameter, from the text and the type that the connector sends."""
    text = parameter.value.stringValue if parameter.value else None
    return None if text is None else BOUND.get(parameter.type.partition("(")[0], str)(text)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=at.tzinfo or UTC)


BOUND: dict[str, Callable[[str], object]] = {
    "INT": int,
    "BIGINT": int,
    "DOUBLE": float,
    "DECIMAL": Decimal,
    "BOOLEAN": lambda text: text.casefold() == "true",
    "DATE": date.fromisoformat,
    "TIMESTAMP": _moment,
}

T = ttypes.TTypeId
KINDS = {  # how DuckDB's types are called on the wire, and the column and the empty value that carry them
    "BOOLEAN": (T.BOOLEAN_TYPE, "boolVal", ttypes.TBoolColumn, False),
    "TINYINT": (T.INT_TYPE, "i32Val", ttypes.TI32Column, 0),
    "SMALLINT": (T.INT_TYPE, "i32Val", ttypes.TI32Column, 0),
    "INTEGER": (T.INT_TYPE, "i32Val", ttypes.TI32Column, 0),
    "BIGINT": (T.BIGINT_TYPE, "i64Val", ttypes.TI64Column, 0),
    "HUGEINT": (T.BIGINT_TYPE, "i64Val", ttypes.TI64Column, 0),  # SUM(int), a BIGINT in Spark
    "FLOAT": (T.DOUBLE_TYPE, "doubleVal", ttypes.TDoubleColumn, 0.0),
    "DOUBLE": (T.DOUBLE_TYPE, "doubleVal", ttypes.TDoubleColumn, 0.0),
    "DECIMAL": (T.DECIMAL_TYPE, "stringVal", ttypes.TStringColumn, ""),
    "DATE": (T.DATE_TYPE, "stringVal", ttypes.TStringColumn, ""),
    "TIMESTAMP": (T.TIMESTAMP_TYPE, "stringVal", ttypes.TStringColumn, ""),
    "TIMESTAMP WITH TIME ZONE": (T.TIMESTAMP_TYPE, "stringVal", ttypes.TStringColumn, ""),
}
TEXT = (T.STRING_TYPE, "stringVal", ttypes.TStringColumn, "")


def _kind(type_: object) -> tuple[Any, str, Any, object]:
    return KINDS.get(str(type_).partition("(")[0], TEXT)


def _qualifiers(type_: str) -> Any:
    """Precision and scale of a DECIMAL(p,s), without which the connector reads none."""
    name, _, inside = type_.rstrip(")").partition("(")
    if name != "DECIMAL":
        return None
    numbers = zip(("precision", "scale"), inside.split(","), strict=True)
    return ttypes.TTypeQualifiers({key: ttypes.TTypeQualifierValue(i32Value=int(n)) for key, n in numbers})


def _column(type_: object, values: list[Any], zone: str) -> Any:
    _, field, column, empty = _kind(type_)
    nulls = bytearray(-(-len(values) // 8))
    for n, value in enumerate(values):
        nulls[n // 8] |= (value is None) << (n % 8)
    written = [empty if value is None else _written(value, field, zone) for value in values]
    return ttypes.TColumn(**{field: column(values=written, nulls=bytes(nulls))})


def _written(value: Any, field: str, zone: str) -> Any:
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(zone)) if value.tzinfo else value
        return f"{local:%Y-%m-%d %H:%M:%S.%f}"  # the reader is to know the zone, as with Databricks
    return str(value) if field == "stringVal" else value
