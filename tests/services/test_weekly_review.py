"""The weekly review: what it reads, that it equals what happened, and that it is posted once a local week."""

import json
import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.capacity import AdviceKind
from bot.alerts.stakeholders import Note
from bot.alerts.timetable import Weekly
from bot.alerts.warehouse_use import Purpose, Usage
from bot.alerts.weekly import Verdict
from bot.config.databricks import Databricks
from bot.config.pipeline_file import Report, ReportChannel
from bot.config.syncs import SyncSettings
from bot.errors import TemporaryError
from bot.facts import Run, RunStatus, Schedule
from bot.messages.report import review_message
from bot.messages.stakeholder_note import stakeholder_message
from bot.model import Kind
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.authorise import Person
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.run_checks import run_checks
from bot.services.stakeholder_note import preview_note
from bot.services.weekly_review import post_due_review, read_review
from checks.model import Check
from tests.fakes import CHANNEL, HEALTH, FakeCensus, answer_lost, refused
from tests.services.conftest import ROBIN, TEAM, World
from tests.small_pipeline import local

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGIN = "2026-04-06 00:00"  # a Monday


def at(world: World, when: str) -> None:
    world.clock.pass_(seconds=(local(when) - world.clock.now()).total_seconds())


def begin_work(world: World, when: str = BEGIN) -> None:
    """The bot looks for the first time, and all is well."""
    at(world, when)
    world.look(0)


def live(world: World, begin: str, days: float, ports: Ports | None = None, minutes: int = 60) -> list[str]:
    """The local times at which a review was posted, asking every so often."""
    at(world, begin)
    posted = []
    for _ in range(int(days * 24 * 60 / minutes)):
        if post_due_review(ports or world.ports):
            posted.append(f"{world.clock.now().astimezone(world.ports.settings.zone):%m-%d %H:%M}")
            world.deliver()
        world.clock.pass_(minutes=minutes)
    return posted


def reviews(world: World) -> list[str]:
    return [said.text for said in world.channel.roots() if said.kind is Kind.REVIEW]


