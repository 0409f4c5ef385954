"""Estates for hypothesis: empty tables, NULLs, midnight, days on which clocks change, future times, 0 of 0."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Rows = list[dict[str, Any]]
Estate = tuple[datetime, dict[str, Rows]]

CLOCKS = [  # UTC: an evening, the last and the first second of a local day, and the days on which clocks change
    datetime(2026, 1, 21, 4, tzinfo=UTC),
    datetime(2026, 1, 21, 7, 59, 59, tzinfo=UTC),
    datetime(2026, 1, 21, 8, tzinfo=UTC),
    datetime(2026, 3, 8, 10, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 9, 30, tzinfo=UTC),
]
AGES = [timedelta(minutes=minutes) for minutes in (-90, -10, 0, 1, 60, 24 * 60, 25 * 60, 6 * 24 * 60, 400 * 24 * 60)]
WORDS = st.sampled_from([None, "", " ", "null", "Company 1", "Property 1", "O'Neil & <b>", "Zoë ", "n/a"])
SFDC = st.sampled_from([None, "", "XXXXXXXXXXXXXXX", "a1", "a2", "a3", "a4"])
FLAG = st.sampled_from([None, True, False])
NUMBER = st.integers(0, 6)
SNAPSHOT = "Coverage: 96.00% | Status: GOOD | RDS Total: 20274 | SF Total: 18722 | Gap: {} | CREATE Queue: 12"
NOTES = st.sampled_from([None, "", "free text", SNAPSHOT.format("0 (-903)"), SNAPSHOT.format(78)])
FEATURES = ("idv", "bank_linking", "payroll_linking", "iv", "fraud")
LIVE = ("id_verification", "bank_linking", "connected_payroll", "income_verification", "fraud_detection")


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """A clock, and the rows of the shipped pipeline's tables by then; any of them may be empty."""
    now = draw(st.sampled_from(CLOCKS))
    at = st.one_of(st.none(), st.sampled_from([now - age for age in AGES]))
    return now, {table: draw(rows) for table, rows in _tables(at).items()}


def _tables(at: st.SearchStrategy[datetime | None]) -> dict[str, st.SearchStrategy[Rows]]:
    return {
        "rds.pg_rds_public.companies": _rows(3, "id", id=st.integers(1, 4), name=WORDS, _fivetran_deleted=FLAG),
        "rds.pg_rds_public.properties": _rows(
            6,
            "id",
            id=NUMBER,
            sfdc_id=SFDC,
            company_id=st.sampled_from([None, 1, 2, 9]),
            status=st.sampled_from([None, "ACTIVE", "DISABLED", "DELETED"]),
            **dict.fromkeys(("short_id", "name", "address", "city", "state", "zip"), WORDS),
            **dict.fromkeys(("inserted_at", "updated_at"), at),
        ),
        "crm.sfdc_dbx.product_property_w_features": _rows(
            4,
            property_id=NUMBER.map(str),
            **{f"{name}_enabled": FLAG for name in FEATURES},
            **{f"{name}_{kind}_at": at for name in FEATURES for kind in ("enabled", "updated")},
        ),
        "hive_metastore.salesforce.product_property": _rows(
            5,
            "id",
            id=NUMBER.map("s{}".format),
            snappt_property_id_c=NUMBER.map(str),
            sf_property_id_c=SFDC,
            **dict.fromkeys(("name", "company_name_c"), WORDS),
            **{f"{name}_enabled_c": FLAG for name in LIVE},
            **dict.fromkeys(("is_deleted", "_fivetran_deleted"), FLAG),
            **dict.fromkeys(("created_date", "last_modified_date"), at),
        ),
        "crm.sfdc_dbx.sync_audit_log": _rows(
            5,
            "audit_id",
            audit_id=st.sampled_from(["daily_snapshot_20260119", "daily_snapshot_20260120", "x", "y", "z"]),
            sync_name=st.sampled_from(["Daily System Snapshot", "Sync A", "Sync B"]),
            sync_type=st.sampled_from(["MONITORING", "MANUAL", "CREATE", "UPDATE"]),
            error_rate=st.sampled_from([None, 0.0, 33.3]),
            executed_by=WORDS,
            notes=NOTES,
            census_sync_id=st.sampled_from([None, 7]),
            **dict.fromkeys(("records_processed", "records_succeeded", "records_failed"), NUMBER),
            **dict.fromkeys(("execution_timestamp", "created_at"), at),
        ),
    }


def _rows(most: int, key: str | None = None, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    row = st.fixed_dictionaries(columns)
    return st.lists(row, max_size=most, unique_by=(lambda one: one[key]) if key else None)
