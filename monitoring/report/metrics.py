"""The one table of metrics: history.csv, the page, Domino's metrics and docs/metrics.md go by it.

To add a metric: its number in checks/record.py, a line here; on the page where page.py names it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from operator import attrgetter
from typing import Any

from monitoring.checks.record import DayRecord, Measure
from monitoring.report import rows
from monitoring.report.rows import MetricRow

Reader = Callable[[DayRecord], Measure | None]
"""Takes a metric from a record; None: the day does not have it."""


class Unit(Enum):
    """What a metric counts."""

    COUNT = "count"
    SHARE = "share, 0 to 1"
    SCORE = "0 to 1"
    LOSS = "nats"
    SHIFT = "distance"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    RATE = "rows per second"
    BYTES = "bytes"
    AS_TITLED = "as titled"


class Better(Enum):
    """Which direction is the better one."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a day.

    in_history: the page alone shows the others.
    """

    name: str
    subject: str
    title: str
    read: Reader
    unit: Unit
    better: Better = Better.NEITHER
    in_history: bool = True

    def rows(self, record: DayRecord) -> Iterator[MetricRow]:
        """Yield the metric's line of history.csv, none where it is undefined."""
        measure = self.read(record) if self.in_history else None
        if measure and measure.value is not None:
            yield MetricRow(record.day, self.name, self.subject, measure.value, None)


@dataclass(frozen=True, slots=True)
class SubjectMetric:
    """Numbers of each class, variable or feature of a day.

    in_domino: Domino does not get the others, which the overview is made from.
    """

    names: tuple[str, ...]
    subject: str
    title: str
    rows: Callable[[DayRecord], Iterator[MetricRow]]
    unit: Unit
    better: Better = Better.NEITHER
    in_domino: bool = True


def at(path: str, interval: str | None = None) -> Reader:
    """Return what reads the number, or the length of the list, at a place in the record.

    path: attributes and keys joined by dots. interval: the place of low and high.
    """
    *parents, key = path.split(".")
    parent_of: Callable[[DayRecord], Any] = attrgetter(".".join(parents)) if parents else _itself

    def read(record: DayRecord) -> Measure | None:
        parent = parent_of(record)
        value = parent.get(key) if isinstance(parent, dict) else getattr(parent, key)
        if value is None and isinstance(parent, dict):
            return None
        if isinstance(value, Measure):
            return value
        low, high = attrgetter(interval)(record) if interval else (None, None)
        return Measure(len(value) if isinstance(value, list) else value, low, high)

    return read


def _itself(record: DayRecord) -> DayRecord:
    return record


def _largest_shift(record: DayRecord) -> Measure:
    ratios = [test.value / test.limit for test in record.drift if test.limit]
    return Measure(max(ratios, default=None))


def _intervals(record: DayRecord) -> Iterator[MetricRow]:
    for metric in METRICS:
        measure = metric.read(record) if isinstance(metric, Metric) else None
        if measure and measure.low is not None and measure.high is not None:
            assert isinstance(metric, Metric)
            yield MetricRow(record.day, f"{metric.name}_low", metric.subject, measure.low, None)
            yield MetricRow(record.day, f"{metric.name}_high", metric.subject, measure.high, None)


# --- the table


def _endpoint(name: str, title: str, read: Reader, unit: Unit, better: Better) -> Metric:
    return Metric(name, "endpoint", title, read, unit, better)


def _latency(name: str) -> Metric:
    read = at(f"endpoint.latency_ms.{name}")
    title = f"Latency {name}"
    return _endpoint(f"latency_{name}_ms", title, read, Unit.MILLISECONDS, Better.LOWER)


def _quality(name: str, title: str, unit: Unit = Unit.SCORE) -> Metric:
    better = Better.LOWER if unit is Unit.LOSS else Better.HIGHER
    return Metric(name, "model", title, at(f"performance.metrics.{name}"), unit, better)


def _pipeline(name: str, title: str, unit: Unit) -> Metric:
    return Metric(name, "pipeline", title, at(f"pipeline.{name}"), unit, Better.LOWER)


def _page_only(metric: Metric) -> Metric:
    return replace(metric, in_history=False)


def _overview(
    names: tuple[str, ...],
    subject: str,
    title: str,
    rows: Callable[[DayRecord], Iterator[MetricRow]],
) -> SubjectMetric:
    return SubjectMetric(names, subject, title, rows, Unit.AS_TITLED, in_domino=False)


_AVAILABILITY = at("endpoint.availability", interval="endpoint.availability_interval")

