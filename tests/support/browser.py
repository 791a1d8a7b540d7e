"""Pages in a real browser: what is wider than the window, what the console says, what axe says.

Also how long a page is on a phone and on paper, and what a screen reader gets.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1440, 1024, 360)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
_RUN_AXE = """async () => (await axe.run()).violations.map(
    each => each.id + ": " + each.nodes.map(node => node.html).join(" ").slice(0, 300))"""
# What is wider than the window, but for what scrolls or is hidden on purpose.
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; the test is skipped where there is none."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium (make test does so as root)")
    with sync_playwright() as playwright:
        # Without its own sandbox: it can't have one as root, and the pages are our own.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


def problems(browser: Browser, address: str) -> list[str]:
    """Return what is wrong with a page, light and dark, at every width, all of it unfolded too."""
    return [each for scheme in SCHEMES for each in _problems(browser, address, scheme)]


def phone_height(browser: Browser, address: str) -> int:
    """Return how long a page is on a phone, in pixels."""
    page = browser.new_page(viewport={"width": min(WIDTHS), "height": 780})
    page.goto(address)
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.close()
    return height


def printed_pages(browser: Browser, address: str) -> int:
    """Return on how many sheets of A4 a page is printed."""
    page = browser.new_page()
    page.goto(address)
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    page.close()
    return len(sheets)


def roles_on_phone(browser: Browser, address: str) -> Counter[str]:
    """Return how often a phone's screen reader meets each role, as Chromium itself has it."""
    context = browser.new_context(viewport={"width": min(WIDTHS), "height": 780})
    page = context.new_page()
    page.goto(address)
    nodes = context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    context.close()
    return Counter(node["role"]["value"] for node in nodes if not node["ignored"])


def _problems(browser: Browser, address: str, scheme: Literal["light", "dark"]) -> list[str]:
    wrong: list[str] = []
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.goto(address)
    page.add_script_tag(path=_AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        where = f"{address} {scheme} {width}"
        wrong += _overflow(page, where)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = 1")
        wrong += _overflow(page, f"{where}, unfolded")
        wrong += [f"{where}: {each}" for each in page.evaluate(_RUN_AXE)]
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = 0")
    context.close()
    return wrong


def _overflow(page: Page, where: str) -> list[str]:
    pixels = page.evaluate(_OVERFLOW)
    return [f"{where}: {pixels} px wider than the window"] if pixels > 0 else []
