"""The metrics of a day beside the day before, the first days and their limits."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from monitoring.checks.budget import Budget
from monitoring.checks.record import DayRecord
from monitoring.report.format import format_value, short
from monitoring.report.metrics import Metric, metric_named
from monitoring.settings.model import Checks
from monitoring.text import format_number, format_percent

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
_CHANCE = "above 0.500 (chance)"
_NO_LIMIT = "no limit set"
_FROM_FIRST_DAYS = "once the first days are known"

# The alerts that a figure's verdict goes by, as (metric, subject): the day's own, and those of the
# last days together.
_DAY_ALERTS = {
    "availability": {("availability", "endpoint")},
    "latency_p95_ms": {("latency_p95_ms", "endpoint")},
    "accuracy": {("accuracy", "model")},
    # The fall is judged over the last days, and by nothing else: the row has no other verdict.
    "accuracy_mix": {("accuracy_drop", "model")},
    "auc": {("auc", "model")},
    "mean_score": {("ks", "score")},
}
_WINDOW_ALERTS = {
    "accuracy": {("accuracy_window", "model")},
    "mean_score": {("ks_window", "score")},
}


class Figure(NamedTuple):
    """A metric of the day, the day before and the first days, as text; interval: of the day's."""

    title: str
    value: str
    interval: str
    yesterday: str
    first: str


class FrontFigure(NamedTuple):
    """A figure with its limit.

    verdict: alert, last days (the day is within its limit, the last days together are not), ok, or
    not judged.
    """

    figure: Figure
    limit: str
    verdict: str


def front_figures(
    record: DayRecord,
    yesterday: DayRecord | None,
    first: Sequence[DayRecord],
    checks: Checks,
) -> list[FrontFigure]:
    """Return the figures that a reader sees first, in their order."""
    alerts = {(alert.metric, alert.subject) for alert in [*record.alerts, *record.ongoing]}
    figures = []
    for name, limit in _limits(record, checks).items():
        metric = metric_named(name)
        if metric.read(record) is not None:
            figure = _figure(metric, record, [yesterday] if yesterday else [], first)
            figures.append(FrontFigure(figure, limit, _verdict(name, limit, alerts)))
    return figures


def _limits(record: DayRecord, checks: Checks) -> dict[str, str]:
    """Return the figures in front, each with its limit in words."""
    score = next((test for test in record.performance.tests if test.subject == "score"), None)
    return {
        "scored": "",
        "availability": _at_least(checks.availability_below),
        "latency_p95_ms": _at_most(checks.latency_p95_ms_above),
        "accuracy": _at_least(checks.accuracy_below),
        "accuracy_mix": _fall_limit(record, checks),
        "auc": _CHANCE,
        "mean_score": f"KS at most {short(score.limit)} (is {short(score.value)})"
        if score
        else _FROM_FIRST_DAYS,
    }


def _verdict(name: str, limit: str, alerts: AbstractSet[tuple[str, str]]) -> str:
    if alerts & _DAY_ALERTS.get(name, set()):
        return "alert"
    if alerts & _WINDOW_ALERTS.get(name, set()):
        return "last days"
    return "not judged" if limit in ("", _NO_LIMIT, _FROM_FIRST_DAYS) else "ok"


def _fall_limit(record: DayRecord, checks: Checks) -> str:
    """Return by how much accuracy may be below the first days', which is tested over the window."""
    if not record.performance.reference.is_complete:
        return _FROM_FIRST_DAYS
    errors = Budget.of(checks.false_alarms_per_day, variables=1).accuracy_drop_errors
    return f"fall over the last days: at most {format_number(errors, 2)} standard errors"


def all_figures(
    record: DayRecord, yesterday: DayRecord | None, first: Sequence[DayRecord]
) -> list[tuple[str, list[Figure]]]:
    """Return the full tables: heading and rows. Of the first days the mean is shown."""
    earlier = [yesterday] if yesterday else []

    def rows(names: Iterable[str]) -> list[Figure]:
        return [_figure(metric_named(name), record, earlier, first) for name in names]

    # Metrics of the score are left out where the model gives none.
    model = [name for name in _MODEL_METRICS if metric_named(name).read(record)]
    return [("Endpoint", rows(_ENDPOINT_METRICS)), ("Model", rows(model))]


def _at_least(limit: float | None) -> str:
    return _NO_LIMIT if limit is None else f"at least {format_percent(limit)}"


def _at_most(limit_ms: float | None) -> str:
    return _NO_LIMIT if limit_ms is None else f"at most {limit_ms:,.0f} ms"


def _figure(
    metric: Metric,
    record: DayRecord,
    yesterday: Sequence[DayRecord],
    first: Sequence[DayRecord],
) -> Figure:
    today = metric.read(record)
    interval = ""
    if today and None not in (today.value, today.low, today.high):
        low, high = format_value(today.low, metric.unit), format_value(today.high, metric.unit)
        interval = f"{low} to {high}"
    return Figure(
        metric.title,
        _mean(metric, [record]),
        interval,
        _mean(metric, yesterday),
        _mean(metric, first),
    )


def _mean(metric: Metric, records: Sequence[DayRecord]) -> str:
    measures = [metric.read(record) for record in records]
    known = [measure.value for measure in measures if measure and measure.value is not None]
    return format_value(sum(known) / len(known) if known else None, metric.unit)
