"""How right a model is: metrics as scikit-learn defines them, positive against the rest."""

import math
from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.auc import auc
from monitoring.statistics.intervals import Z_95_PERCENT, wilson

_RESAMPLES = 500
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
    Intervals: Wilson 1927 for accuracy, precision and recall of the batch; DeLong 1988 for AUC; the
    standard error of the mean for log loss; for the rest, which follow from the confusion matrix,
    the percentiles of 500 resamples of the rows (Davison and Hinkley 1997, ch. 5), drawn as
    matrices: the same at any number of rows. What is undefined (no predicted positives, one class
    only) is NaN. The metrics that take a score are left out where there is none.
    """
    confusion = confusion_matrix(predictions.actual, predictions.predicted, classes=len(mix))
    values = _metrics(confusion[None].astype(float), positive, mix)
    wilson_intervals = _wilson_intervals(confusion, positive)
    resampled = _metrics(_resampled(confusion), positive, mix)

    estimates = {}
    for name, value in values.items():
        interval = wilson_intervals.get(name) or _percentiles(resampled[name])
        estimates[name] = Estimate(float(value[0]), *interval)
    return estimates | _score_metrics(predictions, positive, mix)


def confusion_matrix(actual: Array, predicted: Array, classes: int) -> Array:
    """Return how many rows of each actual class got each prediction (actual, predicted)."""
    pairs = np.bincount(actual * classes + predicted, minlength=classes**2)
    return np.asarray(pairs.reshape(classes, classes))


def accuracy_change(before: Array, after: Array, mix: Array) -> tuple[float, float, float]:
    """Return the accuracy at the training mix before and after, and their difference.

    The difference is in standard errors, negative where it is worse. before, after: confusion
    matrices (actual, predicted) of two sets of days; mix (classes,): the training data's class
    shares. NaN where a class has no rows. Each class's variance has one row of either kind added,
    so that 100 % is not certainty (Agresti and Caffo 2000).
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


def _wilson_intervals(confusion: Array, positive: int) -> dict[str, tuple[float, float]]:
    hits = confusion[positive, positive]
    return {
        "accuracy": wilson(np.trace(confusion), confusion.sum()),
        "precision": wilson(hits, confusion[:, positive].sum()),
        "recall": wilson(hits, confusion[positive].sum()),
    }


def _resampled(confusion: Array) -> Array:
    """Return the confusion matrices (resamples, actual, predicted) of resampled rows."""
    rows = int(confusion.sum())
    shares = confusion.ravel() / max(1, rows)
    if not rows:
        return np.zeros((1, *confusion.shape))
    drawn = np.random.default_rng(rows).multinomial(rows, shares, size=_RESAMPLES)
    return drawn.reshape(_RESAMPLES, *confusion.shape).astype(float)


def _percentiles(resampled: Array) -> tuple[float, float]:
    defined = resampled[np.isfinite(resampled)]
    if not defined.size:
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _metrics(confusion: Array, positive: int, mix: Array) -> dict[str, Array]:
    """Return each metric (samples,) of confusion matrices (samples, actual, predicted)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        metrics = _confusion_metrics(confusion, positive)
        class_rows = confusion.sum(axis=2)
        at_mix = _confusion_metrics(confusion / class_rows[:, :, None] * mix[:, None], positive)
        metrics |= {f"{name}_mix": at_mix[name] for name in _METRICS_AT_MIX}
        recalls = np.diagonal(confusion, axis1=1, axis2=2) / class_rows
        metrics["balanced_accuracy"] = np.mean(recalls, axis=1)
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


def _score_metrics(predictions: Predictions, positive: int, mix: Array) -> dict[str, Estimate]:
    actual, _, score = predictions
    if score is None:
        return {}
    is_positive = actual == positive
    chance_of_actual = np.where(is_positive, score, 1 - score)
    losses = -np.log(np.clip(chance_of_actual, np.finfo(float).eps, 1))
    by_class = [losses[actual == code] for code in range(len(mix))]
    return {
        "log_loss": _mean_estimate([losses], np.ones(1)),
        "log_loss_mix": _mean_estimate(by_class, mix),
        "auc": Estimate(*auc(is_positive, score)),
    }


def _mean_estimate(groups: list[Array], weights: Array) -> Estimate:
    """Return the weighted sum of the groups' means, with 1.96 standard errors, not below 0."""
    if not all(group.size for group in groups):
        return Estimate(math.nan, math.nan, math.nan)
    value = sum(weight * float(group.mean()) for weight, group in zip(weights, groups, strict=True))
    variance = sum(
        weight**2 * float(group.var()) / max(1, group.size - 1)
        for weight, group in zip(weights, groups, strict=True)
    )
    half = Z_95_PERCENT * math.sqrt(variance)
    return Estimate(float(value), max(0.0, float(value) - half), float(value) + half)
