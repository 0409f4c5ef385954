"""A pipeline of a few rows in an embedded warehouse: what a test says is in it, and nothing else."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlglot
from sqlglot import exp

from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo.estate import BUILD
from bot.ports import Sources, Warehouse
from bot.runtime.composition import settings_from
from bot.services.ask_warehouse import ask_warehouse
from tests.fakes import FakeCensus, HandClock
from tests.sql_folder import SHIPPED, shipped_statements

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOTES = [  # the keys of a snapshot's notes, in the order in which dashboards read them
    *("Coverage", "Status", "RDS Total", "SF Total", "Gap", "CREATE Queue", "UPDATE Queue", "Created Today"),
    *("Updated Today", "IDV Enabled", "Bank Linking", "Payroll", "Income", "Fraud Detection"),
    *("Last Create", "Last Update"),
]
SALESFORCE = "hive_metastore.salesforce.product_property"


class SmallPipeline:
    """Empty at first; properties are numbered from 1, and so are their Salesforce ids."""

    def __init__(self, warehouse: DuckDBWarehouse | None = None) -> None:
        self.warehouse = warehouse or DuckDBWarehouse(statements=shipped_statements())
        for statement in BUILD:
            if "/rows/" not in statement:
                self.warehouse.do(statement)
        self.run("INSERT INTO rds.pg_rds_public.companies VALUES (1, 'Company', FALSE)")

    def run(self, text: str) -> list[tuple[object, ...]]:
        with self.warehouse.cursor() as cursor:
            return list(cursor.execute(text).fetchall())

    def properties(self, last: int, *, first: int = 1, valid: bool = True, updated: datetime = LONG_AGO) -> None:
        """RDS has these, active ones."""
        sfdc_id = "'id' || i" if valid else "'XXXXXXXXXXXXXXX'"
        at = f"TIMESTAMPTZ '{updated.isoformat()}'"
        self.run(
            f"INSERT INTO rds.pg_rds_public.properties SELECT i, {sfdc_id}, 'p' || i, 1, 'Property ' || i, 'ACTIVE',"
            f" '', '', 'CA', '00000', {at}, {at} FROM range({first}, {last + 1}) AS r(i)"
        )

    def salesforce(
        self,
        last: int,
        *,
        first: int = 1,
        company: str | None = "Company",
        name: str = "Property ",
        created: datetime = LONG_AGO,
        modified: datetime | None = None,
    ) -> None:
        """Salesforce has these; they are as RDS wants them, unless company or name say otherwise."""
        company_name = "NULL" if company is None else f"'{company}'"
        times = ", ".join(f"TIMESTAMPTZ '{at.isoformat()}'" for at in (created, modified or created))
        self.run(
            f"INSERT INTO {SALESFORCE} SELECT 's' || i, '{name}' || i, i::TEXT, 'id' || i, {company_name},"
            f" FALSE, FALSE, FALSE, FALSE, FALSE, {times}, FALSE, FALSE FROM range({first}, {last + 1}) AS r(i)"
        )

    def health(self) -> dict[str, object]:
        return health(self.warehouse)

    def look(self, view: str, at: datetime, **settings: str | float) -> list[dict[str, object]]:
        """The rows of a view as if it were then: only the clock is replaced, and what `settings` says."""
        tree = sqlglot.parse_one(SHIPPED.to_deploy(view, settings), dialect="databricks").expression
        for clock in list(tree.find_all(exp.CurrentTimestamp)):
            clock.replace(exp.cast(exp.Literal.string(at.isoformat()), "timestamptz"))
        with self.warehouse.cursor() as cursor:
            cursor.execute(tree.sql("duckdb"))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def daily(self, at: datetime, **settings: str | float) -> dict[str, object]:
        [row] = self.look("daily_health_check", at, **settings)
        return row

    def sync(self, direction: str, at: datetime, **settings: str | float) -> dict[str, object]:
        """The monitor's row of one sync."""
        rows = self.look("sync_health_monitor", at, **settings)
        assert len(rows) == 2
        return next(row for row in rows if str(row["sync_name"]).endswith(f"({direction.upper()})"))

    def snapshot(self, audit_id: str, at: datetime, **changes: object) -> dict[str, object]:
        """Populate the log as the bot does, and the row that is there then."""
        given = {"executed_by": "test", "zone": LOS_ANGELES.key, "coverage_warn": 95.0, "coverage_critical": 90.0}
        self.warehouse.do("populate_audit_log", audit_id=audit_id, execution_timestamp=at, **given | changes)
        return self.warehouse.ask("measure/snapshots", audit_id=audit_id, now=at, most=2)[0]

    def notes(self, audit_id: str, at: datetime, **changes: object) -> dict[str, str]:
        parts = str(self.snapshot(audit_id, at, **changes)["notes"]).split(" | ")
        return dict(part.split(": ", maxsplit=1) for part in parts)


def health(warehouse: Warehouse) -> dict[str, object]:
    """Every number of the shipped pipeline: its own, and what is pending in both queues."""
    settings, clock = settings_from({}), HandClock()
    numbers = ask_warehouse(Sources(settings, clock, warehouse, FakeCensus(clock)))
    pending = {
        f"{sync.role}_queue{which}": numbers.count(f"{sync.name}/{metric}")
        for sync in settings.syncs
        for which, metric in (("", "backlog"), ("_suspicious", "suspect_records"))
    }
    return warehouse.ask("measure/health")[0] | pending


def local(text: str, fold: int = 0) -> datetime:
    """A moment as a clock in Los Angeles shows it; `fold` 1 is the second 01:30 of the autumn."""
    return datetime.fromisoformat(text).replace(tzinfo=LOS_ANGELES, fold=fold).astimezone(UTC)
