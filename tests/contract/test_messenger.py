"""One contract for the channel in memory and for the real messenger against the local Slack."""

import json
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from slack_sdk import WebClient

from bot.adapters.slack import messenger as slack_messenger
from bot.adapters.slack.messenger import CLOCKS_DIFFER, EVENT_TYPE, SlackMessenger
from bot.alerts.model import Did, Entry, Incident
from bot.demo.slack.server import DROP_AFTER, DROP_BEFORE, Fault, Person, SlackServer
from bot.errors import (
    AccessError,
    BlocksRefusedError,
    ChannelRefusedError,
    ContentRefusedError,
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
    UneditableError,
)
from bot.model import Announcement, Kind, Place
from bot.ports import Ports
from bot.services.deliver import deliver_all
from tests import fakes
from tests.fakes import CHANNEL, CHANNEL_ID, FakeCensus, FakeChannel, FakeWarehouse, HandClock, shipped_settings
from tests.new_state import new_state
from tests.unit import samples

TOKEN = "a-bot-token-that-nobody-may-see"
GROUP, ROBIN = "S0OPS", "U0ROBIN"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = replace(shipped_settings(), zone=ZoneInfo("UTC"))
CLOSED_PORT = "http://127.0.0.1:1/api/"


@dataclass
class FakeLine:
    """The channel in memory."""

    messenger: FakeChannel = field(default_factory=FakeChannel)

    def __post_init__(self) -> None:
        self.messenger.groups[GROUP] = frozenset({ROBIN})

    def texts(self, thread_ts: str | None = None) -> list[str]:
        found = self.messenger.thread(thread_ts) if thread_ts else self.messenger.roots()
        return [said.text for said in found]

    def broadcasts(self) -> int:
        return sum(said.broadcast for said in self.messenger.everything())

    def delete(self, place: Place) -> None:
        self.messenger.delete(place.ts)

    def lose(self, method: str, *, done: bool) -> None:
        self.messenger.fail_next(method, fakes.answer_lost() if done else fakes.request_lost())

    def ask_for_patience(self, method: str, seconds: int) -> None:
        self.messenger.fail_next(method, fakes.patience(seconds))

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        self.messenger.fail(fakes.refused(), "post", "edit", "find", "members")
        yield
        self.messenger.heal()


METHODS = {"post": "chat.postMessage", "edit": "chat.update", "find": "conversations.history"}


@dataclass
class SlackLine:
    """The real messenger, over the wire."""

    server: SlackServer
    client: WebClient
    messenger: SlackMessenger

    def texts(self, thread_ts: str | None = None) -> list[str]:
        found = self.server.messages(thread_ts)
        shown = [m for m in (found[1:] if thread_ts else found) if m.get("subtype") != "tombstone"]
        return [json.dumps([m["text"], m.get("blocks"), m.get("attachments")], ensure_ascii=False) for m in shown]

    def broadcasts(self) -> int:
        return sum(m.get("subtype") == "thread_broadcast" for m in self.server.messages())

    def delete(self, place: Place) -> None:
        self.client.chat_delete(channel=place.channel, ts=place.ts)

    def lose(self, method: str, *, done: bool) -> None:
        self.server.fail_next(METHODS[method], DROP_AFTER if done else DROP_BEFORE)

    def ask_for_patience(self, method: str, seconds: int) -> None:
        self.server.fail_next(METHODS[method], Fault(retry_after=seconds))

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        address, self.client.base_url = self.client.base_url, CLOSED_PORT
        yield
        self.client.base_url = address


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    one = SlackServer(
        now=lambda: NOON,
        bot_token=TOKEN,
        app_token="app-token",
        people=[Person(ROBIN, "Robin")],
        channel=CHANNEL,
        groups={GROUP: [ROBIN]},
    )
    one.start()
    yield one
    one.stop()


