"""Pages follow the ledger: links to the days around, the file's state, the overview."""

import logging
from datetime import date
from pathlib import Path

import pytest

from benchmarks.population import Population
from monitoring.checks.record import DayRecord
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace
from monitoring.report.refresh import refresh
from monitoring.report.report import write
from tests.support.html import Parsed
from tests.unit.report.test_overview import note


def scored(workspace: Workspace, record: DayRecord, settings: object) -> None:
    """Take the steps of daily_scoring.py that the pages depend on."""
    day = date.fromisoformat(record.day)
    write(workspace, record, [])
    note(workspace, day, State.UPLOADED)


def links(workspace: Workspace, day: str) -> list[str]:
    parsed = Parsed((workspace.reports / f"{day}.html").read_text(encoding="utf-8"))
    return [value or "" for name, value in parsed.attributes if name == "href" and value != "#"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "state", tmp_path / "reports")


def test_a_page_gains_its_link_when_the_next_day_appears(
    workspace: Workspace, days: list[DayRecord], population: Population
) -> None:
    scored(workspace, days[0], population.settings)
    refresh(workspace, population.settings)
    assert links(workspace, "2026-01-01")[:1] == ["index.html"]

    scored(workspace, days[2], population.settings)  # a day is missing between them
    refresh(workspace, population.settings)
    assert links(workspace, "2026-01-01")[:2] == ["index.html", "2026-01-03.html"]
    assert links(workspace, "2026-01-03")[:2] == ["2026-01-01.html", "index.html"]

    scored(workspace, days[1], population.settings)  # filled in later
    refresh(workspace, population.settings)
    assert links(workspace, "2026-01-01")[:2] == ["index.html", "2026-01-02.html"]
    assert links(workspace, "2026-01-03")[:2] == ["2026-01-02.html", "index.html"]


def test_a_page_and_the_overview_follow_the_registration(
    workspace: Workspace, days: list[DayRecord], population: Population
) -> None:
    day, page = date(2026, 1, 1), workspace.page(date(2026, 1, 1))
    scored(workspace, days[0], population.settings)
    refresh(workspace, population.settings)
    shown = Parsed(page.read_text(encoding="utf-8")).text
    assert "gt_registration.py --date 2026-01-01" in shown
    shown = Parsed(workspace.overview.read_text(encoding="utf-8")).text
    assert "gt_registration.py --pending" in shown

    for state, text in (
        (State.REGISTERED, "accepted by DMM, which has not read it yet (2026-01-01 12:00)"),
        (State.INGESTED, "read by DMM (2026-01-01 12:00)"),
        (State.FAILED, "DMM could not read it"),
    ):
        note(workspace, day, state)
        refresh(workspace, population.settings)
        assert text in page.read_text(encoding="utf-8")
    assert "--again" in workspace.overview.read_text(encoding="utf-8")


def test_nothing_is_written_where_nothing_changed(
    workspace: Workspace, days: list[DayRecord], population: Population
) -> None:
    scored(workspace, days[0], population.settings)
    refresh(workspace, population.settings)
    before = {path: path.stat().st_mtime_ns for path in workspace.reports.iterdir()}

    refresh(workspace, population.settings)

    assert {path: path.stat().st_mtime_ns for path in workspace.reports.iterdir()} == before


def test_an_overview_that_can_not_be_written_is_a_warning(
    workspace: Workspace,
    days: list[DayRecord],
    population: Population,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scored(workspace, days[0], population.settings)
    workspace.overview.mkdir()

    with caplog.at_level(logging.WARNING, "monitoring"):
        refresh(workspace, population.settings)

    assert "the overview was not written" in caplog.text


def test_a_page_of_1_0_has_no_place_for_links_and_stays_as_it_is(
    workspace: Workspace, days: list[DayRecord], population: Population
) -> None:
    scored(workspace, days[0], population.settings)
    page = workspace.page(date(2026, 1, 1))
    page.write_text("<html>old</html>", encoding="utf-8")
    note(workspace, date(2026, 1, 1), State.INGESTED)

    refresh(workspace, population.settings)

    assert page.read_text(encoding="utf-8") == "<html>old</html>"
    assert workspace.overview.exists()
