"""A day's page: one self-contained HTML file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from monitoring.checks.record import Bins, ColumnQuality, DayRecord, FeatureTest
from monitoring.report.charts import BarChart, bar_chart, line_points
from monitoring.report.format import format_value, short
from monitoring.report.metrics import Metric, Unit, metric_named
from monitoring.text import format_names, format_number, format_percent, format_size

_ENDPOINT_METRICS = (
    "scored",
    "failed",
    "availability",
    "retried",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_max_ms",
    "rows_per_second",
)
_MODEL_METRICS = (
    "accuracy",
    "accuracy_mix",
    "balanced_accuracy",
    "precision",
    "precision_mix",
    "recall",
    "f1",
    "f1_mix",
    "auc",
    "log_loss",
    "log_loss_mix",
    "mean_score",
    "label_coverage",
)
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
_TABLE_ROWS = 100
_INDICATOR = "share of 1"
_MAX_PLOTS = 12
_MAX_INDICATORS = 24
_FILTERS = {
    "number": format_number,
    "short": short,
    "percent": format_percent,
    "names": format_names,
    "size": format_size,
}


class OverviewRow(NamedTuple):
    """A metric today, the day before and in the first days, as text; interval: of today's."""

    title: str
    today: str
    interval: str
    yesterday: str
    first: str


class Trend(NamedTuple):
    """A metric of the last days: its points in the plot, and its values as text."""

    title: str
    points: list[tuple[float, float]]
    values: list[str]
    low: str
    high: str


class Plot(NamedTuple):
    """A bar plot with its title; largest_change: the bin whose share changed most."""

    title: str
    largest_change: str
    chart: BarChart


def page(record: DayRecord, previous: Sequence[DayRecord]) -> str:
    """Return the day's page: one HTML file, no script, under 300 KB, escaped throughout.

    previous: as of evaluate_day.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= _FILTERS
    return environment.get_template("report.html.j2").render(_content(record, previous))


def _content(record: DayRecord, previous: Sequence[DayRecord]) -> dict[str, Any]:
    yesterday = previous[-1] if previous else None
    reference = record.performance.reference
    first = [day for day in previous if day.day in reference.days and reference.is_complete]
    recent = [*previous, record][-_DAYS:]
    trends = [_trend(metric_named(name), recent) for name in _TRENDS]
    score_bins = record.performance.score_bins
    return {
        "record": record,
        "yesterday": yesterday,
        "reference": reference,
        "overview": _overview(record, yesterday, first),
        "drift": record.drift[:_TABLE_ROWS],
        "earlier": {test.subject: test for test in yesterday.drift} if yesterday else {},
        "left_out": max(0, len(record.drift) - _TABLE_ROWS),
        "plots": _feature_plots(record.drift),
        "score_chart": bar_chart(score_bins) if score_bins else None,
        "trends": trends,
        "by_day": _values_by_day(trends, recent),
        "recent": recent,
        "faulty": [column for column in record.quality if _is_faulty(column)],
    }


def _overview(
    record: DayRecord, yesterday: DayRecord | None, first: Sequence[DayRecord]
) -> list[tuple[str, list[OverviewRow]]]:
    """Return the first tables: heading and rows. Of the first days the mean is shown."""
    earlier = [yesterday] if yesterday else []

    def rows(names: Iterable[str]) -> list[OverviewRow]:
        return [_overview_row(metric_named(name), record, earlier, first) for name in names]

    # Metrics of the score are left out where the model gives none.
    model = [name for name in _MODEL_METRICS if metric_named(name).read(record)]
    return [("Endpoint", rows(_ENDPOINT_METRICS)), ("Model", rows(model))]


def _overview_row(
    metric: Metric,
    record: DayRecord,
    yesterday: Sequence[DayRecord],
    first: Sequence[DayRecord],
) -> OverviewRow:
    today = metric.read(record)
    interval = ""
    if today and None not in (today.value, today.low, today.high):
        low, high = format_value(today.low, metric.unit), format_value(today.high, metric.unit)
        interval = f"{low} to {high}"
    return OverviewRow(
        metric.title,
        _mean(metric, [record]),
        interval,
        _mean(metric, yesterday),
        _mean(metric, first),
    )


def _mean(metric: Metric, records: Sequence[DayRecord]) -> str:
    known = [value for value in _values(metric, records) if value is not None]
    return format_value(sum(known) / len(known) if known else None, metric.unit)


def _values(metric: Metric, records: Sequence[DayRecord]) -> list[float | None]:
    measures = [metric.read(record) for record in records]
    return [measure.value if measure else None for measure in measures]


def _trend(metric: Metric, recent: Sequence[DayRecord]) -> Trend:
    # Columns of a table align by their digits; one value in a plot's title reads better short.
    text = format_percent if metric.unit is Unit.SHARE else format_number
    title = f"{metric.title}, ms" if metric.unit is Unit.MILLISECONDS else metric.title
    values = _values(metric, recent)
    known = [value for value in values if value is not None]
    low, high = min(known, default=None), max(known, default=None)
    return Trend(
        title, line_points(values), [text(value) for value in values], text(low), text(high)
    )


def _values_by_day(
    trends: Sequence[Trend], recent: Sequence[DayRecord]
) -> list[tuple[str, list[str]]]:
    """Return day and values of every trend, the latest day first."""
    days = [
        (record.day, [trend.values[index] for trend in trends])
        for index, record in enumerate(recent)
    ]
    return days[::-1]


def _feature_plots(drift: Sequence[FeatureTest]) -> list[Plot]:
    """Return a plot for each numerical or nominal feature, and one for the indicators together."""
    binned = [test for test in drift if test.shown != _INDICATOR][:_MAX_PLOTS]
    plots = [Plot(test.subject, test.largest_change, bar_chart(test.bins)) for test in binned]

    levels = [test for test in drift if test.shown == _INDICATOR and test.psi_dmm is not None]
    indicators = levels[:_MAX_INDICATORS]
    if indicators:
        names = [test.subject for test in indicators]
        today, baseline = zip(*((test.today, test.baseline) for test in indicators), strict=True)
        chart = bar_chart(Bins(names, list(today), list(baseline)))
        plots.append(Plot("Indicators, share of 1, largest movers first", names[0], chart))
    return plots


def _is_faulty(column: ColumnQuality) -> bool:
    counts = (column.missing, column.wrong, column.infinite, column.unseen)
    in_baseline = (column.baseline_missing, column.baseline_outside)
    return any((*counts, column.outside, *in_baseline))
