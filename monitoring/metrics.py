"""Every number that a day is judged by, as pure functions of arrays: shifts and their limits, intervals, performance, ranks.

NumPy alone: SciPy and scikit-learn cost a second to import and serve the tests as oracles. What is undefined is NaN, never 0.
Counts of a variable are arrays (classes, cells): how many rows of each actual class fell into each cell.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Statistic = Callable[[Array, Array], Array]

SCORE_CELLS = 400
"""Cells of a probability, each 0.05 wide in log-odds: rare events keep as much resolution as even chances."""

_DRAWS = 20_000
_MOST_DRAWS = 2_000_000  # a rate so small that it would need more is judged by the largest of these
_EMPTY_SHARE = 0.0001  # what DMM does with an empty bin is unverified; this floor is the usual one
_RESAMPLES = 500
_EXACT_ROWS = 2_000  # above, the bootstrap resamples score cells in place of rows
_RANK_RESAMPLES = 200
_RANK_BLOCKS = 500


def expected_shares(baseline: Array, class_rows: Array) -> Array:
    """Return the share of each cell that a batch with these classes should have: the baseline's classes, reweighted.

    baseline: counts (..., classes, cells); class_rows: (classes,) rows of the batch. Result (..., cells), 1 in all.
    A class that the batch has and the baseline has not makes every share NaN.
    """
    rows = baseline.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(class_rows > 0, class_rows / class_rows.sum() / rows, 0.0)
        shares: Array = (weights[..., None] * baseline).sum(axis=-2)
    return shares


def psi(counts: Array, expected: Array) -> Array:
    """Return the population stability index, sum of (a - e) ln(a / e), that decides for categorical variables.

    counts (..., bins): rows of a batch; expected (..., bins): the shares it should have. Half a row is added to every bin of
    both, on the batch's scale, so equal shares give 0 at any size. Only bins with baseline mass count; rows outside them
    still count in the total. 0 to infinity, 0.02 is small, 0.25 is much.
    """
    rows = counts.sum(axis=-1, keepdims=True)
    has_mass = expected > 0
    total = rows + 0.5 * has_mass.sum(axis=-1, keepdims=True)
    actual_share, expected_share = (counts + 0.5) / total, (rows * expected + 0.5) / total
    terms: Array = np.where(has_mass, (actual_share - expected_share) * np.log(actual_share / expected_share), 0.0)
    return np.asarray(terms.sum(axis=-1))


def psi_dmm(counts: Array, baseline: Array) -> Array:
    """Return the usual, unweighted population stability index over DMM's bins (contracts 10): what DMM should say.

    counts (..., bins) and baseline (..., bins) are rows per bin, the guard bin last; a share is at least 0.0001.
    """
    actual = np.maximum(counts / counts.sum(axis=-1, keepdims=True), _EMPTY_SHARE)
    expected = np.maximum(baseline / baseline.sum(axis=-1, keepdims=True), _EMPTY_SHARE)
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))


def ks(counts: Array, expected: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance between ordered cells: the largest difference of the running shares, 0 to 1."""
    return np.asarray(np.abs(_running_difference(counts, expected)).max(axis=-1))


def psi_at_ks(counts: Array, expected: Array) -> float:
    """Return the psi of the two halves on either side of where the KS distance is found (one batch, cells in order).

    Merging cells never raises a psi, so this is a lower bound for finer bins: equal-width bins hide a shift inside one bin.
    """
    at = int(np.abs(_running_difference(counts, expected)).argmax()) + 1
    halves = [np.array([values[:at].sum(), values[at:].sum()]) for values in (counts, expected)]
    return float(psi(*halves))


def _running_difference(counts: Array, expected: Array) -> Array:
    running: Array = np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True) - np.cumsum(expected, axis=-1)
    return running


