"""Limits of a PSI of two or three cells: every count that chance can give, with its chance."""

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.binomials import Distribution, binomial, sum_of_binomials

_GRID_POINTS = 601
_NEGLIGIBLE = 1e-12
_NEGLIGIBLE_SIDE = 1e-11
_MAX_GRID_CELLS = 700_000  # of three cells' counts: about 4,000 rows
_HISTOGRAM_BINS = 2_000
_SIDE_STEP = 16


def two_cell_limit(baseline: Array, class_rows: Array, rate: float, *, independent: bool) -> float:
    """Return the smallest PSI of two cells that a batch without drift exceeds at most at `rate`.

    baseline: counts (classes, 2), of each class at least one row; class_rows (classes,). The rows
    of the second cell are a sum of binomials, one a class: their distribution is exact, and so is
    the tail. independent: jointly with the share expected by the baseline's own draw, laid on 601
    points so that its mean stays as it is.
    """
    shares = baseline[:, 1] / baseline.sum(axis=1)
    hits = sum_of_binomials(class_rows, shares)
    rows = int(class_rows.sum())
    expected, weight = _expected_shares(baseline, class_rows, shares, independent=independent)

    numbers, chance = _without_negligible(hits.values, hits.chance)
    if independent:  # beside so many shares expected, a grid is fine enough for the counts too
        numbers, chance = _on_grid(numbers, chance)
    values = sum(
        _psi_terms(actual, share, rows)
        for actual, share in ((numbers, expected), (rows - numbers, 1 - expected))
    )
    return tail_limit(np.asarray(values).ravel(), np.outer(weight, chance).ravel(), rate)


