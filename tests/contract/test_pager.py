"""Pagers over real HTTP: what is accepted, refused, postponed and lost; the fake and both adapters behave alike."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest
import requests

from bot.adapters.paging.pagerduty import PagerDuty
from bot.adapters.paging.webhook import SIGNATURE, TIMESTAMP, SignedWebhook, signature
from bot.alerts.paging import PageAction
from bot.config.environment import PagerPlaces
from bot.config.settings import Settings
from bot.demo.pager import PagerFault, PagerServer
from bot.errors import AccessError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.model import PageEvent
from bot.ports import Pager
from tests.dripping import dripping
from tests.fakes import FakePager, shipped_settings
from tests.unit.samples import NOW, incident
from tests.waiting import until

KEY, SECRET = "0" * 32, "a secret of tests"  # open nothing but servers of tests
DROP_BEFORE, DROP_AFTER = PagerFault(drop=True), PagerFault(drop=True, done=True)


class Subject(Protocol):
    pager: Pager

    def told(self) -> list[tuple[str, str]]:
        """The alerts there: key and what became of each."""

    def fail(self, fault: PagerFault) -> None:
        """Of the next event."""


class OverHttp:
    def __init__(self, pager: Pager, server: PagerServer) -> None:
        self.pager, self.server = pager, server

    def told(self) -> list[tuple[str, str]]:
        return [(alert.key, alert.status) for alert in self.server.alerts]

    def fail(self, fault: PagerFault) -> None:
        self.server.fail(fault)


class InMemory:
    def __init__(self) -> None:
        self.pager = FakePager()

    def told(self) -> list[tuple[str, str]]:
        ends = {"resolve": "resolved", "acknowledge": "acknowledged"}
        return [(key, ends.get(told[-1], "triggered")) for key, told in self.pager.alerts]

    def fail(self, fault: PagerFault) -> None:
        errors: dict[int, SyncHealthError] = {
            400: PermanentError("refused"),
            403: AccessError("refused"),
            429: TemporaryError("too many", retry_after=float(fault.retry_after or 180)),
            500: UncertainError("failed"),
        }
        error = UncertainError("broke off") if fault.drop else errors[fault.status]
        self.pager.failures.append((error, fault.done))


@pytest.fixture
def server() -> Iterator[PagerServer]:
    one = PagerServer(secret=SECRET)
    one.start()
    yield one
    one.stop()


def settings_for(server: PagerServer) -> Settings:
    return replace(shipped_settings(), pagers=PagerPlaces(KEY, server.url, f"{server.url}/webhook", SECRET))


def real() -> float:
    return datetime.now(UTC).timestamp()


SUBJECTS: dict[str, Callable[[PagerServer], Subject]] = {
    "the fake": lambda _: InMemory(),
    "PagerDuty": lambda server: OverHttp(PagerDuty(settings_for(server)), server),
    "the webhook": lambda server: OverHttp(SignedWebhook(settings_for(server), real), server),
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, server: PagerServer) -> Subject:
    return SUBJECTS[request.param](server)


def an_event(action: PageAction = PageAction.TRIGGER, *, id_: str = "", key: str = "properties/x") -> PageEvent:
    return PageEvent(id_ or f"{action} of {key}", action, key, incident(), NOW, "https://slack.example/thread")


def test_an_alert_is_triggered_acknowledged_and_resolved_under_its_key(subject: Subject) -> None:
    for action, status in zip(PageAction, ("triggered", "acknowledged", "resolved"), strict=True):
        subject.pager.send(an_event(action))
        assert subject.told() == [("properties/x", status)]


def test_a_repeated_event_opens_nothing_twice_and_a_resolved_key_opens_again(subject: Subject) -> None:
    subject.pager.send(an_event())
    subject.pager.send(an_event())
    assert subject.told() == [("properties/x", "triggered")]
    subject.pager.send(an_event(PageAction.RESOLVE))
    subject.pager.send(an_event(PageAction.RESOLVE))
    subject.pager.send(an_event(id_="another"))
    assert subject.told() == [("properties/x", "resolved"), ("properties/x", "triggered")]


@pytest.mark.parametrize("action", [PageAction.ACKNOWLEDGE, PageAction.RESOLVE])
def test_what_is_not_open_is_accepted_and_dropped(subject: Subject, action: PageAction) -> None:
    subject.pager.send(an_event(action))
    assert subject.told() == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (PagerFault(400), PermanentError),
        (PagerFault(403), AccessError),
        (PagerFault(429), TemporaryError),
        (PagerFault(500), UncertainError),
        (PagerFault(500, done=True), UncertainError),
        (DROP_BEFORE, UncertainError),
        (DROP_AFTER, UncertainError),
    ],
    ids=["400", "403", "429", "500", "500, accepted", "reset before", "reset after"],
)
def test_each_failure_says_whether_it_may_have_arrived_and_the_same_event_again_is_one_alert(
    subject: Subject, fault: PagerFault, error: type[SyncHealthError]
) -> None:
    subject.fail(fault)
    with pytest.raises(error) as failed:
        subject.pager.send(an_event())
    assert type(failed.value) is error
    assert KEY not in str(failed.value)
    assert SECRET not in str(failed.value)
    subject.pager.send(an_event())
    assert subject.told() == [("properties/x", "triggered")]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (None, 180),
        ("86400", 900),
        ("9" * 400, 900),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 900),
        ("soon", 180),
        ("NaN", 180),
        ("inf", 180),
    ],
)
def test_too_many_events_name_the_time_to_wait(server: PagerServer, said: str | None, seconds: float) -> None:
    server.fail(PagerFault(429, retry_after=said))
    with pytest.raises(TemporaryError) as failed:
        PagerDuty(settings_for(server)).send(an_event())
    assert failed.value.retry_after == seconds


@pytest.mark.parametrize("body", ["<html>Sign in to the network</html>", "", "[]", '"success"', "{", "null"])
def test_a_202_without_the_receipt_of_pagerduty_is_no_receipt_and_the_same_event_again_opens_one_alert(
    server: PagerServer, body: str
) -> None:
    pager = PagerDuty(settings_for(server))
    for done in (False, True):
        server.fail(PagerFault(202, body=body, done=done))
        with pytest.raises(UncertainError, match="without its receipt"):
            pager.send(an_event())
    pager.send(an_event())
    assert [(alert.key, alert.status) for alert in server.alerts] == [("properties/x", "triggered")]


@pytest.mark.parametrize("body", ["<html></html>", "", "[]"])
def test_a_webhook_may_say_what_it_likes_once_it_accepts(server: PagerServer, body: str) -> None:
    server.fail(PagerFault(202, body=body, done=True))
    SignedWebhook(settings_for(server), real).send(an_event())
    assert len(server.alerts) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_names_the_setting(server: PagerServer, status: int) -> None:
    """It would take the routing key, or a signed event, to where nobody has sent it."""
    for pager in (PagerDuty(settings_for(server)), SignedWebhook(settings_for(server), real)):
        server.fail(PagerFault(status, location=f"{server.url}/v2/enqueue"))
        with pytest.raises(AccessError, match=f"answered {status}.*: correct PAGER"):
            pager.send(an_event())
    assert len(server.received) == 2
    assert server.alerts == []


@pytest.mark.parametrize("done", [False, True])
def test_a_silence_is_given_up_and_the_same_event_again_opens_one_alert(server: PagerServer, done: bool) -> None:
    server.fail(PagerFault(silence=1.0, done=done))
    with pytest.raises(UncertainError, match="silent for too long"):
        PagerDuty(settings_for(server), timeout=(5.0, 0.1)).send(an_event())
    until(lambda: not server._faults)  # the server has begun with it
    PagerDuty(settings_for(server)).send(an_event())
    assert len(server.alerts) == 1


def test_nobody_at_the_address_is_certainly_not_accepted() -> None:
    places = PagerPlaces(KEY, "http://127.0.0.1:1", "http://127.0.0.1:1/a-token", SECRET)
    settings = replace(shipped_settings(), pagers=places)
    for pager in (PagerDuty(settings), SignedWebhook(settings, real)):
        with pytest.raises(TemporaryError, match="cannot be reached") as failed:
            pager.send(an_event())
        assert "a-token" not in str(failed.value)


def test_an_answer_in_drips_is_given_up_within_bounds() -> None:
    with dripping(b"HTTP/1.1 202 Accepted\r\nX-Slow: ") as slow:
        settings = replace(shipped_settings(), pagers=PagerPlaces(KEY, slow.url))
        with pytest.raises(UncertainError, match="silent for too long"):
            PagerDuty(settings, whole=0.2).send(an_event())


# PagerDuty.


def test_a_trigger_is_as_documented(server: PagerServer) -> None:
    PagerDuty(settings_for(server)).send(an_event())
    [body] = server.received
    assert body["event_action"] == "trigger"
    payload = body["payload"]
    assert payload["severity"] == "critical"
    assert payload["summary"].startswith("Critical · properties: ")
    assert "threshold > " in payload["summary"]
    assert not {"&gt;", "<!date", "*", "`"} & set(str(body).split())
    assert {"href": "https://slack.example/thread", "text": "Slack thread"} in body["links"]


def test_only_the_required_fields_are_in_what_is_sent_plainly(server: PagerServer) -> None:
    PagerDuty(settings_for(server)).send(replace(an_event(), plain=True))
    [body] = server.received
    assert set(body) == {"event_action", "dedup_key", "payload"}
    assert set(body["payload"]) == {"summary", "source", "severity"}


def test_a_long_summary_and_long_causes_are_cut_to_what_pagerduty_takes(server: PagerServer) -> None:
    long = incident(summary="x" * 5000, causes=("y" * 5000,) * 9, helps="z" * 9000)
    PagerDuty(settings_for(server)).send(replace(an_event(), incident=long))
    assert len(server.alerts[0].summary) <= 1024
    assert server.alerts[0].summary.endswith(")"), "the threshold stays"


def test_what_it_says_of_a_refusal_is_shown_and_the_key_is_not(server: PagerServer) -> None:
    settings = replace(shipped_settings(), pagers=PagerPlaces("short", server.url))
    with pytest.raises(PermanentError, match="PAGERDUTY_ROUTING_KEY") as failed:
        PagerDuty(settings).send(an_event())
    assert "answered 400" in str(failed.value)
    assert "short" not in str(failed.value)


# The webhook.


def test_a_webhook_is_signed_over_its_timestamp_and_body(server: PagerServer) -> None:
    at, body = str(int(real())), json.dumps({"id": "1", "action": "trigger", "dedup_key": "k", "severity": "critical"})
    signed = {TIMESTAMP: at, SIGNATURE: signature(SECRET, at, body.encode())}
    url = f"{server.url}/webhook"
    for wrong in (
        {**signed, SIGNATURE: signature("another secret", at, body.encode())},
        {**signed, TIMESTAMP: str(int(at) + 1)},
        {TIMESTAMP: "1000", SIGNATURE: signature(SECRET, "1000", body.encode())},
        {},
    ):
        assert requests.post(url, data=body, headers=wrong, timeout=60).status_code == 401
    assert server.alerts == []
    assert requests.post(url, data=body, headers=signed, timeout=60).status_code == 202
    assert len(server.alerts) == 1


def test_a_receiver_can_tell_a_repetition_by_the_id(server: PagerServer) -> None:
    pager = SignedWebhook(settings_for(server), real)
    pager.send(an_event(id_="1"))
    pager.send(an_event(id_="1"))
    assert server.repeated == 1


def test_a_wrong_secret_is_named_by_its_setting(server: PagerServer) -> None:
    places = PagerPlaces(webhook_url=f"{server.url}/webhook", webhook_secret="another secret of tests")
    with pytest.raises(AccessError, match="PAGER_WEBHOOK_URL"):
        SignedWebhook(replace(shipped_settings(), pagers=places), real).send(an_event())
