"""Limits of a quiet day, computed with SciPy alone: they share no code with the checks.

A quiet batch draws its rows from the class's own training rows, so a 0/1 feature's count is a sum
of binomials, one a class, and its PSI's distribution is exact. For a numerical feature the
Kolmogorov-Smirnov distance of multinomial draws is simulated.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from monitoring.settings.rules import Label

Array = NDArray[Any]
RowsByClass = Mapping[Label, int]

_DRAWS = 20_000
_SEED = 20260101


def quiet_limit(
    column: "pd.Series[Any]", classes: "pd.Series[Any]", rows_by_class: RowsByClass, rate: float
) -> float:
    """Return the value that a quiet day's statistic passes with probability `rate`.

    column, classes (rows,): of the training data. The statistic is the PSI of an indicator, else
    KS.
    """
    if set(column.unique()) <= {0, 1}:
        return _indicator_limit(column, classes, rows_by_class, rate)
    return _numerical_limit(column, classes, rows_by_class, rate)


def statistic(
    column: "pd.Series[Any]",
    training: "pd.Series[Any]",
    training_classes: "pd.Series[Any]",
    rows_by_class: RowsByClass,
) -> float:
    """Return what is compared with `quiet_limit` for a batch's column."""
    cells = np.unique(training)
    expected = expected_shares(training, training_classes, rows_by_class)
    counts = np.bincount(np.searchsorted(cells, column), minlength=len(cells))
    return float((psi if len(cells) == 2 else ks)(counts, expected))


def expected_shares(
    training: "pd.Series[Any]", classes: "pd.Series[Any]", rows_by_class: RowsByClass
) -> Array:
    """Return the share of each value (cells,), the training data weighted to these classes."""
    rows = sum(rows_by_class.values())
    cells = np.unique(training)
    expected = np.zeros(len(cells))
    for label, count in rows_by_class.items():
        expected += _shares(training[classes == label], cells) * count / rows
    return expected


def psi(actual: Array, expected: Array) -> Array:
    """Return the PSI of counts (..., bins) against expected shares; half a count more in each."""
    smoothed = (actual + 0.5) / (actual.sum(axis=-1, keepdims=True) + 0.5 * actual.shape[-1])
    return np.asarray(((smoothed - expected) * np.log(smoothed / expected)).sum(axis=-1))


def ks(counts: Array, expected: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance of counts (..., ordered cells) to expected shares."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(np.cumsum(shares - expected, axis=-1)).max(axis=-1))


def _indicator_limit(
    column: "pd.Series[Any]", classes: "pd.Series[Any]", rows_by_class: RowsByClass, rate: float
) -> float:
    rows = sum(rows_by_class.values())
    distribution, expected = np.ones(1), 0.0
    for label, count in rows_by_class.items():
        share = column[classes == label].mean()
        of_class = stats.binom.pmf(np.arange(count + 1), count, share)
        distribution = np.convolve(distribution, of_class)
        expected += share * count / rows

    ones = np.arange(rows + 1)
    values = psi(np.column_stack([rows - ones, ones]), np.array([1 - expected, expected]))
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(distribution[order]), 1 - rate)])


def _numerical_limit(
    column: "pd.Series[Any]", classes: "pd.Series[Any]", rows_by_class: RowsByClass, rate: float
) -> float:
    cells = np.unique(column)
    random = np.random.default_rng(_SEED)
    drawn = np.zeros((_DRAWS, len(cells)))
    for label, count in rows_by_class.items():
        shares = _shares(column[classes == label], cells)
        drawn += stats.multinomial.rvs(count, shares, size=_DRAWS, random_state=random)
    expected = expected_shares(column, classes, rows_by_class)
    return float(np.quantile(ks(drawn, expected), 1 - rate))


def _shares(column: "pd.Series[Any]", cells: Array) -> Array:
    counts = np.bincount(np.searchsorted(cells, column), minlength=len(cells))
    return np.asarray(counts / len(column))
