"""Limits, against SciPy's distributions or a simulation of their own."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from monitoring.checks.limits import Limits
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import ks_limit, psi_limit, simulated_limit
from monitoring.statistics.shift import expected_shares, ks, psi

RATE = 0.002


def nasty_indicator(random: np.random.Generator) -> tuple[Array, Array]:
    """Return a baseline (2, 2) and a batch's class rows: rare levels, small and uneven classes."""
    base_rows = random.integers(20, 2000, 2)
    shares = random.choice([0.002, 0.01, 0.1, 0.5, 0.9, 0.998], 2)
    ones = np.maximum(random.binomial(base_rows, shares), [1, 0])
    class_rows = random.integers([1, 0], random.choice([20, 100, 500]), 2)
    return np.column_stack([base_rows - ones, ones]), class_rows


def exact_chance(limit: float, baseline: Array, class_rows: Array) -> float:
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


@pytest.mark.parametrize("rate", [0.01, 0.0005, 0.00002])
def test_the_limit_of_an_indicator_is_exact_whatever_its_counts(rate: float) -> None:
    exceeded, just_below = [], []
    for seed in range(200):
        baseline, class_rows = nasty_indicator(np.random.default_rng(seed))
        limit = psi_limit(baseline, class_rows, rate, independent=False)
        exceeded.append(exact_chance(limit, baseline, class_rows))
        if limit:  # 0: the classes of the batch have one level only
            just_below.append(exact_chance(limit * (1 - 1e-6), baseline, class_rows))
    print(f"seeds 0 to 199: largest {max(exceeded) / rate:.4f} of the rate")

    assert max(exceeded) <= rate * (1 + 1e-6)
    # The limit is the smallest such value: just below it, the chance is larger.
    assert len(just_below) > 150
    assert min(just_below) > rate * (1 - 1e-6)


def independent_chance(limit: float, baseline: Array, class_rows: Array) -> float:
    """Return the same where the baseline is drawn again: every outcome of four binomials."""
    base_rows = baseline.sum(axis=1)
    shares = baseline[:, 1] / base_rows
    rows = class_rows.sum()
    hits = np.convolve(
        *(
            scipy.stats.binom.pmf(np.arange(number + 1), number, share)
            for number, share in zip(class_rows, shares, strict=True)
        )
    )
    ones = np.arange(rows + 1)
    counts = np.column_stack([rows - ones, ones])

    chance = 0.0
    outcomes = [np.arange(number + 1) for number in base_rows]
    pmfs = [
        scipy.stats.binom.pmf(ones_of, number, share)
        for ones_of, number, share in zip(outcomes, base_rows, shares, strict=True)
    ]
    for first, second in itertools.product(*outcomes):
        weight = pmfs[0][first] * pmfs[1][second]
        if weight < 1e-9:
            continue
        expected = float(class_rows @ (np.array([first, second]) / base_rows) / rows)
        values = psi(counts, np.array([1 - expected, expected]))
        chance += weight * float(hits[values > limit].sum())
    return chance


def test_the_limit_of_an_indicator_against_an_independent_baseline_is_at_most_a_tenth_off() -> None:
    ratios = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        base_rows = random.integers(20, 60, 2)
        ones = random.integers(1, base_rows)
        baseline = np.column_stack([base_rows - ones, ones])
        class_rows = random.integers(10, 60, 2)
        limit = psi_limit(baseline, class_rows, 0.002, independent=True)
        ratios.append(independent_chance(limit, baseline, class_rows) / 0.002)
    print(f"seeds 0 to 11: ratios {np.round(ratios, 3)}")

    assert max(ratios) <= 1.10
    assert np.mean(ratios) > 0.7


def test_the_limit_of_three_levels_is_exact() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        shares = random.dirichlet(np.ones(3), 2)
        baseline = np.array([random.multinomial(400, row) for row in shares]) + 1
        class_rows = random.integers([3, 0], 16, 2)
        limit = psi_limit(baseline, class_rows, 0.003, independent=False)
        at_limit, just_below = (
            three_level_chance(limit * cut, baseline, class_rows) for cut in (1, 1 - 1e-6)
        )

        assert at_limit <= 0.003 * (1 + 1e-6), seed
        assert just_below > 0.003 * (1 - 1e-6), seed


def three_level_chance(limit: float, baseline: Array, class_rows: Array) -> float:
    """Return P(psi > limit) of three levels: every outcome of both classes."""
    expected = expected_shares(baseline, class_rows)
    outcomes, weights = [], []
    for rows, base in zip(class_rows, baseline, strict=True):
        pairs = itertools.product(range(rows + 1), repeat=2)
        counts = np.array([(a, b, rows - a - b) for a, b in pairs if a + b <= rows])
        outcomes.append(counts)
        weights.append(scipy.stats.multinomial.pmf(counts, rows, base / base.sum()))
    values = psi(outcomes[0][:, None] + outcomes[1][None], expected)
    return float(np.outer(*weights)[values > limit].sum())


def simulated_ratio(
    limit: float, baseline: Array, class_rows: Array, *, is_psi: bool, independent: bool
) -> float:
    """Return how often quiet batches exceed a limit, of RATE; 100 of the draws are expected."""
    draws, statistic = int(100 / RATE), psi if is_psi else ks
    random = np.random.default_rng(4)
    totals = baseline.sum(axis=1)

    def drawn(rows: Array) -> list[Array]:
        return [
            random.multinomial(int(number), base / total, draws)
            for number, base, total in zip(rows, baseline, totals, strict=True)
        ]

    counts = np.sum(drawn(class_rows), axis=0)
    expected = expected_shares(baseline, class_rows)
    if independent:
        expected = expected_shares(np.stack(drawn(totals), axis=1), class_rows)
    return float((statistic(counts, expected) > limit).mean() / RATE)


