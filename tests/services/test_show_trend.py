"""How a metric went: what is meant by what is typed, and where its values come from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.history import Pick
from bot.charts import MetricTrend
from bot.config.settings import Settings
from bot.errors import RefusedError, TemporaryError
from bot.model import Evaluation
from bot.runtime.composition import settings_from
from bot.services.audit_log import SNAPSHOTS
from bot.services.metrics import Asked, known_metrics, metric_asked
from bot.services.show_trend import ASLEEP, show_metrics, show_trend
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from checks.judge import judge
from checks.metrics import FACTS
from checks.model import Reading, Result
from tests.pipelines.twenty import NAMES
from tests.services.conftest import World

SHIPPED = settings_from({})


def asked(text: str, settings: Settings = SHIPPED) -> Asked | None:
    return metric_asked(settings, known_metrics(settings), text)


@pytest.mark.parametrize(
    ("text", "names", "days"),
    [
        ("coverage", ["coverage"], 30),
        ("COVERAGE 7", ["coverage"], 7),
        ("coverage 90d", ["coverage"], 90),
        ("coverage 1 day", ["coverage"], 1),
        ("coverage_percentage 14 days", ["coverage"], 14),
        ("Missing  company names 45", ["null_company_names"], 45),
        ("null company names", ["null_company_names"], 30),
        ("null-company-names 8", ["null_company_names"], 8),
        ("backlog", ["backlog Sync A", "backlog Sync B"], 30),
        ("backlog 7", ["backlog Sync A", "backlog Sync B"], 7),
        ("backlog Sync B 30", ["backlog Sync B"], 30),
        ("backlog sync b", ["backlog Sync B"], 30),
        ("backlog b 12", ["backlog Sync B"], 12),
        ("backlog update", ["backlog Sync B"], 30),
        ("backlog Sync B (UPDATE) 3", ["backlog Sync B"], 3),
        ("backlog not shrinking a", ["backlog_not_shrinking Sync A"], 30),
        ("census error rate b 90", ["census_error_rate Sync B"], 90),
    ],
)
def test_a_metric_its_sync_and_the_days_are_read_from_what_is_typed(text: str, names: list[str], days: int) -> None:
    found = asked(text)
    assert found
    assert ([one.typed for one in found.metrics], found.days) == (names, days)


def test_a_sync_that_ends_with_a_number_is_no_number_of_days() -> None:
    syncs = tuple(replace_name(SHIPPED, name, 200 + n) for n, name in enumerate(NAMES))
    feeds = replace(SHIPPED, syncs=syncs, checks_of={})
    for text, name, days in [
        ("failed_runs Feed 07", "failed_runs Feed 07", 30),
        ("failed runs feed 07 14", "failed_runs Feed 07", 14),
        ("failed_runs Feed 20", "failed_runs Feed 20", 30),
    ]:
        found = asked(text, feeds)
        assert found and [one.typed for one in found.metrics] == [name] and found.days == days
    alone = asked("failed_runs 20", feeds)
    assert alone and len(alone.metrics) == 20 and alone.days == 20, "one number alone is days"


def replace_name(settings: Settings, name: str, id_: int) -> object:
    return settings.syncs[0].model_copy(update={"name": name, "id": id_, "role": None})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("coverage 0", "“0” is out of range. Write a number of days from 1 to 90"),
        ("coverage 91", "“91” is out of range"),
        ("coverage -7", "“-7” is out of range"),
        ("coverage 1.5", "“1.5” is out of range"),
        ("coverage 99999999999999999999", "is out of range"),
        ("coverage Sync B", "Unknown number of days “Sync B”"),
        ("backlog Sync Q 30", "Unknown sync “Sync Q”. Syncs: Sync A (CREATE), Sync B (UPDATE)."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(text: str, told: str) -> None:
    with pytest.raises(RefusedError) as refused:
        asked(text)
    assert told in str(refused.value)


@pytest.fixture
def whole(world: World) -> World:
    """With every check of the shipped pipeline, and its audit log."""
    world.ports = replace(world.ports, settings=SHIPPED)
    return world


def measured(world: World, check: str, value: float | None, sync: str | None = None, **ago: float) -> None:
    """One evaluation of the past."""
    save(world, judged(check, value, sync), **ago)


def judged(check: str, value: float | None, sync: str | None = None) -> Result:
    """By the thresholds of the shipped pipeline."""
    one = SHIPPED.check_called(check, sync)
    assert one
    return judge(one, Reading(value, facts=dict.fromkeys(FACTS.get(one.metric, ()), "-")), sync)


def save(world: World, *results: Result, **ago: float) -> None:
    with world.store.transaction() as records:
        at = world.clock.now() - timedelta(**ago)
        records.save_evaluation(Evaluation(at, results[0].outcome, 1, 0.0, results, ()))


def logged(world: World, *values: tuple[float, float | None]) -> None:
    """Snapshots of the audit log, each so many days ago with this coverage; the newest first."""
    world.warehouse.rows[SNAPSHOTS] = [
        {"audit_id": f"s{n}", "execution_timestamp": world.clock.now() - timedelta(days=days), "executed_by": "-"}
        | {"notes": "-", "coverage_percentage": value, "gap": int(days), "update_queue": None}
        for n, (days, value) in enumerate(values)
    ]


def course(trend: MetricTrend) -> list[float | None]:
    return [point.value for point in trend.points]


def test_values_of_the_bot_are_shown_with_their_lowest_where_less_is_worse(whole: World) -> None:
    for ago, value in ((30, 96.0), (26, 91.0), (2, 97.0), (1, 96.5)):
        measured(whole, "coverage", value, hours=ago)
    trend = show_trend(whole.ports, "coverage 7")
    assert (trend.pick, course(trend)) == (Pick.LOWEST, [96.0, 91.0, 96.5])
    assert trend.latest == (whole.clock.now() - timedelta(hours=1), 96.5)
    assert trend.since == whole.clock.now() - timedelta(hours=30)
    assert trend.weeks.now == pytest.approx((96.0 + 91.0 + 96.75) / 3)
    assert trend.weeks.before is None


def test_the_audit_log_is_asked_for_days_before_the_bot_began_and_only_then(whole: World) -> None:
    logged(whole, (0.05, 80.0), (3, 95.5), (9, None), (10, 94.0))
    measured(whole, "coverage", 96.0, hours=1)
    trend = show_trend(whole.ports, "coverage 30")
    assert trend.from_log and course(trend) == [94.0, None, None, None, 95.5, 96.0]
    assert trend.latest == (whole.clock.now() - timedelta(hours=1), 96.0), "the bot's own value of that day counts"
    assert whole.warehouse.asked == [SNAPSHOTS]
    measured(whole, "coverage", 90.0, days=40)
    whole.warehouse.asked.clear()
    again = show_trend(whole.ports, "coverage 30")
    assert whole.warehouse.asked == [] and not again.from_log
    assert again.since is None, "it is older than what is shown"


def test_a_number_of_census_never_asks_the_warehouse(whole: World) -> None:
    measured(whole, "failed_runs", 2, "Sync B", hours=1)
    trend = show_trend(whole.ports, "failed runs Sync B")
    assert (course(trend), whole.warehouse.asked) == ([2.0], [])


def test_what_stands_in_the_log_alone_is_found_there(whole: World) -> None:
    logged(whole, (1, 95.0), (2, 95.0))
    trend = show_trend(whole.ports, "gap 7")
    assert (trend.metric.title, trend.metric.check, course(trend)) == ("Gap", None, [2.0, 1.0])
    with pytest.raises(RefusedError, match=r"Unknown metric “gapp 7”\. Did you mean gap\?"):
        show_trend(whole.ports, "gapp 7")


def test_a_log_that_cannot_be_read_hides_nothing_that_is_known_otherwise(whole: World) -> None:
    measured(whole, "coverage", 96.0, hours=1)
    whole.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    trend = show_trend(whole.ports, "coverage")
    assert course(trend) == [96.0]
    assert trend.log_error == "the warehouse cannot be reached"
    with pytest.raises(RefusedError, match="Unknown metric “gap”"):
        show_trend(whole.ports, "gap")
    listed = show_metrics(whole.ports)
    assert listed.log_error == "the warehouse cannot be reached" and not listed.logged


def test_of_several_syncs_the_worst_is_shown_and_the_others_are_named(whole: World) -> None:
    save(whole, judged("backlog", 200.0, "Sync A"), judged("backlog", 300.0, "Sync B"))
    trend = show_trend(whole.ports, "backlog 7")
    assert (trend.metric.sync, trend.others) == ("Sync A", ("Sync B",)), "200 is critical there, 300 is not here"
    listed = {one.metric.name: one for one in show_metrics(whole.ports).of_syncs}
    assert (listed["backlog"].metric.sync, listed["backlog"].value, listed["backlog"].syncs) == ("Sync A", 200.0, 2)


def test_no_value_at_all_is_told_as_none(whole: World) -> None:
    trend = show_trend(whole.ports, "coverage")
    assert (trend.points, trend.latest, trend.weeks.now, trend.since) == ((), None, None, None)
    assert show_metrics(whole.ports).as_of is None


def test_without_a_warehouse_only_the_state_is_read(whole: World) -> None:
    whole.ports = replace(whole.ports, settings=replace(SHIPPED, has_warehouse=False))
    measured(whole, "failed_runs", 1, "Sync A", hours=1)
    assert course(show_trend(whole.ports, "failed runs a 1")) == [1.0]
    show_metrics(whole.ports)
    assert whole.warehouse.asked == []


def test_times_of_the_log_may_be_anywhere(whole: World) -> None:
    logged(whole, (-5, 95.0), (4000, 94.0))
    assert show_trend(whole.ports, "coverage").points == (), "of the future, and of long ago"
    assert whole.clock.now() > datetime(2026, 1, 1, tzinfo=UTC)


def test_a_typo_wakes_no_warehouse_and_is_told_what_was_not_read(whole: World) -> None:
    logged(whole, (1, 95.0))
    whole.warehouse.says = "STOPPED"
    with pytest.raises(RefusedError) as refused:
        show_trend(whole.ports, "covrage")
    assert "Did you mean coverage?" in str(refused.value)
    assert str(refused.value).endswith(
        "The audit log was not read: the warehouse is asleep. "
        "/sync-health trend and the name of one of its numbers reads it."
    )
    listed = show_metrics(whole.ports)
    assert listed.log_error == ASLEEP and listed.of_pipeline and not listed.logged
    assert whole.warehouse.asked == []


def test_a_number_of_the_log_is_shown_by_its_name_whatever_that_wakes(whole: World) -> None:
    logged(whole, (1, 95.0))
    whole.warehouse.says = "STOPPED"
    assert course(show_trend(whole.ports, "gap 7")) == [1.0]
    assert whole.warehouse.asked == [SNAPSHOTS]


def test_what_a_tile_shows_is_found_there(whole: World) -> None:
    whole.warehouse.says = "STOPPED"
    tiles = read_tiles(Statements.of(SHIPPED), SHIPPED)
    for text in ("success rate", "Success-rate 30"):
        with pytest.raises(RefusedError, match=r"tile 5, Success rate, shows it: /sync-health tiles 5\.$"):
            show_trend(whole.ports, text, lambda: tiles)
    assert whole.warehouse.asked == []


@pytest.mark.parametrize("odd", [None, "yesterday"])
def test_a_log_whose_times_cannot_be_read_is_one_that_was_not_read(whole: World, odd: object) -> None:
    logged(whole, (1, 95.0))
    whole.warehouse.rows[SNAPSHOTS][0]["execution_timestamp"] = odd
    measured(whole, "coverage", 96.0, hours=1)
    trend = show_trend(whole.ports, "coverage")
    assert course(trend) == [96.0]
    assert trend.log_error and "make it a TIMESTAMP" in trend.log_error
    assert show_metrics(whole.ports).log_error == trend.log_error


def test_of_several_syncs_one_that_has_a_value_stands_for_them(whole: World) -> None:
    logged(whole, (1, 95.0))
    whole.warehouse.rows[SNAPSHOTS][0] |= {"Sync A/success_rate": None, "Sync B/success_rate": 99.0}
    [found] = [one for one in show_metrics(whole.ports).logged if one.metric.name == "success_rate"]
    assert (found.metric.sync, found.value, found.syncs) == ("Sync B", 99.0, 2)


def test_a_sync_is_meant_whatever_quotes_its_name_has() -> None:
    syncs = (replace_name(SHIPPED, 'O\'Brien "x"', 201), replace_name(SHIPPED, "Sync B", 202))
    settings = replace(SHIPPED, syncs=syncs, checks_of={})
    for text in ("failed_runs O'Brien x 7", 'failed runs O\'Brien "x" 7'):
        found = asked(text, settings)
        assert found and [one.sync for one in found.metrics] == ['O\'Brien "x"'] and found.days == 7
