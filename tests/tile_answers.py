"""What a tile answers, as if it were then; and an audit log as the bot and a team's own job have written it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlglot
from sqlglot import exp

from bot.adapters.duckdb import DuckDBWarehouse
from bot.charts import Tile
from bot.config.settings import Settings
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from bot.sql.trees import in_duckdb

FEATURES = {
    "idv": "IDV Enabled",
    "bank_linking": "Bank Linking",
    "payroll": "Payroll",
    "income": "Income",
    "fraud_detection": "Fraud Detection",
}
Row = dict[str, object]


@dataclass(frozen=True)
class LogRow:
    """A row of the audit log."""

    audit_id: str
    sync_type: str
    at: datetime
    sync: str = "Daily System Snapshot"
    processed: int | None = None
    succeeded: int | None = None
    notes: str | None = None
    by: str = "sync-health"
    sync_id: int | None = None

    @property
    def failed(self) -> int | None:
        return None if self.processed is None or self.succeeded is None else self.processed - self.succeeded

    @property
    def values(self) -> tuple[object, ...]:
        given = (self.audit_id, self.sync, self.sync_type, self.at, self.processed, self.succeeded, self.failed)
        return (*given, None, self.by, self.notes, self.sync_id, self.at)


@dataclass(frozen=True)
class Figures:
    """What a snapshot has measured; `is_known` False: one of the numbers in its notes is unknown, so it has none."""

    coverage: int  # hundredths of a percent
    rows: int
    nameless: int
    gap: int
    queues: tuple[int, int]
    written: tuple[int, int]
    features: tuple[int, int, int, int, int]
    is_known: bool = True

    @property
    def notes(self) -> str | None:
        if not self.is_known:
            return None
        said = {
            "Coverage": f"{self.coverage / 100:.2f}%",
            "Status": "🟢 GOOD",
            "RDS Total": self.rows + 9,
            "SF Total": self.rows,
            "Gap": f"0 ({self.gap})" if self.gap < 0 else self.gap,
            **dict(zip(("CREATE Queue", "UPDATE Queue"), self.queues, strict=True)),
            **dict(zip(("Created Today", "Updated Today"), self.written, strict=True)),
            **dict(zip(FEATURES.values(), self.features, strict=True)),
            "Last Create": "2026-01-01 23:20",
            "Last Update": "2026-01-01 23:35",
        }
        return " | ".join(f"{key}: {value}" for key, value in said.items())

    def of_bot(self, day: date, zone: ZoneInfo) -> LogRow:
        return self._logged(f"daily_snapshot_{day:%Y%m%d}", moment(day, "23:59", zone))

    def of_bot_late(self, day: date, zone: ZoneInfo) -> LogRow:
        """It was down in the evening."""
        return self._logged(f"daily_snapshot_{day:%Y%m%d}", moment(day + timedelta(days=1), "06:10", zone))

    def of_team(self, day: date, zone: ZoneInfo) -> LogRow:
        """A job in the same evening, which takes its date from UTC."""
        at = moment(day, "23:58", zone)
        return self._logged(f"daily_snapshot_{at:%Y%m%d}", at, by="jane.roe@example.com")

    def by_hand(self, day: date, zone: ZoneInfo) -> LogRow:
        at = moment(day, "23:59", zone)
        return LogRow(f"manual_snapshot_{at:%Y%m%dT%H%M%SZ}", "MANUAL", at, "Manual System Snapshot", 1, 0, self.notes)

    def _logged(self, audit_id: str, at: datetime, by: str = "sync-health") -> LogRow:
        named = self.rows - self.nameless
        return LogRow(audit_id, "MONITORING", at, processed=self.rows, succeeded=named, notes=self.notes, by=by)


def moment(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """In UTC, of a local time of day."""
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


class TileAnswers:
    """A pipeline's tiles over a warehouse in this process."""

    def __init__(self, settings: Settings, warehouse: DuckDBWarehouse | None = None) -> None:
        self.settings, self.statements = settings, Statements.of(settings)
        self.warehouse = warehouse or DuckDBWarehouse(statements=self.statements)
        self.tiles: Mapping[int, Tile] = {tile.number: tile for tile in read_tiles(self.statements, settings)}
        self._texts: dict[int, str] = {}
        self.log = self.statements.created("sync_audit_log").replace("lake-prod", '"lake-prod"')

    def fill(self, rows: Iterable[LogRow]) -> None:
        """The log has these, and no others."""
        with self.warehouse.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self.log}")
            if values := [row.values for row in rows]:
                one = f"({', '.join('?' * len(values[0]))})"
                all_values = [value for row in values for value in row]
                cursor.execute(f"INSERT INTO {self.log} VALUES {', '.join([one] * len(values))}", all_values)

    def ask(self, number: int, at: datetime) -> list[Row]:
        """The rows of a tile; only its clock is replaced."""
        columns, rows = self._run(number, at)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def types(self, number: int) -> Mapping[str, str]:
        """The type of each column."""
        return self._run(number, datetime.now(UTC))[0]

    def _run(self, number: int, at: datetime) -> tuple[Mapping[str, str], Sequence[Sequence[object]]]:
        with self.warehouse.cursor() as cursor:
            cursor.execute(self._at_any_time(number), {"now": at} if "$now" in self._at_any_time(number) else None)
            return {one[0]: str(one[1]) for one in cursor.description or ()}, cursor.fetchall()

    def _at_any_time(self, number: int) -> str:
        """Its text with a parameter for the clock."""
        if number not in self._texts:
            text = self.statements.in_dialect(self.tiles[number].statement, "databricks")
            tree = sqlglot.parse_one(text, dialect="databricks")
            for clock in list(tree.find_all(exp.CurrentTimestamp)):
                clock.replace(exp.cast(exp.Placeholder(this="now"), "timestamptz"))
            self._texts[number] = in_duckdb(tree)
        return self._texts[number]
