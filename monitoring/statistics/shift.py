"""How far the rows of a batch are from the shares that they should have."""

import numpy as np

from monitoring.statistics.arrays import Array

# What DMM does with an empty bin is unverified (contracts 10); this floor is the usual one.
_EMPTY_SHARE = 0.0001


def expected_shares(baseline: Array, class_rows: Array) -> Array:
    """Return the share of each cell that a batch with these classes should have.

    The baseline's classes, reweighted. baseline: counts (..., classes, cells); class_rows:
    (classes,) rows of the batch. Result (..., cells), 1 in all. A class that the batch has and the
    baseline has not makes every share NaN.
    """
    baseline_rows = baseline.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(class_rows > 0, class_rows / class_rows.sum() / baseline_rows, 0.0)
        shares: Array = (weights[..., None] * baseline).sum(axis=-2)
    return shares


def psi(counts: Array, expected: Array) -> Array:
    """Return the population stability index that decides for categorical variables.

    The sum of (a - e) ln(a / e). counts (..., bins): rows of a batch; expected (..., bins): the
    shares it should have. Half a row is added to every bin of both, on the batch's scale, so equal
    shares give 0 at any size. Only bins with baseline mass count; rows outside them still count in
    the total. 0 to infinity, 0.02 is small, 0.25 is large.
    """
    rows = counts.sum(axis=-1, keepdims=True)
    has_mass = expected > 0
    total = rows + 0.5 * has_mass.sum(axis=-1, keepdims=True)

    actual_share = (counts + 0.5) / total
    expected_share = (rows * expected + 0.5) / total
    terms = (actual_share - expected_share) * np.log(actual_share / expected_share)
    return np.asarray(np.where(has_mass, terms, 0.0).sum(axis=-1))


def psi_dmm(counts: Array, baseline: Array) -> Array:
    """Return the usual, unweighted population stability index: what DMM should report.

    Over DMM's bins (contracts 10): counts (..., bins) and baseline (..., bins) are rows per bin,
    the guard bin last; a share is at least 0.0001.
    """
    actual = np.maximum(counts / counts.sum(axis=-1, keepdims=True), _EMPTY_SHARE)
    expected = np.maximum(baseline / baseline.sum(axis=-1, keepdims=True), _EMPTY_SHARE)
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))


def ks(counts: Array, expected: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance between ordered cells, 0 to 1.

    The largest difference of the running shares. counts (..., cells): rows; expected (..., cells):
    shares.
    """
    return np.asarray(np.abs(_running_difference(counts, expected)).max(axis=-1))


def psi_at_ks(counts: Array, expected: Array) -> float:
    """Return the psi of the two halves on either side of the cell where the KS distance is largest.

    For one batch, cells in order. Merging cells never raises a psi, so this is a lower bound for
    finer bins: equal-width bins hide a shift inside one bin.
    """
    end = int(np.abs(_running_difference(counts, expected)).argmax()) + 1
    halves = [np.array([values[:end].sum(), values[end:].sum()]) for values in (counts, expected)]
    return float(psi(*halves))


def _running_difference(counts: Array, expected: Array) -> Array:
    running_share = np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True)
    return np.asarray(running_share - np.cumsum(expected, axis=-1))
