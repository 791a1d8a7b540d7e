"""Probabilities counted in cells, so that those of many days can be summed and compared."""

import numpy as np

from monitoring.statistics.arrays import Array

SCORE_CELLS = 400
"""Cells of a probability, each 0.05 wide in log-odds: rare events keep as much resolution as even
chances."""

_CELLS_PER_LOG_ODD = 20


def score_cells(scores: Array) -> Array:
    """Return the cell (0 to SCORE_CELLS - 1) of each probability in [0, 1]."""
    with np.errstate(divide="ignore"):
        log_odds = np.log(scores) - np.log1p(-scores)
    cells = np.floor(log_odds * _CELLS_PER_LOG_ODD) + SCORE_CELLS // 2
    return np.asarray(np.clip(cells, 0, SCORE_CELLS - 1).astype(np.int64))


def cell_edges() -> Array:
    """Return the probabilities between which the cells lie (SCORE_CELLS + 1,)."""
    log_odds = (np.arange(SCORE_CELLS + 1) - SCORE_CELLS // 2) / _CELLS_PER_LOG_ODD
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def quantile_groups(counts: Array, groups: int) -> Array:
    """Return the group of each ordered cell: at most `groups` of them, of about equal mass.

    counts (cells,): a reference's rows. Cells below its smallest value are group 0, which has no
    mass.
    """
    running_share = np.cumsum(counts) / counts.sum()
    return np.asarray(np.ceil(running_share * groups - 1e-9).astype(np.int64))


def merge(counts: Array, groups: Array) -> Array:
    """Return counts (classes, cells) summed to groups (classes, max + 1).

    groups (cells,): as of quantile_groups.
    """
    size = int(groups.max()) + 1
    merged = [np.bincount(groups, weights=row, minlength=size).astype(np.int64) for row in counts]
    return np.stack(merged)
