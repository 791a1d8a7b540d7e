"""How likely a model without skill is as bad, against SciPy and by simulation."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from monitoring.statistics.no_skill import chance_of_no_skill
from monitoring.statistics.performance import Predictions
from monitoring.statistics.rank_sum import chance_of_so_low


def no_skill(seed: int, rows: int, classes: int = 2, decimals: int = 3) -> Predictions:
    """Return outcomes, predictions and scores that know nothing of each other."""
    random = np.random.default_rng(seed)
    score = np.round(random.beta(2, 2, rows), decimals)
    return Predictions(random.integers(0, classes, rows), random.integers(0, classes, rows), score)


@pytest.mark.parametrize("decimals", [1, 6])
def test_the_chance_of_an_auc_is_that_of_the_rank_sum_test(decimals: int) -> None:
    for seed in range(30):
        actual, predicted, score = no_skill(seed, 61 + seed, decimals=decimals)
        assert score is not None
        positives, negatives = score[actual == 1], score[actual == 0]
        oracle = scipy.stats.mannwhitneyu(
            positives, negatives, alternative="less", method="asymptotic"
        )

        chances = chance_of_no_skill(Predictions(actual, predicted, score), 1, 2)

        assert chances["auc"] == pytest.approx(oracle.pvalue, abs=1e-9), seed


@pytest.mark.parametrize("rows", [3, 12, 30, 60])
def test_the_chance_of_an_auc_of_few_rows_is_exact(rows: int) -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        score = random.permutation(rows) / rows  # no ties: SciPy's exact test knows none
        is_positive = np.arange(rows) < random.integers(1, rows)
        oracle = scipy.stats.mannwhitneyu(
            score[is_positive], score[~is_positive], alternative="less", method="exact"
        )

        chance = chance_of_so_low(is_positive, score)

        assert chance == pytest.approx(oracle.pvalue, rel=1e-9), seed


def test_ties_among_few_rows_are_exact_too() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        score, positives = random.integers(0, 4, 12) / 4, int(random.integers(1, 12))
        ranks = scipy.stats.rankdata(score)
        sums = [sum(ranks[list(rows)]) for rows in itertools.combinations(range(12), positives)]
        expected = np.mean(np.array(sums) <= ranks[:positives].sum() + 1e-9)

        chance = chance_of_so_low(np.arange(12) < positives, score)

        assert chance == pytest.approx(expected, rel=1e-9), seed


def test_the_chance_of_a_balanced_accuracy_is_that_of_fishers_exact_test() -> None:
    for seed in range(30):
        predictions = no_skill(seed, 60)
        table = np.zeros((2, 2), int)
        np.add.at(table, (predictions.actual, predictions.predicted), 1)

        chances = chance_of_no_skill(predictions, 1, 2)

        oracle = scipy.stats.fisher_exact(table, alternative="less").pvalue
        assert chances["balanced_accuracy"] == pytest.approx(oracle, abs=1e-9), seed


@pytest.mark.parametrize("rows", [30, 100, 2001])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_model_without_skill_is_called_worse_than_chance_as_rarely_as_requested(
    rows: int, classes: int
) -> None:
    """The 95 % intervals that decided before lay below chance on 2.5 to 3 % of such days."""
    days, rate = 3000, 0.01
    hits = {"auc": 0, "balanced_accuracy": 0}
    for seed in range(days):
        predictions = no_skill(seed, rows, classes)
        for metric, chance in chance_of_no_skill(predictions, 1, classes).items():
            hits[metric] += chance <= rate
    print(f"seeds 0 to {days - 1}, {rows} rows, {classes} classes: {hits}")

    most = scipy.stats.binom.isf(0.001, days, rate)
    assert all(number <= most for number in hits.values())
    assert all(number >= 0.2 * days * rate for number in hits.values())


def test_what_has_one_class_only_has_no_chance_and_one_score_no_order() -> None:
    ones = np.ones(20, int)

    one_class = chance_of_no_skill(Predictions(ones, ones, np.full(20, 0.5)), 1, 2)
    equal = chance_of_no_skill(no_skill(0, 50)._replace(score=np.full(50, 0.5)), 1, 2)

    assert all(map(math.isnan, one_class.values()))
    assert equal["auc"] == 1
