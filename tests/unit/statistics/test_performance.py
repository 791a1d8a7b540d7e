"""Quality metrics and their intervals, against scikit-learn and by simulation."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as some
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import DescrStatsW

from monitoring.statistics.arrays import Array
from monitoring.statistics.performance import Predictions, accuracy_change, performance

EVEN = np.array([0.5, 0.5])
MIX = np.array([0.3, 0.7])


def rows_of(seed: int, rows: int) -> Predictions:
    random = np.random.default_rng(seed)
    actual = random.integers(0, 2, rows)
    noisy = np.clip(random.normal(0.4 + 0.2 * actual, 0.2), 0.001, 0.999)
    score = np.round(noisy, 2 if rows < 5000 else 6)  # with ties, where there are few
    return Predictions(actual, (score > random.uniform(0.3, 0.7)).astype(int), score)


def oracle(predictions: Predictions) -> dict[str, float]:
    """Return the metrics of scikit-learn; those at the training mix by weights of the rows."""
    actual, predicted, score = predictions
    nan = {"zero_division": np.nan}
    metrics = {
        "accuracy": sklearn.metrics.accuracy_score(actual, predicted),
        "precision": sklearn.metrics.precision_score(actual, predicted, **nan),
        "recall": sklearn.metrics.recall_score(actual, predicted, **nan),
        "f1": sklearn.metrics.f1_score(actual, predicted, **nan),
        "log_loss": sklearn.metrics.log_loss(actual, score, labels=[0, 1]),
    }
    if len(set(actual)) < 2:
        return metrics

    shares = np.bincount(actual, minlength=2) / len(actual)
    at_mix = {"sample_weight": (MIX / np.maximum(shares, 1e-9))[actual]}
    return metrics | {
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(actual, predicted),
        "auc": sklearn.metrics.roc_auc_score(actual, score),
        "accuracy_mix": sklearn.metrics.accuracy_score(actual, predicted, **at_mix),
        "f1_mix": sklearn.metrics.f1_score(actual, predicted, **at_mix, **nan),
        "precision_mix": sklearn.metrics.precision_score(actual, predicted, **at_mix, **nan),
        "log_loss_mix": sklearn.metrics.log_loss(actual, score, labels=[0, 1], **at_mix),
    }


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 2**32 - 1), some.sampled_from([8, 50, 300, 3000]))
def test_performance_is_that_of_scikit_learn(seed: int, rows: int) -> None:
    predictions = rows_of(seed, rows)

    estimates = performance(predictions, 1, MIX)

    for name, value in oracle(predictions).items():
        estimate = estimates[name]
        assert estimate.value == pytest.approx(value, abs=1e-9, nan_ok=True), name
        if not math.isnan(value):
            assert estimate.low <= value + 1e-9, name
            assert value - 1e-9 <= estimate.high, name


def test_the_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    held = {"auc": 0, "accuracy": 0, "log_loss": 0, "f1": 0}
    trials, rows = 200, 200
    actual, predicted, score = rows_of(7, 400_000)
    assert score is not None
    truth = performance(Predictions(actual, predicted, score), 1, EVEN)
    for seed in range(trials):
        pick = np.random.default_rng(seed).integers(0, len(actual), rows)
        sample = Predictions(actual[pick], predicted[pick], score[pick])
        estimates = performance(sample, 1, EVEN)
        for name in held:
            held[name] += estimates[name].low <= truth[name].value <= estimates[name].high
    print(f"seeds 0 to {trials - 1}: {held}")

    # Percentile intervals of 200 rows hold a little less than they say.
    low = scipy.stats.binom.ppf(0.001, trials, 0.93)
    assert all(low <= hits < trials for hits in held.values()), held


def no_skill(seed: int, rows: int) -> Predictions:
    """Return scores within 0.505 +- 0.001 that know nothing of the outcome."""
    random = np.random.default_rng(seed)
    actual, score = random.integers(0, 2, rows), random.uniform(0.504, 0.506, rows)
    return Predictions(actual, (score > np.median(score)).astype(int), score)


def delong(actual: Array, score: Array) -> tuple[float, float]:
    """Return AUC and standard error by DeLong's own formula: every pair is compared."""
    positives, negatives = score[actual == 1], score[actual == 0]
    pairs = np.sign(positives[:, None] - negatives[None]) / 2 + 0.5
    of_positives, of_negatives = pairs.mean(axis=1), pairs.mean(axis=0)
    variance = np.var(of_positives, ddof=1) / len(positives)
    variance += np.var(of_negatives, ddof=1) / len(negatives)
    return float(pairs.mean()), float(np.sqrt(variance))


def tied(seed: int, rows: int) -> Predictions:
    """Return scores of which many are equal."""
    return scored_by(rows_of(seed, rows), lambda score: np.round(score, 1))


def one_value(seed: int, rows: int) -> Predictions:
    """Return scores that are all equal."""
    return scored_by(rows_of(seed, rows), lambda score: np.full(rows, 0.5))


def scored_by(predictions: Predictions, change: Callable[[Array], Array]) -> Predictions:
    assert predictions.score is not None
    return predictions._replace(score=change(predictions.score))


NASTY = {"noise": rows_of, "no skill, narrow": no_skill, "ties": tied, "one value": one_value}


