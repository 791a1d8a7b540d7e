"""A day's page: one self-contained HTML file."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from monitoring.checks.alert import Alert, Family
from monitoring.checks.record import ColumnQuality, DayRecord
from monitoring.checks.shift_record import FeatureTest
from monitoring.report.calendar import CalendarDay
from monitoring.report.charts import BarChart, DotChart, bar_chart, dot_chart, is_indicator
from monitoring.report.figures import all_figures, front_figures
from monitoring.report.format import format_value
from monitoring.report.metrics import history_rows, metric_named
from monitoring.report.past import (
    Kind,
    PastDay,
    Verdict,
    diagnosis,
    is_of_drill,
    past_day,
    split_sentence,
    strength,
    verdict,
)
from monitoring.report.rendering import render
from monitoring.report.trends import day_series, plot, time_ticks
from monitoring.settings.model import Checks
from monitoring.text import format_percent

_TRENDS = (
    "scored",
    "availability",
    "latency_p95_ms",
    "accuracy",
    "auc",
    "mean_score",
    "largest_shift",
    "alerts",
)
_DAYS = 30
_ROWS, _PLOTS = 100, 25
_PIPELINE = "pipeline"
_SECTIONS = {
    Family.ENDPOINT: "figures",
    Family.MODEL: "model",
    Family.BALANCE: "model",
    Family.QUALITY: "quality",
    Family.DRIFT: "features",
    Family.PIPELINE: _PIPELINE,
}


class AlertText(NamedTuple):
    """An alert: a sentence, its figures, and the section of the page that shows more."""

    sentence: str
    figures: str
    section: str
    is_new: bool
    is_of_drill: bool


class FeatureRow(NamedTuple):
    """A feature's test. was: of the day before. ratio: the value's share of its limit."""

    test: FeatureTest
    was: str
    ratio: float | None
    bars: BarChart | None
    dots: DotChart | None


def page(record: DayRecord, previous: Sequence[DayRecord], checks: Checks | None = None) -> str:
    """Return the day's page: one HTML file, no script, under 300 KB, escaped throughout.

    previous: as of read_previous. checks: the limits that were set.
    """
    return render("report.html.j2", **_content(record, previous, checks or Checks()))


def _content(record: DayRecord, previous: Sequence[DayRecord], checks: Checks) -> dict[str, Any]:
    yesterday = previous[-1] if previous else None
    reference = record.performance.reference
    first = [day for day in previous if day.day in reference.days and reference.is_complete]
    recent = [*previous, record][-_DAYS:]
    days = _calendar(recent)
    past = past_day(record.day, history_rows(record))
    day_verdict = verdict(past)
    plots = [plot(series, days) for series in day_series(checks)]
    score_bins = record.performance.score_bins
    alerts = _alert_texts(record)
    return {
        "record": record,
        "yesterday": yesterday,
        "reference": reference,
        "verdict": day_verdict,
        "diagnosis": diagnosis(past),
        "alerts": [each for each in alerts if each.section != _PIPELINE],
        "of_pipeline": [each for each in alerts if each.section == _PIPELINE],
        "recovered": [alert.text for alert in record.recovered],
        "reasons": past.reasons,
        "not_judged": _not_judged(record, checks) if _is_quiet(day_verdict) else "",
        "front": front_figures(record, yesterday, first, checks),
        "overview": all_figures(record, yesterday, first),
        "features": _features(record, yesterday),
        "left_out": max(0, len(record.drift) - _ROWS),
        "score_chart": bar_chart(score_bins) if score_bins else None,
        "plots": [each for each in plots if each],
        "ticks": time_ticks(days),
        "titles": [metric_named(name).title for name in _TRENDS],
        "by_day": _values_by_day(recent),
        "days": days,
        "faulty": [column for column in record.quality if _is_faulty(column)],
    }


def _is_quiet(day_verdict: Verdict) -> bool:
    return day_verdict.kind in (Kind.QUIET, Kind.UNJUDGED)


def _not_judged(record: DayRecord, checks: Checks) -> str:
    """Return what "quiet" says nothing about, "" where all was judged."""
    reference = record.performance.reference
    parts = []
    if not reference.is_complete:
        day = f"day {len(reference.days) + 1} of {reference.days_needed}"
        parts.append(f"score, class and a fall of accuracy: {day} of this release")
    limits = {
        "the level of accuracy": checks.accuracy_below,
        "latency": checks.latency_p95_ms_above,
    }
    without = [name for name, limit in limits.items() if limit is None]
    if without:
        parts.append(f"no limit is set for {' and '.join(without)}")
    return "; ".join(parts)


def _alert_texts(record: DayRecord) -> list[AlertText]:
    """Return the day's alerts: new ones first, the furthest beyond its limit first."""
    texts = []
    for alerts, is_new in ((record.alerts, True), (record.ongoing, False)):
        for alert in sorted(alerts, key=lambda each: -strength(each.value, each.limit)):
            texts.append(_alert_text(alert, record.drills, is_new=is_new))
    return texts


def _alert_text(alert: Alert, drills: Sequence[str], *, is_new: bool) -> AlertText:
    sentence, figures = split_sentence(alert.text)
    return AlertText(
        sentence,
        figures,
        _SECTIONS[alert.family],
        is_new=is_new,
        is_of_drill=is_of_drill(sentence, drills),
    )


def _calendar(records: Sequence[DayRecord]) -> list[CalendarDay]:
    """Return every day from the first record to the last, gaps included."""
    by_day = {date.fromisoformat(record.day): record for record in records}
    first, last = min(by_day), max(by_day)
    nothing = Verdict(Kind.MISSING, "Missing", [], "")
    days = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        past = _past(by_day[day]) if day in by_day else None
        days.append(CalendarDay(day, nothing, past))
    return days


def _past(record: DayRecord) -> PastDay:
    return past_day(record.day, history_rows(record))


def _features(record: DayRecord, yesterday: DayRecord | None) -> list[FeatureRow]:
    earlier = {test.subject: test for test in yesterday.drift} if yesterday else {}
    rows = []
    for index, test in enumerate(record.drift[:_ROWS]):
        is_drawn = index < _PLOTS
        has_dots = is_indicator(test)
        rows.append(
            FeatureRow(
                test,
                was=shown(test, earlier[test.subject].today) if test.subject in earlier else "–",
                ratio=test.value / test.limit if test.limit else None,
                bars=bar_chart(test.bins) if is_drawn and not has_dots else None,
                dots=dot_chart(test) if is_drawn and has_dots else None,
            )
        )
    return rows


def shown(test: FeatureTest, value: float) -> str:
    """Return a mean as a number, a share as percent."""
    return f"{value:.3g}" if test.shown == "mean" else format_percent(value)


def _values_by_day(recent: Sequence[DayRecord]) -> list[tuple[str, list[str]]]:
    """Return day and values of every trend, the latest day first."""
    rows = []
    for record in reversed(recent):
        cells = []
        for name in _TRENDS:
            metric = metric_named(name)
            measure = metric.read(record)
            cells.append(format_value(measure.value if measure else None, metric.unit))
        rows.append((record.day, cells))
    return rows


def _is_faulty(column: ColumnQuality) -> bool:
    counts = (column.missing, column.wrong, column.infinite, column.unseen)
    in_baseline = (column.baseline_missing, column.baseline_outside)
    return any((*counts, column.outside, *in_baseline))