def with_settings(world: World, **changes: Any) -> Ports:
    """The same bot with other settings."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, **changes))
    return world.ports


def test_it_is_posted_on_monday_at_eight_once(world: World) -> None:
    begin_work(world)
    assert live(world, BEGIN, days=15) == ["04-06 08:00", "04-13 08:00", "04-20 08:00"]
    first, *_ = reviews(world)
    assert first.startswith("Weekly review, properties, since Mon, Apr 6: no incidents")


@pytest.mark.parametrize(
    ("begin", "posted"),
    [("2026-03-01 12:00", ["03-02", "03-09", "03-16"]), ("2026-10-25 12:00", ["10-26", "11-02", "11-09"])],
    ids=["clocks go forward", "clocks go back"],
)
def test_each_local_monday_has_one_when_clocks_change(world: World, begin: str, posted: list[str]) -> None:
    at(world, "2026-03-01 00:00") if begin < "2026-04" else at(world, "2026-10-25 00:00")
    world.look(0)
    assert live(world, begin, days=20) == [f"{day} 08:00" for day in posted]


@pytest.mark.parametrize(
    ("monday", "before"),
    [("2026-03-09 08:00", "2026-03-02 08:00"), ("2026-11-02 08:00", "2026-10-26 08:00")],
    ids=["clocks go forward", "clocks go back"],
)
def test_it_begins_where_the_one_before_ended_also_when_clocks_change(world: World, monday: str, before: str) -> None:
    begin_work(world, "2026-02-20 00:00")
    at(world, monday)
    world.clock.pass_(minutes=20)
    assert post_due_review(world.ports)
    with world.store.snapshot() as records:
        review = records.review(1).review
    assert (review.since, review.until, review.as_of) == (local(before), local(monday), local(monday) + 20 * MINUTE)


def test_what_a_late_one_counts_ends_when_it_was_due_and_what_is_open_is_as_of_now(world: World) -> None:
    """So that the week before is as long, and the next one counts nothing again."""
    begin_work(world)
    at(world, "2026-04-14 09:00")  # on Tuesday, while no review could be posted
    opened = world.open_incident()
    at(world, "2026-04-16 08:00")
    assert post_due_review(world.ports)
    at(world, "2026-04-20 08:00")
    assert post_due_review(world.ports)
    with world.store.snapshot() as records:
        late, following = (records.review(number).review for number in (1, 2))
    assert (late.since, late.until) == (following.since - 7 * DAY, following.since)
    assert (late.week.opened, following.week.opened) == (0, 1)
    assert [case.id for case in late.still_open] == [case.id for case in following.still_open] == [opened.id]
    shown = json.dumps(review_message(late, world.ports.settings, {}).blocks, ensure_ascii=False, default=str)
    assert "Apr 6 – 13" in shown
    assert "counted until <!date" in shown and "open incidents as of <!date" in shown


def test_after_a_downtime_it_comes_once_and_not_when_it_is_old(world: World) -> None:
    begin_work(world)
    assert live(world, "2026-04-14 10:00", days=1) == ["04-14 10:00"]
    assert live(world, "2026-04-23 10:00", days=1) == [], "three days late"


def test_a_bot_that_began_on_tuesday_posts_on_the_next_monday_and_says_since_when(world: World) -> None:
    begin_work(world, "2026-04-07 10:00")
    assert live(world, "2026-04-07 10:00", days=7) == ["04-13 08:00"]
    [text] = reviews(world)
    assert "since Tue, Apr 7" in text


def test_a_bot_that_has_never_looked_posts_none(world: World) -> None:
    assert live(world, BEGIN, days=8) == []


def test_two_replicas_post_one(world: World) -> None:
    begin_work(world)
    at(world, "2026-04-13 08:00")
    other = replace(world.ports)
    done = [post_due_review(ports) for ports in (world.ports, other)]
    assert done == [True, False]


def test_the_time_is_configuration_and_it_can_be_switched_off(world: World) -> None:
    schedule = world.ports.settings.schedule
    friday = with_settings(world, schedule=schedule.model_copy(update={"report": Weekly(4, time(15, 30))}))
    begin_work(world)
    assert live(world, BEGIN, days=7, ports=friday, minutes=30) == ["04-10 15:30"]
    off = with_settings(world, schedule=schedule.model_copy(update={"report": None}))
    assert live(world, "2026-04-13 07:00", days=2, ports=off) == []


def test_slack_being_down_delays_it_and_neither_loses_nor_doubles_it(world: World) -> None:
    begin_work(world)
    world.channel.fail(refused())
    assert live(world, "2026-04-13 07:00", days=0.2) == ["04-13 08:00"]
    assert reviews(world) == []
    world.channel.heal()
    world.deliver_patiently()
    assert len(reviews(world)) == 1
    world.channel.fail_next("post", answer_lost())
    assert live(world, "2026-04-20 07:00", days=0.2) == ["04-20 08:00"]
    world.deliver_patiently()
    assert len(reviews(world)) == 2


def test_of_two_that_could_not_be_sent_the_latest_is(world: World) -> None:
    begin_work(world)
    world.channel.fail(refused())
    live(world, "2026-04-13 07:00", days=0.2)
    live(world, "2026-04-20 07:00", days=0.2)
    world.channel.heal()
    world.deliver_patiently()
    [text] = reviews(world)
    assert "Apr 13 – 20" in text


def test_a_maintenance_window_holds_it_back(world: World) -> None:
    begin_work(world)
    at(world, "2026-04-13 07:00")
    begin_maintenance(world.ports, "2h", "loading", ROBIN)
    live(world, "2026-04-13 07:30", days=0.05, minutes=10)
    assert reviews(world) == []
    end_maintenance(world.ports, ROBIN)
    world.deliver_patiently()
    assert len(reviews(world)) == 1


def test_it_is_audited_with_its_verdict(world: World) -> None:
    begin_work(world)
    live(world, "2026-04-13 07:00", days=0.1)
    assert ("sync-health", "weekly review", "2026-04-13", "sent") in world.audit()


def test_it_leads_to_the_threads_it_names_as_far_as_slack_tells(world: World) -> None:
    begin_work(world)
    at(world, "2026-04-13 06:00")
    world.open_incident()
    world.deliver()
    live(world, "2026-04-13 07:00", days=0.1)
    [text] = reviews(world)
    assert "🔴" in text and "1 incident, 1 still open (critical)" in text
    assert "|Companies without a name>" in text


def test_the_button_stands_in_it_where_pipeline_yml_names_readers(world: World) -> None:
    begin_work(world)
    report = Report(channels=(ReportChannel(channel="C0SALES01", audience="sales"),))
    settings = replace(world.ports.settings, report=report)
    world.channel._settings = settings
    live(world, "2026-04-13 07:00", days=0.1)
    assert "Preview stakeholder note" in reviews(world)[0]


# --- what it reads ---


def fault(world: World, *, lasts: int, acked_after: int | None = None) -> None:
    """Opens after 5 minutes and resolves 10 after its values are well, which is `lasts` minutes after it opened."""
    world.look(60)
    world.look(60, after=5)
    with world.store.snapshot() as records:
        incident = records.open_incidents()[-1]
    left, wait = lasts - 10, acked_after
    while left > 30 or wait is not None:
        step = min(30, left if wait is None else wait)
        world.look(60, after=step)
        left -= step
        wait = wait - step if wait else None
        if acked_after is not None and wait == 0:
            acknowledge(world.ports, incident.id, ROBIN)
            wait = None
    world.look(0, after=left)
    world.look(0, after=10)


@pytest.mark.full
def test_thirty_days_with_known_truth_are_told_as_they_were(world: World) -> None:
    """By week: how many faults, how long until somebody acknowledged, how long until each was over."""
    truth = [
        [(25, 6), (45, None), (120, 30)],
        [],
        [(30, 5), (30, 15)],
        [(600, 60), (20, None), (20, None), (40, 10)],
    ]
    begin_work(world, "2026-03-30 08:00")
    previous = None
    for n, week in enumerate(truth):
        begin = local("2026-03-30 08:00") + 7 * n * DAY
        for day in range(7):
            if day < len(week):
                world.clock.pass_(seconds=(begin + day * DAY + HOUR - world.clock.now()).total_seconds())
                fault(world, lasts=week[day][0], acked_after=week[day][1])
            while world.clock.now() < begin + (day + 1) * DAY - MINUTE:
                world.look(0, after=min(60.0, (begin + (day + 1) * DAY - world.clock.now()) / MINUTE))
        world.deliver()
        review = read_review(world.ports, (begin, world.clock.now())).review
        acked = [minutes for _, minutes in week if minutes is not None]
        assert (review.week.critical, review.week.warnings) == (len(week), 0)
        mean = sum(lasts for lasts, _ in week) / len(week) if week else None
        assert (review.week.to_recover and review.week.to_recover / MINUTE) == (mean and pytest.approx(mean))
        mean = sum(acked) / len(acked) if acked else None
        assert (review.week.to_acknowledge and review.week.to_acknowledge / MINUTE) == (mean and pytest.approx(mean))
        assert (review.longest and review.longest.lasted / MINUTE) == (
            max(lasts for lasts, _ in week) if week else None
        )
        assert (review.before and review.before.opened) == previous
        assert (review.not_evaluated, review.evaluated, review.still_open) == (timedelta(0), True, ())
        assert review.verdict is (Verdict.RESOLVED if week else Verdict.CALM)
        previous = len(week)


def test_time_in_which_the_bot_was_away_is_not_called_healthy(world: World) -> None:
    begin_work(world, "2026-04-12 08:00")
    world.look(0, after=60)
    world.look(0, after=5 * 60)
    review = read_review(world.ports).review
    assert (review.not_evaluated, review.whole) == (5 * HOUR, False)


def test_before_the_first_evaluation_nothing_is_known(world: World) -> None:
    review = read_review(world.ports).review
    assert (review.verdict, review.evaluated, review.whole) == (Verdict.UNKNOWN, False, False)


def test_census_being_down_leaves_the_rest_and_is_named(world: World) -> None:
    begin_work(world)
    world.census.failure = TemporaryError("Census answered 503")
    review = read_review(world.ports).review
    assert review.unknown == ("Run durations unknown for Sync A, Sync B: Census answered 503",)
    assert review.evaluated


def past_runs(world: World, took: timedelta, every: timedelta, count: int = 10) -> None:
    """Completed runs of the update sync, the latest just now."""
    for n in range(count):
        begun = world.clock.now() - (count - n) * every
        run = Run(n + 1, world.sync_b, RunStatus.COMPLETED, False, "Schedule", begun, begun + took, 900, 900, 900, 0, 0)
        world.census._runs[run.id] = run


def test_runs_are_held_against_the_schedule(world: World) -> None:
    quarter = Schedule("quarter_hourly", paused=False, minute=0)
    world.census.set_schedule(world.sync_b, quarter)
    at(world, BEGIN)
    past_runs(world, 13 * MINUTE, 15 * MINUTE)
    world.look(0)
    review = read_review(world.ports).review
    [load] = review.loads
    assert (load.sync, load.usual, load.interval) == ("Sync B", 13 * MINUTE, 15 * MINUTE)
    assert [one.kind for one in review.advice] == [AdviceKind.NEARLY_TOO_LONG]


def test_a_percentage_of_the_pipeline_and_a_growing_backlog_are_told_with_their_pace(world: World) -> None:
    quality = {"name": "quality", "title": "Quality", "metric": "quality", "source": "databricks", "warn": "< 95%"}
    backlog = {"name": "backlog", "title": "Backlog", "metric": "backlog", "source": "databricks", "per": "sync"}
    checks = (
        Check.model_validate(quality | {"summary": "{percent}"}),
        Check.model_validate(backlog | {"warn": "> 500", "summary": "{sync} has {pending}"}),
    )
    with_settings(world, checks=checks)
    at(world, BEGIN)
    for day in range(7):
        world.warehouse.rows[HEALTH][0] |= {"quality": 99.0 - day / 2, "update_queue": 100 + 40 * day}
        world.look(0, after=24 * 60)
    review = read_review(world.ports).review
    [metric] = review.metrics
    assert (metric.title, metric.first, metric.latest, metric.worst) == ("Quality", 99.0, 96.0, 96.0)
    paces = {(one.title, one.sync): (one.per_day, one.reached_in and one.reached_in / DAY) for one in review.paces}
    assert paces == {
        ("Quality", None): (pytest.approx(-0.5), pytest.approx(2)),
        ("Backlog", "Sync B"): (pytest.approx(40), pytest.approx(4)),
    }


def test_what_alerts_for_nothing_gets_a_threshold_from_its_stored_values(world: World) -> None:
    calm = world.ports.settings.checks[0].model_copy(update={"critical": None})
    with_settings(world, checks=(calm,))
    begin_work(world)
    for peak in (31, 32, 33, 34, 40):
        world.look(peak, after=24 * 60 - 30)
        world.look(peak, after=5)
        world.look(0, after=5)
        world.look(0, after=10)
    [noise] = read_review(world.ports).review.noise
    assert (noise.check, noise.incidents, noise.longest) == ("null_company_names", 5, 15 * MINUTE)
    assert (noise.warn, noise.proposed, noise.would) == ("> 30", "> 34", 1)


def test_what_the_bot_cost_is_told_of_databricks_alone(world: World) -> None:
    begin_work(world)
    now = world.clock.now()
    with world.store.transaction() as records:
        records.note_usage([Usage(now.date(), Purpose.MEASURE, 40, 3, 0, 0)])
        records.note_awake([(now - 2 * HOUR, now - HOUR), (now, now + 30 * MINUTE)])
    world.clock.pass_(hours=2)
    assert read_review(world.ports).review.cost is None
    with_settings(world, databricks=object.__new__(Databricks))
    cost = read_review(world.ports).review.cost
    assert cost
    assert (cost.statements, cost.woke, cost.awake, cost.before) == (40, 3, 30 * MINUTE, None)


def test_a_week_of_a_pipeline_that_asks_census_alone_has_no_percentages_or_cost(world: World) -> None:
    with_settings(world, checks=(), has_warehouse=False)
    begin_work(world)
    review = read_review(world.ports).review
    assert (review.metrics, review.paces, review.cost, review.noise) == ((), (), None, ())
    assert review.verdict is Verdict.UNKNOWN, "nothing is checked"


def test_the_moment_of_the_review_is_when_it_was_read(world: World) -> None:
    begin_work(world)
    at(world, "2026-04-20 08:00")
    review = read_review(world.ports).review
    assert (review.until, review.since) == (local("2026-04-20 08:00"), local("2026-04-13 08:00"))
    assert isinstance(review.until, datetime)


def test_another_team_s_pipeline_without_a_warehouse_is_told_in_its_own_words(world: World) -> None:
    contacts = Path(__file__).resolve().parents[1] / "contacts"
    environment = {"SYNC_HEALTH_CONFIG": str(contacts), "SYNC_HEALTH_WAREHOUSE": "none"}
    report = Report(channels=(ReportChannel(channel=CHANNEL, audience="sales"),))
    settings = replace(settings_from(environment), channel=CHANNEL, report=report)
    census = FakeCensus(world.clock, *(sync.id for sync in settings.syncs))
    ports = replace(world.ports, settings=settings, census=census)
    run_checks(ports)
    review = read_review(ports).review
    assert (review.metrics, review.cost, review.noise, review.evaluated) == ((), None, (), True)
    effects = preview_note(ports, Person(ROBIN, TEAM, TEAM)).note.effects
    assert not effects.checks_values, "nothing looks at values there"
    note = stakeholder_message(Note(1, ROBIN, world.clock.now(), effects, ()), settings)
    told = json.dumps([review_message(review, settings, {}).payload(), note.payload()])
    assert "HubSpot" in told and "contacts" in told
    assert "no wrong" not in told
    assert not re.search(r"propert|[Ss]alesforce", told)


def test_the_review_of_twenty_syncs_has_twelve_blocks_at_most(world: World) -> None:
    syncs = tuple(SyncSettings(name=f"Sync {n}", id=n) for n in range(1, 21))
    census = FakeCensus(world.clock, *(sync.id for sync in syncs))
    ports = replace(world.ports, census=census, settings=replace(world.ports.settings, syncs=syncs))
    at(world, BEGIN)
    for sync in syncs:
        for _ in range(3):
            run = census.start(sync.id)
            world.clock.pass_(minutes=1)
            census.finish(run.id, records_total=9, records_updated=9)
    run_checks(ports)
    review = read_review(ports).review
    assert len(review.loads) == 20
    assert len(review_message(review, ports.settings, {}).payload()["blocks"]) <= 12
