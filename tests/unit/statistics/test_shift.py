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
from monitoring.statistics.shift import (
    expected_shares,
    ks,
    ks_halves,
    psi,
    psi_dmm,
    psi_noise,
    psi_size,
)

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
def test_the_psi_of_the_halves_never_exceeds_the_psi_of_the_cells(seed: int) -> None:
    random = np.random.default_rng(seed)
    batch, expected = random.integers(1, 1000, 12) * 1000, random.dirichlet(np.full(12, 5.0))

    # With this many rows the half row added to each bin does not matter.
    halves = ks_halves(batch, expected)
    assert (
        float(psi(halves(batch), halves(expected)))
        <= float(psi(batch, expected)) * (1 + 1e-3) + 1e-9
    )


def test_the_expected_shares_are_the_baseline_resampled_to_the_batchs_classes() -> None:
    baseline, one_class = np.array([[10, 30], [180, 20]]), np.array([[0, 0], [5, 5]])

    shares = expected_shares(baseline, np.array([75, 25]))

    assert shares == pytest.approx([0.75 * 0.25 + 0.25 * 0.9, 0.75 * 0.75 + 0.25 * 0.1])
    assert np.isnan(expected_shares(one_class, np.array([1, 9]))).all()
    assert expected_shares(one_class, np.array([0, 9])) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("class_rows", [(15, 15), (150, 150), (1000, 100)])
@pytest.mark.parametrize("bins", [2, 20])
def test_the_noise_of_a_psi_is_its_mean_over_quiet_batches(
    bins: int, class_rows: tuple[int, int], independent: bool
) -> None:
    for seed in range(4):
        random = np.random.default_rng(seed)
        shares = random.dirichlet(np.full(bins, random.choice([0.3, 3.0])), 2)
        baseline = np.array([random.multinomial(500, row) for row in shares])
        rows, totals = np.array(class_rows), baseline.sum(axis=1)

        def drawn(
            numbers: Array, baseline: Array = baseline, random: np.random.Generator = random
        ) -> list[Array]:
            pairs = zip(numbers, baseline / baseline.sum(axis=1, keepdims=True), strict=True)
            return [random.multinomial(int(number), row, 20_000) for number, row in pairs]

        expected = expected_shares(baseline, rows)
        if independent:
            expected = expected_shares(np.stack(drawn(totals), axis=1), rows)
        mean = float(psi(np.sum(drawn(rows), axis=0), expected).mean())
        noise = psi_noise(baseline, rows, independent=independent)
        print(f"seed {seed}: {noise:.5f}, mean of 20,000 batches {mean:.5f}")

        assert noise == pytest.approx(mean, rel=0.08)


def test_the_size_of_a_shift_is_the_psi_that_many_rows_show() -> None:
    """At any number of rows: without the noise taken off, 100 rows would show 0.19 more."""
    shares = np.full(20, 0.05)
    shifted = shares * np.r_[np.full(10, 1.2), np.full(10, 0.8)]
    true = float(np.sum((shifted - shares) * np.log(shifted / shares)))
    baseline = np.full((1, 20), 5000)
    for rows in (100, 1000):
        random = np.random.default_rng(rows)
        sizes = [
            psi_size(counts, baseline, np.array([rows]), independent=False)
            for counts in random.multinomial(rows, shifted, 500)
        ]
        print(f"{rows} rows: {np.mean(sizes):.4f}, true {true:.4f}")

        assert np.mean(sizes) == pytest.approx(true, abs=0.02)
