"""The digest of each day: one line when all is well, exactly one a day, also of what nobody is reminded of any more."""

from dataclasses import replace
from datetime import time

import pytest

from bot.model import Kind
from bot.services.daily_digest import run_due_validation, send_due_digest
from checks.model import Outcome
from tests.fakes import answer_lost, refused
from tests.services.conftest import World
from tests.small_pipeline import local


def at(world: World, when: str) -> None:
    world.clock.pass_(seconds=(local(when) - world.clock.now()).total_seconds())


def begin_work(world: World, when: str) -> None:
    """The bot looks for the first time, and all is well."""
    at(world, when)
    world.look(0)


def live(world: World, begin: str, days: float, minutes: int = 30) -> list[str]:
    """The local times at which a digest was sent, asking every so often."""
    at(world, begin)
    sent = []
    for _ in range(int(days * 24 * 60 / minutes)):
        if send_due_digest(world.ports, world.checker):
            sent.append(f"{world.clock.now().astimezone(world.ports.settings.zone):%m-%d %H:%M}")
            world.deliver()
        world.clock.pass_(minutes=minutes)
    return sent


def test_a_healthy_pipeline_has_a_digest_of_one_line_at_nine(world: World) -> None:
    begin_work(world, "2026-04-01 00:00")
    assert live(world, "2026-04-01 00:00", days=1) == ["04-01 09:00"]
    [digest] = world.channel.roots()
    assert digest.kind is Kind.DIGEST
    assert "✅ The properties pipeline is healthy" in digest.text
    assert (
        "1 of 1 checks are well · 3 rows wait for Sync A · 12 rows wait for Sync B · no incident is open" in digest.text
    )
    assert len(digest.text.splitlines()) == 2, "one for notifications, one to read"


@pytest.mark.parametrize(
    ("begin", "days"),
    [("2026-03-06 12:00", ["03-07", "03-08", "03-09"]), ("2026-10-30 12:00", ["10-31", "11-01", "11-02"])],
    ids=["clocks go forward", "clocks go back"],
)
def test_each_local_day_has_one_digest_when_clocks_change(world: World, begin: str, days: list[str]) -> None:
    at(world, begin)
    world.look(0)
    assert live(world, begin, days=3) == [f"{day} 09:00" for day in days]


def test_a_restart_sends_no_second_one_and_a_downtime_only_the_latest(world: World) -> None:
    begin_work(world, "2026-04-01 12:00")
    assert live(world, "2026-04-03 10:00", days=0.2) == ["04-03 10:00"], "that of yesterday is no news any more"
    assert live(world, "2026-04-03 18:00", days=0.3) == []
    assert live(world, "2026-04-06 08:00", days=0.1) == ["04-06 09:00"], "nor is it an hour before the next"


def test_a_bot_that_was_not_yet_at_work_owes_none(world: World) -> None:
    assert live(world, "2026-04-03 10:00", days=0.2) == []


def test_what_is_open_for_days_is_in_every_digest_though_nobody_is_reminded_any_more(world: World) -> None:
    at(world, "2026-04-01 08:00")
    world.open_incident(40)
    world.deliver()
    reminders = []
    for _ in range(40):
        world.look(40, after=60)
        world.deliver()
        reminders.append(len([m for m in world.channel.everything() if m.kind is Kind.REMINDER]))
    assert reminders[-1] == reminders[-12] > 0, "reminders end after a day"
    assert live(world, "2026-04-03 08:30", days=0.1) == ["04-03 09:00"]
    digest = world.channel.roots()[-1]
    assert "🟡 The properties pipeline needs a look" in digest.text
    assert "Companies without a name: 40 (threshold &gt; 30)" in digest.text


def test_the_digest_measures_and_counts_what_ended_within_the_day(world: World) -> None:
    at(world, "2026-04-01 00:30")
    world.open_incident()
    world.look(0, after=5)
    world.look(0, after=10)
    before = len(world.warehouse.asked)
    assert live(world, "2026-04-01 08:30", days=0.1) == ["04-01 09:00"]
    assert len(world.warehouse.asked) == before + 1
    assert "1 incident ended within a day" in world.channel.roots()[-1].text


def test_no_data_is_no_good_news(world: World) -> None:
    begin_work(world, "2026-04-01 08:00")
    world.numbers(null_company_names=None)
    live(world, "2026-04-01 08:30", days=0.1)
    [digest] = world.channel.roots()
    assert "cannot be judged: there is no data" in digest.text
    assert "✅" not in digest.text


def test_slack_being_down_delays_the_digest_and_neither_loses_nor_doubles_it(world: World) -> None:
    begin_work(world, "2026-04-01 08:00")
    world.channel.fail(refused())
    assert live(world, "2026-04-01 08:30", days=2) == ["04-01 09:00", "04-02 09:00"]
    world.channel.heal()
    world.deliver_patiently()
    assert len(world.channel.roots()) == 1, "what was not sent yet stands for both"


def test_a_digest_whose_answer_was_lost_is_found_again(world: World) -> None:
    begin_work(world, "2026-04-01 08:00")
    world.channel.fail_next("post", answer_lost())
    live(world, "2026-04-01 08:30", days=0.1)
    world.deliver_patiently()
    assert len(world.channel.roots()) == 1
    assert world.owed() == []


def test_it_is_audited_with_what_it_found(world: World) -> None:
    world.look(60)
    live(world, "2026-04-01 08:30", days=0.1)
    assert ("sync-health", "digest", "2026-04-01", str(Outcome.CRITICAL)) in world.audit()


def test_the_time_of_day_is_configuration(world: World) -> None:
    settings = world.ports.settings
    world.ports = replace(
        world.ports,
        settings=replace(settings, schedule=settings.schedule.model_copy(update={"summary": time(7, 30)})),
    )
    begin_work(world, "2026-04-01 00:00")
    assert live(world, "2026-04-01 00:00", days=1) == ["04-01 07:30"]


def test_the_validation_of_the_night_speaks_through_alerts_alone_and_runs_once_a_local_date(world: World) -> None:
    begin_work(world, "2026-04-01 02:00")
    world.numbers(null_company_names=60)
    asked = len(world.warehouse.asked)
    ran = []
    for _ in range(48):
        if run_due_validation(world.ports, world.checker):
            ran.append(f"{world.clock.now().astimezone(world.ports.settings.zone):%m-%d %H:%M}")
        world.clock.pass_(minutes=30)
    assert ran == ["04-01 03:00"]
    assert len(world.warehouse.asked) == asked + 1, "the warehouse is asked, too"
    assert Kind.DIGEST not in world.owed()
