"""Weights that bring every level and bin back to its share, and draws by them.

SMOTEN's vote among neighbors drops what is rare (docs/daily-scoring.md has the measurements).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.batch.encoding import Codes, Places

Weights = NDArray[np.float64]

_MAX_ROUNDS = 200
_CONVERGED = 0.0005
"""Raking ends where no share is further off: neither a day nor a year of days would show it."""


class Residual(NamedTuple):
    """The share that is furthest off after raking, of a code of a column.

    wanted, reached: 0 to 1.
    """

    column: int
    code: int
    wanted: float
    reached: float

    @property
    def points(self) -> float:
        """How far it is off, in percentage points."""
        return 100 * abs(self.reached - self.wanted)


def raking_weights(codes: Codes, counts: Weights, targets: Codes) -> tuple[Weights, Residual]:
    """Return a probability for each row, so that the codes have the shares of those in targets.

    codes, targets (rows, columns): codes has none above the highest of its column in targets.
    counts (rows of codes,): how often each row is there. Result (rows of codes,), 1 in all.
    Iterative proportional fitting (Deming and Stephan 1940), until it has converged. A code that no
    row has keeps the share 0; the others take its part.
    """
    columns = [np.ascontiguousarray(column, np.int64) for column in codes.T]
    shares = [np.bincount(column) / len(targets) for column in targets.T]

    weights = counts / counts.sum()
    for _ in range(_MAX_ROUNDS):
        furthest = 0.0
        for column, wanted in zip(columns, shares, strict=True):
            reached = np.bincount(column, weights, minlength=len(wanted))
            is_present = reached > 0
            possible = np.where(is_present, wanted, 0)
            possible /= possible.sum()
            furthest = max(furthest, float(np.abs(possible - reached).max()))
            factors = np.divide(possible, reached, out=np.zeros(len(wanted)), where=is_present)
            weights *= factors[column]
        if furthest <= _CONVERGED:
            break
    weights /= weights.sum()
    return weights, _residual(columns, weights, shares)


def draw_systematically(weights: Weights, count: int, random: np.random.Generator) -> Places:
    """Return the places of rows drawn by weight (count,).

    At even steps along the weights in random order, from a random start: a row comes as often as
    its weight says, rounded up or down, so that shares vary less than with independent draws.
    """
    order = random.permutation(len(weights))
    ends = np.cumsum(weights[order])
    steps = (random.random() + np.arange(count)) / count * ends[-1]
    drawn = np.searchsorted(ends, steps, side="right")
    # A step that rounding brings to the very end is still in the last row.
    places: Places = order[np.minimum(drawn, len(order) - 1)]
    return places


def _residual(
    columns: list[NDArray[np.int64]], weights: Weights, shares: list[Weights]
) -> Residual:
    worst = Residual(0, 0, 0.0, 0.0)
    for place, (column, wanted) in enumerate(zip(columns, shares, strict=True)):
        reached = np.bincount(column, weights, minlength=len(wanted))
        code = int(np.abs(wanted - reached).argmax())
        residual = Residual(place, code, float(wanted[code]), float(reached[code]))
        worst = max(worst, residual, key=lambda each: each.points)
    return worst
