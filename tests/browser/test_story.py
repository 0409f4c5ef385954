"""The whole story in a real browser, as a newcomer meets it: `sync-health demo`, one switch, one button.

PICTURES=docs/pictures keeps the screenshots that the README shows.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.runtime.demo import OPERATOR, VISITOR
from tests.browsers import Error, Page, expect
from tests.waiting import until

PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def address() -> Iterator[str]:
    """The demo's page, started as people start it; Ctrl-C must end it cleanly and leave nothing."""
    command = [
        str(Path(sys.executable).parent / "sync-health"),
        "demo",
        "--port",
        "0",
        "--speed",
        os.environ.get("SPEED", "120"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr
        lines = iter(demo.stderr.readline, "")
        yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        demo.send_signal(signal.SIGINT)
        rest = demo.stderr.read()
        assert demo.wait(timeout=600) == 0, rest
        assert "Traceback" not in rest
        assert "Warning" not in rest
        assert "leaked" not in rest


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(2500)  # until what has just changed has stopped glowing
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def told_of_a_run(page: Page) -> bool:
    return page.locator("#replies").get_by_text(re.compile("rerun requested|is running|run completed")).count() > 0


def confirmed(page: Page) -> None:
    """Submit the dialog if it is there. It comes back when a run on schedule has begun meanwhile, and follows that."""
    submit = page.locator("#modal").get_by_role("button", name=re.compile("Rerun|Follow"))
    reason = page.locator("#modal").get_by_placeholder("The view is fixed")
    if submit.is_visible():
        with suppress(Error):  # it has gone this moment
            if reason.count():  # asked for while the alert is critical; who follows a run needs none
                reason.fill("the filter is gone", timeout=2000)
            submit.click(timeout=2000)
    page.wait_for_timeout(2000)


@pytest.mark.full
def test_a_newcomer_breaks_the_pipeline_is_told_and_repairs_it_from_the_channel(page: Page) -> None:
    channel, thread, modal = page.locator("#messages"), page.locator("#replies"), page.locator("#modal")
    expect(page.locator("#send")).to_be_enabled()  # the bot is connected
    page.fill("#command", "/sync-health")
    page.press("#command", "Enter")
    expect(channel).to_contain_text("properties: healthy")
    channel.get_by_text("Dismiss").first.click()

    page.click("[data-control=company_name_bug]")
    posted = channel.locator("li:not(.ephemeral)")  # the summary, which only its reader sees, names the check too
    alert = posted.filter(has_text=re.compile("missing company name|Missing company names down"))
    expect(alert).to_contain_text("Unacknowledged")
    alert.get_by_text("reply").click()
    expect(alert).to_contain_text("rds_properties_enriched returns no company name for")
    expect(thread).to_contain_text("Next step")
    expect(thread).to_contain_text("Recovers at")
    expect(alert.get_by_role("button", name="Rerun Sync B")).to_have_count(0)  # the source is still wrong
    keep(page, "alert")

    page.select_option("#people", VISITOR)
    alert.get_by_role("button", name="Acknowledge").click()
    expect(channel).to_contain_text("Only operators may do that. Ask @robin")
    page.select_option("#people", OPERATOR)
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_contain_text("Acknowledged by @robin")

    page.click("[data-control=company_name_bug]")
    alert.get_by_role("button", name=re.compile("(Rerun|Follow) Sync B")).click()  # once it can help
    expect(modal).to_contain_text(re.compile("pending properties|has been running"))  # on schedule: it can be followed
    keep(page, "rerun")
    until(lambda: told_of_a_run(page) or confirmed(page), seconds=240)
    expect(thread).to_contain_text(re.compile("(re)?run completed"))
    expect(alert).to_contain_text("Resolved")
    expect(thread).to_contain_text(
        re.compile("Triggered .* · Acknowledged .* · (Rerun|Run followed) .* · Resolved .* \\(.*\\)")
    )
    keep(page, "resolved")
