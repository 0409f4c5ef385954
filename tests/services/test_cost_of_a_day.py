"""What a simulated day costs a warehouse, and that `sync-health status` counts it as the simulation does."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.bench.cost_of_a_day import ALERT, AUTO_STOP, POLL, cost_of_polling, cost_of_the_bot
from tests.bench.simulated_day import BEGIN, DAY, HOUR, HOURLY, Simulation, awake_after, minutes_of

HOURS = 2 * HOUR


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Two hours of the bot beside syncs that run hourly; somebody asks once."""
    path: Path = tmp_path_factory.mktemp("cost") / "state.db"
    simulation = Simulation(path, HOURLY, AUTO_STOP, length=HOURS, asks=(timedelta(minutes=37),))
    simulation.run()
    return simulation


def test_a_poll_every_five_minutes_never_lets_a_warehouse_sleep_and_an_alert_every_two_hours_does() -> None:
    poll, alert = (cost_of_polling("", every, []) for every in (POLL, ALERT))
    assert (poll.statements, poll.woke, round(poll.awake)) == (288, 1, DAY / timedelta(minutes=1) - 5)
    assert (alert.statements, alert.woke) == (12, 12)
    assert 110 <= alert.awake <= 11 * 10 + 11
    assert max(poll.detected) <= POLL and HOUR < max(alert.detected) <= ALERT


def test_what_the_syncs_keep_awake_anyway_is_not_added() -> None:
    all_day = [(BEGIN - HOUR, BEGIN + DAY + HOUR)]
    cost = cost_of_polling("", POLL, all_day)
    assert (cost.woke, cost.added) == (0, 0)
    assert cost.awake > 1400, "at most: they do not know of each other"


@pytest.mark.full
def test_the_bot_lets_a_warehouse_sleep_that_a_plain_poll_keeps_awake(morning: Simulation) -> None:
    bot, poll = cost_of_the_bot(morning), cost_of_polling("", POLL, morning.runs, HOURS)
    assert 0 < bot.awake < poll.awake / 2
    assert 0 < bot.added < poll.added / 3
    assert 0 < bot.statements < poll.statements / 3


@pytest.mark.full
def test_status_counts_what_the_simulation_saw(morning: Simulation) -> None:
    cost = cost_of_the_bot(morning)
    asked = [(at, at) for at in morning.asked]  # the fake warehouse takes no time
    assert cost.statements == len(morning.looks)
    assert cost.awake == minutes_of(awake_after(asked, AUTO_STOP), BEGIN, BEGIN + HOURS)
    assert cost.woke == 1, "for whoever asked: syncs had woken it for the others"
