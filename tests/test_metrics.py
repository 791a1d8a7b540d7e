"""Every statistic against SciPy or scikit-learn, and every simulated limit against an exact or independent reckoning."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring import metrics

counts = st.integers(0, 200)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=60, deadline=None)


def j_divergence(a, e):
    return float(np.sum(scipy.special.rel_entr(a, e) + scipy.special.rel_entr(e, a)))


@quick
@given(st.lists(st.tuples(counts, st.integers(1, 500)), min_size=1, max_size=25).filter(lambda pairs: sum(p[0] for p in pairs)))
def test_psi_is_the_symmetric_relative_entropy_of_shares_smoothed_by_half_a_row(pairs):
    batch, baseline = np.array(pairs).T
    expected = baseline / baseline.sum()
    rows, total = batch.sum(), batch.sum() + len(pairs) / 2

    smoothed = (batch + 0.5) / total, (rows * expected + 0.5) / total

    assert float(metrics.psi(batch, expected)) == pytest.approx(j_divergence(*smoothed), abs=1e-12)


def test_equal_shares_have_a_psi_of_zero_at_any_size():
    for rows in (10, 1000):
        assert float(metrics.psi(np.array([0.2, 0.8]) * rows, np.array([0.2, 0.8]))) == pytest.approx(0, abs=1e-12)


def test_a_bin_that_the_baseline_never_filled_adds_nothing_to_psi_but_its_rows_are_missed_elsewhere():
    assert float(metrics.psi(np.array([50, 50, 0]), np.array([0.5, 0.5, 0.0]))) == pytest.approx(0)
    assert float(metrics.psi(np.array([10, 10, 80]), np.array([0.5, 0.5, 0.0]))) > 0.5


@quick
@given(st.lists(st.tuples(counts, counts), min_size=2, max_size=25).filter(lambda p: all(np.sum(p, axis=0))))
def test_psi_as_dmm_reckons_it_is_the_plain_formula_with_a_floor_of_a_ten_thousandth(pairs):
    batch, baseline = np.array(pairs).T
    shares = [np.maximum(part / part.sum(), 0.0001) for part in (batch, baseline)]

    assert float(metrics.psi_dmm(batch, baseline)) == pytest.approx(
        sum((a - e) * math.log(a / e) for a, e in zip(*shares, strict=True)), abs=1e-12
    )


@quick
@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_ks_is_that_of_scipy(batch, baseline):
    cells = [np.bincount(values, minlength=31) for values in (batch, baseline)]

    value = metrics.ks(cells[0], cells[1] / len(baseline))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert float(value) == pytest.approx(scipy.stats.ks_2samp(batch, baseline).statistic, abs=1e-9)


@quick
@given(seeds)
def test_the_psi_at_the_ks_point_never_exceeds_the_psi_of_the_cells(seed):
    random = np.random.default_rng(seed)
    batch, expected = random.integers(1, 1000, 12) * 1000, random.dirichlet(np.full(12, 5.0))

    # With this many rows the half row added to each bin doesn't matter.
    assert metrics.psi_at_ks(batch, expected) <= float(metrics.psi(batch, expected)) * (1 + 1e-3) + 1e-9


def test_the_expected_shares_are_the_baseline_resampled_to_the_batchs_classes():
    baseline = np.array([[10, 30], [180, 20]])

    shares = metrics.expected_shares(baseline, np.array([75, 25]))

    assert shares == pytest.approx([0.75 * 0.25 + 0.25 * 0.9, 0.75 * 0.75 + 0.25 * 0.1])
    assert np.isnan(metrics.expected_shares(np.array([[0, 0], [5, 5]]), np.array([1, 9]))).all()
    assert metrics.expected_shares(np.array([[0, 0], [5, 5]]), np.array([0, 9])) == pytest.approx([0.5, 0.5])


def exact_chance_of_passing(limit, baseline, class_rows):
    """Return P(psi > limit) for an indicator: the number of ones is a sum of two binomials."""
    shares = baseline[:, 1] / baseline.sum(axis=1)
    chances = np.convolve(*[scipy.stats.binom.pmf(np.arange(n + 1), n, p) for n, p in zip(class_rows, shares, strict=True)])
    ones = np.arange(class_rows.sum() + 1)
    values = metrics.psi(np.column_stack([class_rows.sum() - ones, ones]), metrics.expected_shares(baseline, class_rows))
    return chances[values > limit].sum()


@pytest.mark.parametrize("rows", [30, 100, 300, 1000])
def test_the_limit_of_an_indicator_is_passed_by_chance_as_rarely_as_asked_and_hardly_more_rarely(rows):
    rate, passed, at_least = 0.0004, [], []
    for seed in range(40):
        random = np.random.default_rng([seed, rows])
        baseline = np.column_stack([ones := random.integers(20, 280, 2), np.array([300, 700]) - ones])
        class_rows = np.array([rows // 2, rows - rows // 2])
        limit = metrics.limit(metrics.psi, baseline, class_rows, rate, independent=False)
        passed.append(exact_chance_of_passing(limit, baseline, class_rows))
        at_least.append(exact_chance_of_passing(limit * (1 - 1e-6), baseline, class_rows))
    print(f"rows {rows}: seeds 0 to 39, mean chance {np.mean(passed):.6f}, largest {np.max(passed):.6f}")

    # A limit is the 8th largest of 20,000: its chance varies by 35 %, so the mean of 40 by 5.5 %.
    assert np.mean(passed) < rate * 1.2
    assert np.max(passed) < rate * 3
    # The limit itself is a value that batches do take: just below it the chance is not smaller than asked.
    assert np.mean(at_least) > rate * 0.7


def ks_alarm_rate(seed, *, independent_limit, worlds=20, days=150, rate=0.02):
    """Return how often batches pass the KS limit when every world's baseline is a sample of the same population."""
    random = np.random.default_rng(seed)
    population = scipy.stats.norm(35, 11)
    class_rows, baseline_rows, passed = np.array([200, 200]), [150, 350], 0
    for _ in range(worlds):
        values = [np.clip(population.rvs(n, random_state=random) // 10, 0, 7).astype(int) for n in baseline_rows]
        baseline = np.stack([np.bincount(part, minlength=8) for part in values])
        limit = metrics.limit(metrics.ks, baseline, class_rows, rate, independent=independent_limit)
        drawn = np.clip(population.rvs((days, 400), random_state=random) // 10, 0, 7).astype(int)
        batch = np.stack([np.bincount(row, minlength=8) for row in drawn])
        passed += (metrics.ks(batch, metrics.expected_shares(baseline, class_rows)) > limit).sum()
    return passed / (worlds * days)


def test_an_independent_baseline_gets_a_limit_that_knows_of_its_own_chance():
    seeds = range(4)
    honest = np.mean([ks_alarm_rate(seed, independent_limit=True) for seed in seeds])
    naive = np.mean([ks_alarm_rate(seed, independent_limit=False) for seed in seeds])
    print(f"seeds {list(seeds)}: {honest:.4f} with, {naive:.4f} without")

    assert honest < 0.02 * 1.6  # 80 worlds: the share varies by about 20 %
    assert naive > 0.02 * 2.5  # with the baseline taken for the truth


def test_the_same_arguments_give_the_same_limit_and_more_rows_a_smaller_one():
    baseline = np.array([[100, 200, 50], [300, 300, 100]])
    limits = [metrics.limit(metrics.ks, baseline, np.array([n, n]), 0.001, independent=False) for n in (50, 50, 500)]

    assert limits[0] == limits[1]
    assert limits[2] < limits[0] / 2


def test_a_class_without_baseline_rows_has_no_limit():
    assert math.isnan(metrics.limit(metrics.psi, np.array([[0, 0], [5, 5]]), np.array([10, 10]), 0.001, independent=False))


@quick
@given(st.integers(0, 500), st.integers(1, 500))
def test_the_wilson_interval_is_that_of_scipy(hits, more):
    interval = scipy.stats.binomtest(hits, hits + more).proportion_ci(method="wilson")

    assert metrics.wilson(hits, hits + more) == pytest.approx((interval.low, interval.high), abs=1e-6)
    assert all(map(math.isnan, metrics.wilson(0, 0)))


def rows_of(seed, rows):
    random = np.random.default_rng(seed)
    actual = random.integers(0, 2, rows)
    score = np.round(np.clip(random.normal(0.4 + 0.2 * actual, 0.2), 0.001, 0.999), 2 if rows < 5000 else 6)
    return actual, (score > random.uniform(0.3, 0.7)).astype(int), score


@quick
@given(seeds, st.sampled_from([8, 50, 300, 3000]))
def test_performance_is_that_of_scikit_learn(seed, rows):
    actual, predicted, score = rows_of(seed, rows)
    mix = np.array([0.3, 0.7])
    found = metrics.performance(actual, predicted, score, 1, mix)
    shares = np.bincount(actual, minlength=2) / rows
    weights = (mix / np.maximum(shares, 1e-9))[actual]
    oracle = {
        "accuracy": sklearn.metrics.accuracy_score(actual, predicted),
        "precision": sklearn.metrics.precision_score(actual, predicted, zero_division=np.nan),
        "recall": sklearn.metrics.recall_score(actual, predicted, zero_division=np.nan),
        "f1": sklearn.metrics.f1_score(actual, predicted, zero_division=np.nan),
        "log_loss": sklearn.metrics.log_loss(actual, score, labels=[0, 1]),
    }
    if len(set(actual)) == 2:
        oracle |= {
            "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(actual, predicted),
            "auc": sklearn.metrics.roc_auc_score(actual, score),
            "accuracy_mix": sklearn.metrics.accuracy_score(actual, predicted, sample_weight=weights),
            "f1_mix": sklearn.metrics.f1_score(actual, predicted, sample_weight=weights, zero_division=np.nan),
            "precision_mix": sklearn.metrics.precision_score(actual, predicted, sample_weight=weights, zero_division=np.nan),
            "log_loss_mix": sklearn.metrics.log_loss(actual, score, sample_weight=weights, labels=[0, 1]),
        }
    for name, value in oracle.items():
        assert found[name][0] == pytest.approx(value, abs=1e-9, nan_ok=True), name
        assert math.isnan(value) or (found[name][1] <= value + 1e-9 and value - 1e-9 <= found[name][2]), name


def test_the_intervals_hold_the_truth_nineteen_times_in_twenty():
    held = {"auc": 0, "accuracy": 0, "log_loss": 0, "f1": 0}
    trials, rows = 200, 200
    actual, predicted, score = rows_of(7, 400_000)
    truth = metrics.performance(actual, predicted, score, 1, np.array([0.5, 0.5]))
    for seed in range(trials):
        pick = np.random.default_rng(seed).integers(0, len(actual), rows)
        found = metrics.performance(actual[pick], predicted[pick], score[pick], 1, np.array([0.5, 0.5]))
        for name in held:
            held[name] += found[name][1] <= truth[name][0] <= found[name][2]
    print(f"seeds 0 to {trials - 1}: {held}")

    low = scipy.stats.binom.ppf(0.001, trials, 0.93)  # percentile intervals of 200 rows hold a little less than they say
    assert all(low <= hits < trials for hits in held.values()), held


def test_many_rows_give_the_same_interval_as_their_rows_one_by_one(monkeypatch):
    actual, predicted, score = rows_of(3, 6000)
    by_cells = metrics.performance(actual, predicted, score, 1, np.array([0.3, 0.7]))
    monkeypatch.setattr(metrics, "_EXACT_ROWS", 10_000)
    by_rows = metrics.performance(actual, predicted, score, 1, np.array([0.3, 0.7]))

    for name in by_rows:
        assert by_cells[name] == pytest.approx(by_rows[name], abs=0.006), name


def test_what_is_undefined_is_nan_and_never_zero():
    ones, zeros = np.ones(20, int), np.zeros(20, int)

    one_class = metrics.performance(ones, ones, np.full(20, 0.7), 1, np.array([0.3, 0.7]))
    nothing_positive = metrics.performance(np.r_[ones, zeros], np.r_[zeros, zeros], None, 1, np.array([0.5, 0.5]))
    nothing = metrics.performance(ones[:0], ones[:0], None, 1, np.array([0.5, 0.5]))

    assert all(map(math.isnan, one_class["auc"])) and math.isnan(one_class["accuracy_mix"][0])
    assert one_class["accuracy"][0] == 1
    assert math.isnan(nothing_positive["precision"][0]) and nothing_positive["recall"][0] == 0
    assert "auc" not in nothing_positive
    assert all(math.isnan(value) for interval in nothing.values() for value in interval)


def test_a_fall_in_accuracy_is_measured_in_standard_errors():
    mix, errors = np.array([0.3, 0.7]), []
    for seed in range(2000):
        a, b, c, d = np.random.default_rng(seed).binomial(700, [0.6, 0.8, 0.6, 0.8])
        before, after = (np.array([[low, 700 - low], [700 - high, high]]) for low, high in ((a, b), (c, d)))
        errors.append(metrics.accuracy_change(before, after, mix)[2])
    print(f"seeds 0 to 1999: mean {np.mean(errors):.3f}, deviation {np.std(errors):.3f}")

    assert abs(np.mean(errors)) < 0.1
    assert 0.9 < np.std(errors) < 1.1
    before, after = np.array([[70, 30], [30, 70]]), np.array([[50, 50], [50, 50]])
    assert metrics.accuracy_change(before * 10, after * 10, mix)[:2] == pytest.approx((0.7, 0.5))
    assert metrics.accuracy_change(before * 10, after * 10, mix)[2] < -8
    assert math.isnan(metrics.accuracy_change(before, np.array([[0, 0], [1, 1]]), mix)[2])


@quick
@given(seeds, st.integers(5, 900))
def test_associations_are_scipys_rank_correlations_and_ranks_follow_them(seed, rows):
    random = np.random.default_rng(seed)
    target = random.normal(size=rows)
    columns = np.column_stack(
        [random.integers(0, 2, rows), np.round(target + random.normal(size=rows)), random.normal(size=rows)]
    )

    association, rank, low, high = metrics.association_ranks(columns.astype(float), target)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant column
        oracle = [abs(scipy.stats.spearmanr(column, target).statistic) for column in columns.T]
    assert association == pytest.approx(oracle, abs=1e-6, nan_ok=True)
    assert sorted(rank) == [1, 2, 3]
    assert [oracle[place] for place in np.argsort(rank) if not math.isnan(oracle[place])] == sorted(
        [value for value in oracle if not math.isnan(value)], reverse=True
    ) or len(set(np.round(oracle, 6))) < 3
    assert ((low >= 1) & (low <= high) & (high <= 3)).all()


def test_a_clear_leader_has_a_narrow_band_and_noise_a_wide_one():
    random = np.random.default_rng(1)
    target = random.normal(size=400)
    columns = np.column_stack([target + 0.1 * random.normal(size=400), random.normal(size=(400, 4))])

    _, rank, low, high = metrics.association_ranks(columns, target)

    assert (rank[0], low[0], high[0]) == (1, 1, 1)
    assert (high[1:] - low[1:] >= 2).all()


def test_score_cells_keep_the_order_and_the_ends():
    scores = np.r_[0.0, np.sort(np.random.default_rng(0).uniform(0, 1, 1000)), 1.0]

    cells = metrics.score_cells(scores)

    assert (np.diff(cells) >= 0).all()
    assert (cells[0], cells[-1]) == (0, metrics.SCORE_CELLS - 1)
    assert len(np.unique(metrics.score_cells(np.geomspace(0.0005, 0.005, 50)))) > 30  # rare events keep their resolution


def test_groups_of_a_reference_hold_about_the_same_mass():
    cells = np.bincount(metrics.score_cells(np.random.default_rng(0).beta(2, 3, 5000)), minlength=metrics.SCORE_CELLS)

    groups = metrics.quantile_groups(cells, 20)
    merged = metrics.merge(cells[None], groups)[0]

    assert (np.diff(groups) >= 0).all() and merged.sum() == 5000
    assert merged[0] == 0 and len(merged) == 21
    assert merged[1:].min() > 100 and merged[1:].max() < 450
