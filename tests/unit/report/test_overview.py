"""The overview: what each day came to, what there is to do, trends and drift."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.population import Population
from monitoring.checks.alert import Alert, Family
from monitoring.checks.record import Advice, DayRecord
from monitoring.ledger import manifest as manifests
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.report import calendar, overview, todo
from monitoring.report.metrics import history_rows
from monitoring.report.page import page
from monitoring.report.past import Kind, is_of_drill, past_day, split_sentence, verdict
from monitoring.report.refresh import refresh
from monitoring.report.report import write
from monitoring.report.rows import MetricRow
from monitoring.report.strips import strips
from monitoring.report.trends import WIDTH, Series, plot, time_ticks
from tests.support.html import Parsed

FIRST = date(2026, 1, 1)
TODAY = date(2026, 1, 12)


def note(workspace: Workspace, day: date, state: State, **fields: Any) -> None:
    """Put a day into the ledger."""
    path = workspace.manifest(day)
    path.parent.mkdir(parents=True, exist_ok=True)
    times = {state.value: f"{day}T12:00:00Z"}
    manifest = Manifest(day=str(day), model="m", state=state, times=times, **fields)
    manifests.write(path, manifest)


@pytest.fixture
def workspace(days: list[DayRecord], tmp_path: Path) -> Workspace:
    """Ten reported days, then a missing one and one that was broken off."""
    workspace = Workspace(tmp_path / "state", tmp_path / "reports")
    for number, record in enumerate(days):
        note(workspace, date.fromisoformat(record.day), State.INGESTED)
        write(workspace, record, days[:number])
    note(workspace, date(2026, 1, 12), State.GENERATED)
    return workspace


def test_each_day_has_its_verdict(workspace: Workspace) -> None:
    days = calendar.read(workspace)

    assert [day.kind for day in days] == [
        *[Kind.UNJUDGED] * 7,
        Kind.QUIET,
        Kind.LOOK,  # rows failed
        Kind.ALERTS,
        Kind.MISSING,
        Kind.HALF_SCORED,
    ]
    assert days[3].verdict.headline == "Quiet, model not judged yet"
    assert days[3].verdict.sentences[0].startswith("day 4 of 7")
    assert days[9].verdict.headline == "Drill: the alert was raised as intended"
    assert days[9].verdict.sentences[0].startswith("age is ")
    assert days[9].past and days[9].past.drills


def test_what_there_is_to_do_has_its_command_the_latest_first(workspace: Workspace) -> None:
    note(workspace, date(2026, 1, 4), State.FAILED, reason="no such column")
    note(workspace, date(2026, 1, 9), State.UPLOADED)
    note(workspace, date(2026, 1, 10), State.REGISTERED)

    matters = todo.matters(calendar.read(workspace), today=TODAY, lag_days=0)

    assert [(str(matter.last_day), matter.command) for matter in matters] == [
        ("2026-01-12", "daily_scoring.py --date 2026-01-12"),
        ("2026-01-11", "daily_scoring.py --date 2026-01-11"),
        ("2026-01-10", "gt_registration.py --status"),  # overdue
        ("2026-01-09", "gt_registration.py --pending"),
        ("2026-01-04", "gt_registration.py --date 2026-01-04 --again"),
    ]
    assert "no such column" in matters[-1].text
    later = todo.matters(calendar.read(workspace), today=TODAY, lag_days=30)
    assert "--pending" not in " ".join(matter.command for matter in later)


def test_a_day_that_was_given_up_is_no_matter_any_more(workspace: Workspace) -> None:
    note(workspace, date(2026, 1, 11), State.SKIPPED)

    days = calendar.read(workspace)

    assert (days[10].kind, days[10].in_dmm) == (Kind.GIVEN_UP, "given up")
    commands = [matter.command for matter in todo.matters(days, today=TODAY, lag_days=0)]
    assert commands == ["daily_scoring.py --date 2026-01-12"]


def test_a_day_on_which_an_alert_goes_on_is_neither_new_nor_quiet(
    days: list[DayRecord],
) -> None:
    quiet = msgspec.structs.replace(
        days[7], ongoing=days[9].alerts, advice=days[9].advice, because=days[9].because
    )

    result = verdict(past_day(quiet.day, history_rows(quiet)))

    assert (result.kind, result.headline) == (Kind.ONGOING, "1 ongoing alert")
    assert result.sentences[0].startswith("age is ")
    text = Parsed(page(quiet, days[:7])).text
    assert "1 ongoing alert Advice: investigate age" in text
    assert "Ongoing: age is " in text


def test_missing_days_in_a_row_are_one_matter(workspace: Workspace) -> None:
    note(workspace, date(2026, 1, 20), State.UPLOADED)

    matters = todo.matters(calendar.read(workspace), today=date(2026, 1, 21), lag_days=0)

    assert "daily_scoring.py --from 2026-01-13 --to 2026-01-19" in [
        matter.command for matter in matters
    ]


def test_the_page_is_one_file_whose_links_all_lead_somewhere(
    workspace: Workspace, population: Population
) -> None:
    refresh(workspace, population.settings)

    content = workspace.overview.read_text(encoding="utf-8")
    parsed = Parsed(content)
    links = {value or "" for name, value in parsed.attributes if name == "href"}
    assert links == {path.name for path in workspace.reports.glob("2026-*.html")}
    assert not {"script", "link", "img", "iframe"} & set(parsed.tags)
    assert not re.search(r"https?:|url\(|@import|javascript:", content)
    assert "Half scored" in parsed.text
    assert "daily_scoring.py --date 2026-01-12" in parsed.text
    assert not re.search(r"\b(nan|None|inf)\b", parsed.text)
    cells = [value for name, value in parsed.attributes if name == "aria-label" and value]
    assert "2026-01-10: the drill's alert, drill, in DMM" in cells
    assert "2026-01-11: missing" in cells


def test_what_a_model_or_an_alert_is_called_can_not_become_markup(
    workspace: Workspace, population: Population
) -> None:
    note(workspace, date(2026, 1, 4), State.FAILED, reason="<script>alert(1)</script>")

    refresh(workspace, population.settings)

    for file in workspace.reports.glob("*.html"):
        assert "<script" not in file.read_text(encoding="utf-8")


def test_three_years_stay_under_300_kb(days: list[DayRecord], population: Population) -> None:
    rows = {number: history_rows(record) for number, record in enumerate(days)}
    many = []
    for offset in range(1096):
        day = date(2023, 1, 1) + timedelta(days=offset)
        past = past_day(str(day), rows[offset % 10])
        many.append(
            calendar.CalendarDay(
                day,
                verdict(past),
                past,
                Manifest(day=str(day), model="m", state=State.INGESTED),
                f"{day}.html",
            )
        )

    content = overview.overview(many, population.settings, TODAY)

    print(len(content.encode()))
    assert len(content.encode()) < 300_000
    assert "the last 365 days" in content


def test_a_gap_is_a_gap_and_time_is_true(workspace: Workspace) -> None:
    days = calendar.read(workspace)
    note(workspace, date(2026, 1, 22), State.GENERATED)

    chart = plot(Series("scored", lambda *_: False, lowest=0.0), days)
    later = plot(Series("scored", lambda *_: False, lowest=0.0), calendar.read(workspace))

    assert chart and later
    xs = [float(x) for x in re.findall(r"[ML]([0-9.]+) ", chart.line)]
    assert xs == [round(WIDTH * (index + 0.5) / 12, 1) for index in range(10)]
    assert chart.line.count("M") == 1
    last = [float(x) for x in re.findall(r"[ML]([0-9.]+) ", later.line)][-1]
    assert last == round(WIDTH * 9.5 / 22, 1)
    assert len(chart.bands) == 1  # the drill
    assert [tick.text for tick in time_ticks(days)][:2] == ["01-01", "01-04"]
    broken = calendar.read(workspace)
    broken[4] = calendar.CalendarDay(broken[4].day, broken[10].verdict)
    gap = plot(Series("scored", lambda *_: False), broken)
    assert gap and gap.line.count("M") == 2


def test_drift_shows_score_and_class_first_and_what_was_not_judged(workspace: Workspace) -> None:
    shown = strips(calendar.read(workspace), most=1)

    assert [strip.name for strip in shown] == ["score", "prediction", "age"]
    assert shown[0].paths["none"] == "M0 5h7V6h-7z"
    assert shown[2].highest > 1
    assert str(shown[2].highest_day.day) == "2026-01-10"
    assert shown[2].now == shown[2].highest


def test_a_history_of_1_0_has_an_overview_too(
    days: list[DayRecord], tmp_path: Path, population: Population
) -> None:
    workspace = Workspace(tmp_path / "state", tmp_path)
    (tmp_path / "history.csv").write_text(
        "day,metric,subject,value,limit\n"
        "2025-12-30,alerts,model,2,\n2025-12-30,accuracy,model,0.7,\n"
        "2025-12-31,alerts,model,0,\n2025-12-31,ks,age,0.05,0.1\n2025-12-31,acc"
    )

    overview.write(workspace, population.settings, TODAY)

    text = Parsed(workspace.overview.read_text(encoding="utf-8")).text
    assert [day.kind for day in calendar.read(workspace)] == [Kind.ALERTS, Kind.QUIET]
    assert "age 50 %" in text


def test_without_a_day_nothing_is_written(tmp_path: Path, population: Population) -> None:
    workspace = Workspace(tmp_path / "state", tmp_path / "reports")

    refresh(workspace, population.settings)

    assert not workspace.overview.exists()


def test_a_quiet_day_stays_quiet_while_another_day_is_missing(days: list[DayRecord]) -> None:
    missing = Alert(
        family=Family.PIPELINE,
        subject="days missing",
        metric="days_missing",
        text="not scored: 2026-01-05 (1 day); score it",
    )
    record = msgspec.structs.replace(
        days[7], ongoing=[missing], advice=Advice.LOOK, because=[missing.text]
    )

    result = verdict(past_day(record.day, history_rows(record)))

    assert (result.kind, result.headline) == (Kind.QUIET, "Quiet")
    assert result.advice == "look at the other days"
    assert result.sentences[1] == "not scored: 2026-01-05 (1 day)"


def test_a_drill_is_named_once_for_the_day_not_with_each_alert() -> None:
    text = "age is 3.9 higher (39, was 35.1); KS 0.18; PSI 0.31; a drill is on: age +10"

    assert split_sentence(text) == ("age is 3.9 higher (39, was 35.1)", "KS 0.18; PSI 0.31")
    assert split_sentence("plain") == ("plain", "")


def test_names_with_spaces_are_told_apart_from_the_drilled_one() -> None:
    drill = "mean radius +2 for 50% of the rows since 2026-01-01"
    drilled = "mean radius is 1 higher than in training (15, was 14)"
    other = "mean texture is 2 higher than in training (21, was 19)"

    assert is_of_drill(drilled, [drill])
    assert is_of_drill(f"over 7 days (2,100 rows): {drilled}", [drill])
    assert not is_of_drill(other, [drill])
    rows = [
        MetricRow("2026-01-02", "ks", "mean texture", 0.3, 0.1),
        MetricRow("2026-01-02", "ongoing", f"drift: {other}", 1, 0.1),
        MetricRow("2026-01-02", "advice", "model", 1, None),
    ]
    assert verdict(past_day("2026-01-02", rows)).advice == "investigate mean texture"


def test_the_verdict_names_what_is_new_and_what_goes_on() -> None:
    rows = [
        MetricRow("2026-01-02", "alerts", "model", 1, None),
        MetricRow("2026-01-02", "alert", "psi prediction: class 1 is rarer; PSI 0.3", 0.3, 0.1),
        MetricRow("2026-01-02", "ongoing", "model: score is 0.2 higher today; KS 0.5", 1, 0.1),
        MetricRow("2026-01-02", "ongoing", "pipeline: not scored: 2026-01-01", 1, None),
    ]
    result = verdict(past_day("2026-01-02", rows))

    assert result.headline == "1 new alert, 1 ongoing"
    assert result.sentences == ["class 1 is rarer", "Ongoing: score is 0.2 higher"]


def test_an_alert_beside_the_drills_is_no_drill(days: list[DayRecord]) -> None:
    other = Alert(
        family=Family.MODEL, subject="model", metric="auc", value=0.2, limit=0.5, text="AUC is low"
    )
    record = msgspec.structs.replace(days[9], alerts=[*days[9].alerts, other])

    result = verdict(past_day(record.day, history_rows(record)))

    assert (result.headline, result.is_drill) == ("2 alerts", False)
    text = Parsed(page(record, days[:9])).text
    assert "1 alert is not about what it shifts" in text
    assert text.index("AUC is low") < text.index("DRILL Age is ")  # further beyond its limit


def test_alerts_about_other_days_are_counted_apart(days: list[DayRecord]) -> None:
    failed = Alert(
        family=Family.PIPELINE,
        subject="ingestion of 2026-01-03",
        metric="ingestion_failed",
        text="DMM failed to ingest 2026-01-03; gt_registration.py --date 2026-01-03 --again",
    )
    drift = days[9].alerts[0]
    record = msgspec.structs.replace(
        days[7], alerts=[failed, drift], advice=Advice.LOOK, because=[failed.text, drift.text]
    )

    result = verdict(past_day(record.day, history_rows(record)))

    assert (result.headline, result.advice) == ("1 alert", "investigate age")
    assert result.sentences[0].startswith("age is ")
    text = Parsed(page(record, days[:7])).text
    assert text.index("Age is ") < text.index("Pipeline: 1 matter") < text.index("DMM failed to")


def test_changed_answers_to_equal_inputs_are_said_first() -> None:
    text = "changed_answers model: 9 of 9 repeated inputs got another score"
    rows = [
        MetricRow("2026-01-02", "alerts", "model", 1, None),
        MetricRow("2026-01-02", "alert", text, 9, 0),
        MetricRow("2026-01-02", "advice", "model", 1, None),
    ]

    result = verdict(past_day("2026-01-02", rows))

    assert result.sentences[0].startswith("The model's answers changed, its inputs did not")
    assert result.advice == "ask whoever runs the endpoint"


def test_the_latest_days_alert_is_the_first_matter_and_its_file_another(
    days: list[DayRecord], tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "state", tmp_path / "reports")
    note(workspace, FIRST, State.UPLOADED)
    drift = msgspec.structs.replace(days[0], alerts=days[9].alerts, advice=Advice.LOOK)
    write(workspace, drift, [])

    matters = todo.matters(calendar.read(workspace), today=FIRST, lag_days=1)

    assert [matter.text for matter in matters] == [
        "2026-01-01, 1 alert: investigate age",
        "2026-01-01 is not registered, and not due yet",
    ]
