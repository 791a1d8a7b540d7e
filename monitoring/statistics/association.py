"""How closely a target follows each of several columns."""

from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array

_RESAMPLES = 200
_BLOCKS = 500


class AssociationRanks(NamedTuple):
    """Of each column (columns,): its association, its rank, and the band of that rank."""

    association: Array
    rank: Array
    low: Array
    high: Array


class _Sums(NamedTuple):
    """Sums over blocks of rows.

    x, xx, xy (blocks, columns): of each column, its squares, its products with the target. target
    (blocks, 3): of the target, its squares, the rows.
    """

    x: Array
    xx: Array
    xy: Array
    target: Array


def association_ranks(columns: Array, target: Array) -> AssociationRanks:
    """Return each column's absolute rank correlation (Spearman) with the target, and its rank.

    columns (rows, columns), NaN where a value is missing: these stay in, at the middle rank, and so
    draw the association towards 0; target (rows,). association: 0 to 1, NaN for a constant. rank: 1
    is the strongest. low, high: 5 % and 95 % quantiles of the rank over 200 resamples of rows
    (above 500 rows, of 500 blocks of them; Davison and Hinkley 1997).
    """
    rows = len(target)
    starts = np.linspace(0, rows, min(rows, _BLOCKS), endpoint=False).astype(int)
    sums = _block_sums(columns, target, starts)
    association = _correlations(sums, np.ones((1, len(starts))))

    even = np.full(len(starts), 1 / len(starts))
    weights = np.random.default_rng(rows).multinomial(len(starts), even, size=_RESAMPLES)
    resampled_ranks = _order(_correlations(sums, weights))
    low, high = np.quantile(resampled_ranks, [0.05, 0.95], axis=0, method="nearest")
    return AssociationRanks(association[0], _order(association)[0], low, high)


def _block_sums(columns: Array, target: Array, starts: Array) -> _Sums:
    def block_sums(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values, starts))

    y = _centred_ranks(target)
    x_sums, xx_sums, xy_sums = [], [], []
    for column in columns.T:  # one at a time: a million rows of all of them need much memory
        x = _centred_ranks(column)
        x_sums.append(block_sums(x))
        xx_sums.append(block_sums(x * x))
        xy_sums.append(block_sums(x * y))

    of_target = [block_sums(y), block_sums(y * y), block_sums(np.ones(len(target)))]
    return _Sums(*map(np.column_stack, (x_sums, xx_sums, xy_sums, of_target)))


def _correlations(sums: _Sums, weights: Array) -> Array:
    """Return absolute correlations (samples, columns); weights (samples, blocks)."""
    x, xx, xy = weights @ sums.x, weights @ sums.xx, weights @ sums.xy
    y, yy, rows = (weights @ sums.target).T[:, :, None]

    squares = (rows * xx - x * x) * (rows * yy - y * y)
    deviation = np.sqrt(np.where(squares > 1e-9, squares, np.nan))
    return np.asarray(np.abs(rows * xy - x * y) / deviation)


def _centred_ranks(values: Array) -> Array:
    missing = np.isnan(values)
    _, inverse, counts = np.unique(values[~missing], return_inverse=True, return_counts=True)
    # What is missing gets the middle: it adds nothing to the products, and to the rows it does.
    ranks = np.full(len(values), (len(values) - missing.sum() + 1) / 2)
    ranks[~missing] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return np.asarray(ranks - ranks.mean())


def _order(association: Array) -> Array:
    """Return the rank of each association within its sample (samples, columns), 1 the strongest."""
    descending = np.argsort(-np.nan_to_num(association, nan=-1.0), axis=1, kind="stable")
    return np.asarray(np.argsort(descending, axis=1) + 1)