@pytest.fixture
def slack(server: SlackServer) -> Iterator[SlackLine]:
    client = WebClient(TOKEN, base_url=f"{server.url}/api/", timeout=60, retry_handlers=[])
    yield SlackLine(server, client, SlackMessenger(client, SETTINGS))
    server.heal()
    server.calls.clear()
    with server._workspace.lock:
        server._workspace._messages.clear()
        server._workspace._threads.clear()


@pytest.fixture(params=["memory", "slack"])
def line(request: pytest.FixtureRequest) -> FakeLine | SlackLine:
    return FakeLine() if request.param == "memory" else request.getfixturevalue("slack")


Line = FakeLine | SlackLine


def incident(**changes: object) -> Incident:
    summary, helps = "60 properties of Acme & Sons have no company name", "Mend the view first."
    facts = {"id": 1, "opened_at": NOON, "summary": summary, "value": 60.0, "channel": CHANNEL, "helps": helps}
    return samples.incident(**facts | changes)


def root(id_: str = "id-of-root", **changes: object) -> Announcement:
    return replace(Announcement(id_, Kind.ROOT, CHANNEL, None, None, incident()), **changes)  # type: ignore[arg-type]


def reply(place: Place, id_: str = "id-of-reply", **changes: object) -> Announcement:
    one = Announcement(id_, Kind.EVIDENCE, place.channel, place.ts, None, incident())
    return replace(one, **changes)  # type: ignore[arg-type]


def at(announcement: Announcement, place: Place) -> Announcement:
    return replace(announcement, channel=place.channel, ts=place.ts)


def test_posting_says_where_the_message_stands(line: Line) -> None:
    place = line.messenger.post(root())
    assert place.channel == CHANNEL_ID, "the id, whatever name it was posted to"
    [text] = line.texts()
    assert "60 properties" in text
    assert "Unacknowledged" in text


def test_a_reply_stands_in_the_thread(line: Line) -> None:
    place = line.messenger.post(root())
    answer = line.messenger.post(reply(place))
    assert answer != place
    [text] = line.texts(place.ts)
    assert "Mend the view first." in text
    assert len(line.texts()) == 1
    assert line.broadcasts() == 0


def test_an_escalation_shows_in_the_channel_too(line: Line) -> None:
    place = line.messenger.post(root())
    escalated = incident(timeline=(Entry(NOON, Did.ESCALATED, broadcast=True),))
    line.messenger.post(reply(place, kind=Kind.SEVERITY, incident=escalated))
    assert line.broadcasts() == 1


def test_an_edit_changes_what_is_read_and_nothing_else(line: Line) -> None:
    first = line.messenger.post(root())
    line.messenger.edit(at(root(incident=incident(summary="75 properties", acked_by=ROBIN)), first))
    [text] = line.texts()
    assert "75 properties" in text
    assert f"Acknowledged by <@{ROBIN}>" in text
    assert "60 properties" not in text
    assert line.messenger.find(root()) == first, "our id stays with it"


def test_an_edit_whose_answer_was_lost_can_be_repeated(line: Line) -> None:
    place = line.messenger.post(root())
    line.lose("edit", done=True)
    changed = at(root(incident=incident(summary="75 properties")), place)
    with pytest.raises(UncertainError):
        line.messenger.edit(changed)
    line.messenger.edit(changed)
    assert ["75 properties" in text for text in line.texts()] == [True]


def test_a_message_is_found_by_our_id_just_where_it_was_posted(line: Line) -> None:
    """By id of the channel too: buttons and edits know it by nothing else."""
    other, place = line.messenger.post(root("another")), line.messenger.post(root())
    assert line.messenger.find(root()) == place
    assert line.messenger.find(root("another")) == other
    assert line.messenger.find(root("nobody's")) is None


def test_of_several_copies_the_oldest_is_found_and_the_others_can_be_taken_back(line: Line) -> None:
    first, other = line.messenger.post(root()), line.messenger.post(root("another"))
    line.messenger.post(root())
    assert line.messenger.find(root()) == first
    assert line.messenger.take_back(root()) == 1
    assert len(line.texts()) == 2
    assert (line.messenger.find(root()), line.messenger.find(root("another"))) == (first, other)
    assert line.messenger.take_back(root()) == line.messenger.take_back(root("nobody's")) == 0


