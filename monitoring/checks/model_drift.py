"""Score, predicted class and accuracy of a model against the first days of its release."""

import math
from typing import NamedTuple

import numpy as np

from monitoring.checks.alert import Alert, Family, Side
from monitoring.checks.counts import Classes, ModelCounts, Variable, shares, total
from monitoring.checks.reference import ReleaseDays
from monitoring.checks.shift_record import Bins, VariableTest
from monitoring.checks.shift_tester import ShiftTester, ShiftText
from monitoring.checks.wording import day_range, mean_change, share_change
from monitoring.statistics.arrays import Array
from monitoring.statistics.performance import accuracy_change
from monitoring.statistics.scores import cell_edges, merge, quantile_groups
from monitoring.statistics.shift import expected_shares

_SCORE_GROUPS = 20  # of the reference's scores, for KS; their PSI has half as many

_Tested = tuple[VariableTest, list[Alert]]


class ModelDrift(NamedTuple):
    """The tests, once the reference days are complete, and today's scores in bins."""

    tests: list[VariableTest]
    score_bins: Bins | None


def check(
    tester: ShiftTester,
    classes: Classes,
    today: ModelCounts,
    days: ReleaseDays,
    *,
    drop_errors: float,
) -> tuple[ModelDrift, list[Alert]]:
    """Compare what the model makes of the day with the first days of its release.

    drop_errors: the standard errors by which accuracy may fall by chance.
    """
    tests: list[VariableTest] = []
    alerts: list[Alert] = []
    if days.reference.is_complete:
        for tested in (
            _test_prediction(tester, classes, today, days),
            _test_score(tester, today, days),
        ):
            if tested:
                tests.append(tested[0])
                alerts += tested[1]
        alerts += _accuracy_alerts(classes, today, days, drop_errors)
    return ModelDrift(tests, _score_bins(today, days)), alerts


def _test_prediction(
    tester: ShiftTester, classes: Classes, today: ModelCounts, days: ReleaseDays
) -> _Tested | None:
    base, positive = total(days.first).confusion, classes.positive
    variables = [Variable(counts.confusion) for counts in (today, *days.later)]
    test = tester.test("prediction", Variable(base), variables, independent=True)
    if test is None:
        return None

    def text(confusion: Array) -> ShiftText:
        class_rows = confusion.sum(axis=1)
        before = float(expected_shares(base, class_rows)[positive])
        now = float(confusion[:, positive].sum() / class_rows.sum())
        name = f"predicted class {classes.labels[positive]}"
        return ShiftText(share_change(name, now, before, _than(days)))

    window = total([today, *days.later]).confusion
    window_text = text(window).over(len(variables), int(window.sum()))
    return test, tester.alerts(Family.MODEL, test, text(today.confusion), window_text)


def _test_score(tester: ShiftTester, today: ModelCounts, days: ReleaseDays) -> _Tested | None:
    first = total(days.first)
    all_counts = [first, today, *days.later]
    tables = [counts.scores for counts in all_counts if counts.scores is not None]
    if len(tables) < len(all_counts) or first.score_sums is None or today.score_sums is None:
        return None

    # Groups of equal mass in the reference: as fine where scores are dense as where they are rare.
    reference = tables[0].sum(axis=0)
    cells = quantile_groups(reference, _SCORE_GROUPS)
    bins = quantile_groups(reference, _SCORE_GROUPS // 2)
    base, *variables = [Variable(merge(table, cells), merge(table, bins)) for table in tables]
    test = tester.test("score", base, variables, independent=True)
    if test is None:
        return None

    window = total([today, *days.later])
    window_text = _score_text(first, window, days)
    window_text = window_text.over(len(variables), int(window.confusion.sum()))
    text = _score_text(first, today, days)
    return test, tester.alerts(Family.MODEL, test, text, window_text)


def _score_text(first: ModelCounts, later: ModelCounts, days: ReleaseDays) -> ShiftText:
    """Return how the mean score of some days differs from that of the first days."""
    assert first.score_sums is not None
    assert later.score_sums is not None
    # Means by actual class, so that another class mix is no change of the score.
    class_rows = later.confusion.sum(axis=1)
    first_means = first.score_sums / np.maximum(1, first.confusion.sum(axis=1))
    before = float((first_means * class_rows).sum() / class_rows.sum())
    now = float(later.score_sums.sum() / class_rows.sum())
    return ShiftText(mean_change("score", now, before, _than(days)))


def _than(days: ReleaseDays) -> str:
    return f"in {day_range('first', len(days.first))} of this release"


def _accuracy_alerts(
    classes: Classes, today: ModelCounts, days: ReleaseDays, limit: float
) -> list[Alert]:
    """Return the alert for an accuracy that fell by more than chance, whatever the class mix."""
    first, last = total(days.first), total([*days.later, today])
    before, now, errors = accuracy_change(first.confusion, last.confusion, classes.mix)
    if not errors < -limit:  # so that an undefined change (NaN) is no alert
        return []
    text = (
        f"model: accuracy at the training mix fell from {before:.3f} in"
        f" {day_range('first', len(days.first))} of this release to {now:.3f} over"
        f" {day_range('last', len(days.later) + 1)}, by {-errors:.1f} standard errors (limit"
        f" {limit:.2g})"
    )
    return [
        Alert(
            family=Family.MODEL,
            subject="model",
            metric="accuracy_drop",
            value=now,
            limit=before,
            side=Side.BELOW,
            text=text,
        )
    ]


def accuracy_errors(classes: Classes, day: ModelCounts, days: ReleaseDays) -> float:
    """Return by how many standard errors the accuracy of a day is above that of the first days.

    NaN until these are complete.
    """
    if not days.reference.is_complete:
        return math.nan
    return accuracy_change(total(days.first).confusion, day.confusion, classes.mix)[2]


def _score_bins(today: ModelCounts, days: ReleaseDays) -> Bins | None:
    """Return today's scores in the tenths of the reference's, for the page.

    In tenths of probability before there is a reference.
    """
    if today.scores is None:
        return None
    known = [counts.scores for counts in days.first if counts.scores is not None]
    edges = cell_edges()
    reference: Array | None = None
    groups = np.floor((edges[:-1] + edges[1:]) * 5).astype(np.int64)  # ten times a cell's middle
    if known:
        reference = np.sum(known, axis=0)
        groups = quantile_groups(reference.sum(axis=0), _SCORE_GROUPS // 2)

    used, starts = np.unique(groups, return_index=True)
    lows = [0.0, *edges[starts[1:]]]
    highs = [*lows[1:], 1.0]
    return Bins(
        labels=[f"{low:.2g} to {high:.2g}" for low, high in zip(lows, highs, strict=True)],
        today=shares(merge(today.scores, groups).sum(axis=0))[used].tolist(),
        baseline=_expected_bins(reference, today.scores, groups, used),
    )


def _expected_bins(
    reference: Array | None, today: Array, groups: Array, used: Array
) -> list[float] | None:
    if reference is None:
        return None
    expected = expected_shares(merge(reference, groups), today.sum(axis=1))[used]
    # A class that the first days never had: nothing to compare with yet.
    return expected.tolist() if np.isfinite(expected).all() else None
