"""The area under the ROC curve: its value, its interval, and how likely chance makes one as low."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.intervals import Z_95_PERCENT


class Auc(NamedTuple):
    """The AUC with its 95 % interval; NaN where a class has no rows.

    chance_below: how likely a model without skill has an AUC as low as this.
    """

    value: float
    low: float
    high: float
    chance_below: float


def auc(is_positive: Array, score: Array) -> Auc:
    """Return the AUC of scores (rows,), of which those of positive rows should be higher.

    A tie counts half. Interval: DeLong, DeLong and Clarke-Pearson 1988, computed from midranks
    (Sun and Xu 2014), cut at 0 and 1. chance_below: the rank-sum test of Mann and Whitney 1947, one
    side, normal with the correction for ties and for continuity.
    """
    positives, negatives = score[is_positive], score[~is_positive]
    if not len(positives) or not len(negatives):
        return Auc(math.nan, math.nan, math.nan, math.nan)

    ranks, ties = _midranks(np.concatenate([positives, negatives]))
    of_positives, of_negatives = ranks[: len(positives)], ranks[len(positives) :]
    # Of each row: the share of the other class's rows that it is ranked right against.
    right_positives = (of_positives - _midranks(positives)[0]) / len(negatives)
    right_negatives = 1 - (of_negatives - _midranks(negatives)[0]) / len(positives)
    value = float(right_positives.mean())

    half = Z_95_PERCENT * math.sqrt(_variance(right_positives) + _variance(right_negatives))
    return Auc(
        value,
        max(0.0, value - half),
        min(1.0, value + half),
        _chance_below(value, len(positives), len(negatives), ties),
    )


def _midranks(values: Array) -> tuple[Array, Array]:
    """Return each value's rank from 1 (equal values share the middle) and the sizes of the ties."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse], counts


def _variance(right: Array) -> float:
    """Return the variance of the mean; of one row, the largest that a share can have."""
    return float(right.var(ddof=1)) / len(right) if len(right) > 1 else 0.25


def _chance_below(value: float, positives: int, negatives: int, ties: Array) -> float:
    rows, pairs = positives + negatives, positives * negatives
    tied = float((ties.astype(float) ** 3 - ties).sum()) / (rows * (rows - 1))
    variance = pairs * (rows + 1 - tied) / 12
    if variance <= 0:  # every score is the same
        return 1.0
    pairs_right = value * pairs
    return NormalDist().cdf((pairs_right - pairs / 2 + 0.5) / math.sqrt(variance))
