"""The digest of each day: one line when all is well, exactly one a day, also of what nobody is reminded of any more."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.model import Digest, Failure, Kind, Outage
from bot.services.daily_digest import run_due_validation, send_due_digest
from bot.services.next_step import LONGEST_WAIT
from tests.fakes import CHANNEL, answer_lost, refused
from tests.services.conftest import World
from tests.small_pipeline import local
from tests.unit import samples


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
    head = "Daily summary, Wed, Apr 1: 0 open incidents · 1 of 1 check passing · 15 pending · 0 resolved"
    notification, shown, _age = digest.text.splitlines()
    assert (notification, shown) == (head, f"*{head}*")


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


@pytest.mark.full
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
    assert "1 open incident · 0 of 1 check passing" in digest.text
    [line] = [line for line in digest.text.splitlines() if "Companies without a name" in line]
    assert "40 (threshold &gt; 30) · as of <!date^" in line, "the warehouse is not woken for it"
    assert "· since <!date^" in line
    assert line.endswith("|thread>"), "and where to find it"


def test_what_is_unacknowledged_comes_first_then_what_is_open_longest() -> None:
    acked = samples.acknowledged(id=1, opened_at=samples.NOW - timedelta(days=3))
    new, old = (samples.incident(id=n, opened_at=samples.NOW - timedelta(hours=n)) for n in (2, 3))
    assert [one.id for one in Digest(None, (acked, new, old), 0).listed] == [3, 2, 1]


def test_a_thread_whose_address_slack_does_not_tell_holds_the_summary_not_up(world: World) -> None:
    at(world, "2026-04-01 08:00")
    world.open_incident()
    world.deliver()
    world.channel.fail(refused(), "permalink")
    live(world, "2026-04-01 08:30", days=0.1)
    summary = world.channel.roots()[-1]
    assert summary.kind is Kind.DIGEST
    assert "Companies without a name" in summary.text
    assert "|thread>" not in summary.text


def test_the_summary_tells_how_long_the_bot_was_away_and_what_is_stuck_but_not_itself(world: World) -> None:
    begin_work(world, "2026-04-01 08:00")
    world.open_incident()
    now = world.clock.now()
    with world.store.transaction() as records:
        records.enqueue_absence(Outage(now - timedelta(hours=3), now - timedelta(hours=1)), CHANNEL)
        records.enqueue_absence(Outage(now - timedelta(days=3), now - timedelta(days=2)), CHANNEL)
    at(world, "2026-04-01 08:50")
    stuck = world.claim()
    assert stuck.announcement.kind is Kind.ROOT
    later = world.clock.real() + LONGEST_WAIT
    world.store.release_claim(stuck, "sender", Failure("Slack refuses: fatal_error", later))
    world.deliver()
    world.channel.fail_next("post", refused())
    live(world, "2026-04-01 09:00", days=0.001, minutes=1)
    world.deliver_patiently()
    [summary] = [said for said in world.channel.roots() if said.kind is Kind.DIGEST]
    assert summary.text.count("Sync Health was away for") == 1
    assert "Sync Health was away for 2 h" in summary.text
    assert summary.text.count("not delivered since") == 1
    assert "1 message for" in summary.text, "the root; the summary itself is delivered"


def test_the_digest_measures_and_counts_what_ended_within_the_day(world: World) -> None:
    at(world, "2026-04-01 00:30")
    world.open_incident()
    world.look(0, after=5)
    world.look(0, after=10)
    before = len(world.warehouse.asked)
    assert live(world, "2026-04-01 08:30", days=0.1) == ["04-01 09:00"]
    assert len(world.warehouse.asked) == before + 1
    assert "1 resolved" in world.channel.roots()[-1].text


def test_no_data_is_no_good_news(world: World) -> None:
    begin_work(world, "2026-04-01 08:00")
    world.numbers(null_company_names=None)
    live(world, "2026-04-01 08:30", days=0.1)
    [digest] = world.channel.roots()
    assert "0 of 1 check passing" in digest.text
    assert "❔" in digest.text
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
    assert world.claimed() == []


def test_it_is_audited_with_what_it_found(world: World) -> None:
    world.look(60)
    live(world, "2026-04-01 08:30", days=0.1)
    assert ("sync-health", "digest", "2026-04-01", "sent") in world.audit()
    assert world.rows("SELECT after FROM audit WHERE what = 'digest'") == [("critical",)]


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
    assert Kind.DIGEST not in world.claimed()


def test_a_first_evaluation_that_the_state_dates_ahead_of_now_does_not_owe_the_bot_a_day_of_silence(
    world: World,
) -> None:
    begin_work(world, "2026-04-03 08:00")
    assert live(world, "2026-04-01 08:30", days=0.1) == ["04-01 09:00"]


def test_a_summary_can_be_read_before_there_was_any_evaluation(world: World) -> None:
    with world.store.transaction() as records:
        records.enqueue_digest(CHANNEL)
    world.deliver()
    [summary] = world.channel.roots()
    assert "has not been evaluated yet" in summary.text
