"""Binomials, their sums and tails, against SciPy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.statistics.binomials import (
    binomial,
    chance_beside_sample,
    chance_of_at_least,
    chance_of_at_most_drawn,
    effective_rows,
    sum_of_binomials,
)

SHARES = some.sampled_from([0.0, 1e-6, 0.001, 0.05, 0.3, 0.5, 0.97, 1.0])
quick = settings(max_examples=100, deadline=None)


@quick
@given(some.integers(0, 100_000), SHARES)
def test_a_binomial_is_that_of_scipy(rows: int, share: float) -> None:
    distribution = binomial(rows, share)

    oracle = scipy.stats.binom.pmf(distribution.values, rows, share)
    assert distribution.chance == pytest.approx(oracle, abs=1e-11)
    assert distribution.chance.sum() == pytest.approx(1, abs=1e-9)


@quick
@given(some.integers(0, 3000), some.integers(0, 3000), SHARES)
def test_the_tail_of_a_binomial_is_that_of_scipy(hits: int, rows: int, share: float) -> None:
    oracle = scipy.stats.binom.sf(hits - 1, rows, share)

    assert chance_of_at_least(hits, rows, share) == pytest.approx(oracle, rel=1e-6, abs=1e-13)


@quick
@given(some.data())
def test_the_hypergeometric_tail_is_that_of_scipy(data: some.DataObject) -> None:
    rows = data.draw(some.integers(1, 400))
    marked, drawn = data.draw(some.integers(0, rows)), data.draw(some.integers(0, rows))
    hits = data.draw(some.integers(-1, rows))

    oracle = scipy.stats.hypergeom.cdf(hits, rows, marked, drawn)

    assert chance_of_at_most_drawn(hits, marked, drawn, rows) == pytest.approx(oracle, abs=1e-10)


def test_the_hits_of_several_classes_are_a_sum() -> None:
    rows, shares = np.array([40, 60, 5]), np.array([0.1, 0.9, 0.5])
    oracle = np.ones(1)
    for number, share in zip(rows, shares, strict=True):
        oracle = np.convolve(oracle, scipy.stats.binom.pmf(np.arange(number + 1), number, share))

    distribution = sum_of_binomials(rows, shares)

    part = oracle[distribution.low : distribution.low + len(distribution.chance)]
    assert distribution.chance == pytest.approx(part, abs=1e-12)


def test_the_tail_of_a_sum_is_bounded_by_that_of_the_mean_share() -> None:
    """Hoeffding 1956: rows of several classes may be taken together, on the safe side."""
    for seed in range(50):
        random = np.random.default_rng(seed)
        rows, shares = random.integers(1, 200, 2), random.uniform(0, 0.4, 2)
        total, distribution = int(rows.sum()), sum_of_binomials(rows, shares)
        mean = float(rows @ shares) / total
        for hits in range(int(total * mean) + 2, total):
            exact = distribution.chance[max(0, hits - distribution.low) :].sum()
            assert chance_of_at_least(hits, total, mean) >= exact - 1e-12, (seed, hits)


@pytest.mark.parametrize("rate", [1e-2, 1e-5])
@pytest.mark.parametrize("share", [0.001, 0.03, 0.5])
@pytest.mark.parametrize(("rows", "sample_rows"), [(30, 200), (1000, 200), (300, 3000)])
def test_two_samples_of_one_population_differ_no_more_often_than_the_rate(
    rows: int, sample_rows: int, share: float, rate: float
) -> None:
    """Every count of the sample, with the chance that SciPy gives it and the hits beside it."""
    exceeded = 0.0
    for sample_hits in range(sample_rows + 1):
        weight = scipy.stats.binom.pmf(sample_hits, sample_rows, share)
        if weight < 1e-14:
            continue
        first = next(
            (
                hits
                for hits in range(rows + 1)
                if chance_beside_sample(hits, rows, sample_hits / sample_rows, sample_rows) < rate
            ),
            rows + 1,
        )
        exceeded += weight * scipy.stats.binom.sf(first - 1, rows, share)
    print(f"{exceeded / rate:.3f} of the rate")

    assert exceeded <= rate


@quick
@given(some.integers(0, 300), some.integers(1, 300), some.integers(0, 200), some.integers(1, 200))
def test_hits_beside_a_sample_are_fishers_exact_test(
    hits: int, rows: int, sample_hits: int, sample_rows: int
) -> None:
    hits, sample_hits = min(hits, rows), min(sample_hits, sample_rows)
    table = [[hits, rows - hits], [sample_hits, sample_rows - sample_hits]]

    oracle = scipy.stats.fisher_exact(table, alternative="greater").pvalue

    chance = chance_beside_sample(hits, rows, sample_hits / sample_rows, sample_rows)
    assert chance == pytest.approx(oracle, rel=1e-6, abs=1e-12)


def test_a_rare_class_of_the_baseline_is_worth_its_own_rows() -> None:
    base_rows, class_rows = np.array([140_000, 242]), np.array([150, 150])

    assert effective_rows(base_rows, base_rows) == pytest.approx(140_242)
    assert effective_rows(base_rows, class_rows) == pytest.approx(4 * 242, rel=0.01)
