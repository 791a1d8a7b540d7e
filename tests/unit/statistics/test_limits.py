"""Simulated limits, against an exact or an independent computation."""

import math

import numpy as np
import pytest
import scipy.stats

from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import simulated_limit
from monitoring.statistics.shift import expected_shares, ks, psi


def exact_chance_of_passing(limit: float, baseline: Array, class_rows: Array) -> float:
    """Return P(psi > limit) for an indicator: the number of ones is a sum of two binomials."""
    shares = baseline[:, 1] / baseline.sum(axis=1)
    first, second = (
        scipy.stats.binom.pmf(np.arange(rows + 1), rows, share)
        for rows, share in zip(class_rows, shares, strict=True)
    )
    chances = np.convolve(first, second)

    ones = np.arange(class_rows.sum() + 1)
    counts = np.column_stack([class_rows.sum() - ones, ones])
    values = psi(counts, expected_shares(baseline, class_rows))
    return float(chances[values > limit].sum())


@pytest.mark.parametrize("rows", [30, 100, 300, 1000])
def test_an_indicators_limit_is_passed_by_chance_as_rarely_as_requested_and_hardly_more_rarely(
    rows: int,
) -> None:
    rate = 0.0004
    passed, at_least = [], []
    for seed in range(40):
        random = np.random.default_rng([seed, rows])
        ones = random.integers(20, 280, 2)
        baseline = np.column_stack([ones, np.array([300, 700]) - ones])
        class_rows = np.array([rows // 2, rows - rows // 2])
        limit = simulated_limit(psi, baseline, class_rows, rate, independent=False)
        passed.append(exact_chance_of_passing(limit, baseline, class_rows))
        at_least.append(exact_chance_of_passing(limit * (1 - 1e-6), baseline, class_rows))
    print(
        f"rows {rows}: seeds 0 to 39, mean chance {np.mean(passed):.6f},"
        f" largest {np.max(passed):.6f}"
    )

    # A limit is the 8th largest of 20,000: its chance varies by 35 %, so the mean of 40 by 5.5 %.
    assert np.mean(passed) < rate * 1.2
    assert np.max(passed) < rate * 3
    # The limit itself is a value that batches do take: just below it the chance is not smaller
    # than requested.
    assert np.mean(at_least) > rate * 0.7


def ks_alarm_rate(seed: int, *, independent_limit: bool) -> float:
    """Return how often batches pass the KS limit where every world's baseline is a sample too.

    20 worlds of one population, 150 days each.
    """
    worlds, days, rate = 20, 150, 0.02
    random = np.random.default_rng(seed)
    population = scipy.stats.norm(35, 11)
    class_rows, baseline_rows = np.array([200, 200]), [150, 350]
    passed = 0
    for _ in range(worlds):
        parts = [
            np.clip(population.rvs(rows, random_state=random) // 10, 0, 7).astype(int)
            for rows in baseline_rows
        ]
        baseline = np.stack([np.bincount(part, minlength=8) for part in parts])
        limit = simulated_limit(ks, baseline, class_rows, rate, independent=independent_limit)

        drawn = np.clip(population.rvs((days, 400), random_state=random) // 10, 0, 7).astype(int)
        batches = np.stack([np.bincount(row, minlength=8) for row in drawn])
        passed += int((ks(batches, expected_shares(baseline, class_rows)) > limit).sum())
    return passed / (worlds * days)


def test_an_independent_baseline_gets_a_limit_that_knows_of_its_own_chance() -> None:
    seeds = range(4)
    honest = np.mean([ks_alarm_rate(seed, independent_limit=True) for seed in seeds])
    naive = np.mean([ks_alarm_rate(seed, independent_limit=False) for seed in seeds])
    print(f"seeds {list(seeds)}: {honest:.4f} with, {naive:.4f} without")

    assert honest < 0.02 * 1.6  # 80 worlds: the share varies by about 20 %
    assert naive > 0.02 * 2.5  # with the baseline taken for the truth


def test_the_same_arguments_give_the_same_limit_and_more_rows_a_smaller_one() -> None:
    baseline = np.array([[100, 200, 50], [300, 300, 100]])
    limits = [
        simulated_limit(ks, baseline, np.array([rows, rows]), 0.001, independent=False)
        for rows in (50, 50, 500)
    ]

    assert limits[0] == limits[1]
    assert limits[2] < limits[0] / 2


def test_a_class_without_baseline_rows_has_no_limit() -> None:
    baseline, class_rows = np.array([[0, 0], [5, 5]]), np.array([10, 10])

    assert math.isnan(simulated_limit(psi, baseline, class_rows, 0.001, independent=False))
