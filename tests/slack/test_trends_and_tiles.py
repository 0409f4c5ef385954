"""Trend and tiles, typed, over the real Bolt app and the local Slack."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import MissingTableError
from bot.runtime.composition import disconnect
from bot.services.audit_log import SNAPSHOTS
from tests.fakes import FakeWarehouse
from tests.slack.test_by_hand import VISITOR, Small
from tests.small_bot import small_bot, small_slack
from tests.waiting import until

LOG_MISSING = "Table or view crm.sfdc_dbx.sync_audit_log is missing"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    slack, warehouse = small_slack(), FakeWarehouse()
    slack.start()
    bot = small_bot(slack.url, tmp_path, warehouse)
    until(lambda: slack.connections == 1)
    now = bot.ports.clock.now()
    warehouse.rows[SNAPSHOTS] = [
        {"audit_id": f"s{n}", "execution_timestamp": now - timedelta(days=n + 1), "executed_by": "-", "notes": "-"}
        | {"coverage_percentage": 96.0 - n, "gap": 778 - n}
        for n in range(9)
    ]
    warehouse.rows["dashboard_tiles/02_coverage_trend"] = [
        {"day": (now - timedelta(days=n)).date(), "coverage": 96.0} for n in (2, 1)
    ]
    yield Small(slack, bot, warehouse)
    bot.stop()
    disconnect(bot.ports)
    slack.stop()


def charts(small: Small) -> list[dict[str, Any]]:
    return [
        block["chart"]
        for message in small.slack.ephemerals(VISITOR)
        for block in message.get("blocks", [])
        if block["type"] == "data_visualization"
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("trend", "`/sync-health trend "),
        ("trend coverage 7", "Coverage of Salesforce, last 7 days"),
        ("trend “Missing company names” 30", "Missing company names, last 30 days"),
        ("trend backlog 'Sync B' 7", "Backlog, Sync B, last 7 days"),
        ("trend gap", "Gap, last 30 days"),
        ("trend covrage", "Unknown metric “covrage”. Did you mean coverage? /sync-health trend lists the metrics."),
        ("trend coverage 400", "“400” is out of range. Write a number of days from 1 to 90"),
        ("trend <!channel>", "Unknown metric “&lt;!channel&gt;”"),
        ("tiles", "14 tiles of the dashboard"),
        ("tiles 2", "2 · Coverage (%)"),
        ("tiles coverage", "How has coverage moved, day by day?"),
        ("tiles 99", "There is no tile “99”. Tiles: 1 System status"),
    ],
)
def test_everybody_may_ask(small: Small, typed: str, told: str) -> None:
    small.slack.command(VISITOR, typed)
    until(lambda: told in small.told(VISITOR))


def test_the_warehouse_is_asked_once_however_many_want_the_same_and_not_for_the_lists(small: Small) -> None:
    small.slack.command(VISITOR, "tiles")
    until(lambda: "14 tiles" in small.told(VISITOR))
    assert small.warehouse.asked == []
    small.warehouse.free.clear()
    for typed in ("tiles 2", "tiles coverage", "tiles #2"):
        small.slack.command(VISITOR, typed)
    until(lambda: small.warehouse.asked)
    small.warehouse.free.set()
    until(lambda: len(charts(small)) == 3)
    assert small.warehouse.asked == ["dashboard_tiles/02_coverage_trend"]


def test_a_trend_is_a_chart_with_its_thresholds(small: Small) -> None:
    small.slack.command(VISITOR, "trend coverage 90")
    [chart] = until(lambda: charts(small))
    assert [one["name"] for one in chart["series"]] == ["Value", "Critical < 90%", "Warning < 95%"]
    assert min(point["value"] for point in chart["series"][0]["data"]) <= 88.0


def test_a_log_that_is_missing_is_told_with_the_remedy(small: Small) -> None:
    small.warehouse.failure = MissingTableError("crm.sfdc_dbx.sync_audit_log")
    small.slack.command(VISITOR, "tiles 2")
    until(lambda: f"Tile 2, Coverage: {LOG_MISSING}. sync-health deploy creates it." in small.told(VISITOR))
    small.slack.command(VISITOR, "trend gap")
    until(lambda: "“gap” is no metric; tile 11, " in small.told(VISITOR))
    assert f"The audit log was not read: {LOG_MISSING}" in small.told(VISITOR)


def test_a_workspace_without_charts_gets_the_numbers_as_text(small: Small) -> None:
    small.slack.unknown_blocks |= {"table", "data_visualization"}
    small.slack.command(VISITOR, "tiles 2")
    until(lambda: "96.0%" in small.told(VISITOR))
    assert charts(small) == []
