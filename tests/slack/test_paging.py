"""The whole bot and the local pager: somebody is woken, acknowledges in Slack, and the pager knows."""

import pytest

from bot.demo.pager import PagerFault
from tests.slack.conftest import World
from tests.waiting import until

pytestmark = pytest.mark.full


@pytest.mark.parametrize("world", [240], indirect=True)
def test_an_alert_that_nobody_acknowledges_pages_and_follows_slack_to_its_end(world: World) -> None:
    pager = world.demo.pager
    pager.fail(PagerFault(500), PagerFault(drop=True, done=True))  # it is told again, and opens one alert
    world.demo.estate.switch("company_names_lost", on=True)
    until(lambda: pager.alerts)
    root = until(lambda: next((m for m in world.demo.slack.messages() if "Paged " in str(m)), None))
    assert pager.alerts[0].links[0]["text"] == "Slack thread"
    world.demo.slack.press(world.operator, root["ts"], "acknowledge")
    until(lambda: any(one.status == "acknowledged" for one in pager.alerts))
    assert len(pager.open()) == len({alert.key for alert in pager.alerts})
    world.demo.estate.switch("company_names_lost", on=False)
    until(lambda: not pager.open())
    assert {alert.status for alert in pager.alerts} == {"resolved"}
