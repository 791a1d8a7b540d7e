"""Distances between distributions, against SciPy or the plain formula."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.statistics.arrays import Array
from monitoring.statistics.shift import expected_shares, ks, psi, psi_at_ks, psi_dmm

COUNTS = some.integers(0, 200)
CELLS = some.lists(some.integers(0, 30), min_size=1, max_size=80)
quick = settings(max_examples=60, deadline=None)


def j_divergence(actual: Array, expected: Array) -> float:
    forth, back = (
        scipy.special.rel_entr(actual, expected),
        scipy.special.rel_entr(expected, actual),
    )
    return float(np.sum(forth + back))


@quick
@given(
    some.lists(some.tuples(COUNTS, some.integers(1, 500)), min_size=1, max_size=25).filter(
        lambda pairs: sum(rows for rows, _ in pairs) > 0
    )
)
def test_psi_is_the_symmetric_relative_entropy_of_shares_smoothed_by_half_a_row(
    pairs: list[tuple[int, int]],
) -> None:
    batch, baseline = np.array(pairs).T
    expected = baseline / baseline.sum()
    rows, total = batch.sum(), batch.sum() + len(pairs) / 2
    smoothed = (batch + 0.5) / total, (rows * expected + 0.5) / total

    assert float(psi(batch, expected)) == pytest.approx(j_divergence(*smoothed), abs=1e-12)


@pytest.mark.parametrize("rows", [10, 1000])
def test_equal_shares_have_a_psi_of_zero_at_any_size(rows: int) -> None:
    shares = np.array([0.2, 0.8])

    assert float(psi(shares * rows, shares)) == pytest.approx(0, abs=1e-12)


def test_a_bin_without_baseline_adds_nothing_but_its_rows_are_missed_elsewhere() -> None:
    expected = np.array([0.5, 0.5, 0.0])

    assert float(psi(np.array([50, 50, 0]), expected)) == pytest.approx(0)
    assert float(psi(np.array([10, 10, 80]), expected)) > 0.5


@quick
@given(
    some.lists(some.tuples(COUNTS, COUNTS), min_size=2, max_size=25).filter(
        lambda pairs: all(np.sum(pairs, axis=0))
    )
)
def test_the_psi_of_dmm_is_the_plain_formula_with_a_floor_of_a_ten_thousandth(
    pairs: list[tuple[int, int]],
) -> None:
    batch, baseline = np.array(pairs).T
    actual, expected = (np.maximum(part / part.sum(), 0.0001) for part in (batch, baseline))
    terms = [(a - e) * math.log(a / e) for a, e in zip(actual, expected, strict=True)]

    assert float(psi_dmm(batch, baseline)) == pytest.approx(sum(terms), abs=1e-12)


@quick
@given(CELLS, CELLS)
def test_ks_is_that_of_scipy(batch: list[int], baseline: list[int]) -> None:
    counts, base_counts = (np.bincount(values, minlength=31) for values in (batch, baseline))

    distance = float(ks(counts, base_counts / len(baseline)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = scipy.stats.ks_2samp(batch, baseline).statistic
    assert distance == pytest.approx(oracle, abs=1e-9)


@quick
@given(some.integers(0, 2**32 - 1))
def test_the_psi_at_the_ks_point_never_exceeds_the_psi_of_the_cells(seed: int) -> None:
    random = np.random.default_rng(seed)
    batch, expected = random.integers(1, 1000, 12) * 1000, random.dirichlet(np.full(12, 5.0))

    # With this many rows the half row added to each bin does not matter.
    assert psi_at_ks(batch, expected) <= float(psi(batch, expected)) * (1 + 1e-3) + 1e-9


def test_the_expected_shares_are_the_baseline_resampled_to_the_batchs_classes() -> None:
    baseline, one_class = np.array([[10, 30], [180, 20]]), np.array([[0, 0], [5, 5]])

    shares = expected_shares(baseline, np.array([75, 25]))

    assert shares == pytest.approx([0.75 * 0.25 + 0.25 * 0.9, 0.75 * 0.75 + 0.25 * 0.1])
    assert np.isnan(expected_shares(one_class, np.array([1, 9]))).all()
    assert expected_shares(one_class, np.array([0, 9])) == pytest.approx([0.5, 0.5])