def three_cell_limit(baseline: Array, class_rows: Array, rate: float) -> float | None:
    """Return the same for three cells of the baseline's own rows; None where rows are too many.

    The counts of two cells have a distribution on a plane; the classes' are convolved there.
    """
    corners = []
    for rows_of_class, row in zip(class_rows, baseline, strict=True):
        shares = row / row.sum()
        sides = [_without_tails(binomial(int(rows_of_class), float(each))) for each in shares[:2]]
        corners.append((int(rows_of_class), shares, sides))
    lengths = [sum(len(sides[axis].chance) for _, _, sides in corners) for axis in (0, 1)]
    if lengths[0] * lengths[1] > _MAX_GRID_CELLS:
        return None
    planes = [_plane(*corner) for corner in corners]

    # No large prime among the sides: a transform of such a length takes several times as long.
    lengths = [-(-length // _SIDE_STEP) * _SIDE_STEP for length in lengths]
    product: Array = np.ones(1)
    for _, plane in planes:
        product = product * np.fft.rfft2(plane, s=lengths)
    chance = np.maximum(np.fft.irfft2(product, s=lengths), 0.0)
    first = sum(low[0] for low, _ in planes) + np.arange(lengths[0])[:, None]
    second = sum(low[1] for low, _ in planes) + np.arange(lengths[1])[None]
    rows = int(class_rows.sum())
    likely = (chance > 1e-14) & (first + second <= rows)

    weights = class_rows / rows / baseline.sum(axis=1)
    values = _psi_on_plane((first, second), rows, weights @ baseline)
    return tail_limit(values[likely], chance[likely], rate)


def tail_limit(values: Array, chance: Array, rate: float) -> float:
    """Return the smallest of the values (k,) that is exceeded with a chance of at most `rate`.

    The last digits of equal values depend on the order of summation: a batch at the limit has not
    exceeded it.
    """
    # Only values about the limit are sorted: a histogram says where it lies.
    edges = np.linspace(0, float(values.max()) * (1 + 1e-12) + 1e-300, _HISTOGRAM_BINS + 1)
    bins = np.minimum((values / edges[1]).astype(np.int64), _HISTOGRAM_BINS - 1)
    mass = np.bincount(bins, weights=chance, minlength=_HISTOGRAM_BINS)
    above = np.concatenate([np.cumsum(mass[::-1])[::-1], [0.0]])
    at = int(np.searchsorted(-above, -rate, side="left"))  # the first edge with at most the rate
    near = bins >= max(0, at - 1)

    order = np.argsort(-values[near], kind="stable")
    descending = values[near][order]
    tail = np.cumsum(chance[near][order])
    first = int(np.searchsorted(tail, rate, side="right"))
    return float(descending[min(first, len(descending) - 1)]) * (1 + 1e-9)


def _expected_shares(
    baseline: Array, class_rows: Array, shares: Array, *, independent: bool
) -> tuple[Array, Array]:
    """Return the shares expected of the second cell (k,), and the chance of each."""
    of_class = class_rows / class_rows.sum()
    if not independent:
        return np.array([float((of_class * shares).sum())]), np.ones(1)

    expected, chance = np.zeros(1), np.ones(1)
    for part, base_rows, share in zip(of_class, baseline.sum(axis=1), shares, strict=True):
        hits: Distribution = binomial(int(base_rows), float(share))
        expected = (expected[:, None] + part * hits.values / base_rows).ravel()
        chance = (chance[:, None] * hits.chance).ravel()
        expected, chance = _on_grid(*_without_negligible(expected, chance))
    return np.clip(expected, 0, 1), chance


def _psi_terms(counts: Array, shares: Array, rows: int) -> Array:
    """Return what one of two cells adds to `shift.psi` (shares, counts).

    The logarithm of a quotient is a difference: one logarithm a row and column, not one a place.
    """
    total = rows + 1.0
    actual, expected = (counts + 0.5) / total, (rows * shares + 0.5) / total
    difference = actual[None] - expected[:, None]
    return np.asarray(difference * (np.log(actual)[None] - np.log(expected)[:, None]))


def _on_grid(values: Array, chance: Array) -> tuple[Array, Array]:
    """Return at most 601 even points with the same mean: each value goes to its two neighbors."""
    if len(values) <= _GRID_POINTS:
        return values, chance
    grid = np.linspace(values.min(), values.max(), _GRID_POINTS)
    place = (values - grid[0]) / (grid[1] - grid[0])
    left = np.minimum(place.astype(np.int64), _GRID_POINTS - 2)
    right_part = place - left
    on_grid = np.bincount(left, chance * (1 - right_part), _GRID_POINTS)
    on_grid += np.bincount(left + 1, chance * right_part, _GRID_POINTS)
    return grid, on_grid


def _without_negligible(values: Array, chance: Array) -> tuple[Array, Array]:
    likely = chance > _NEGLIGIBLE
    return values[likely], chance[likely]


def _without_tails(distribution: Distribution) -> Distribution:
    """Return the part that matters on a plane, whose size grows with the square of its sides."""
    likely = np.flatnonzero(distribution.chance > _NEGLIGIBLE_SIDE)
    first, last = int(likely[0]), int(likely[-1])
    return Distribution(distribution.low + first, distribution.chance[first : last + 1])


def _plane(rows: int, shares: Array, sides: list[Distribution]) -> tuple[tuple[int, int], Array]:
    """Return the lowest counts of the first two of three cells, and the chances of all.

    sides: the distributions of these two counts, which say how far the plane reaches.
    """
    first, second = sides
    x, y = first.values[:, None], second.values[None]
    rest = rows - x - y
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, rows + 1)))])
    log_shares = np.log(np.maximum(shares, 1e-300))  # a count of 0 takes no notice of it
    terms = [
        count * log_share - factorials[np.clip(count, 0, rows)]
        for count, log_share in zip((x, y, np.maximum(rest, 0)), log_shares, strict=True)
    ]
    logs = factorials[rows] + terms[0] + terms[1] + terms[2]
    return (first.low, second.low), np.where(rest >= 0, np.exp(logs), 0.0)


def _psi_on_plane(counts: tuple[Array, Array], rows: int, expected: Array) -> Array:
    """Return `shift.psi` at every pair of counts; it is a sum over cells, so each has a table."""
    total = rows + 0.5 * len(expected)
    tables = []
    for share in expected:
        smoothed, smoothed_share = (np.arange(rows + 1) + 0.5) / total, (rows * share + 0.5) / total
        tables.append((smoothed - smoothed_share) * np.log(smoothed / smoothed_share))
    first, second = counts
    rest = np.clip(rows - first - second, 0, rows)
    first, second = np.minimum(first, rows), np.minimum(second, rows)
    return np.asarray(tables[0][first] + tables[1][second] + tables[2][rest])