@pytest.mark.parametrize("rows", [30, 2000, 2001, 4000])
@pytest.mark.parametrize("case", NASTY)
def test_the_interval_of_auc_is_delongs_at_any_number_of_rows(case: str, rows: int) -> None:
    for seed in range(5):
        predictions = NASTY[case](seed, rows)
        assert predictions.score is not None
        estimate = performance(predictions, 1, MIX)["auc"]
        value, error = delong(predictions.actual, predictions.score)

        assert estimate.value == pytest.approx(value, abs=1e-9), seed
        assert estimate.value == pytest.approx(
            sklearn.metrics.roc_auc_score(predictions.actual, predictions.score), abs=1e-9
        )
        expected = max(0, value - 1.959964 * error), min(1, value + 1.959964 * error)
        assert (estimate.low, estimate.high) == pytest.approx(expected, abs=1e-6), seed


def test_two_hundred_thousand_rows_have_the_interval_that_their_number_gives() -> None:
    for case in ("noise", "no skill, narrow"):
        predictions = NASTY[case](1, 200_000)
        estimates = performance(predictions, 1, MIX)
        auc, loss = estimates["auc"], estimates["log_loss"]
        oracle = sklearn.metrics.roc_auc_score(predictions.actual, predictions.score)
        print(case, auc, loss)

        assert auc.value == pytest.approx(oracle, abs=1e-9)
        # The standard error of an AUC without skill: sqrt((m + n + 1) / (12 m n)).
        assert 0.5 < (auc.high - auc.low) / (2 * 1.96 * math.sqrt(1 / (3 * 200_000))) < 1.05
        assert auc.low < auc.value < auc.high
        assert loss.low < loss.value < loss.high


def test_tiny_scores_leave_the_log_loss_within_its_interval() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        actual, predicted, score = rows_of(seed, 5000)
        assert score is not None
        tiny = random.random(5000) < 0.02
        score = np.where(tiny, 10 ** random.uniform(-15, -5, 5000), score)
        estimate = performance(Predictions(actual, predicted, score), 1, MIX)["log_loss"]
        losses = -np.log(np.where(actual == 1, score, 1 - score))
        oracle = DescrStatsW(losses).tconfint_mean()

        assert (estimate.low, estimate.high) == pytest.approx(oracle, abs=0.002), seed
        assert estimate.low < estimate.value < estimate.high


def test_an_auc_of_one_or_of_a_single_row_a_class_is_no_error() -> None:
    sure = performance(
        Predictions(np.array([0, 1]), np.array([0, 1]), np.array([0.1, 0.9])), 1, MIX
    )

    assert tuple(sure["auc"]) == (1, 0, 1)
    assert sure["log_loss"].value == pytest.approx(-math.log(0.9))


def test_what_is_undefined_is_nan_and_never_zero() -> None:
    ones, zeros = np.ones(20, int), np.zeros(20, int)

    one_class = performance(Predictions(ones, ones, np.full(20, 0.7)), 1, MIX)
    both, never = np.r_[ones, zeros], np.r_[zeros, zeros]
    nothing_positive = performance(Predictions(both, never, None), 1, EVEN)
    nothing = performance(Predictions(ones[:0], ones[:0], None), 1, EVEN)

    assert all(map(math.isnan, one_class["auc"]))
    assert math.isnan(one_class["accuracy_mix"].value)
    assert one_class["accuracy"].value == 1
    assert math.isnan(nothing_positive["precision"].value)
    assert nothing_positive["recall"].value == 0
    assert "auc" not in nothing_positive
    assert all(math.isnan(value) for estimate in nothing.values() for value in estimate)


def test_a_fall_in_accuracy_is_measured_in_standard_errors() -> None:
    errors = []
    for seed in range(2000):
        a, b, c, d = np.random.default_rng(seed).binomial(700, [0.6, 0.8, 0.6, 0.8])
        before, after = (
            np.array([[low, 700 - low], [700 - high, high]]) for low, high in ((a, b), (c, d))
        )
        errors.append(accuracy_change(before, after, MIX)[2])
    print(f"seeds 0 to 1999: mean {np.mean(errors):.3f}, deviation {np.std(errors):.3f}")

    assert abs(np.mean(errors)) < 0.1
    assert 0.9 < np.std(errors) < 1.1

    before, after = np.array([[70, 30], [30, 70]]), np.array([[50, 50], [50, 50]])
    assert accuracy_change(before * 10, after * 10, MIX)[:2] == pytest.approx((0.7, 0.5))
    assert accuracy_change(before * 10, after * 10, MIX)[2] < -8
    assert math.isnan(accuracy_change(before, np.array([[0, 0], [1, 1]]), MIX)[2])


@pytest.mark.parametrize("seed", range(10))
def test_the_standard_error_of_a_fall_is_agresti_and_caffos(seed: int) -> None:
    """Of one class alone, and but for n instead of n + 2 rows, which is on the safe side."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(10, 400))
    before, after = random.integers(0, rows + 1, 2)
    of_before, of_after = (np.array([[hits, rows - hits], [1, 1]]) for hits in (before, after))

    first, second, errors = accuracy_change(of_before, of_after, np.array([1.0, 0.0]))

    low, high = confint_proportions_2indep(
        after, rows, before, rows, method="agresti-caffo", compare="diff"
    )
    standard_error = (high - low) / 2 / scipy.stats.norm.isf(0.025) * ((rows + 2) / rows) ** 0.5
    assert errors == pytest.approx((second - first) / standard_error, rel=1e-6), seed