def test_a_copy_of_a_reply_is_taken_back_too(line: Line) -> None:
    place = line.messenger.post(root())
    answer = line.messenger.post(reply(place))
    line.messenger.post(reply(place))
    assert line.messenger.take_back(reply(place)) == 1
    assert line.messenger.find(reply(place)) == answer


def test_a_reply_is_found_in_its_thread_and_only_there(line: Line) -> None:
    place, elsewhere = line.messenger.post(root()), line.messenger.post(root("another"))
    answer = line.messenger.post(reply(place))
    assert line.messenger.find(reply(place)) == answer
    assert line.messenger.find(reply(elsewhere)) is None
    assert line.messenger.find(root("id-of-reply")) is None


@pytest.mark.parametrize("replies", [True, False])
def test_editing_a_deleted_message_says_that_it_is_gone(line: Line, replies: bool) -> None:
    place = line.messenger.post(root())
    if replies:
        line.messenger.post(reply(place))
    line.delete(place)
    with pytest.raises(NotFoundError):
        line.messenger.edit(at(root(), place))
    assert line.messenger.find(root()) is None


def test_a_deleted_message_is_not_found_and_can_be_posted_anew(line: Line) -> None:
    first = line.messenger.post(root())
    line.delete(first)
    second = line.messenger.post(root())
    assert second != first
    assert line.messenger.find(root()) == second


def test_a_reply_to_a_thread_that_is_gone_says_so(line: Line) -> None:
    place = line.messenger.post(root())
    line.delete(place)
    with pytest.raises(NotFoundError):
        line.messenger.post(reply(place))
    assert line.texts() == []


def test_after_a_lost_answer_it_may_be_there_and_is(line: Line) -> None:
    line.lose("post", done=True)
    with pytest.raises(UncertainError):
        line.messenger.post(root())
    assert len(line.texts()) == 1, "posted once, and not again behind our back"
    assert line.messenger.find(root())


def test_after_a_lost_request_it_may_be_there_and_is_not(line: Line) -> None:
    line.lose("post", done=False)
    with pytest.raises(UncertainError):
        line.messenger.post(root())
    assert line.texts() == []
    assert line.messenger.find(root()) is None


def test_where_nobody_listens_nothing_was_delivered(line: Line) -> None:
    place = line.messenger.post(root())
    with line.unreachable():
        for attempt in (
            lambda: line.messenger.post(root("second")),
            lambda: line.messenger.edit(at(root(), place)),
            lambda: line.messenger.find(root()),
            lambda: line.messenger.members(GROUP),
        ):
            with pytest.raises(TemporaryError) as refused:
                attempt()
            assert refused.value.retry_after is None
    assert len(line.texts()) == 1


def test_where_the_name_is_not_in_dns_nothing_was_sent(slack: SlackLine) -> None:
    slack.client.base_url = "http://slack.invalid/api/"
    with pytest.raises(TemporaryError, match="not found in DNS"):
        slack.messenger.post(root())


@pytest.mark.parametrize("method", ["post", "edit", "find"])
def test_asked_for_patience_it_says_for_how_long(line: Line, method: str) -> None:
    place = line.messenger.post(root("first"))
    attempts = {
        "post": lambda: line.messenger.post(root()),
        "edit": lambda: line.messenger.edit(at(root("first"), place)),
        "find": lambda: line.messenger.find(root("first")),
    }
    line.ask_for_patience(method, 17)
    with pytest.raises(TemporaryError) as patience:
        attempts[method]()
    assert patience.value.retry_after == 17
    assert len(line.texts()) == 1
    attempts[method]()


def test_an_unknown_channel_is_permanent(line: Line) -> None:
    with pytest.raises(PermanentError, match="channel_not_found") as refused:
        line.messenger.post(root(channel="nowhere"))
    assert not isinstance(refused.value, NotFoundError), "nothing to post anew"
    with pytest.raises(PermanentError, match="channel_not_found"):
        line.messenger.find(root(channel="nowhere"))


