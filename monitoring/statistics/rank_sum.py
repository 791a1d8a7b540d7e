"""The rank-sum test: how likely chance alone ranks one class's scores as low."""

import math
from statistics import NormalDist

import numpy as np

from monitoring.statistics.arrays import Array

_EXACT_ROWS = 60  # from here on the normal distribution is close, also far out


def midranks(values: Array) -> tuple[Array, Array]:
    """Return each value's rank from 1 (equal values share the middle) and the sizes of the ties."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse], counts


def chance_of_so_low(is_positive: Array, score: Array) -> float:
    """Return the chance that scores (rows,) without skill rank the positive rows as low.

    The rank-sum test of Mann and Whitney 1947, one side: up to 60 rows exact, ties and all (every
    choice of rows is as likely); beyond them normal, with the correction for ties and for
    continuity. NaN where a class has no rows.
    """
    rows, positives = len(score), int(is_positive.sum())
    if not 0 < positives < rows:
        return math.nan
    ranks, ties = midranks(score)
    if rows <= _EXACT_ROWS:
        return _exact(np.rint(2 * ranks).astype(np.int64), is_positive)

    pairs = positives * (rows - positives)
    tied = float((ties.astype(float) ** 3 - ties).sum()) / (rows * (rows - 1))
    variance = pairs * (rows + 1 - tied) / 12
    if variance <= 0:  # every score is the same
        return 1.0
    above_mean = float(ranks[is_positive].sum()) - positives * (rows + 1) / 2
    return NormalDist().cdf((above_mean + 0.5) / math.sqrt(variance))


def _exact(ranks: Array, is_positive: Array) -> float:
    """Return the chance of a sum of ranks as low; ranks: twice the midranks, whole numbers."""
    positives, total = int(is_positive.sum()), int(ranks.sum())
    # Choices of so many rows with this sum, row by row.
    choices = np.zeros((positives + 1, total + 1))
    choices[0, 0] = 1.0
    for rank in ranks:
        choices[1:, rank:] = choices[1:, rank:] + choices[:-1, : total + 1 - rank]
    sums = choices[positives]
    return float(sums[: int(ranks[is_positive].sum()) + 1].sum() / sums.sum())
