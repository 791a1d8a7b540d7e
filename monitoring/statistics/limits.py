"""Limits that know the number of rows: what a batch without drift exceeds on few days.

`psi_limit` and `ks_limit` choose the method: exact where every count can be gone through, from a
Gaussian process where the cells are many and even, else simulated.
"""

import hashlib
import math
from collections.abc import Callable, Iterator

import numpy as np

from monitoring.statistics import bridges
from monitoring.statistics.arrays import Array
from monitoring.statistics.exact_limits import three_cell_limit, two_cell_limit
from monitoring.statistics.shift import expected_shares, ks, psi

Statistic = Callable[[Array, Array], Array]
"""Takes counts (..., cells) of batches and the shares expected (..., cells); a value for each."""

BridgeTable = Callable[[Array], Array]
"""Takes two classes' shares (2, cells); returns `bridges.quantiles` at `bridges.ANGLES`."""

_BLOCK_DRAWS = 20_000
_EXCEEDANCES = 100  # expected among the draws, where that many can be afforded
_LEAST_EXCEEDANCES = 3
_MAX_VALUES = 4_000_000  # drawn for a limit, in all cells and classes
_MAX_DRAWS = 2_000_000  # a rate so small that it would need more gets the largest of these

# Where few cells, or one, hold most of the rows, counts are too uneven for a Gaussian process.
_FEW_CELLS = 5
_LARGE_CELL = 0.5


def psi_limit(baseline: Array, class_rows: Array, rate: float, *, independent: bool) -> float:
    """Return the PSI that a batch without drift exceeds with a chance of at most `rate`.

    Arguments and result as of simulated_limit. Exact for two cells, and for three where the batch
    comes from the baseline's own rows (but for batches of many thousand rows).
    """
    baseline, class_rows = _compared(baseline, class_rows)
    if not _is_comparable(baseline, class_rows):
        return math.nan
    cells = baseline.shape[1]
    if cells == 1:
        return 0.0
    if cells == 2:
        return two_cell_limit(baseline, class_rows, rate, independent=independent)
    exact = None
    if cells == 3 and not independent:
        exact = three_cell_limit(baseline, class_rows, rate)
    if exact is not None:
        return exact
    return simulated_limit(psi, baseline, class_rows, rate, independent=independent)


def ks_limit(
    baseline: Array,
    class_rows: Array,
    rate: float,
    *,
    independent: bool,
    table: BridgeTable,
) -> float:
    """Return the KS distance that a batch without drift exceeds with a chance of `rate`.

    Arguments and result as of simulated_limit. table: used for two classes. The distance is that
    of Brownian bridges (Kolmogorov 1933, Doob 1949) on the baseline's cells; simulated where five
    cells or fewer, or one alone, hold the rows.
    """
    present_baseline, present_rows = _compared(baseline, class_rows)
    if not _is_comparable(present_baseline, present_rows):
        return math.nan
    expected = expected_shares(present_baseline, present_rows)
    if len(expected) <= _FEW_CELLS or expected.max() > _LARGE_CELL:
        return simulated_limit(ks, baseline, class_rows, rate, independent=independent)

    base_rows = baseline.sum(axis=1)
    shares = baseline / np.maximum(1, base_rows)[:, None]
    weights = bridges.weights(np.maximum(1, base_rows), class_rows, independent=independent)
    if len(class_rows) == 2:
        return bridges.at_rate(bridges.at_angle(table(shares), weights), rate)
    return bridges.at_rate(bridges.quantiles(shares, [weights])[0], rate)


def simulated_limit(
    statistic: Statistic, baseline: Array, class_rows: Array, rate: float, *, independent: bool
) -> float:
    """Return the value that a batch without drift exceeds with a chance of about `rate` or less.

    Simulated from batches `Mult(n_c, p_c)` per class: p_c the baseline's shares of class c (counts
    (classes, cells)), n_c its rows in the batch (class_rows). independent: the baseline is another
    sample of the same population, so it is drawn again for each batch; else the batch comes from
    the baseline's own rows. The same arguments give the same limit on any machine. NaN where a
    class of the batch has no baseline rows.

    The r-th largest of N values is exceeded by one more with a chance of r / (N + 1) on average
    (Davison and Hinkley 1997, ch. 4); r is one standard error below rate x (N + 1), so that a
    limit that the draws made too low is rare.
    """
    baseline, class_rows = _compared(baseline, class_rows)
    if not _is_comparable(baseline, class_rows):
        return math.nan

    draws = _draws(baseline, rate)
    blocks = _drawn_batches(baseline, class_rows, draws, independent=independent)
    values = np.concatenate([statistic(counts, expected) for counts, expected in blocks])
    expected_number = rate * (draws + 1)
    exceedances = max(1, math.floor(expected_number - math.sqrt(expected_number)))
    limit = float(np.partition(values, -exceedances)[-exceedances])
    # The last digits of equal values depend on the order of summation; a batch at the limit has
    # not exceeded it.
    return limit * (1 + 1e-9)


def _compared(baseline: Array, class_rows: Array) -> tuple[Array, Array]:
    """Return the classes that the batch has, in the cells that these have in the baseline."""
    present = class_rows > 0
    has_mass = baseline[present].sum(axis=0) > 0
    return baseline[present][:, has_mass], class_rows[present]


def _is_comparable(baseline: Array, class_rows: Array) -> bool:
    return bool(class_rows.size and baseline.sum(axis=1).all())


def _draws(baseline: Array, rate: float) -> int:
    affordable = max(_BLOCK_DRAWS, _MAX_VALUES // baseline.size)
    wished = min(math.ceil(_EXCEEDANCES / rate), affordable)
    needed = math.ceil(_LEAST_EXCEEDANCES / rate)
    return min(max(_BLOCK_DRAWS, wished, needed), _MAX_DRAWS)


def _drawn_batches(
    baseline: Array, class_rows: Array, draws: int, *, independent: bool
) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of batches without drift: counts, and the shares expected of each."""
    content = repr((baseline.tolist(), class_rows.tolist(), independent)).encode()
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    baseline_rows = baseline.sum(axis=1)
    shares = baseline / baseline_rows[:, None]
    expected = expected_shares(baseline, class_rows)

    def draw(rows_by_class: Array, size: int) -> list[Array]:
        return [
            generator.multinomial(rows, share, size=size)
            for rows, share in zip(rows_by_class, shares, strict=True)
        ]

    for size in [_BLOCK_DRAWS] * (draws // _BLOCK_DRAWS) + [draws % _BLOCK_DRAWS]:
        if independent:
            expected = expected_shares(np.stack(draw(baseline_rows, size), axis=1), class_rows)
        yield np.asarray(sum(draw(class_rows, size))), expected
