"""A refusal is a state with a next step: nothing that Slack refuses is lost, or holds up anything else."""

import itertools
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts.model import Did, Entry
from bot.config.pipeline_file import Links
from bot.errors import ContentRefusedError
from bot.model import Kind, Pause
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.deliver import CHANGED, deliver_next, follow_channel
from bot.services.next_step import REFUSED, TRANSIENT, Now, next_step
from bot.services.summarise import summarise
from tests.fakes import (
    CHANNEL,
    CHANNEL_ID,
    Fault,
    answer_lost,
    forbidden,
    patience,
    refused,
    request_lost,
)
from tests.services.conftest import ROBIN, World
from tests.unit import samples

NEW, NEW_ID = "new-alerts", "C0NEW0001"
CONTENT = ["invalid_blocks", "msg_too_long", "msg_blocks_too_long"]
GONE = ["channel_not_found", "is_archived", "not_in_channel"]


def wait(world: World, minutes: int = 60) -> None:
    """So many minutes of real time, with an attempt in each."""
    for _ in range(minutes):
        world.deliver()
        world.clock.pass_real(minutes=1)


def set_channels(world: World, **channels: str | None) -> None:
    """What pipeline.yml says from the next start on."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, **channels))
    world.channel.channels[NEW] = NEW_ID


def shown(world: World) -> list[tuple[Kind, bool]]:
    return [(said.kind, said.plain) for said in world.channel.everything()]


@pytest.mark.parametrize("kind", [Kind.ROOT, Kind.EVIDENCE, Kind.SEVERITY, Kind.RESOLVED])
@pytest.mark.parametrize("code", CONTENT)
def test_what_slack_refuses_in_full_is_sent_as_plain_text(world: World, kind: Kind, code: str) -> None:
    world.channel.refused[kind] = code
    world.open_incident(40)
    world.deliver()
    world.look(90, after=5)
    world.deliver()
    for value in (7, 7, 7):
        world.look(value, after=10)
    world.deliver()
    assert [said.kind for said in world.channel.everything()] == ["root", "evidence", "severity", "resolved"]
    assert {said.kind for said in world.channel.everything() if said.plain} == {kind}
    assert world.claimed() == []


def test_an_incident_in_plain_text_is_shown_in_full_again_once_slack_takes_it(world: World) -> None:
    world.channel.refused[Kind.ROOT] = "invalid_blocks"
    world.open_incident()
    world.deliver()
    world.channel.refused.clear()
    world.look(75, after=5)
    world.deliver()
    [root] = world.channel.roots()
    assert (root.plain, "75 properties" in root.text) == (False, True)


def test_a_message_that_cannot_be_rendered_is_sent_as_plain_text(world: World) -> None:
    world.channel._settings = replace(world.channel._settings, links=Links.model_construct(census_sync="https://x/{"))
    world.open_incident()
    world.deliver()
    assert shown(world) == [(Kind.ROOT, False), (Kind.EVIDENCE, True)]


def test_a_fault_of_ours_has_its_traceback_and_its_next_step(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", Fault(KeyError("unforeseen"), done=True))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        deliver_next(world.ports, "sender")
    world.deliver()
    assert [said.kind for said in world.channel.everything()] == ["root", "evidence"], "looked up, not doubled"


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_a_message_that_cannot_be_edited_any_more_gets_a_new_one(world: World, code: str) -> None:
    world.open_incident()
    world.deliver()
    world.channel.fail_next("edit", forbidden(code))
    world.look(75, after=5)
    world.deliver()
    old, new = world.channel.roots()
    assert ("60 properties" in old.text, "75 properties" in new.text) == (True, True)
    world.look(90, after=5)
    world.deliver()
    assert "90 properties" in world.channel.roots()[1].text


@pytest.mark.parametrize("code", GONE)
def test_a_channel_that_is_gone_moves_everything_open_to_the_fallback(world: World, code: str) -> None:
    set_channels(world, fallback_channel=NEW)
    world.open_incident()
    world.deliver()
    world.channel.closed[CHANNEL_ID] = code
    world.look(75, after=5)
    world.deliver()
    there = [said for said in world.channel.everything() if said.channel == NEW_ID]
    assert [said.kind for said in there] == ["root", "evidence"]
    assert f"Moved here from #{CHANNEL}: Slack refuses: {code}" in there[0].text
    assert there[1].thread_ts == there[0].ts
    assert world.claimed() == []
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    assert f"<@{ROBIN}>" in next(said.text for said in world.channel.roots() if said.channel == NEW_ID)


def test_a_channel_changed_in_pipeline_yml_takes_over_what_is_open_at_the_start(world: World) -> None:
    world.open_incident()
    world.deliver()
    set_channels(world, channel=NEW)
    follow_channel(world.ports)
    world.deliver()
    old, *new = sorted(world.channel.everything(), key=lambda said: said.channel != CHANNEL_ID)
    assert "Moved to #new-alerts" in old.text
    assert CHANGED in next(said.text for said in world.channel.everything() if said.channel == NEW_ID)
    follow_channel(world.ports)
    assert world.deliver() == 0, "once"
    assert new


def test_the_answer_to_a_replacement_that_was_lost_is_not_taken_for_the_message_it_replaces(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.channel.fail_next("edit", forbidden("edit_window_closed"))
    world.channel.fail_next("post", answer_lost())
    world.look(75, after=5)
    world.deliver_patiently()
    old, new = world.channel.roots()
    assert ("60 properties" in old.text, "75 properties" in new.text) == (True, True)


def test_the_same_channel_by_its_id_is_no_move(world: World) -> None:
    world.open_incident()
    world.deliver()
    set_channels(world, channel=CHANNEL_ID)
    follow_channel(world.ports)
    world.look(75, after=5)
    world.deliver()
    [root] = world.channel.roots()
    assert ("75 properties" in root.text, "Moved" in root.text) == (True, False)


@pytest.mark.full
def test_two_channels_that_refuse_are_tried_in_turn_and_the_first_to_come_back_has_it(world: World) -> None:
    set_channels(world, fallback_channel=NEW)
    world.channel.closed |= {CHANNEL_ID: "is_archived", NEW_ID: "not_in_channel"}
    world.open_incident()
    wait(world)
    assert len(world.channel.calls) <= 40, "not hammered"
    assert summarise(world.ports).undelivered
    assert len(world.incident().timeline) <= 4, "a move is noted once, not each time"
    del world.channel.closed[CHANNEL_ID]
    wait(world, 25)
    assert shown(world) == [(Kind.ROOT, False), (Kind.EVIDENCE, False)]
    assert "Moved" not in world.channel.roots()[0].text


@pytest.mark.full
@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked"])
def test_a_refused_token_makes_everything_wait_and_is_named(world: World, code: str) -> None:
    world.channel.fail(forbidden(code))
    world.open_incident()
    wait(world)
    assert 5 <= len(world.channel.calls) <= 15
    [waiting] = summarise(world.ports).undelivered
    assert (waiting.channel, code in waiting.why, "SLACK_BOT_TOKEN" in waiting.why) == (CHANNEL, True, True)
    world.channel.heal()
    wait(world, 12)
    assert shown(world) == [(Kind.ROOT, False), (Kind.EVIDENCE, False)]


@pytest.mark.full
def test_while_slack_fails_it_is_asked_ever_more_rarely_and_warned_of_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.channel.fail(request_lost())
    world.open_incident()
    for _ in range(600):
        world.deliver()
        world.clock.pass_real(seconds=1)
    assert len(world.channel.calls) <= 20, "ten minutes"
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    world.channel.heal()
    world.deliver_patiently()
    assert shown(world) == [(Kind.ROOT, False), (Kind.EVIDENCE, False)]


def test_jitter_shortens_a_pause_by_up_to_half() -> None:
    assert [TRANSIENT.after(n, 0).total_seconds() for n in (0, 1, 4, 5, 10**6)] == [2, 4, 32, 60, 60]
    assert [REFUSED.after(n, 0).total_seconds() for n in (0, 5, 6, 99)] == [60, 64, 128, 600]
    assert TRANSIENT.after(0, 1.0) == timedelta(seconds=1)


def test_retry_after_pauses_the_channel_also_for_what_is_owed_later(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", patience(30))
    world.deliver()
    first = world.incident()
    with world.store.transaction() as records:
        other = records.create_incident(replace(first, key="properties/other"))
        records.enqueue(other.id, Kind.ROOT)
    world.clock.pass_real(seconds=29)
    assert world.deliver() == 0
    world.clock.pass_real(seconds=1)
    assert world.deliver() == 3


def test_late_evidence_and_severity_show_the_values_of_their_time(world: World) -> None:
    world.open_incident(40)
    deliver_next(world.ports, "sender")
    world.channel.fail_next("post", refused())
    world.deliver()
    world.look(60, after=5)
    world.look(99, after=1)
    world.deliver_patiently()
    texts = {said.kind: said.text for said in world.channel.everything()}
    assert ("*Value*\n40 (as of" in texts[Kind.EVIDENCE], "99" in texts[Kind.EVIDENCE]) == (True, False)
    assert ("60 properties" in texts[Kind.SEVERITY], "99" in texts[Kind.ROOT]) == (True, True)
    opened, escalated = (entry.at for entry in world.incident().timeline)
    for kind, at in (Kind.EVIDENCE, opened), (Kind.SEVERITY, escalated), (Kind.ROOT, escalated + timedelta(minutes=1)):
        assert f"as of <!date^{int(at.timestamp())}^" in texts[kind]


def test_nothing_that_was_owed_after_the_claim_is_swallowed_by_a_root_that_tells_the_end(world: World) -> None:
    world.open_incident(40)
    world.look(7, after=5)
    world.look(7, after=10)
    claimed = world.claim()
    assert claimed.announcement.over
    world.look(90, after=5)
    place = world.channel.post(claimed.announcement)
    assert world.store.mark_sent(claimed, "sender", place=place, alone=True)
    world.deliver_patiently()
    assert "90 properties" in world.channel.roots()[0].text
    assert Kind.EVIDENCE in {said.kind for said in world.channel.everything()}


def test_a_digest_that_was_refused_does_not_stand_for_later_ones(world: World) -> None:
    world.look(7)
    world.channel.fail(forbidden("is_archived"), "post")
    for _ in range(3):
        with world.store.transaction() as records:
            records.enqueue_digest(CHANNEL)
        world.deliver()
        world.clock.pass_real(hours=24)
    world.channel.heal()
    wait(world, 12)
    assert shown(world) == [(Kind.DIGEST, False)]


def test_a_link_template_with_a_lone_brace_is_refused_when_the_configuration_is_read(tmp_path: Any) -> None:
    for wrong in ("https://x/{", "https://x/}", "https://x/{sync!r}", "https://x/{sync:d}", "https://x/{}"):
        with pytest.raises(ValueError, match="cannot use"):
            Links.model_validate({"census_sync": wrong})
    assert Links.model_validate({"census_sync": "https://x/{sync}"}).census_sync
    assert settings_from({}).fallback_channel is None


# Schedules: every fault at every moment, alone and in pairs.

FAULTS = {
    "refused": refused,
    "answer lost": answer_lost,
    "request lost": request_lost,
    "429": lambda: patience(3),
    "content": lambda: forbidden("invalid_blocks"),
    "too long": lambda: forbidden("msg_too_long"),
    "archived": lambda: forbidden("is_archived"),
    "token": lambda: forbidden("invalid_auth"),
    "unknown": lambda: forbidden("as_user_not_supported"),
    "unrendered": lambda: Fault(ContentRefusedError("it cannot be rendered (KeyError)")),
}
ALONE = [("none", name, moment) for name, moment in itertools.product(FAULTS, range(6))]
PAIRS = list(itertools.product(FAULTS, FAULTS, range(4)))
QUICK = ALONE[::6]  # each at its first moment
LONG = [pytest.param(*one, marks=pytest.mark.full) for one in ALONE + PAIRS if one not in QUICK]


class Schedule:
    """A channel whose nth call fails in one way, and the one after it in another."""

    def __init__(self, world: World, first: str, second: str, moment: int) -> None:
        self._world, self._calls = world, 0
        self._plan = {moment: FAULTS.get(first), moment + 1: FAULTS[second]}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._world.channel, name)
        if name not in ("post", "edit", "find"):
            return method

        def called(announcement: Any) -> Any:
            if make := self._plan.get(self._calls):
                self._world.channel.fail_next(name, make())
            self._calls += 1
            return method(announcement)

        return called


@pytest.mark.parametrize(("first", "second", "moment"), QUICK + LONG)
@pytest.mark.parametrize("fallback", [None, NEW])
def test_whatever_fails_whenever_nothing_is_lost_or_doubled(
    world: World, fallback: str | None, first: str, second: str, moment: int
) -> None:
    set_channels(world, fallback_channel=fallback)
    world.ports = replace(world.ports, messenger=Schedule(world, first, second, moment))  # type: ignore[arg-type]
    world.open_incident(40)
    world.deliver()
    world.look(90, after=5)
    wait(world, 25)
    for _ in range(3):
        world.look(7, after=10)
    wait(world, 25)
    assert world.claimed() == []
    said = {one.ts: one for one in world.channel.everything()}
    [(root, channel)] = world.rows("SELECT ts, posted_in FROM outbox WHERE kind = 'root'")
    assert "esolved" in said[root].text
    assert {one.kind for one in said.values()} >= {Kind.ROOT, Kind.EVIDENCE}
    assert Kind.RESOLVED in {one.kind for one in said.values()} or channel == NEW_ID, (
        "moved when over, the root says it"
    )
    ids = [one.id for one in said.values()]
    assert len(ids) == len(set(ids)), "nothing twice"


def test_the_pause_of_a_channel_grows_only_from_the_second_failure_in_a_row(world: World) -> None:
    world.open_incident()
    claimed = world.claim()
    now = Now(world.clock.real(), world.clock.now(), 0.0)
    pauses = [
        next_step(replace(claimed, failures=n), refused().error, world.ports.settings, now).pause for n in range(3)
    ]
    assert pauses == [
        Pause(None, 1),
        Pause(now.real + timedelta(seconds=2), 2),
        Pause(now.real + timedelta(seconds=4), 3),
    ]


# A row that cannot be read.


def poison(world: World, *incident_ids: int) -> None:
    """A line of the timeline that only a later version could read."""
    with closing(sqlite3.connect(world.path)) as db, db:
        for incident_id in incident_ids:
            db.execute("UPDATE timeline SET did = 'unheard_of' WHERE incident_id = ?", (incident_id,))


def deliver_with_failures(world: World) -> int:
    """What the sender does: whatever a message raises, it goes on; returns how often one did."""
    raised = 0
    for _ in range(100):
        try:
            if not deliver_next(world.ports, "sender"):
                return raised
        except ValueError:
            raised += 1
    raise AssertionError("it never ends")


def test_an_incident_that_cannot_be_read_is_told_in_plain_text_and_the_next_one_in_full(world: World) -> None:
    with world.store.transaction() as records:
        for key in ("properties/a", "properties/b"):
            made = records.create_incident(replace(samples.incident(), key=key, channel=CHANNEL))
            records.note(made.id, Entry(world.clock.now(), Did.OPENED))
            records.enqueue(made.id, Kind.ROOT)
            records.enqueue(made.id, Kind.EVIDENCE)
    poison(world, 1)
    assert deliver_with_failures(world) == 2, "root and evidence, once each: then they are plain"
    assert [(root.plain, root.incident_id) for root in world.channel.roots()] == [(True, 0), (False, 2)]
    [unreadable] = [root for root in world.channel.roots() if root.plain]
    assert "An alert cannot be shown here" in unreadable.text
    assert len(world.channel.thread(unreadable.ts)) == 1, "its evidence follows in its thread"
    assert world.claimed() == []


def test_a_message_that_cannot_be_read_and_is_refused_in_plain_goes_to_the_fallback_channel(world: World) -> None:
    set_channels(world, fallback_channel=NEW)
    world.channel.channels[NEW] = NEW_ID
    world.open_incident()
    poison(world, 1)
    world.channel.fail_next("post", forbidden("some_new_refusal"))
    assert deliver_with_failures(world) > 0
    [root] = world.channel.roots()
    assert (root.channel, root.plain) == (NEW_ID, True)


def test_a_summary_that_cannot_be_read_holds_up_no_alert(world: World) -> None:
    with world.store.transaction() as records:
        records.enqueue_digest(CHANNEL)
    world.open_incident()
    with closing(sqlite3.connect(world.path)) as db, db:
        db.execute("UPDATE evaluations SET body = '{}'")
    assert deliver_with_failures(world) == 1
    assert sorted(root.kind for root in world.channel.roots()) == [Kind.DIGEST, Kind.ROOT]
    assert "The daily summary cannot be shown here" in world.channel.roots()[0].text


def test_a_message_of_an_earlier_version_whose_first_try_is_unknown_is_looked_for_in_the_whole_history(
    world: World,
) -> None:
    world.open_incident()
    claimed = world.claim("earlier")
    world.channel.post(claimed.announcement)
    with closing(sqlite3.connect(world.path)) as db, db:
        db.execute("UPDATE outbox SET first_tried_at = NULL, error = 'lost' WHERE sending_by IS NOT NULL")
    with world.store.transaction() as records:
        assert [one.since for one in records.undelivered()] == [None]
    world.clock.pass_real(seconds=120)
    again = world.claim()
    assert (again.doubtful, again.announcement.since) == (True, None)
    world.clock.pass_real(seconds=120)
    world.deliver()
    assert len(world.channel.roots()) == 1, "found, not doubled"
