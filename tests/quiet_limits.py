"""Limits of a quiet day, computed with SciPy alone: what the batch is measured against shares no code with the checks.

A quiet batch draws its rows from the class's own training rows, so a 0/1 feature's count is a sum of binomials, one a class,
and its PSI's distribution is exact. For a numerical feature the Kolmogorov-Smirnov distance of multinomial draws is simulated.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

Array = np.ndarray[Any, Any]


def psi(actual: Array, expected: Array) -> Array:
    """Return the PSI of counts (last axis: bins) against expected shares, half a count added to each bin."""
    smoothed = (actual + 0.5) / (actual.sum(axis=-1, keepdims=True) + 0.5 * actual.shape[-1])
    return ((smoothed - expected) * np.log(smoothed / expected)).sum(axis=-1)


def quiet_limit(column: pd.Series, classes: pd.Series, rows_by_class: dict[Any, int], rate: float) -> float:
    """Return the value that a quiet day's statistic passes with probability `rate`: PSI of an indicator, else KS."""
    rows = sum(rows_by_class.values())
    if set(column.unique()) <= {0, 1}:
        distribution = np.ones(1)
        expected = 0.0
        for label, count in rows_by_class.items():
            share = column[classes == label].mean()
            distribution = np.convolve(distribution, stats.binom.pmf(np.arange(count + 1), count, share))
            expected += share * count / rows
        ones = np.arange(rows + 1)
        values = psi(np.column_stack([rows - ones, ones]), np.array([1 - expected, expected]))
        order = np.argsort(values)
        return float(values[order][np.searchsorted(np.cumsum(distribution[order]), 1 - rate)])
    cells = np.unique(column)
    random = np.random.default_rng(20260101)
    drawn, expected_shares = np.zeros((20_000, len(cells))), np.zeros(len(cells))
    for label, count in rows_by_class.items():
        shares = np.bincount(np.searchsorted(cells, column[classes == label]), minlength=len(cells)) / (classes == label).sum()
        drawn += stats.multinomial.rvs(count, shares, size=20_000, random_state=random)
        expected_shares += shares * count / rows
    return float(np.quantile(ks(drawn, expected_shares), 1 - rate))


def ks(counts: Array, expected: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance of counts over ordered cells (last axis) to expected shares."""
    return np.abs(np.cumsum(counts / counts.sum(axis=-1, keepdims=True) - expected, axis=-1)).max(axis=-1)


def statistic(column: pd.Series, training: pd.Series, training_classes: pd.Series, rows_by_class: dict[Any, int]) -> float:
    """Return what is compared with `quiet_limit` for a batch's column."""
    rows = sum(rows_by_class.values())
    cells = np.unique(training)
    expected = np.zeros(len(cells))
    for label, count in rows_by_class.items():
        own = training[training_classes == label]
        expected += np.bincount(np.searchsorted(cells, own), minlength=len(cells)) / len(own) * count / rows
    counts = np.bincount(np.searchsorted(cells, column), minlength=len(cells))
    return float((psi if len(cells) == 2 else ks)(counts, expected))