def test_members_of_a_group_are_known_by_id(line: Line) -> None:
    assert line.messenger.members(GROUP) == frozenset({ROBIN})
    with pytest.raises(PermanentError, match="no_such_subteam"):
        line.messenger.members("S0NOBODY")


# What only the wire shows.


def test_metadata_holds_our_id_and_nothing_of_the_pipeline(slack: SlackLine) -> None:
    place = slack.messenger.post(root())
    slack.messenger.post(reply(place))
    slack.messenger.edit(at(root(incident=incident(acked_by=ROBIN)), place))
    found = [m["metadata"] for m in slack.server.messages(place.ts)]
    assert found == [{"event_type": EVENT_TYPE, "event_payload": {"id": id_}} for id_ in ("id-of-root", "id-of-reply")]


def test_what_comes_from_the_pipeline_is_escaped(slack: SlackLine) -> None:
    slack.messenger.post(root(incident=incident(summary="<!channel> & <@U0ROBIN>")))
    [text] = slack.texts()
    assert "&lt;!channel&gt; &amp; &lt;@U0ROBIN&gt;" in text
    assert "<!channel>" not in text


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (Fault(error="internal_error", done=True), UncertainError),
        (Fault(error="fatal_error", done=True), UncertainError),
        (Fault(error="service_unavailable", status=503, done=True), UncertainError),
        (Fault(status=500, done=True), UncertainError),
        (Fault(status=502, done=True), UncertainError),
        (Fault(status=200, done=True), UncertainError),  # a proxy's page instead of Slack's answer
        (Fault(error="ratelimited"), TemporaryError),
        (Fault(error="invalid_auth"), AccessError),
        (Fault(error="token_revoked"), AccessError),
        (Fault(error="not_in_channel"), ChannelRefusedError),
        (Fault(error="is_archived"), ChannelRefusedError),
        (Fault(error="channel_not_found"), ChannelRefusedError),
        (Fault(error="invalid_blocks"), BlocksRefusedError),
        (Fault(error="msg_too_long"), ContentRefusedError),
        (Fault(error="msg_blocks_too_long"), ContentRefusedError),
        (Fault(error="edit_window_closed"), UneditableError),
        (Fault(error="cant_update_message"), UneditableError),
        (Fault(error="as_user_not_supported"), PermanentError),
    ],
    ids=lambda value: f"{value.error or 'no json'} {value.status}" if isinstance(value, Fault) else "",
)
def test_every_failure_says_whether_it_can_have_happened(
    slack: SlackLine, fault: Fault, family: type[SyncHealthError]
) -> None:
    slack.server.fail_next("chat.postMessage", fault)
    with pytest.raises(SyncHealthError) as failed:
        slack.messenger.post(root())
    assert type(failed.value) is family
    assert len(slack.texts()) == fault.done
    assert "Server Error" not in str(failed.value), "no page of somebody else's in what people read"


def test_a_429_without_a_readable_time_is_a_short_one(slack: SlackLine) -> None:
    slack.server.fail_next("chat.postMessage", Fault(error="rate_limited", status=429))
    with pytest.raises(TemporaryError) as patience:
        slack.messenger.post(root())
    assert patience.value.retry_after == 1


@pytest.mark.parametrize("how", ["refused", "dropped", "500", "invalid_auth", "429"])
def test_no_token_and_no_pipeline_text_is_in_any_error(slack: SlackLine, how: str) -> None:
    faults = {
        "dropped": DROP_BEFORE,
        "500": Fault(status=500),
        "invalid_auth": Fault(error="invalid_auth"),
        "429": Fault(retry_after=1),
    }
    if how in faults:
        slack.server.fail_next("chat.postMessage", faults[how])
    where: AbstractContextManager[None] = slack.unreachable() if how == "refused" else nullcontext()
    with where, pytest.raises(SyncHealthError) as failed:
        slack.messenger.post(root())
    for text in (str(failed.value), "".join(traceback.format_exception(failed.value))):
        assert TOKEN not in text
        assert "Acme" not in text


