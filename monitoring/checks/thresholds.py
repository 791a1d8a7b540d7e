"""What is worth entering in DMM as a feature's limit."""

import math
from collections.abc import Iterator

import numpy as np

from monitoring.batch.labels import class_counts
from monitoring.dataset.baseline import Baseline
from monitoring.settings.model import Settings
from monitoring.statistics.arrays import Array
from monitoring.statistics.shift import psi_dmm

_DAYS = 100  # expected to exceed a threshold, among those that are simulated
_MAX_DAYS = 200_000
_SIZES = 50  # different numbers of rows, evenly over the range


def dmm_thresholds(
    settings: Settings, baseline: Baseline, rows: tuple[int, int]
) -> dict[str, float]:
    """Return, per feature, the PSI worth entering in DMM for days of low to high rows, rounded up.

    To 0.01. By chance, some feature exceeds its own on `false_alarms_per_day` of the days: DMM's
    formula, simulated for batches with the requested class mix, whose number of rows is drawn
    evenly from the range as that of a day is. Features that have no rows in the baseline are left
    out.
    """
    # The whole budget is for the features: these limits are for nothing else.
    rate = settings.checks.false_alarms_per_day / len(baseline.columns)
    sizes = [
        np.array(_class_rows(settings, baseline, number))
        for number in np.unique(np.linspace(*rows, num=_SIZES).round().astype(int))
    ]

    thresholds = {}
    for name, column in baseline.columns.items():
        counts = column.counts if column.numbers is None else column.numbers.bins
        requested = np.max(sizes, axis=0) > 0
        if counts[requested].sum(axis=1).all():
            limit = _simulated_limit(counts, sizes, rate)
            thresholds[name] = math.ceil(limit * 100) / 100
    return thresholds


def _class_rows(settings: Settings, baseline: Baseline, rows: int) -> list[int]:
    classes = list(baseline.classes)
    trained = dict(zip(classes, baseline.class_rows.tolist(), strict=True))
    return class_counts(classes, settings.scoring.classes, trained, rows)


def _simulated_limit(baseline: Array, sizes: list[Array], rate: float) -> float:
    """Return the PSI that DMM's formula exceeds at `rate` on days of these class rows."""
    days = min(math.ceil(_DAYS / rate), _MAX_DAYS)
    values = np.concatenate(list(_simulated_values(baseline, sizes, math.ceil(days / len(sizes)))))
    expected = rate * (len(values) + 1)
    exceedances = max(1, math.floor(expected - math.sqrt(expected)))
    return float(np.partition(values, -exceedances)[-exceedances])


def _simulated_values(baseline: Array, sizes: list[Array], days: int) -> Iterator[Array]:
    random = np.random.default_rng(0)
    shares = baseline / np.maximum(1, baseline.sum(axis=1, keepdims=True))
    # It compares with the whole baseline, whatever the classes of the batch.
    totals = baseline.sum(axis=0)
    is_filled = totals > 0
    for class_rows in sizes:
        present = class_rows > 0
        counts = sum(
            random.multinomial(rows, share, size=days)
            for rows, share in zip(class_rows[present], shares[present], strict=True)
        )
        yield psi_dmm(np.asarray(counts)[:, is_filled], totals[is_filled])
