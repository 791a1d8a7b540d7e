"""The area under the ROC curve: its value and its interval."""

import math
from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.intervals import Z_95_PERCENT
from monitoring.statistics.rank_sum import midranks


class Auc(NamedTuple):
    """The AUC with its 95 % interval; NaN where a class has no rows."""

    value: float
    low: float
    high: float


def auc(is_positive: Array, score: Array) -> Auc:
    """Return the AUC of scores (rows,), of which those of positive rows should be higher.

    A tie counts half. Interval: DeLong, DeLong and Clarke-Pearson 1988, computed from midranks
    (Sun and Xu 2014), cut at 0 and 1.
    """
    positives, negatives = score[is_positive], score[~is_positive]
    if not len(positives) or not len(negatives):
        return Auc(math.nan, math.nan, math.nan)

    ranks = midranks(np.concatenate([positives, negatives]))[0]
    of_positives, of_negatives = ranks[: len(positives)], ranks[len(positives) :]
    # Of each row: the share of the other class's rows that it is ranked right against.
    right_positives = (of_positives - midranks(positives)[0]) / len(negatives)
    right_negatives = 1 - (of_negatives - midranks(negatives)[0]) / len(positives)
    value = float(right_positives.mean())

    half = Z_95_PERCENT * math.sqrt(_variance(right_positives) + _variance(right_negatives))
    return Auc(value, max(0.0, value - half), min(1.0, value + half))


def _variance(right: Array) -> float:
    """Return the variance of the mean; of one row, the largest that a share can have."""
    return float(right.var(ddof=1)) / len(right) if len(right) > 1 else 0.25