def limit(statistic: Statistic, baseline: Array, class_rows: Array, rate: float, *, independent: bool) -> float:
    """Return the value that `statistic(counts, expected)` of a batch without drift passes with a chance of at most `rate`.

    Simulated, not looked up: at least 20,000 batches `Mult(n_c, p_c)` per class, p_c the baseline's shares of class c
    (counts (classes, cells)), n_c its rows in the batch (class_rows). independent: the baseline is another sample of the same
    population, so it is drawn anew for each batch; else the batch comes from the baseline's own rows. The same arguments give
    the same limit on any machine. NaN where a class of the batch has no baseline rows.
    """
    present = class_rows > 0
    baseline, class_rows = baseline[present][:, baseline[present].sum(axis=0) > 0], class_rows[present]
    baseline_rows = baseline.sum(axis=1)
    if not class_rows.size or not baseline_rows.all():
        return math.nan
    shares = baseline / baseline_rows[:, None]
    seed = hashlib.sha256(repr((baseline.tolist(), class_rows.tolist(), independent)).encode()).digest()
    generator = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    draws = int(min(max(_DRAWS, math.ceil(1 / rate)), _MOST_DRAWS))
    expected, values = expected_shares(baseline, class_rows), []
    for size in [_DRAWS] * (draws // _DRAWS) + [draws % _DRAWS]:
        if independent:
            drawn = [generator.multinomial(n, p, size=size) for n, p in zip(baseline_rows, shares, strict=True)]
            expected = expected_shares(np.stack(drawn, axis=1), class_rows)
        counts = sum(generator.multinomial(n, p, size=size) for n, p in zip(class_rows, shares, strict=True))
        values.append(statistic(np.asarray(counts), expected))
    # The r-th largest of N is passed by one more with a chance of r / (N + 1), on average over the draws.
    passing = max(1, math.floor(rate * (draws + 1)))
    # The last digits of equal values depend on the order of summation; a batch at the limit hasn't passed it.
    return float(np.partition(np.concatenate(values), -passing)[-passing]) * (1 + 1e-9)


def wilson(hits: float, rows: float, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a share (95 % unless z says otherwise); NaN for no rows."""
    if not rows:
        return math.nan, math.nan
    share, spread = hits / rows, z * z / rows
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    middle = share + spread / 2
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def score_cells(scores: Array) -> Array:
    """Return the cell (0 to SCORE_CELLS - 1) of each probability in [0, 1]."""
    with np.errstate(divide="ignore"):
        log_odds = np.log(scores) - np.log1p(-scores)
    cells: Array = np.clip(np.floor(log_odds * 20) + SCORE_CELLS // 2, 0, SCORE_CELLS - 1).astype(np.int64)
    return cells


def quantile_groups(counts: Array, groups: int) -> Array:
    """Return for each ordered cell its group: the cells of a reference merged into at most `groups` of about equal mass.

    counts (cells,): the reference's rows. Cells below its smallest value make group 0, which has no mass.
    """
    running = np.cumsum(counts) / counts.sum()
    return np.asarray(np.ceil(running * groups - 1e-9).astype(np.int64))


def merge(counts: Array, groups: Array) -> Array:
    """Return counts (classes, cells) summed to groups (classes, max + 1); groups (cells,) as of quantile_groups."""
    return np.stack([np.bincount(groups, weights=row, minlength=int(groups.max()) + 1).astype(np.int64) for row in counts])


def performance(
    actual: Array, predicted: Array, score: Array | None, positive: int, mix: Array
) -> dict[str, tuple[float, float, float]]:
    """Return value and 95 % interval (low, high) of each quality metric: for the batch, and `..._mix` for the training mix.

    actual, predicted (rows,): class codes; score (rows,): the probability of code `positive`, or None; mix (classes,): class
    shares of the training data. Wilson intervals for accuracy, precision and recall of the batch, percentile bootstrap (500
    resamples of the rows; above 2,000 rows, of score cells) for the rest. What is undefined (no predicted positives, one
    class only) is NaN. Metrics as scikit-learn defines them, positive against the rest.
    """
    rows, classes = len(actual), len(mix)
    values = _metrics(np.ones((1, rows)), actual, predicted, score, positive, mix)
    confusion = np.bincount(actual * classes + predicted, minlength=classes**2).reshape(classes, classes)
    hits = confusion[positive, positive]
    intervals = {
        "accuracy": wilson(np.trace(confusion), rows),
        "precision": wilson(hits, confusion[:, positive].sum()),
        "recall": wilson(hits, confusion[positive].sum()),
    }
    random = np.random.default_rng(rows)
    if rows > _EXACT_ROWS:
        keys = (actual * classes + predicted) * SCORE_CELLS + (0 if score is None else score_cells(score))
        _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        actual, predicted = actual[first], predicted[first]
        score = None if score is None else np.bincount(inverse, weights=score) / counts
        resamples = random.multinomial(rows, counts / rows, size=_RESAMPLES)
    else:
        picked = random.integers(0, max(1, rows), (_RESAMPLES, rows)) + np.arange(_RESAMPLES)[:, None] * rows
        resamples = np.bincount(picked.ravel(), minlength=_RESAMPLES * rows).reshape(_RESAMPLES, rows)
    for name, drawn in _metrics(resamples.astype(float), actual, predicted, score, positive, mix).items():
        defined = drawn[np.isfinite(drawn)]
        low, high = np.quantile(defined, [0.025, 0.975]) if defined.size else (math.nan, math.nan)
        intervals.setdefault(name, (float(low), float(high)))
    return {name: (float(value[0]), *intervals[name]) for name, value in values.items()}


def _metrics(
    weights: Array, actual: Array, predicted: Array, score: Array | None, positive: int, mix: Array
) -> dict[str, Array]:
    """Return each metric (samples,) of weighted rows: weights (samples, rows)."""
    classes = len(mix)
    pairs = np.eye(classes * classes)[actual * classes + predicted]
    confusion = (weights @ pairs).reshape(-1, classes, classes)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _confusion_metrics(confusion, positive)
        remixed = confusion / confusion.sum(axis=2, keepdims=True) * mix[:, None]
        found |= {f"{name}_mix": value for name, value in _confusion_metrics(remixed, positive).items() if name in _MIXED}
        found["balanced_accuracy"] = np.mean(np.diagonal(confusion, axis1=1, axis2=2) / confusion.sum(axis=2), axis=1)
        if score is not None:
            is_positive = actual == positive
            clipped = np.clip(np.where(is_positive, score, 1 - score), np.finfo(float).eps, 1)
            loss = -np.log(clipped)
            found["log_loss"] = weights @ loss / weights.sum(axis=1)
            per_class = np.eye(classes)[actual]
            found["log_loss_mix"] = (weights @ (loss[:, None] * per_class) / (weights @ per_class)) @ mix
            found["auc"] = _auc(weights, is_positive, score)
    return found


_MIXED = ("accuracy", "precision", "f1")  # recall is within one class, so the mix doesn't touch it


def _confusion_metrics(confusion: Array, positive: int) -> dict[str, Array]:
    hits, said, were = (
        confusion[:, positive, positive],
        confusion[:, :, positive].sum(axis=1),
        confusion[:, positive].sum(axis=1),
    )
    return {
        "accuracy": np.trace(confusion, axis1=1, axis2=2) / confusion.sum(axis=(1, 2)),
        "precision": hits / said,
        "recall": hits / were,
        "f1": 2 * hits / (said + were),
    }


def _auc(weights: Array, is_positive: Array, score: Array) -> Array:
    order = np.argsort(score, kind="stable")
    weights, is_positive = weights[:, order], is_positive[order]
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0][: len(order)])
    if not starts.size:
        return np.full(len(weights), math.nan)
    positives = np.add.reduceat(weights * is_positive, starts, axis=1)
    negatives = np.add.reduceat(weights * ~is_positive, starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2  # a tie counts half
    return np.asarray((positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1)))


def accuracy_change(before: Array, after: Array, mix: Array) -> tuple[float, float, float]:
    """Return the accuracy at the training mix before and after, and the difference in standard errors (negative: worse).

    before, after: confusion matrices (actual, predicted) of two sets of days; mix (classes,): the training data's class shares.
    NaN where a class has no rows. Each class's variance has one row of either kind added, so that 100 % isn't certainty.
    """
    accuracies, variance = [], 0.0
    for confusion in (before, after):
        rows, hits = confusion.sum(axis=1), np.diagonal(confusion)
        if not rows.all():
            return math.nan, math.nan, math.nan
        accuracies.append(float((mix * hits / rows).sum()))
        share = (hits + 1) / (rows + 2)
        variance += float((mix**2 * share * (1 - share) / rows).sum())
    return accuracies[0], accuracies[1], (accuracies[1] - accuracies[0]) / math.sqrt(variance)


def percent(share: float | None) -> str:
    """Return a share for people: 0.9833 is 98.3 %; a dash for what is undefined."""
    return "–" if share is None or math.isnan(share) else f"{share * 100:.3g} %"


def few(names: Sequence[str]) -> str:
    """Return the first five names and how many more there are; nothing for none."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def association_ranks(columns: Array, target: Array) -> tuple[Array, Array, Array, Array]:
    """Return each column's absolute rank correlation (Spearman) with the target, its rank, and the 90 % band of that rank.

    columns (rows, columns), NaN where a value is missing; target (rows,). Results (columns,): association 0 to 1, NaN for a
    constant; rank 1 = strongest; low, high: 5 % and 95 % quantiles of the rank over 200 resamples of rows (above 500 rows, of
    500 blocks of them).
    """
    rows = len(target)
    blocks = np.linspace(0, rows, min(rows, _RANK_BLOCKS), endpoint=False).astype(int)

    def block_sums(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values, blocks))

    y = _centred_ranks(target)
    parts: list[list[Array]] = [[], [], []]
    for x in map(_centred_ranks, columns.T):  # one column at a time: a million rows of all of them are much
        for part, values in zip(parts, (x, x * x, x * y), strict=True):
            part.append(block_sums(values))
    x_sums, xx_sums, xy_sums = (np.column_stack(part) for part in parts)
    y_sums = np.column_stack([block_sums(y), block_sums(y * y), block_sums(np.ones(rows))])

    def correlations(weights: Array) -> Array:
        """Return the absolute correlation (samples, columns) of weighted blocks, weights (samples, blocks)."""
        (x, xx, xy), (sum_y, sum_yy, n) = (
            (weights @ part for part in (x_sums, xx_sums, xy_sums)),
            (weights @ y_sums).T[:, :, None],
        )
        squares = (n * xx - x * x) * (n * sum_yy - sum_y * sum_y)
        return np.asarray(np.abs(n * xy - x * sum_y) / np.sqrt(np.where(squares > 1e-9, squares, math.nan)))

    association = correlations(np.ones((1, len(blocks))))
    even = np.full(len(blocks), 1 / len(blocks))
    drawn = _order(correlations(np.random.default_rng(rows).multinomial(len(blocks), even, size=_RANK_RESAMPLES)))
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0, method="nearest")
    return association[0], _order(association)[0], low, high


def _centred_ranks(values: Array) -> Array:
    missing = np.isnan(values)
    _, inverse, counts = np.unique(values[~missing], return_inverse=True, return_counts=True)
    ranks = np.full(len(values), (len(values) - missing.sum() + 1) / 2)  # the middle: no association
    ranks[~missing] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return np.asarray(ranks - ranks.mean())


def _order(association: Array) -> Array:
    return np.asarray(np.argsort(np.argsort(-np.nan_to_num(association, nan=-1.0), axis=1, kind="stable"), axis=1) + 1)