def uneven(cells: int, largest: float, classes: int = 2) -> Array:
    """Return a baseline of which one cell holds this share, the rest the others."""
    random = np.random.default_rng(cells)
    shares = [np.r_[largest, random.dirichlet(np.ones(cells - 1)) * (1 - largest)] for _ in "ab"]
    shares = (shares * classes)[:classes]
    return np.array([random.multinomial(400, share) for share in shares]) + (np.arange(cells) == 0)


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize(
    ("cells", "largest", "class_rows"),
    [
        (30, 0.03, (150, 150)),
        (30, 0.03, (15, 15)),
        (12, 0.3, (20, 280)),
        (30, 0.95, (15, 15)),  # nearly constant
        (30, 0.99, (50, 50)),
        (5, 0.3, (50, 50)),  # few values
        (12, 0.1, (50, 60, 70)),  # three classes
    ],
)
def test_the_limit_of_a_ks_distance_is_exceeded_as_rarely_as_requested(
    cells: int, largest: float, class_rows: tuple[int, ...], independent: bool
) -> None:
    baseline, rows = uneven(cells, largest, len(class_rows)), np.array(class_rows)

    limit = Limits().get(ks, baseline, rows, RATE, independent=independent)
    ratio = simulated_ratio(limit, baseline, rows, is_psi=False, independent=independent)
    print(f"{cells} cells, largest {largest}, {class_rows}: {ratio:.2f} of the rate")

    # 100 are expected: three standard errors and a tenth.
    assert ratio < 1.4
    assert ratio > 0.2 if largest > 0.5 else ratio > 0.4


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("cells", [3, 5, 9])
def test_the_limit_of_a_psi_of_several_cells_is_exceeded_as_rarely_as_requested(
    cells: int, independent: bool
) -> None:
    baseline, rows = uneven(cells, 0.3), np.array([60, 90])

    limit = Limits().get(psi, baseline, rows, RATE, independent=independent)
    ratio = simulated_ratio(limit, baseline, rows, is_psi=True, independent=independent)
    print(f"{cells} cells: {ratio:.2f} of the rate")

    assert 0.5 < ratio < 1.35


def test_many_rows_have_a_limit_at_once() -> None:
    """Counts of half a million are gone through near their mean alone."""
    rows = np.array([500_000, 500_000])
    for baseline in (uneven(2, 0.3), uneven(3, 0.3), uneven(30, 0.03)):
        for independent in (False, True):
            statistic = psi if baseline.shape[1] < 5 else ks
            limit = Limits().get(statistic, baseline, rows, RATE, independent=independent)
            assert 0 < limit < 0.2


def ks_alarm_rate(seed: int, *, independent_limit: bool) -> float:
    """Return how often batches pass the KS limit where every world's baseline is a sample too.

    10 worlds of one population, 150 days each.
    """
    worlds, days, rate = 10, 150, 0.02
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
        limit = Limits().get(ks, baseline, class_rows, rate, independent=independent_limit)

        drawn = np.clip(population.rvs((days, 400), random_state=random) // 10, 0, 7).astype(int)
        batches = np.stack([np.bincount(row, minlength=8) for row in drawn])
        passed += int((ks(batches, expected_shares(baseline, class_rows)) > limit).sum())
    return passed / (worlds * days)


def test_an_independent_baseline_gets_a_limit_that_knows_of_its_own_chance() -> None:
    seeds = range(4)
    honest = np.mean([ks_alarm_rate(seed, independent_limit=True) for seed in seeds])
    naive = np.mean([ks_alarm_rate(seed, independent_limit=False) for seed in seeds])
    print(f"seeds {list(seeds)}: {honest:.4f} with, {naive:.4f} without")

    assert honest < 0.02 * 1.8  # 40 worlds: the share varies by about 27 %
    assert naive > 0.02 * 2.5  # with the baseline taken for the truth


def test_the_same_arguments_give_the_same_limit_and_more_rows_a_smaller_one() -> None:
    for statistic, cells in ((ks, 4), (ks, 12), (psi, 2), (psi, 3), (psi, 6)):
        baseline = uneven(cells, 0.2)
        limits = [
            Limits().get(statistic, baseline, np.array([rows, rows]), 0.001, independent=False)
            for rows in (50, 50, 500)
        ]

        assert limits[0] == limits[1]
        assert limits[2] < limits[0] / 2


def test_a_class_without_baseline_rows_has_no_limit() -> None:
    baseline, class_rows = np.array([[0, 0], [5, 5]]), np.array([10, 10])

    assert math.isnan(simulated_limit(psi, baseline, class_rows, 0.001, independent=False))
    assert math.isnan(psi_limit(baseline, class_rows, 0.001, independent=False))
    table = Limits()._bridge_table
    wide = np.array([[0] * 9, [5] * 9])
    assert math.isnan(ks_limit(wide, class_rows, 0.001, independent=False, table=table))
    # The other class alone can be compared.
    alone = ks_limit(wide, np.array([0, 10]), 0.001, independent=False, table=table)
    assert 0 < alone < 1


def test_a_single_cell_leaves_no_room_for_a_shift() -> None:
    baseline, class_rows = np.array([[0, 9], [0, 7]]), np.array([10, 10])

    assert psi_limit(baseline, class_rows, 0.001, independent=False) == 0