def busy(slack: SlackLine, messages: int, thread_ts: str | None = None) -> None:
    """Others talk on, so many messages."""
    for number in range(messages):
        slack.client.chat_postMessage(channel=CHANNEL, text=str(number), thread_ts=thread_ts)


@pytest.mark.parametrize("since", [None, NOON + timedelta(minutes=5)])
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_look_up_reads_every_page_since_the_first_attempt(
    slack: SlackLine, monkeypatch: pytest.MonkeyPatch, in_thread: bool, since: datetime | None
) -> None:
    """History comes newest first and replies oldest first: neither end of the pages may be the only one read."""
    monkeypatch.setattr(slack_messenger, "PER_PAGE", 2)
    start = slack.messenger.post(root("start"))
    thread = start.ts if in_thread else None
    sought = replace(reply(start, since=since) if in_thread else root(since=since), kind=Kind.EVIDENCE)
    busy(slack, 3, thread)
    place = slack.messenger.post(sought)
    busy(slack, 5, thread)
    assert slack.messenger.find(sought) == place
    slack.messenger.post(sought)
    busy(slack, 3, thread)
    assert slack.messenger.find(sought) == place, "the oldest of two"
    assert slack.messenger.take_back(sought) == 1


def test_a_look_up_asks_for_nothing_older_than_the_first_attempt(slack: SlackLine) -> None:
    slack.messenger.find(root(since=NOON))
    [(method, asked)] = slack.server.calls
    assert method == "conversations.history"
    assert float(asked["oldest"]) == (NOON - CLOCKS_DIFFER).timestamp()


def test_what_is_not_on_the_pages_that_were_read_may_still_be_there(
    slack: SlackLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_messenger, "PER_PAGE", 1)
    monkeypatch.setattr(slack_messenger, "MOST_PAGES", 3)
    place = slack.messenger.post(root())
    busy(slack, 2)
    assert slack.messenger.find(root()) == place
    busy(slack, 1)
    for look in (slack.messenger.find, slack.messenger.take_back):
        with pytest.raises(UncertainError, match="not among"):
            look(root())
    assert len(slack.texts()) == 4


def test_members_are_asked_for_rarely_and_a_failure_is_not_remembered(slack: SlackLine) -> None:
    slack.server.fail_next("usergroups.users.list", Fault(error="internal_error"))
    with pytest.raises(UncertainError):
        slack.messenger.members(GROUP)
    slack.server.calls.clear()
    for _ in range(5):
        assert slack.messenger.members(GROUP) == frozenset({ROBIN})
    assert [method for method, _ in slack.server.calls] == ["usergroups.users.list"]


def test_a_429_for_one_channel_delays_no_other(slack: SlackLine, tmp_path: Path) -> None:
    clock, store = HandClock(), new_state(tmp_path / "state.db")
    settings = replace(SETTINGS, fallback_channel=CHANNEL_ID)
    ports = Ports(settings, clock, FakeWarehouse(), FakeCensus(clock), slack.messenger, store)
    with store.transaction() as records:
        for what, channel in (("Limited", CHANNEL), ("Elsewhere", CHANNEL_ID)):  # to the outbox these are two
            made = records.create_incident(incident(key=what, summary=what, channel=channel))
            for kind in (Kind.ROOT, Kind.EVIDENCE):
                records.enqueue(made.id, kind)
    slack.ask_for_patience("post", 30)
    assert deliver_all(ports, "me") == 3, "one in vain, and both of the other channel"
    assert ["Elsewhere" in text for text in slack.texts()] == [True]
    assert len(slack.server.calls) == 3, "the limited channel is left alone"
    clock.pass_real(seconds=29)
    assert deliver_all(ports, "me") == 0
    clock.pass_real(seconds=1)
    assert deliver_all(ports, "me") == 2
    assert ["Limited" in text for text in slack.texts()] == [False, True]
    store.close()
