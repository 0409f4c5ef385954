"""The demo's page by itself: what a person can reach, where the focus goes, and what a click leads to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo.slack.server import Control, Person, SlackServer
from tests.browsers import Page, expect

pytestmark = pytest.mark.full

NOW = datetime(2026, 1, 20, 11, 5, tzinfo=UTC)  # 3:05 AM in Los Angeles, 4:35 PM where the browser is
WIDTHS = [(1440, 900), (1100, 700), (390, 844)]


@pytest.fixture
def slack(slack_server: Callable[..., SlackServer]) -> SlackServer:
    """A Slack without a bot, with twelve switches and time in the test's hand."""
    controls = [
        Control(f"fault{n}", f"Fault {n} with a title of a usual length", lambda: False, print) for n in range(12)
    ]
    return slack_server(
        NOW,
        people=[Person("U1", "robin", role="operator")],
        controls=controls,
        zone="America/Los_Angeles",
        document=lambda path: "<html><h1>Runbook</h1></html>" if path == "runbook" else None,
    )


def post(slack: SlackServer, text: str, **more: Any) -> str:
    """A message of the app; returns its ts."""
    button = {"type": "button", "action_id": "look", "text": {"type": "plain_text", "text": "Look"}, "value": "1"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    blocks = [section, {"type": "actions", "elements": [button]}]
    answer = slack._workspace.call(
        "chat.postMessage", {"channel": "sync-health", "text": text, "blocks": blocks, **more}
    )
    slack._loop.call_soon_threadsafe(slack._page.refresh)
    return str(answer["ts"])


@pytest.mark.parametrize("size", WIDTHS, ids=["desktop", "small window", "phone"])
def test_every_switch_the_command_line_and_the_thread_can_be_reached(
    slack: SlackServer,
    page: Page,
    size: tuple[int, int],
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.reload()
    if size[0] < 700:
        page.click("#break summary")
    expect(page.locator(".steps li")).to_have_count(4)
    for n in range(12):
        page.locator(f"[data-control=fault{n}]").click(trial=True)
    expect(page.locator("#command")).to_be_in_viewport()
    post(slack, "an answer", thread_ts=post(slack, "an alert"))
    expect(page.locator("#replies")).to_contain_text("an answer")
    page.locator("#shut").click()
    expect(page.locator("#replies")).to_be_hidden()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0], "nothing sticks out"


def test_one_clock_and_one_zone_hold_on_the_whole_page(slack: SlackServer, page: Page) -> None:
    at = int((NOW - timedelta(hours=20)).timestamp())
    post(slack, f"since <!date^{at}^{{date_short_pretty}} at {{time}}|fallback>")
    expect(page.locator("#zone")).to_have_text("Time in Los Angeles")
    expect(page.locator("#clock")).to_contain_text("Jan 20, 3:05 AM")
    expect(page.locator("#messages .about .note").first).to_have_text("3:05 AM")
    expect(page.locator("#messages time")).to_have_text("Yesterday at 7:05 AM")


def test_the_pane_follows_what_is_clicked_and_the_alert_stays_in_sight(slack: SlackServer, page: Page) -> None:
    first = post(slack, "the first alert")
    post(slack, "a reply", thread_ts=first)
    for n in range(15):
        post(slack, f"alert {n} with enough words that it takes two lines once the thread stands beside the channel")
    expect(page.locator("#messages")).to_contain_text("alert 14")
    page.locator("#messages li", has_text="alert 3 ").get_by_text("Look").click()
    expect(page.locator("#replies")).to_contain_text("alert 3 ")
    expect(page.locator("#messages li", has_text="alert 3 ")).to_be_in_viewport()
    page.locator("#messages li", has_text="the first alert").get_by_text("1 reply").click()
    expect(page.locator("#replies")).to_contain_text("a reply")


def test_a_permalink_opens_its_thread_here_and_as_an_address(slack: SlackServer, page: Page) -> None:
    root = post(slack, "the alert that is meant")
    link = slack._workspace.call("chat.getPermalink", {"channel": "sync-health", "message_ts": root})["permalink"]
    other = post(slack, f"see <{link}|the thread>")
    post(slack, "a reply elsewhere", thread_ts=other)
    page.locator("#messages a", has_text="the thread").click()
    expect(page.locator("#replies")).to_contain_text("the alert that is meant")
    assert page.url.rstrip("/") == slack.url
    page.goto(link)
    expect(page.locator("#replies")).to_contain_text("the alert that is meant")


def test_what_arrives_unseen_has_a_cue(slack: SlackServer, page: Page) -> None:
    for n in range(30):
        post(slack, f"message {n}")
    expect(page.locator("#messages")).to_contain_text("message 29")
    expect(page.locator("#unread")).to_be_hidden()
    page.locator("#messages").evaluate("list => { list.scrollTop = 0; }")
    post(slack, "something new")
    expect(page.locator("#unread")).to_be_visible()
    assert page.title().startswith("•")
    page.locator("#unread").click()
    expect(page.locator("#messages li", has_text="something new")).to_be_in_viewport()
    expect(page.locator("#unread")).to_be_hidden()


def test_a_dialog_has_choices_and_buttons_that_submit_nothing(slack: SlackServer, page: Page) -> None:
    def plain(text: str) -> dict[str, Any]:
        return {"type": "plain_text", "text": text}

    options = [{"text": plain(span), "value": span} for span in ("1 hour", "4 hours")]
    radio = {"type": "radio_buttons", "action_id": "span", "options": options, "initial_option": options[0]}
    press = {"type": "button", "action_id": "timeline", "value": "7", "text": plain("Show timeline")}
    blocks = [
        {"type": "input", "block_id": "span", "label": plain("For how long"), "element": radio},
        {"type": "section", "text": {"type": "mrkdwn", "text": "What happened"}, "accessory": press},
    ]
    view = {"type": "modal", "callback_id": "x", "title": plain("Snooze"), "submit": plain("Go"), "blocks": blocks}
    slack._workspace.call("views.open", {"trigger_id": slack._workspace._trigger("U1"), "view": view})
    slack._loop.call_soon_threadsafe(slack._page.refresh)
    dialog = page.get_by_role("dialog", name="Snooze")
    expect(dialog.get_by_role("radio", name="1 hour")).to_be_checked()
    dialog.get_by_role("radio", name="4 hours").check()
    with page.expect_request("**/demo/*") as asked:
        dialog.get_by_role("button", name="Show timeline").click()
    assert asked.value.url.endswith("/press")
    assert asked.value.post_data_json == {"user": "U1", "ts": "", "action_id": "timeline", "value": "7"}
    with page.expect_request("**/demo/*") as asked:
        dialog.get_by_role("button", name="Go").click()
    assert asked.value.url.endswith("/submit")
    assert asked.value.post_data_json["values"] == {"span": "4 hours"}


def test_a_dialog_has_a_name_and_gives_the_focus_back(slack: SlackServer, page: Page) -> None:
    post(slack, "an alert")
    pressed = page.locator("#messages").get_by_text("Look")
    pressed.focus()
    text = {"type": "plain_text", "text": "Rerun Sync B"}
    view = {"type": "modal", "callback_id": "x", "title": text, "blocks": [{"type": "divider"}]}
    trigger = slack._workspace._trigger("U1")
    slack._workspace.call("views.open", {"trigger_id": trigger, "view": view})
    slack._loop.call_soon_threadsafe(slack._page.refresh)
    expect(page.get_by_role("dialog", name="Rerun Sync B")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#modal")).to_be_hidden()
    expect(pressed).to_be_focused()


def test_a_link_of_an_alert_leads_somewhere(slack: SlackServer, page: Page) -> None:
    page.goto(f"{slack.url}/documents/runbook")
    expect(page.get_by_role("heading")).to_have_text("Runbook")


def test_the_home_of_each_person_is_shown_and_stays_when_it_changes(slack: SlackServer, page: Page) -> None:
    def publish(text: str) -> None:
        button = {"type": "button", "action_id": "look", "text": {"type": "plain_text", "text": "Look"}, "value": "1"}
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        view = {"type": "home", "blocks": [section, {"type": "actions", "elements": [button]}]}
        slack._workspace.call("views.publish", {"user_id": "U1", "view": view})
        slack._loop.call_soon_threadsafe(slack._page.refresh)

    page.click("#tab")
    expect(page.locator("#home")).to_contain_text("has not published")
    publish("all is well")
    page.locator("#home button").focus()
    publish("an alert")
    expect(page.locator("#home")).to_contain_text("an alert")
    expect(page.locator("#home button")).to_be_focused()
    expect(page.locator("#messages")).to_be_hidden()
    page.click("#tab")
    expect(page.locator("#messages")).to_be_visible()
    expect(page.locator("#home")).to_be_hidden()
