"""How far chance alone takes a KS distance: the largest value of a Gaussian process on the cells.

The running shares of a class's rows follow a Brownian bridge at the cells' shares; a batch of
several classes follows their weighted sum. Its largest value scales with the weights, so that for
two classes it depends on their angle alone: a table over the angles, drawn once for a baseline,
serves batches of any size and class mix.
"""

from collections.abc import Sequence

import numpy as np

from monitoring.statistics.arrays import Array

TAILS = (0.3, 0.1, 0.03, 0.01)
"""The chances whose quantiles are drawn; beyond the last, the tail is an exponential of squares."""

ANGLES = np.linspace(0, np.pi / 2, 9)
"""The angles of two classes' weights in a table."""

_DRAWN_VALUES = 5_000_000
_MAX_DRAWS = 100_000


def weights(baseline_rows: Array, class_rows: Array, *, independent: bool) -> Array:
    """Return the weight (classes,) of each class's bridge in the distance of a batch.

    sqrt of the variance that its rows, and where independent those of its baseline, give.
    """
    with np.errstate(divide="ignore"):
        variance = np.where(class_rows > 0, 1 / np.maximum(class_rows, 1), 0.0)
    if independent:
        variance = variance + 1 / baseline_rows
    return np.asarray(class_rows / class_rows.sum() * np.sqrt(variance))


def quantiles(shares: Array, weights: Sequence[Array]) -> Array:
    """Return the squared quantiles of the largest distance for several weights of the classes.

    shares (classes, cells): of the baseline; weights: each (classes,). Result (weights, 5): at the
    chances TAILS, then by how much the square grows for each unit of -log(chance) beyond the last.
    The draws are the same for all weights and on any machine.
    """
    cells = shares.shape[1]
    draws = min(_MAX_DRAWS, max(20_000, _DRAWN_VALUES // cells))
    random = np.random.default_rng(cells)
    normals = random.standard_normal((draws, cells - 1), dtype=np.float32)
    return np.stack([_squared_quantiles(normals @ _factor(shares, each)) for each in weights])


def at_rate(squares: Array, rate: float) -> float:
    """Return the distance that is exceeded at `rate`, from a row of `quantiles`."""
    if rate >= TAILS[-1]:
        logs = -np.log(TAILS)
        return float(np.sqrt(np.interp(-np.log(rate), logs, squares[:-1])))
    return float(np.sqrt(squares[-2] + squares[-1] * np.log(TAILS[-1] / rate)))


def at_angle(table: Array, weights: Array) -> Array:
    """Return the row of `quantiles` for two classes' weights, from the table at ANGLES."""
    angle = np.arctan2(weights[1], weights[0])
    row = [np.interp(angle, ANGLES, column) for column in table.T]
    return np.asarray(row) * float((weights**2).sum())


def _factor(shares: Array, weights: Array) -> Array:
    """Return what turns independent normals into the running shares' distances, in float32."""
    squared = weights**2
    running = np.cumsum(shares, axis=1)[:, :-1]  # the last cell's is always 0
    lower = np.minimum(running[:, :, None], running[:, None, :])
    covariance = np.tensordot(squared, lower - running[:, :, None] * running[:, None, :], axes=1)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))).T.astype(np.float32))


def _squared_quantiles(distances: Array) -> Array:
    largest = np.maximum(distances.max(axis=1), -distances.min(axis=1)).astype(float) ** 2
    descending = np.sort(largest)[::-1]
    places = [int(tail * len(descending)) for tail in TAILS]
    last = places[-1]
    # P(largest > x) falls like exp(-x^2 / 2 s^2): beyond a quantile the squares are exponential.
    growth = float((descending[:last] - descending[last]).mean())
    return np.array([*descending[places], growth])
