"""What is worth entering in DMM as a feature's limit."""

import math

import numpy as np

from monitoring.checks.balance import requested_shares
from monitoring.checks.counts import Classes
from monitoring.dataset.baseline import Baseline
from monitoring.settings.model import Settings
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic, simulated_limit
from monitoring.statistics.shift import psi_dmm


def dmm_thresholds(settings: Settings, baseline: Baseline, rows: int) -> dict[str, float]:
    """Return, per feature, the PSI worth entering in DMM for batches of `rows`, rounded up to 0.01.

    By chance, some feature passes its own on `false_alarms_per_day` of the days: DMM's formula on
    batches with the requested class mix. Features that have no rows in the baseline are left out.
    """
    requested = requested_shares(settings.scoring, Classes.of(settings.schema, baseline))
    # The whole budget is for the features: these limits are for nothing else.
    rate = settings.checks.false_alarms_per_day / len(baseline.columns)
    class_rows = np.round(requested * rows).astype(np.int64)

    thresholds = {}
    for name, column in baseline.columns.items():
        counts = column.counts if column.numbers is None else column.numbers.bins
        statistic = _psi_dmm_against(counts, class_rows)
        limit = simulated_limit(statistic, counts, class_rows, rate, independent=False)
        if math.isfinite(limit):
            thresholds[name] = math.ceil(limit * 100) / 100
    return thresholds


def _psi_dmm_against(baseline: Array, class_rows: Array) -> Statistic:
    """Return DMM's formula, which compares with the whole baseline, whatever is expected."""
    totals = baseline.sum(axis=0)
    is_filled = totals > 0
    # The simulation leaves out cells that no class of the batch fills; DMM does not.
    is_simulated = baseline[class_rows > 0].sum(axis=0) > 0

    def statistic(counts: Array, _: Array) -> Array:
        drawn = np.zeros((len(counts), len(totals)))
        drawn[:, is_simulated] = counts
        return psi_dmm(drawn[:, is_filled], totals[is_filled])

    return statistic
