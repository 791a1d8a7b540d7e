"""Weights that bring every level and bin back to its share.

SMOTEN's vote among neighbors drops what is rare (docs/daily-scoring.md has the measurements).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.batch.encoding import Codes
from monitoring.errors import RefusedError

_ROUNDS = 50
_RARE_SHARE = 0.01


class _Margin(NamedTuple):
    """The shares that a column's codes are to have (codes,)."""

    column: int
    shares: NDArray[np.float64]


def raking_weights(
    codes: Codes, targets: Codes, describe: Callable[[int, int], str], label: int | str
) -> NDArray[np.float64]:
    """Return a probability for each row, so that the codes have the shares of those in targets.

    codes, targets (rows, columns); result (rows of codes,), 1 in all. describe: names a column's
    code, label the rows' class, in messages. Iterative proportional fitting (Deming and Stephan
    1940). Raises RefusedError where no row has a code whose share in the targets is above 1 %.
    """
    margins = []
    for column in range(targets.shape[1]):
        size = int(targets[:, column].max()) + 1
        shares = np.bincount(targets[:, column], minlength=size) / len(targets)
        is_present = np.bincount(codes[:, column], minlength=size) > 0

        lost = np.flatnonzero(~is_present & (shares > _RARE_SHARE))
        if len(lost):
            code = int(lost[0])
            raise RefusedError(
                f"no synthetic row of class {label} has {describe(column, code)}, though"
                f" {shares[code]:.1%} of its training rows have: raise scoring.reference_rows, or"
                " leave the level out of schema.features"
            )
        # A rare code that is lost can't be brought back; the others share its part.
        shares = np.where(is_present, shares, 0)
        margins.append(_Margin(column, shares / shares.sum()))
    return _fit(codes, margins)


def _fit(codes: Codes, margins: list[_Margin]) -> NDArray[np.float64]:
    weights = np.full(len(codes), 1 / len(codes))
    for _ in range(_ROUNDS):
        for column, shares in margins:
            current = np.bincount(codes[:, column], weights, minlength=len(shares))
            factors = np.divide(shares, current, out=np.zeros(len(shares)), where=current > 0)
            weights *= factors[codes[:, column]]
    fitted: NDArray[np.float64] = weights / weights.sum()
    return fitted
