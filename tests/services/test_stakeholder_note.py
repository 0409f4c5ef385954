"""The note for people who use the data: what was shown is sent, once, to each channel that takes it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.config.pipeline_file import Report, ReportChannel
from bot.errors import PermanentError, RefusedError, StateError, TemporaryError
from bot.messages.stakeholder_note import stakeholder_answer
from bot.model import Kind
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.authorise import Person
from bot.services.deliver import NOTE_SENT, deliver_next
from bot.services.maintenance import begin_maintenance
from bot.services.stakeholder_note import preview_note, send_note
from bot.services.summarise import summarise
from tests.fakes import CHANNEL, answer_lost, refused
from tests.services.conftest import ADA, ROBIN, TEAM, World
from tests.small_pipeline import local

SALES, SUPPORT = "sales-ops", "support"
BY, OTHER = Person(ROBIN, TEAM, TEAM), Person(ADA, TEAM, TEAM)


@pytest.fixture
def reporting(world: World) -> World:
    """Two channels of readers, both open to the bot, and a week behind it."""
    channels = (
        ReportChannel(channel=SALES, audience="sales operations"),
        ReportChannel(channel=SUPPORT, audience="support"),
    )
    settings = replace(world.ports.settings, report=Report(channels=channels))
    world.ports = replace(world.ports, settings=settings)
    world.channel.channels |= {SALES: "C0SALES", SUPPORT: "C0SUPPORT"}
    world.look(0)
    return world


def notes(world: World) -> list[tuple[str, str]]:
    """Each that stands somewhere: the channel and the words."""
    said = world.channel.everything()
    return sorted((one.channel, one.text) for one in said if one.kind is Kind.STAKEHOLDERS)


class KilledAfterSent:
    """The state of a process that ends once it has stored that a message was sent."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def mark_sent(self, *args: Any, **named: Any) -> bool:
        self._store.mark_sent(*args, **named)
        raise StateError("killed")


def send(world: World, added: str = "", by: Person = BY) -> str:
    """Preview and send; the id of the note."""
    note = str(preview_note(world.ports, by).note.id)
    send_note(world.ports, note, by, added)
    return note


def test_it_goes_to_each_channel_with_the_sentence_that_was_added(reporting: World) -> None:
    send(reporting, " We apologize for <Tuesday> ")
    reporting.deliver()
    assert [channel for channel, _ in notes(reporting)] == ["C0SALES", "C0SUPPORT"]
    for _, text in notes(reporting):
        assert "We apologize for &lt;Tuesday&gt;" in text
        assert f"<@{ROBIN}>" in text
    assert reporting.channel.channels[CHANNEL] not in [channel for channel, _ in notes(reporting)]


def test_a_submission_that_comes_again_sends_nothing_more_and_is_answered_the_same(reporting: World) -> None:
    note = str(preview_note(reporting.ports, BY).note.id)
    first = send_note(reporting.ports, note, BY, "once")
    reporting.clock.pass_(minutes=3)
    again = send_note(reporting.ports, note, BY, "twice")
    reporting.deliver()
    assert again.note == first.note
    assert len(notes(reporting)) == 2
    assert all("once" in text and "twice" not in text for _, text in notes(reporting))


def test_of_two_previews_of_one_person_only_the_later_can_be_sent(reporting: World) -> None:
    early, late = (str(preview_note(reporting.ports, BY).note.id) for _ in range(2))
    with pytest.raises(RefusedError, match="outdated"):
        send_note(reporting.ports, early, BY, "")
    send_note(reporting.ports, late, BY, "")
    reporting.deliver()
    assert len(notes(reporting)) == 2


def test_what_somebody_else_sent_meanwhile_is_not_sent_again(reporting: World) -> None:
    mine = str(preview_note(reporting.ports, BY).note.id)
    reporting.clock.pass_(minutes=1)
    send(reporting, by=OTHER)
    with pytest.raises(RefusedError, match="Somebody sent"):
        send_note(reporting.ports, mine, BY, "")
    reporting.deliver()
    assert len(notes(reporting)) == 2


def test_the_note_sent_last_is_shown_in_the_next_preview(reporting: World) -> None:
    send(reporting)
    last = preview_note(reporting.ports, OTHER).last
    assert last and (last.by, last.sent_at) == (ROBIN, reporting.clock.now())


