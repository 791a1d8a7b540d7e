"""The pages of two days, in a real browser; DMM's drift computed a second time by the sandbox."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from sandbox.model_monitor.drift import drift
from tests.support.browser import (
    browser,
    phone_height,
    printed_pages,
    problems,
    roles_on_phone,
)
from tests.support.html import Parsed
from tests.support.html_checker import html_errors
from tests.support.loop import DAY, Loop

NEXT = str(date.fromisoformat(DAY) + timedelta(days=1))
REPORTS = "reports/credit-default"


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def test_a_button_of_the_sandbox_changes_the_next_days_report_and_every_page_is_sound(
    loop: Loop, chromium: Browser
) -> None:
    loop.configure(scoring={"rows": [150, 150]})
    loop.run("daily_scoring.py", "--date", DAY)
    page = chromium.new_page()
    page.goto(loop.sandbox.url)
    page.get_by_role("button", name="labels swapped").click()
    assert page.get_by_role("button", name="labels swapped").get_attribute("aria-pressed") == "true"

    loop.run("daily_scoring.py", "--date", NEXT)

    reports = loop.folder / REPORTS
    page.goto(f"file://{reports}/{NEXT}.html")
    assert "worse than chance" in page.locator("section.verdict").inner_text()
    page.goto(f"file://{reports}/{DAY}.html")
    assert "worse than chance" not in page.locator("body").inner_text()

    page.goto(f"file://{reports}/index.html")
    links = page.eval_on_selector_all("a", "each => each.map(a => a.href)")
    assert links
    for link in set(links):
        assert (reports / unquote(urlsplit(link).path)).exists(), link
        page.goto(link)
    addresses = [f"file://{path}" for path in sorted(reports.glob("*.html"))]
    wrong = [each for address in addresses for each in problems(chromium, address)]
    wrong += problems(chromium, loop.sandbox.url)
    assert wrong == []

    assert max(phone_height(chromium, address) for address in addresses) <= 5000
    assert max(printed_pages(chromium, address) for address in addresses) <= 2
    for path in reports.glob("*.html"):
        assert_tables_stay_tables(chromium, path)


def assert_tables_stay_tables(chromium: Browser, path: Path) -> None:
    """On a phone rows become cards: their headers and cells must still be some to a reader."""
    parsed = Parsed(path.read_text())
    roles = roles_on_phone(chromium, f"file://{path}")
    unfolded = roles["columnheader"] + roles["rowheader"]
    assert roles["table"] >= 2, path
    assert 0 < unfolded <= parsed.tags.count("th"), path
    assert roles["row"] > 10, path
    assert roles["cell"] > 10, path


def test_an_html_checker_has_nothing_to_say(loop: Loop) -> None:
    loop.configure(scoring={"rows": [150, 150]})
    loop.run("daily_scoring.py", "--date", DAY)
    page = loop.folder / "sandbox.html"
    page.write_text(requests.get(loop.sandbox.url, timeout=10).text)

    assert html_errors([*(loop.folder / REPORTS).glob("*.html"), page]) == []


def test_dmms_drift_in_the_report_is_what_the_sandbox_computes_from_the_captures(
    loop: Loop,
) -> None:
    loop.configure(scoring={"rows": [150, 150]})
    loop.run("daily_scoring.py", "--date", DAY)

    record = json.loads((loop.folder / REPORTS / f"{DAY}.json").read_text())
    expected = drift(loop.sandbox.captured())

    shown = {test["subject"]: test["psi_dmm"] for test in record["drift"]}
    tested = {name: value for name, value in shown.items() if value is not None}  # DMM: no groups
    assert len(tested) >= 9
    for name, value in tested.items():
        assert value == pytest.approx(expected[name], abs=0.0005), name
