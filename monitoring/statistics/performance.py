"""How right a model is: metrics as scikit-learn defines them, positive against the rest."""

import math
from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.intervals import wilson
from monitoring.statistics.scores import SCORE_CELLS, score_cells

_RESAMPLES = 500
_MAX_ROWS_RESAMPLED = 2_000  # above, the bootstrap resamples score cells in place of rows
_METRICS_AT_MIX = ("accuracy", "precision", "f1")  # recall is within one class: no mix changes it


class Predictions(NamedTuple):
    """What a model predicted for rows whose outcome is known.

    actual, predicted (rows,): class codes. score (rows,): the probability of the positive class,
    None where the model gives none.
    """

    actual: Array
    predicted: Array
    score: Array | None


class Estimate(NamedTuple):
    """A value and its 95 % interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


def performance(predictions: Predictions, positive: int, mix: Array) -> dict[str, Estimate]:
    """Return each quality metric: for the batch, and `..._mix` for the mix of the training data.

    positive: the code of the positive class. mix (classes,): class shares of the training data.
    Wilson intervals for accuracy, precision and recall of the batch; a percentile bootstrap (500
    resamples of the rows; above 2,000 rows, of score cells) for the rest. What is undefined (no
    predicted positives, one class only) is NaN. The metrics that take a score are left out where
    there is none.
    """
    rows = len(predictions.actual)
    values = _metrics(np.ones((1, rows)), predictions, positive, mix)
    intervals = _wilson_intervals(predictions, positive, classes=len(mix))

    distinct, weights = _resampled(predictions, classes=len(mix))
    for name, resampled in _metrics(weights.astype(float), distinct, positive, mix).items():
        defined = resampled[np.isfinite(resampled)]
        low, high = (math.nan, math.nan)
        if defined.size:
            low, high = np.quantile(defined, [0.025, 0.975])
        intervals.setdefault(name, (float(low), float(high)))

    return {name: Estimate(float(value[0]), *intervals[name]) for name, value in values.items()}


def confusion_matrix(actual: Array, predicted: Array, classes: int) -> Array:
    """Return how many rows of each actual class got each prediction (actual, predicted)."""
    pairs = np.bincount(actual * classes + predicted, minlength=classes**2)
    return np.asarray(pairs.reshape(classes, classes))


def accuracy_change(before: Array, after: Array, mix: Array) -> tuple[float, float, float]:
    """Return the accuracy at the training mix before and after, and their difference.

    The difference is in standard errors, negative where it is worse. before, after: confusion
    matrices (actual, predicted) of two sets of days; mix (classes,): the training data's class
    shares. NaN where a class has no rows. Each class's variance has one row of either kind added,
    so that 100 % is not certainty.
    """
    accuracies, variance = [], 0.0
    for confusion in (before, after):
        rows, hits = confusion.sum(axis=1), np.diagonal(confusion)
        if not rows.all():
            return math.nan, math.nan, math.nan
        accuracies.append(float((mix * hits / rows).sum()))
        share = (hits + 1) / (rows + 2)
        variance += float((mix**2 * share * (1 - share) / rows).sum())
    return accuracies[0], accuracies[1], (accuracies[1] - accuracies[0]) / math.sqrt(variance)


def _wilson_intervals(
    predictions: Predictions, positive: int, classes: int
) -> dict[str, tuple[float, float]]:
    rows = len(predictions.actual)
    confusion = confusion_matrix(predictions.actual, predictions.predicted, classes)
    hits = confusion[positive, positive]
    return {
        "accuracy": wilson(np.trace(confusion), rows),
        "precision": wilson(hits, confusion[:, positive].sum()),
        "recall": wilson(hits, confusion[positive].sum()),
    }


def _resampled(predictions: Predictions, classes: int) -> tuple[Predictions, Array]:
    """Return rows and how often each is in each resample (resamples, rows).

    Many rows become one row for each score cell.
    """
    actual, predicted, score = predictions
    rows = len(actual)
    random = np.random.default_rng(rows)
    if rows <= _MAX_ROWS_RESAMPLED:
        picked = random.integers(0, max(1, rows), (_RESAMPLES, rows))
        picked += np.arange(_RESAMPLES)[:, None] * rows
        counts = np.bincount(picked.ravel(), minlength=_RESAMPLES * rows)
        return predictions, counts.reshape(_RESAMPLES, rows)

    cells = 0 if score is None else score_cells(score)
    keys = (actual * classes + predicted) * SCORE_CELLS + cells
    _, first, inverse, cell_rows = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    mean_score = None if score is None else np.bincount(inverse, weights=score) / cell_rows
    distinct = Predictions(actual[first], predicted[first], mean_score)
    return distinct, random.multinomial(rows, cell_rows / rows, size=_RESAMPLES)


def _metrics(
    weights: Array, predictions: Predictions, positive: int, mix: Array
) -> dict[str, Array]:
    """Return each metric (samples,) of weighted rows: weights (samples, rows)."""
    actual, predicted, score = predictions
    classes = len(mix)
    pairs = np.eye(classes * classes)[actual * classes + predicted]
    confusion = (weights @ pairs).reshape(-1, classes, classes)

    with np.errstate(divide="ignore", invalid="ignore"):
        metrics = _confusion_metrics(confusion, positive)
        class_rows = confusion.sum(axis=2)
        at_mix = _confusion_metrics(confusion / class_rows[:, :, None] * mix[:, None], positive)
        metrics |= {f"{name}_mix": at_mix[name] for name in _METRICS_AT_MIX}
        recalls = np.diagonal(confusion, axis1=1, axis2=2) / class_rows
        metrics["balanced_accuracy"] = np.mean(recalls, axis=1)
        if score is not None:
            metrics |= _score_metrics(weights, actual, score, positive, mix)
    return metrics


def _confusion_metrics(confusion: Array, positive: int) -> dict[str, Array]:
    hits = confusion[:, positive, positive]
    predicted_positive = confusion[:, :, positive].sum(axis=1)
    actual_positive = confusion[:, positive].sum(axis=1)
    return {
        "accuracy": np.trace(confusion, axis1=1, axis2=2) / confusion.sum(axis=(1, 2)),
        "precision": hits / predicted_positive,
        "recall": hits / actual_positive,
        "f1": 2 * hits / (predicted_positive + actual_positive),
    }


def _score_metrics(
    weights: Array, actual: Array, score: Array, positive: int, mix: Array
) -> dict[str, Array]:
    is_positive = actual == positive
    chance_of_actual = np.where(is_positive, score, 1 - score)
    loss = -np.log(np.clip(chance_of_actual, np.finfo(float).eps, 1))
    by_class = np.eye(len(mix))[actual]
    loss_by_class = (weights @ (loss[:, None] * by_class)) / (weights @ by_class)
    return {
        "log_loss": weights @ loss / weights.sum(axis=1),
        "log_loss_mix": loss_by_class @ mix,
        "auc": _auc(weights, is_positive, score),
    }


def _auc(weights: Array, is_positive: Array, score: Array) -> Array:
    order = np.argsort(score, kind="stable")
    weights, is_positive, score = weights[:, order], is_positive[order], score[order]
    starts = np.flatnonzero(np.r_[True, np.diff(score) != 0][: len(order)])
    if not starts.size:
        return np.full(len(weights), math.nan)

    positives = np.add.reduceat(weights * is_positive, starts, axis=1)
    negatives = np.add.reduceat(weights * ~is_positive, starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2  # a tie counts half
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return np.asarray((positives * below).sum(axis=1) / pairs)