@pytest.mark.parametrize("open_before", [True, False], ids=["an incident resolved", "an incident opened"])
def test_a_note_whose_facts_have_changed_is_not_sent(reporting: World, *, open_before: bool) -> None:
    if open_before:
        reporting.open_incident()
    note = str(preview_note(reporting.ports, BY).note.id)
    if open_before:
        reporting.look(0, after=1)
        reporting.look(0, after=11)
    else:
        reporting.open_incident()
    with pytest.raises(RefusedError, match="incidents changed"):
        send_note(reporting.ports, note, BY, "")
    reporting.deliver()
    assert notes(reporting) == []


def test_an_acknowledgment_since_the_preview_leaves_what_it_says_true(reporting: World) -> None:
    opened = reporting.open_incident()
    note = preview_note(reporting.ports, BY).note
    acknowledge(reporting.ports, opened.id, ROBIN)
    send_note(reporting.ports, str(note.id), BY, "")
    reporting.deliver()
    assert ["Our team has been alerted." in text for _, text in notes(reporting)] == [True, True]


def test_an_acknowledgment_given_back_since_the_preview_outdates_it(reporting: World) -> None:
    """It says that we are working on it."""
    opened = reporting.open_incident()
    acknowledge(reporting.ports, opened.id, ROBIN)
    note = str(preview_note(reporting.ports, BY).note.id)
    unacknowledge(reporting.ports, opened.id, ROBIN)
    with pytest.raises(RefusedError, match="incidents changed"):
        send_note(reporting.ports, note, BY, "")


def test_that_a_note_was_posted_is_audited_even_if_the_bot_is_killed_as_soon_as_that_is_stored(
    reporting: World,
) -> None:
    send(reporting)
    store = KilledAfterSent(reporting.store)
    with pytest.raises(StateError, match="killed"):
        deliver_next(replace(reporting.ports, store=store), "sender")  # type: ignore[arg-type]
    assert [result for _, what, _, result in reporting.audit() if what == NOTE_SENT].count("posted") == 1


def test_two_submissions_of_a_note_at_once_enqueue_it_once(reporting: World) -> None:
    draft = preview_note(reporting.ports, BY).note
    sent = replace(draft, sent_at=reporting.clock.now())
    with reporting.store.transaction() as records:
        assert [records.send_note(sent, [SALES]) for _ in range(2)] == [True, False]
    reporting.deliver()
    assert len(notes(reporting)) == 1


def test_the_next_note_is_promised_for_another_day_than_this_one_when_clocks_change(reporting: World) -> None:
    """From Monday to Monday it is 169 hours, or 167."""
    zone = reporting.ports.settings.zone
    for monday, following in (("2026-10-26 08:10", date(2026, 11, 2)), ("2027-03-08 08:10", date(2027, 3, 15))):
        reporting.clock.pass_(seconds=(local(monday) - reporting.clock.now()).total_seconds())
        assert reporting.clock.now().astimezone(zone).weekday() == 0
        assert preview_note(reporting.ports, BY).note.effects.next_note == following


@pytest.mark.parametrize("note", ["", "0", "99", "-1", "١", "1; DROP", "9" * 40])
def test_an_id_that_was_never_a_preview_is_refused(reporting: World, note: str) -> None:
    with pytest.raises(RefusedError, match="outdated"):
        send_note(reporting.ports, note, BY, "")


def test_a_preview_of_somebody_else_is_refused(reporting: World) -> None:
    note = str(preview_note(reporting.ports, BY).note.id)
    with pytest.raises(RefusedError, match="outdated"):
        send_note(reporting.ports, note, OTHER, "")


def test_without_channels_there_is_no_preview(world: World) -> None:
    with pytest.raises(RefusedError, match=r"report\.channels"):
        preview_note(world.ports, BY)


def test_a_channel_that_refuses_is_named_and_audited_and_the_others_get_it(reporting: World) -> None:
    del reporting.channel.channels[SUPPORT]
    preview = preview_note(reporting.ports, BY)
    assert [one.channel for one in preview.takers] == [SALES]
    sent = send_note(reporting.ports, str(preview.note.id), BY, "")
    reporting.deliver()
    assert [(one.channel, "channel_not_found" in why) for one, why in sent.refused] == [(SUPPORT, True)]
    assert [channel for channel, _ in notes(reporting)] == ["C0SALES"]
    rows = [(what, target, result) for _, what, target, result in reporting.audit() if what == "stakeholder note"]
    assert rows[0] == ("stakeholder note", SALES, "requested")
    assert rows[1][1] == SUPPORT and rows[1][2].startswith("not sent: ")
    assert rows[2] == ("stakeholder note", SALES, "posted")


