"""How the demo's page draws what messages hold: attachments, fields, menus, tables and charts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo.slack.server import Person, SlackServer
from tests.browsers import Page, expect

pytestmark = pytest.mark.full

Json = dict[str, Any]
HOSTILE = "<img src=x onerror=alert(1)> </script><b>x</b> javascript:alert(1)"
PROBE = "img, script:not([src]), #messages b b, #messages li i"


@pytest.fixture
def slack(slack_server: Callable[..., SlackServer]) -> SlackServer:
    now = datetime(2026, 1, 20, 11, 5, tzinfo=UTC)
    return slack_server(now, people=[Person("U1", "robin")], document=lambda path: "<h1>Runbook</h1>")


def call(slack: SlackServer, method: str, **said: Any) -> str:
    answer = slack._workspace.call(method, {"channel": "sync-health", "text": "alert", **said})
    slack._loop.call_soon_threadsafe(slack._page.refresh)
    return str(answer["ts"])


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(text: str, **more: Any) -> Json:
    return {"type": "button", "action_id": text, "text": plain(text), "value": "1", **more}


def menu(*options: str, url: str = "") -> Json:
    given: list[Json] = [{"text": plain(text), "value": text} for text in options]
    given += [{"text": plain("View runbook"), "value": "runbook", "url": url}] if url else []
    return {"type": "overflow", "action_id": "more", "options": given}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def bar(*blocks: Json, color: str = "#E01E5A") -> list[Json]:
    return [{"color": color, "fallback": "x", "blocks": list(blocks)}]


def table(*rows: list[str | Json], columns: list[Json] | None = None) -> Json:
    cells = [[{"type": "raw_text", "text": c} if isinstance(c, str) else c for c in row] for row in rows]
    return {"type": "table", "rows": cells, "column_settings": columns or []}


def rich(text: str, **style: bool) -> Json:
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": text, "style": style}]}
    return {"type": "rich_text", "elements": [part]}


def line(title: str, **series: list[float]) -> Json:
    names = [f"{n}:05" for n in range(len(next(iter(series.values()))))]
    drawn = [
        {"name": name, "data": [{"label": at, "value": v} for at, v in zip(names, values, strict=True)]}
        for name, values in series.items()
    ]
    chart = {"type": "line", "series": drawn, "axis_config": {"categories": names}}
    return {"type": "data_visualization", "title": title, "chart": chart}


def test_an_attachment_has_its_bar_and_fields_stand_in_two_columns(slack: SlackServer, page: Page) -> None:
    fields = {"type": "section", "fields": [mrkdwn("*Value*\n247 <@U1>"), mrkdwn("*Threshold*\n&gt; 50")]}
    call(slack, "chat.postMessage", attachments=bar(fields))
    call(slack, "chat.postMessage", attachments=bar(fields, color="good"))
    bars = page.locator("#messages .bar")
    expect(bars.nth(0)).to_have_css("border-left-color", "rgb(224, 30, 90)")
    expect(bars.nth(1)).to_have_css("border-left-color", "rgb(46, 184, 134)")
    left, right = (bars.nth(0).locator(".fields > div").nth(n) for n in (0, 1))
    assert (left.inner_text(), right.inner_text()) == ("Value\n247 @robin", "Threshold\n> 50")
    one, other = left.bounding_box(), right.bounding_box()
    assert one and other and (one["y"], one["x"] < other["x"]) == (other["y"], True)


def test_a_line_far_from_zero_shows_how_it_moves_and_bars_begin_at_zero(slack: SlackServer, page: Page) -> None:
    for kind in ("line", "area", "bar"):
        drawn = line(kind, Coverage=[95.2, 96.4], Threshold=[95, 95])
        drawn["chart"]["type"] = kind
        call(slack, "chat.postMessage", blocks=[drawn])
    scales = page.locator("#messages .chart .y")
    expect(scales).to_have_count(3)
    assert [one.locator("span").all_inner_texts() for one in scales.all()] == [
        ["96.4", "95"],
        ["96.4", "0"],
        ["96.4", "0"],
    ]
    hues = (
        page.locator("#messages .chart")
        .first.locator("path.line")
        .evaluate_all("all => all.map((p) => p.classList[0])")
    )
    assert hues == ["hue0", "hue1"]


def test_what_an_app_wrote_is_text_wherever_it_stands(slack: SlackServer, page: Page) -> None:
    chart = line(HOSTILE[:50], **{HOSTILE[:20]: [1.0, 2.0]})
    chart["chart"]["axis_config"]["x_label"] = HOSTILE[:50]
    held = {
        **rich(HOSTILE),
        "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "url": HOSTILE}]}],
    }
    blocks = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "fields": [mrkdwn(HOSTILE), plain(HOSTILE)], "accessory": menu(HOSTILE, url=HOSTILE)},
        actions(button(HOSTILE[:75], url="javascript:alert(1)")),
    ]
    parts = bar({"type": "context", "elements": [mrkdwn(HOSTILE)]}, table([HOSTILE, rich(HOSTILE), held]), chart)
    call(slack, "chat.postMessage", text=HOSTILE, blocks=blocks, attachments=parts)
    expect(page.locator("#messages svg[role=img]")).to_have_count(1)
    assert page.locator(PROBE).count() == 0
    addresses = page.locator("#messages a").evaluate_all("all => all.map((a) => a.protocol)")
    assert set(addresses) <= {"http:", "https:", "mailto:", "about:"}


def test_a_table_has_a_header_and_its_raw_cells_are_literal(slack: SlackServer, page: Page) -> None:
    columns = [{}, {"align": "right"}, {"is_wrapped": True}]
    number = {"type": "raw_number", "value": 1204, "text": "1,204"}
    rows: list[list[str | Json]] = [["Run", "Records", "Why"], ["*4021* &lt; :x:", number, rich("Failed", bold=True)]]
    call(slack, "chat.postMessage", blocks=[table(*rows, columns=columns)])
    cells = page.locator("#messages td")
    assert page.locator("#messages thead th").all_inner_texts() == ["Run", "Records", "Why"]
    assert cells.all_inner_texts() == ["*4021* &lt; :x:", "1,204", "Failed"]
    expect(cells.nth(1)).to_have_css("text-align", "right")
    expect(cells.nth(0)).to_have_css("white-space", "nowrap")
    expect(cells.nth(2)).to_have_css("white-space", "normal")
    expect(cells.nth(2).locator("strong")).to_have_text("Failed")


def test_a_chart_says_its_numbers_and_has_a_scale_and_a_legend(slack: SlackServer, page: Page) -> None:
    call(slack, "chat.postMessage", blocks=[line("Missing", Value=[7, 247.5], Threshold=[50, 50])])
    pie = {"type": "pie", "segments": [{"label": "Lock", "value": 3}, {"label": "Data", "value": 1}]}
    call(slack, "chat.postMessage", blocks=[{"type": "data_visualization", "title": "Why", "chart": pie}])
    words = "line chart: Missing. Value: 0:05 7, 1:05 247.5. Threshold: 0:05 50, 1:05 50"
    first = page.locator("#messages .chart", has=page.get_by_role("img", name=words))
    assert first.locator(".y span").all_inner_texts() == ["247.5", "0"]
    assert first.locator(".x span").all_inner_texts() == ["0:05", "1:05"]
    assert first.locator(".legend li").all_inner_texts() == ["Value", "Threshold"]
    assert first.locator("path.line").evaluate_all("all => all.map((one) => one.getAttribute('d').split(',')[1])") == [
        "97.17171717171718L75",
        "79.79797979797979L75",
    ]
    round_one = page.locator("#messages .chart", has=page.get_by_role("img", name="pie chart: Why. Lock 3, Data 1"))
    assert round_one.locator(".legend li").all_inner_texts() == ["Lock 75%", "Data 25%"]


def test_a_menu_is_used_with_the_keyboard_and_sends_what_was_chosen(slack: SlackServer, page: Page) -> None:
    call(slack, "chat.postMessage", attachments=bar(actions(menu("Snooze", "Resolve"))))
    more = page.locator("#messages").get_by_role("button", name="More actions")
    more.focus()
    page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("menuitem", name="Snooze")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#messages .menu")).to_be_hidden()
    expect(more).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Resolve")).to_be_focused()
    with page.expect_request("**/demo/press") as pressed:
        page.keyboard.press("Enter")
    assert pressed.value.post_data_json["action_id"] == "more"
    assert pressed.value.post_data_json["value"] == "Resolve"
    expect(page.locator("#messages .menu")).to_be_hidden()


def test_a_link_opens_beside_the_page_and_the_app_is_told(slack: SlackServer, page: Page) -> None:
    link = f"{slack.url}/documents/runbook"
    call(slack, "chat.postMessage", blocks=[actions(button("View query", url=link), menu("Snooze", url=link))])
    page.locator("#messages").get_by_role("button", name="More actions").click()
    for role, name, value in (("menuitem", "View runbook", "runbook"), ("link", "View query", "1")):
        one = page.locator("#messages").get_by_role(role, name=name)  # type: ignore[arg-type]
        with page.expect_popup() as popup, page.expect_request("**/demo/press") as pressed:
            one.click()
        expect(popup.value.get_by_role("heading")).to_have_text("Runbook")
        popup.value.close()
        assert pressed.value.post_data_json["value"] == value
    expect(page.locator("#thread")).to_be_hidden()


def test_an_edit_takes_away_neither_an_open_menu_nor_the_focus(slack: SlackServer, page: Page) -> None:
    def said(text: str, *elements: Json) -> Json:
        return {"attachments": bar({"type": "section", "text": mrkdwn(text)}, actions(*elements))}

    ts = call(slack, "chat.postMessage", **said("old", button("Acknowledge"), menu("Snooze", "Resolve")))
    message = page.locator("#messages li")
    message.get_by_role("button", name="More actions").click()
    page.keyboard.press("ArrowDown")
    call(slack, "chat.update", ts=ts, **said("new", menu("Snooze", "Resolve")))
    expect(message).to_contain_text("new")
    expect(page.get_by_role("menuitem", name="Resolve")).to_be_focused()
    page.keyboard.press("Escape")
    expect(message.get_by_role("button", name="More actions")).to_be_focused()
    page.keyboard.press("Enter")
    call(slack, "chat.update", ts=ts, **said("last", button("Acknowledge")))
    expect(message).to_contain_text("last")
    assert page.locator(":popover-open").count() == 0


def test_a_press_moves_nothing(slack: SlackServer, page: Page) -> None:
    call(slack, "chat.postMessage", attachments=bar(actions(button("Acknowledge"), button("Pause"))))
    box = page.locator("#messages").get_by_text("Pause").bounding_box()
    page.locator("#messages").get_by_text("Acknowledge").evaluate("node => node.setAttribute('aria-busy', 'true')")
    assert page.locator("#messages").get_by_text("Pause").bounding_box() == box


@pytest.mark.parametrize("size", [(1440, 900), (1100, 700), (390, 844)], ids=["desktop", "small window", "phone"])
def test_nothing_sticks_out_and_every_choice_can_be_reached(
    slack: SlackServer, page: Page, size: tuple[int, int]
) -> None:
    wide = table([f"a long heading {n}" for n in range(12)], ["x" * 60] * 12, columns=[{"is_wrapped": True}])
    chart = line("Missing", **{f"a series named {n}": [float(n)] * 20 for n in range(6)})
    section = {"type": "section", "text": mrkdwn("at the edge"), "accessory": menu(*"abcde")}
    page.set_viewport_size({"width": size[0], "height": size[1]})
    call(slack, "chat.postMessage", blocks=[wide, chart], attachments=bar(section, actions(menu("f", "y" * 75))))
    page.locator("#messages").get_by_role("button", name="More actions").first.wait_for()
    for n in (0, 1):
        page.locator("#messages").get_by_role("button", name="More actions").nth(n).click()
        for item in page.get_by_role("menuitem").all():
            expect(item).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("#messages").evaluate("list => list.scrollWidth <= list.clientWidth")
