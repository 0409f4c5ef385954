"""A click on a message that Slack shows before it has told the bot so: done a moment later, not refused as foreign."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.model import Place
from bot.services.authorise import Person
from bot.slack.buttons import acknowledge_thread
from bot.slack.context import Context
from bot.slack.interaction import Interaction
from bot.slack.replies import TRIES
from tests.services.conftest import ROBIN, World
from tests.slack.test_answers import HandLater, desk_of
from tests.waiting import until

STANDS = Place("C1", "7.7")
CLICK = Interaction(Person(ROBIN, "T1", ""), "acknowledge", "1", channel=STANDS.channel, message_ts=STANDS.ts)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    one.open_incident()
    yield one
    one.close()


@pytest.fixture
def context(services: World) -> Context:
    return replace(desk_of(services), retries=HandLater())


def clicked(context: Context) -> HandLater:
    """Somebody clicks; the looks that are to come."""
    context.take(CLICK, acknowledge_thread)
    later: Any = context.retries
    until(lambda: later.due or not context.in_flight.count())
    return later


def look_again(context: Context, later: HandLater) -> None:
    looks = len(later.pauses)
    later.due.pop()()
    until(lambda: len(later.pauses) > looks or not context.in_flight.count())


def test_a_click_that_comes_before_slack_has_told_where_the_message_stands_is_done_once_it_has(
    services: World, context: Context
) -> None:
    claimed = services.store.claim("the sender", services.clock.real(), 60)
    assert claimed
    later = clicked(context)
    assert services.incident().acked_by is None
    services.store.mark_sent(claimed, "the sender", place=STANDS)
    look_again(context, later)
    assert services.incident().acked_by == ROBIN
    assert context.client.said == []  # type: ignore[attr-defined]
    assert services.audit()[-1][:2] == (ROBIN, "acknowledge")


def test_where_slack_does_not_tell_it_for_long_the_click_is_answered_and_audited(
    services: World, context: Context
) -> None:
    assert services.store.claim("the sender", services.clock.real(), 60)
    later = clicked(context)
    while later.due:
        look_again(context, later)
    assert len(later.pauses) == TRIES - 1
    assert services.incident().acked_by is None
    [said] = context.client.said  # type: ignore[attr-defined]
    assert said == "Slack has not confirmed this message yet, so nothing was done. Click again in a minute."
    assert services.audit()[-1][3] == f"failed: {said}"


def test_a_message_that_is_not_ours_is_refused_at_once_when_none_is_on_its_way(
    services: World, context: Context
) -> None:
    services.deliver()
    assert clicked(context).pauses == []
    assert "is not one that Sync Health posted here" in context.client.said[0]  # type: ignore[attr-defined]
