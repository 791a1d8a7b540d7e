"""How far the rows of a batch are from the shares that they should have."""

from collections.abc import Callable

import numpy as np

from monitoring.statistics.arrays import Array

# What DMM does with an empty bin is unverified (contracts 10); this floor is the usual one.
_EMPTY_SHARE = 0.0001

_MANY_ROWS = 60  # from here on a bin's mean term changes no more


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
    shares it should have. Half a row (Jeffreys 1946) is added to every bin of both, on the batch's
    scale, so equal shares give 0 at any size. Only bins with baseline mass count; rows outside them
    still count in the total. 0 to infinity, 0.02 is small, 0.25 is large.
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


def psi_size(counts: Array, baseline: Array, class_rows: Array, *, independent: bool) -> float:
    """Return the size of a shift: the psi less what chance alone gives at this number of rows.

    counts (bins,), baseline (classes, bins), class_rows (classes,) as of expected_shares. Not below
    0. Of a batch whose shares are those expected, the mean before cutting at 0 is about 0.
    """
    value = float(psi(counts, expected_shares(baseline, class_rows)))
    return max(0.0, value - psi_noise(baseline, class_rows, independent=independent))


def psi_noise(baseline: Array, class_rows: Array, *, independent: bool) -> float:
    """Return the psi that a batch without drift has on average: about (bins - 1) / rows.

    Each bin's term (x - ne) ln((x + 0.5) / (ne + 0.5)) has the mean that it has for a Poisson
    count, scaled by how much less (or, independent, more) than such a count it varies.
    """
    rows, base_rows = class_rows.sum(), np.maximum(1, baseline.sum(axis=1))
    shares = baseline / base_rows[:, None]
    expected = class_rows @ shares  # rows of each bin
    has_mass = expected > 0
    of_class = class_rows + (class_rows**2 / base_rows if independent else 0.0)
    variance = of_class @ (shares * (1 - shares))

    terms = _mean_term(expected[has_mass]) * variance[has_mass] / expected[has_mass]
    return float(terms.sum() / (rows + 0.5 * has_mass.sum()))


def ks_halves(counts: Array, expected: Array) -> Callable[[Array], Array]:
    """Return what sums any counts (..., cells) to the halves (..., 2) around the KS point.

    The two parts on either side of the cell where the KS distance of this batch is largest. Merging
    cells never raises a psi, so that of the halves is a lower bound for finer bins: equal-width
    bins hide a shift inside one bin.
    """
    end = int(np.abs(_running_difference(counts, expected)).argmax()) + 1

    def halves(values: Array) -> Array:
        return np.stack([values[..., :end].sum(axis=-1), values[..., end:].sum(axis=-1)], axis=-1)

    return halves


def _mean_term(expected: Array) -> Array:
    """Return the mean of (x - m) ln((x + 0.5) / (m + 0.5)) over Poisson counts x of mean m."""
    few = np.minimum(expected, _MANY_ROWS)[:, None]
    count = np.arange(3 * _MANY_ROWS)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(count[1:]))])
    chance = np.exp(count * np.log(few) - few - log_factorials)
    means = (chance * (count - few) * np.log((count + 0.5) / (few + 0.5))).sum(axis=1)
    return np.asarray(means)


def _running_difference(counts: Array, expected: Array) -> Array:
    running_share = np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True)
    return np.asarray(running_share - np.cumsum(expected, axis=-1))