def test_where_every_channel_refuses_nothing_is_sent_and_it_can_be_tried_again(reporting: World) -> None:
    for name in (SALES, SUPPORT):
        del reporting.channel.channels[name]
    preview = preview_note(reporting.ports, BY)
    with pytest.raises(PermanentError, match=f"{SALES}: .*; {SUPPORT}: "):
        send_note(reporting.ports, str(preview.note.id), BY, "")
    reporting.channel.channels |= {SALES: "C0SALES"}
    send_note(reporting.ports, str(preview.note.id), BY, "")
    reporting.deliver()
    assert len(notes(reporting)) == 1


def test_slack_that_only_fails_now_refuses_nothing(reporting: World) -> None:
    reporting.channel.refusals["check_channel_access"] = TemporaryError("Slack answered 503")
    preview = preview_note(reporting.ports, BY)
    assert (preview.refused, len(preview.takers)) == ((), 2)


def test_a_channel_that_refuses_later_holds_up_nobody_and_never_gets_the_note_elsewhere(reporting: World) -> None:
    reporting.ports = replace(reporting.ports, settings=replace(reporting.ports.settings, fallback_channel="spare"))
    reporting.channel.channels["spare"] = "C0SPARE"
    send(reporting)
    del reporting.channel.channels[SALES]
    reporting.deliver_patiently()
    assert [channel for channel, _ in notes(reporting)] == ["C0SUPPORT"]
    [stuck] = summarise(reporting.ports).undelivered
    assert (stuck.channel, stuck.messages) == (SALES, 1)
    reporting.channel.channels[SALES] = "C0SALES"
    for _ in range(2):
        reporting.deliver_patiently()
    assert [channel for channel, _ in notes(reporting)] == ["C0SALES", "C0SUPPORT"]


def test_what_its_channel_has_not_taken_within_a_day_is_dropped_and_audited(reporting: World) -> None:
    send(reporting)
    del reporting.channel.channels[SALES]
    reporting.deliver_patiently()
    reporting.clock.pass_(hours=25)
    reporting.channel.channels[SALES] = "C0SALES"
    reporting.deliver_patiently()
    assert [channel for channel, _ in notes(reporting)] == ["C0SUPPORT"]
    assert summarise(reporting.ports).undelivered == ()
    assert "not posted within 1 d" in reporting.audit()[-1][3]


def test_a_lost_answer_is_looked_up_and_the_note_stands_there_once(reporting: World) -> None:
    reporting.channel.fail_next("post", answer_lost(), refused())
    send(reporting)
    reporting.deliver_patiently()
    assert len(notes(reporting)) == 2


def test_a_maintenance_window_does_not_hold_back_what_a_person_sends(reporting: World) -> None:
    begin_maintenance(reporting.ports, "2h", "loading", ROBIN)
    send(reporting)
    reporting.deliver()
    assert len(notes(reporting)) == 2


def test_a_bot_that_is_younger_than_a_week_tells_of_the_time_it_knows(reporting: World) -> None:
    reporting.look(0, after=50)
    effects = preview_note(reporting.ports, BY).note.effects
    assert effects.until - effects.since == timedelta(minutes=50)
    assert (effects.evaluated, effects.unchecked) == (True, timedelta(0))


def test_where_nothing_is_checked_nothing_is_known(reporting: World) -> None:
    reporting.ports = replace(reporting.ports, settings=replace(reporting.ports.settings, checks=()))
    reporting.look(0, after=5)
    assert not preview_note(reporting.ports, BY).note.effects.evaluated


def test_the_time_in_which_nothing_was_evaluated_is_part_of_it(reporting: World) -> None:
    reporting.look(0, after=5 * 60)
    assert preview_note(reporting.ports, BY).note.effects.unchecked == timedelta(hours=5)


def test_a_submission_that_comes_again_is_answered_also_where_every_channel_refuses_by_then(reporting: World) -> None:
    note = send(reporting)
    for name in (SALES, SUPPORT):
        del reporting.channel.channels[name]
    again = send_note(reporting.ports, note, BY, "")
    assert again.takers == ()
    assert "was sent before" in stakeholder_answer(again).text