METRICS: tuple[Metric | SubjectMetric, ...] = (
    _endpoint("rows", "Rows", at("rows"), Unit.COUNT, Better.NEITHER),
    _endpoint("scored", "Rows scored", at("endpoint.scored"), Unit.COUNT, Better.HIGHER),
    _page_only(
        _endpoint("failed", "Rows that failed", at("endpoint.failed"), Unit.COUNT, Better.LOWER)
    ),
    _page_only(
        _endpoint(
            "retried", "Rows sent more than once", at("endpoint.retried"), Unit.COUNT, Better.LOWER
        )
    ),
    _endpoint("availability", "Availability", _AVAILABILITY, Unit.SHARE, Better.HIGHER),
    _endpoint(
        "rows_per_second",
        "Rows per second",
        at("endpoint.rows_per_second"),
        Unit.RATE,
        Better.HIGHER,
    ),
    *map(_latency, ("p50", "p95", "p99", "max")),
    _quality("accuracy", "Accuracy"),
    _quality("precision", "Precision"),
    _quality("recall", "Recall"),
    _quality("f1", "F1"),
    _quality("accuracy_mix", "Accuracy at the training mix"),
    _quality("precision_mix", "Precision at the training mix"),
    _quality("f1_mix", "F1 at the training mix"),
    _quality("balanced_accuracy", "Balanced accuracy"),
    _quality("log_loss", "Log loss", Unit.LOSS),
    _quality("log_loss_mix", "Log loss at the training mix", Unit.LOSS),
    _quality("auc", "AUC"),
    Metric("mean_score", "model", "Mean score", at("performance.mean_score"), Unit.SCORE),
    Metric(
        "label_coverage",
        "model",
        "Label coverage",
        at("performance.label_coverage"),
        Unit.SHARE,
        Better.HIGHER,
    ),
    SubjectMetric(
        ("actual_share", "predicted_share"),
        "class",
        "Share of a class",
        rows.class_shares,
        Unit.SHARE,
    ),
    SubjectMetric(
        ("ks", "psi"),
        "variable",
        "What is tested, with its limit",
        rows.tests,
        Unit.SHIFT,
        Better.LOWER,
    ),
    SubjectMetric(
        ("psi_dmm",), "feature", "What DMM should report", rows.psi_dmm, Unit.SHIFT, Better.LOWER
    ),
    _page_only(
        Metric(
            "largest_shift",
            "drift",
            "Largest shift of a feature, of its limit",
            _largest_shift,
            Unit.SHARE,
            Better.LOWER,
        )
    ),
    _pipeline("duration_seconds", "Duration of the run", Unit.SECONDS),
    _pipeline("scoring_seconds", "Duration of the scoring", Unit.SECONDS),
    _pipeline("storage_bytes", "Storage under the prefix", Unit.BYTES),
    _pipeline("storage_objects", "Objects under the prefix", Unit.COUNT),
    _pipeline("state_bytes", "State on this machine", Unit.BYTES),
    Metric("alerts", "model", "Alerts", at("alerts"), Unit.COUNT, Better.LOWER),
    _overview(("ks_window", "psi_window"), "variable", "The same over the window", rows.windows),
    _overview(
        ("<metric>_low", "<metric>_high"), "of the metric", "95 % interval, if any", _intervals
    ),
    _overview(("advice",), "model", "0 none, 1 look, 2 retrain", rows.advice),
    _overview(
        ("reference_days",),
        "model",
        "First days of the release that are known; the limit: how many are needed",
        rows.reference_days,
    ),
    _overview(("release",), "its name", "A release that answered", rows.releases),
    _overview(("drill",), "its text", "A drill that was on", rows.drills),
    _overview(
        ("alert",), "metric, subject and text", "An alert, with value and limit", rows.alert_texts
    ),
    _overview(("ongoing",), "family and text", "An alert that is not new", rows.ongoing_texts),
    _overview(("because",), "its text", "Another reason for the advice", rows.reasons),
)
"""In the order of history.csv."""


def history_rows(record: DayRecord) -> list[MetricRow]:
    """Return the day's lines of history.csv; what is undefined is left out."""
    return [row for metric in METRICS for row in metric.rows(record)]


def metric_rows(record: DayRecord) -> list[MetricRow]:
    """Return those of them that Domino gets."""
    of_domino = [metric for metric in METRICS if isinstance(metric, Metric) or metric.in_domino]
    return [row for metric in of_domino for row in metric.rows(record)]


def metric_named(name: str) -> Metric:
    """Return the metric of a day as a whole that has this name."""
    return _BY_NAME[name]


def as_markdown() -> str:
    """Return the table of docs/metrics.md."""
    lines = ["| metric | of | title | unit | better |", "|---|---|---|---|---|"]
    for metric in METRICS:
        names = metric.names if isinstance(metric, SubjectMetric) else (metric.name,)
        is_kept = isinstance(metric, SubjectMetric) or metric.in_history
        note = "" if is_kept else " (page)"
        if isinstance(metric, SubjectMetric) and not metric.in_domino:
            note = " (history)"
        shown = ", ".join(f"`{name}`" for name in names) + note
        cells = (shown, metric.subject, metric.title, metric.unit.value, metric.better.value)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_BY_NAME = {metric.name: metric for metric in METRICS if isinstance(metric, Metric)}
