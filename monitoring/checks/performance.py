"""How right the model is on the day's rows, and for how many that is known."""

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from monitoring.checks.alert import Alert, Family, Side
from monitoring.checks.counts import Classes, ModelCounts, ScoredRows, total
from monitoring.checks.record import AccuracyWindow, Measure, finite
from monitoring.checks.reference import ReleaseDays
from monitoring.settings.model import Checks
from monitoring.statistics.arrays import Array
from monitoring.statistics.intervals import wilson
from monitoring.statistics.no_skill import chance_of_no_skill
from monitoring.statistics.performance import Estimate, Predictions, performance
from monitoring.text import format_percent

_alert = partial(Alert, family=Family.MODEL)


class Measured(NamedTuple):
    """What is measured of the model; window: the accuracy of the last days of its release."""

    metrics: dict[str, Measure]
    mean_score: float | None
    label_coverage: float
    window: AccuracyWindow


def check(
    checks: Checks,
    classes: Classes,
    rows: ScoredRows,
    days: ReleaseDays,
    *,
    no_skill_rate: float,
) -> tuple[Measured, list[Alert]]:
    """Check the model's predictions against the actual outcomes.

    no_skill_rate: the share of days on which a model without skill may be called worse than chance.
    """
    estimates = performance(rows.predictions, classes.positive, classes.mix)
    score = rows.predictions.score

    today = ModelCounts.of_predictions(rows.predictions, len(classes.labels))
    over_window = _accuracy(total([*days.window, today]).confusion)
    window_days = len(days.window) + 1
    coverage = len(rows.index) / max(1, rows.batch_rows)

    low, high = finite(over_window.low), finite(over_window.high)
    measured = Measured(
        metrics={
            name: Measure(finite(one.value), finite(one.low), finite(one.high))
            for name, one in estimates.items()
        },
        mean_score=None if score is None else float(score.mean()),
        label_coverage=coverage,
        window=AccuracyWindow(window_days, (over_window.value, low, high)),
    )
    alerts = [
        *_no_skill_alerts(estimates, rows.predictions, classes, no_skill_rate),
        *_coverage_alerts(checks.label_coverage_below, rows, coverage),
        *_accuracy_alerts(checks.accuracy_below, estimates["accuracy"], over_window, window_days),
    ]
    return measured, alerts


def _accuracy(confusion: Array) -> Estimate:
    hits, rows = int(np.trace(confusion)), int(confusion.sum())
    return Estimate(hits / max(1, rows), *wilson(hits, rows))


def _no_skill_alerts(
    estimates: Mapping[str, Estimate], predictions: Predictions, classes: Classes, rate: float
) -> list[Alert]:
    """Return the alerts for metrics that are worse than a model without skill ever is."""
    number = len(classes.labels)
    chances = chance_of_no_skill(predictions, classes.positive, number)
    alerts = []
    for metric, title, limit in (
        ("auc", "AUC", 0.5),
        ("balanced_accuracy", "balanced accuracy", 1 / number),
    ):
        # Each metric gets its part of the rate; an undefined chance (NaN) is no alert.
        if not chances.get(metric, math.nan) <= rate / len(chances):
            continue
        estimate = estimates[metric]
        text = (
            f"model: {title} {estimate.value:.2f} (95 % interval"
            f" {estimate.low:.2f} to {estimate.high:.2f}) of {len(predictions.actual)} rows is"
            f" worse than chance ({limit:.2g}): are the classes or labels swapped, or is"
            " schema.target.positive wrong?"
        )
        alerts.append(
            _alert(
                subject="model",
                metric=metric,
                value=estimate.value,
                limit=limit,
                side=Side.BELOW,
                text=text,
            )
        )
    return alerts


def _coverage_alerts(limit: float | None, rows: ScoredRows, coverage: float) -> list[Alert]:
    if limit is None or coverage >= limit:
        return []
    text = (
        f"labels: {len(rows.index)} of {rows.batch_rows} rows have a prediction and an actual"
        f" outcome, {format_percent(coverage)}, limit {format_percent(limit)}: see the failed rows"
    )
    return [
        _alert(
            subject="labels",
            metric="label_coverage",
            value=coverage,
            limit=limit,
            side=Side.BELOW,
            text=text,
        )
    ]


def _accuracy_alerts(
    limit: float | None, today: Estimate, over_window: Estimate, window_days: int
) -> list[Alert]:
    candidates = [("accuracy", today, "")]
    if window_days > 1:
        candidates.append(("accuracy_window", over_window, f" over {window_days} days"))

    alerts = []
    for metric, estimate, over in candidates:
        if limit is None or not estimate.high < limit:
            continue
        text = (
            f"model: accuracy {estimate.value:.3f} (95 % interval {estimate.low:.3f} to"
            f" {estimate.high:.3f}){over}, wholly below the limit {limit:g}"
        )
        alerts.append(
            _alert(
                subject="model",
                metric=metric,
                value=estimate.value,
                limit=limit,
                side=Side.BELOW,
                text=text,
            )
        )
    return alerts
