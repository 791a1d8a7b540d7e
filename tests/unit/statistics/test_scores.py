"""Cells of probabilities, and groups of cells."""

import numpy as np
import pytest

from monitoring.statistics.scores import (
    SCORE_CELLS,
    cell_edges,
    merge,
    quantile_groups,
    score_cells,
)


def test_score_cells_keep_the_order_and_the_ends() -> None:
    scores = np.r_[0.0, np.sort(np.random.default_rng(0).uniform(0, 1, 1000)), 1.0]

    cells = score_cells(scores)

    assert (np.diff(cells) >= 0).all()
    assert (cells[0], cells[-1]) == (0, SCORE_CELLS - 1)
    # Rare events keep their resolution.
    assert len(np.unique(score_cells(np.geomspace(0.0005, 0.005, 50)))) > 30


def test_a_probability_lies_between_the_edges_of_its_cell() -> None:
    scores = np.random.default_rng(0).uniform(0.001, 0.999, 1000)

    cells, edges = score_cells(scores), cell_edges()

    assert len(edges) == SCORE_CELLS + 1
    assert (edges[cells] <= scores * (1 + 1e-9)).all()
    assert (scores <= edges[cells + 1] * (1 + 1e-9)).all()
    assert edges[SCORE_CELLS // 2] == pytest.approx(0.5)


def test_groups_of_a_reference_hold_about_the_same_mass() -> None:
    scores = np.random.default_rng(0).beta(2, 3, 5000)
    counts = np.bincount(score_cells(scores), minlength=SCORE_CELLS)

    groups = quantile_groups(counts, 20)
    merged = merge(counts[None], groups)[0]

    assert (np.diff(groups) >= 0).all()
    assert merged.sum() == 5000
    assert merged[0] == 0
    assert len(merged) == 21
    assert merged[1:].min() > 100
    assert merged[1:].max() < 450
