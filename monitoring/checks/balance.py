"""The classes of the batch, actual and predicted, against those requested and the baseline's."""

import numpy as np

from monitoring.checks.alert import Alert, Family, Side
from monitoring.checks.counts import Classes, ScoredRows, shares
from monitoring.checks.record import ClassShares
from monitoring.settings.model import Scoring
from monitoring.settings.rules import Label
from monitoring.statistics.arrays import Array
from monitoring.statistics.intervals import Z_CERTAIN, wilson
from monitoring.text import format_percent


def check(
    scoring: Scoring, classes: Classes, rows: ScoredRows
) -> tuple[list[ClassShares], list[Alert]]:
    """Check whether the batch has the class mix that was requested."""
    number = len(classes.labels)
    actual = shares(rows.actual_rows)
    predicted = shares(np.bincount(rows.predictions.predicted, minlength=number))
    requested = requested_shares(scoring, classes)
    # Noise turns a label into one of the others, each with the same chance.
    noise = scoring.label_noise
    after_noise = requested * (1 - noise) + (1 - requested) * noise / (number - 1)

    parts, alerts = [], []
    for code, label in enumerate(classes.labels):
        alerts += _alerts(label, code, rows.actual_rows, float(after_noise[code]))
        parts.append(
            ClassShares(
                label=label,
                actual=float(actual[code]),
                predicted=float(predicted[code]),
                requested=float(requested[code]),
                baseline=float(classes.mix[code]),
            )
        )
    return parts, alerts


def requested_shares(scoring: Scoring, classes: Classes) -> Array:
    """Return the share of each class (classes,) that `scoring.classes` requests."""
    requested = scoring.classes
    if requested == "training":
        return classes.mix
    if isinstance(requested, str):
        return np.full(len(classes.labels), 1 / len(classes.labels))
    return np.array([requested[label] for label in classes.labels])


def _alerts(label: Label, code: int, actual_rows: Array, expected: float) -> list[Alert]:
    rows, total = int(actual_rows[code]), int(actual_rows.sum())
    low, high = wilson(rows, total, Z_CERTAIN)
    # The last digits of an interval that ends at 0 or 1 are not exact.
    if low - 1e-9 <= expected <= high + 1e-9:
        return []
    share = rows / max(1, total)
    text = (
        f"class {label}: {rows} of {total} rows are of class {label}, {format_percent(share)};"
        f" requested: {format_percent(expected)}; has the generator or scoring.classes changed"
        " within the day?"
    )
    return [
        Alert(
            family=Family.BALANCE,
            subject=f"class {label}",
            metric="class_share",
            value=share,
            limit=expected,
            side=Side.ABOVE if share > expected else Side.BELOW,
            text=text,
        )
    ]
