"""The row that a snapshot writes: its notes as dashboards read them, once and for all."""

from datetime import timedelta

import pytest

from tests.small_pipeline import NOTES, SALESFORCE, SmallPipeline, local

NOON = local("2026-01-20 12:00")


def test_notes_have_their_keys_in_their_order(small: SmallPipeline) -> None:
    small.properties(200)
    small.salesforce(190, modified=local("2026-01-20 11:30"))
    small.salesforce(192, first=191, company=None)
    small.run(f"UPDATE {SALESFORCE} SET bank_linking_enabled_c = TRUE WHERE id IN ('s1', 's2')")
    assert list(small.notes("daily_snapshot_20260120", NOON)) == NOTES
    assert small.snapshot("daily_snapshot_20260120", NOON)["notes"] == (
        "Coverage: 96.00% | Status: 🟢 GOOD | RDS Total: 200 | SF Total: 192 | Gap: 8 | CREATE Queue: 8"
        " | UPDATE Queue: 4 | Created Today: 0 | Updated Today: 190 | IDV Enabled: 0 | Bank Linking: 2 | Payroll: 0"
        " | Income: 0 | Fraud Detection: 0 | Last Create: 2019-12-31 16:00 | Last Update: 2026-01-20 11:30"
    )
    [row] = small.run(
        "SELECT sync_name, sync_type, execution_timestamp, records_processed, records_succeeded, records_failed,"
        " error_rate, executed_by, census_sync_id, created_at IS NOT NULL FROM crm.sfdc_dbx.sync_audit_log"
    )
    rate = pytest.approx(200 / 192)
    assert row == ("Daily System Snapshot", "MONITORING", NOON, 192, 190, 2, rate, "test", None, True)


def test_a_snapshot_that_is_there_is_never_changed(small: SmallPipeline) -> None:
    small.properties(10)
    small.salesforce(10)
    first = small.snapshot("daily_snapshot_20260120", NOON)
    small.run(f"DELETE FROM {SALESFORCE} WHERE id <> 's1'")
    assert small.snapshot("daily_snapshot_20260120", NOON + timedelta(hours=1), executed_by="other") == first
    assert small.run("SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log") == [(1,)]


def test_a_snapshot_by_hand_has_a_name_of_its_own(small: SmallPipeline) -> None:
    small.snapshot("manual_snapshot_20260120T200000Z", NOON)
    [row] = small.run("SELECT sync_name, sync_type FROM crm.sfdc_dbx.sync_audit_log")
    assert row == ("Manual System Snapshot", "MANUAL")


def test_a_negative_gap_survives_the_dashboards_regular_expressions(small: SmallPipeline) -> None:
    small.properties(3)
    small.salesforce(906)
    row = small.snapshot("manual_snapshot_x", NOON)
    assert "| Gap: 0 (-903) | CREATE Queue: 0 |" in str(row["notes"])
    for pattern in ("Gap: ([0-9]+)", r"Gap: (\d+)", "Gap: (-?[0-9]+)"):
        [(extracted,)] = small.run(
            f"SELECT REGEXP_EXTRACT(notes, '{pattern}', 1)::INT FROM crm.sfdc_dbx.sync_audit_log"
        )
        assert extracted == 0, "nothing is missing"
    assert row["gap"] == -903
