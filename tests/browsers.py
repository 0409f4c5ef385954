"""A real browser; a test module that imports this is skipped where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs a browser: apt-get install chromium", allow_module_level=True)
try:
    from playwright.sync_api import Error, Page, expect, sync_playwright
except ImportError:
    pytest.skip("needs Playwright: pip install --require-hashes -r requirements-ci.txt", allow_module_level=True)

__all__ = ["Error", "Page", "expect", "opened"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


@contextmanager
def opened(address: str) -> Iterator[Page]:
    """The page at this address; nothing may go wrong on it. The reader sits in another zone than the pipeline."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1240, "height": 700}, timezone_id="Asia/Kolkata")
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        page.goto(address)
        yield page
        browser.close()
        assert problems == []
