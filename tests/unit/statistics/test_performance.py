"""Quality metrics and their intervals, against scikit-learn and by simulation."""

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.statistics import performance as module
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


def test_many_rows_give_the_same_interval_as_their_rows_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictions = rows_of(3, 6000)
    by_cells = performance(predictions, 1, MIX)
    monkeypatch.setattr(module, "_MAX_ROWS_RESAMPLED", 10_000)
    by_rows = performance(predictions, 1, MIX)

    for name in by_rows:
        assert by_cells[name] == pytest.approx(by_rows[name], abs=0.006), name


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
