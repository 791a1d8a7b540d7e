"""Rank correlations, against SciPy."""

import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.statistics.association import association_ranks


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 2**32 - 1), some.integers(5, 900))
def test_associations_are_scipys_rank_correlations_and_ranks_follow_them(
    seed: int, rows: int
) -> None:
    random = np.random.default_rng(seed)
    target = random.normal(size=rows)
    columns = np.column_stack(
        [
            random.integers(0, 2, rows),
            np.round(target + random.normal(size=rows)),
            random.normal(size=rows),
        ]
    )

    association, rank, low, high = association_ranks(columns.astype(float), target)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant column
        oracle = [abs(scipy.stats.spearmanr(column, target).statistic) for column in columns.T]
    assert association == pytest.approx(oracle, abs=1e-6, nan_ok=True)
    assert sorted(rank) == [1, 2, 3]
    by_rank = [oracle[place] for place in np.argsort(rank) if not math.isnan(oracle[place])]
    has_ties = len(set(np.round(oracle, 6))) < 3
    assert has_ties or by_rank == sorted(by_rank, reverse=True)
    assert ((low >= 1) & (low <= high) & (high <= 3)).all()


@pytest.mark.parametrize("seed", range(10))
def test_missing_values_have_the_middle_rank(seed: int) -> None:
    random = np.random.default_rng(seed)
    target = random.normal(size=300)
    column = np.round(target + random.normal(size=300), 1)
    column[random.random(300) < 0.2] = np.nan
    is_missing = np.isnan(column)
    ranks = np.empty(300)
    ranks[~is_missing] = scipy.stats.rankdata(column[~is_missing])
    ranks[is_missing] = ranks[~is_missing].mean()

    association = association_ranks(column[:, None], target).association

    oracle = scipy.stats.pearsonr(ranks, scipy.stats.rankdata(target)).statistic
    assert association == pytest.approx([abs(oracle)], abs=1e-6), seed


def test_a_clear_leader_has_a_narrow_band_and_noise_a_wide_one() -> None:
    random = np.random.default_rng(1)
    target = random.normal(size=400)
    noise = random.normal(size=400), random.normal(size=(400, 4))
    columns = np.column_stack([target + 0.1 * noise[0], noise[1]])

    _, rank, low, high = association_ranks(columns, target)

    assert (rank[0], low[0], high[0]) == (1, 1, 1)
    assert (high[1:] - low[1:] >= 2).all()
