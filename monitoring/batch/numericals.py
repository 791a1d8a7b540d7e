"""The numerical values of synthetic rows: drawn together from real rows that are near.

Each value's place in its bin comes from one of the nearest real rows of the class, for at most half
of a row's values from the same one: what goes together in the training data still does, and
nobody's row is copied. The values themselves are then spread evenly over those that the class has
in the bin, in the order of these places: they have the distribution of the training data, whichever
rows are near to many.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.batch.encoding import Codes, Places

Values = NDArray[np.float64]

_MAX_DONORS = 2000
"""Rows of a class that are compared with."""

_NEAREST = 32
"""Of these, how many are asked for a value before any row of the bin is."""

_BLOCK_ROWS = 256
_GROUP_WEIGHT = 1
_NUMERICAL_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Donors:
    """The real rows of one class, in random order.

    codes (rows, columns) and values (rows, numericals); the last columns are the numericals' bins.
    """

    codes: Codes
    values: Values

    @property
    def first_numerical(self) -> int:
        """The place of the first column that is a numerical's bin."""
        return int(self.codes.shape[1] - self.values.shape[1])

    @property
    def bins(self) -> Codes:
        """The bins of the numericals (rows, numericals)."""
        return self.codes[:, self.first_numerical :]


def draw_together(codes: Codes, donors: Donors, random: np.random.Generator) -> Values:
    """Return values for the codes of synthetic rows (rows, numericals), each of its bin."""
    bins: Codes = codes[:, donors.first_numerical :]
    near = Donors(donors.codes[:_MAX_DONORS], donors.values[:_MAX_DONORS])
    ranks = _ranks(near.values)
    values = np.empty(bins.shape)
    for first_row in range(0, len(codes), _BLOCK_ROWS):
        block = slice(first_row, first_row + _BLOCK_ROWS)
        values[block] = _of_nearest(codes[block], near, ranks, random)

    for column in range(bins.shape[1]):
        for code in np.unique(bins[:, column]):
            rows = np.flatnonzero(bins[:, column] == code)
            of_bin = donors.values[donors.bins[:, column] == code, column]
            drawn = values[rows, column]
            is_missing = np.isnan(drawn)
            drawn[is_missing] = random.choice(of_bin, int(is_missing.sum()))
            values[rows, column] = _spread(drawn, of_bin, random)
    return values


def _spread(values: Values, of_bin: Values, random: np.random.Generator) -> Values:
    """Return as many of `of_bin`, at even steps, in the order that the values are in."""
    count = len(values)
    steps = (random.random() + np.arange(count)) / count
    places = np.minimum((steps * len(of_bin)).astype(np.int64), len(of_bin) - 1)
    spread = np.empty(count)
    spread[np.lexsort((random.random(count), values))] = np.sort(of_bin)[places]
    return spread


def _of_nearest(codes: Codes, donors: Donors, ranks: Values, random: np.random.Generator) -> Values:
    """Return values of the nearest donors of the same bins, at most half of a row's from one.

    NaN where none of the nearest has the bin, or no donor may give anything (of one value, half is
    none).
    """
    nearest = _nearest(codes, donors, ranks, random)
    bins = codes[:, donors.first_numerical :]
    at_most = bins.shape[1] // 2
    values = np.full(bins.shape, np.nan)
    is_open = np.ones(bins.shape, bool)
    for donor in nearest.T:
        gives = is_open & (donors.bins[donor] == bins)
        if (gives.sum(axis=1) > at_most).any():
            gives &= _any_of(gives, at_most, random)
        values[gives] = donors.values[donor][gives]
        is_open &= ~gives
    return values


def _any_of(
    offered: NDArray[np.bool_], at_most: int, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which of the offered of each row are drawn, at most as many as said."""
    order = np.argsort(np.where(offered, random.random(offered.shape), 1.0), axis=1)
    ranks = np.argsort(order, axis=1)
    drawn: NDArray[np.bool_] = ranks < at_most
    return drawn


def _nearest(codes: Codes, donors: Donors, ranks: Values, random: np.random.Generator) -> Places:
    """Return the places of each row's donors (rows, nearest), the nearest first.

    First the nearest one by codes, then those that are near to the row and have values near to
    that one's. ranks: of the donors' values, 0 to 1.
    """
    apart = np.zeros((len(codes), len(donors.codes)), np.float32)
    for column in range(codes.shape[1]):
        weight = _GROUP_WEIGHT if column < donors.first_numerical else _NUMERICAL_WEIGHT
        apart += np.float32(weight) * (codes[:, column, None] != donors.codes[:, column])
    # Of several at the same distance any.
    keys = apart + random.random(apart.shape)
    rows, first = np.arange(len(codes)), keys.argmin(axis=1)

    for column in range(ranks.shape[1]):
        of_first = ranks[first, column]
        keys += _NUMERICAL_WEIGHT * np.abs(of_first[:, None] - ranks[:, column])
    keys[rows, first] = -1

    # No two keys of a row are the same: how they are sorted plays no part.
    count = min(_NEAREST, len(donors.codes))
    nearest = np.argpartition(keys, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(keys, nearest, axis=1), axis=1)
    return np.take_along_axis(nearest, order, axis=1)


def _ranks(values: Values) -> Values:
    """Return the mean rank of each value in its column (rows, columns), 0 to 1."""
    ranks = np.empty(values.shape)
    for column, of_column in enumerate(values.T):
        ascending = np.sort(of_column)
        below = np.searchsorted(ascending, of_column, side="left")
        not_above = np.searchsorted(ascending, of_column, side="right")
        ranks[:, column] = (below + not_above) / (2 * len(values))
    return ranks
