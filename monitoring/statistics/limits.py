"""Limits that know the number of rows: simulated, not looked up."""

import hashlib
import math
from collections.abc import Callable, Iterator

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.shift import expected_shares

Statistic = Callable[[Array, Array], Array]
"""Takes counts (..., cells) of batches and the shares expected (..., cells); a value for each."""

_BLOCK_DRAWS = 20_000
_MAX_DRAWS = 2_000_000  # a rate so small that it would need more gets the largest of these


def simulated_limit(
    statistic: Statistic, baseline: Array, class_rows: Array, rate: float, *, independent: bool
) -> float:
    """Return the value that a batch without drift passes with a chance of at most `rate`.

    Simulated from at least 20,000 batches `Mult(n_c, p_c)` per class: p_c the baseline's shares of
    class c (counts (classes, cells)), n_c its rows in the batch (class_rows). independent: the
    baseline is another sample of the same population, so it is drawn again for each batch; else the
    batch comes from the baseline's own rows. The same arguments give the same limit on any machine.
    NaN where a class of the batch has no baseline rows.
    """
    present = class_rows > 0
    has_mass = baseline[present].sum(axis=0) > 0
    baseline, class_rows = baseline[present][:, has_mass], class_rows[present]
    if not class_rows.size or not baseline.sum(axis=1).all():
        return math.nan

    draws = int(min(max(_BLOCK_DRAWS, math.ceil(1 / rate)), _MAX_DRAWS))
    blocks = _drawn_batches(baseline, class_rows, draws, independent=independent)
    values = np.concatenate([statistic(counts, expected) for counts, expected in blocks])

    # The r-th largest of N values is passed by one more with a chance of r / (N + 1), on average
    # over the draws.
    exceedances = max(1, math.floor(rate * (draws + 1)))
    limit = float(np.partition(values, -exceedances)[-exceedances])
    # The last digits of equal values depend on the order of summation; a batch at the limit has
    # not passed it.
    return limit * (1 + 1e-9)


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
