"""What is shown of a feature beside its test: means and shares, bins, the largest change."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from monitoring.checks.counts import Variable, shares
from monitoring.checks.record import DayRecord
from monitoring.checks.shift_record import Bins
from monitoring.checks.shift_tester import ShiftText
from monitoring.checks.wording import mean_change, share_change
from monitoring.dataset.baseline import Column, Numbers
from monitoring.dataset.schema import label_text
from monitoring.statistics.arrays import Array
from monitoring.statistics.shift import expected_shares, psi_dmm

_THAN = "in training"
_GUARD_BIN = "outside"
_OTHER_LEVEL = "any other"
_MISSING = "missing"
_SAME_CHANGE = 1e-9


class Summary(NamedTuple):
    """What a feature's record has beside its test."""

    psi_dmm: float | None
    shown: str
    today: float
    baseline: float
    largest_change: str
    bins: Bins

    def text(self, name: str) -> ShiftText:
        """Return what an alert says of the feature; name: of it, or of a group's level."""
        if self.shown == "mean":
            change = mean_change(name, self.today, self.baseline, _THAN)
            is_outside = self.largest_change == _GUARD_BIN
            where = "outside the training range" if is_outside else f"at {self.largest_change}"
            return ShiftText(change, f"largest change {where}")
        if self.psi_dmm is None:
            text = ShiftText(share_change(name, self.today, self.baseline, _THAN))
            return text._replace(detail="the largest change in its group")
        subject = name if self.shown == "share of 1" else f"{self.shown} in {name}"
        return ShiftText(share_change(subject, self.today, self.baseline, _THAN))


def of_group(
    group: str,
    names: Sequence[str],
    rows: Array,
    base_rows: Array,
    drilled: Collection[str] = (),
) -> Summary:
    """Return what is shown of a group: its levels as bins, in numbers the one that moved most.

    rows, base_rows: by level (classes, levels + 1), of the batch and of the baseline. drilled: the
    levels that are named rather than another that moved as far: of two, each takes what the other
    gives.
    """
    actual = shares(rows.sum(axis=0))
    expected = expected_shares(base_rows, rows.sum(axis=1))
    labels = [*names, f"{group} (none of its {len(names)} levels)", f"{group} (missing)"]
    labels = labels[: rows.shape[1]]

    changes = np.abs(actual - expected)
    furthest = np.flatnonzero(changes > changes.max() - _SAME_CHANGE)
    most = next((place for place in furthest if labels[place] in drilled), furthest[0])
    return Summary(
        psi_dmm=None,
        shown=f"share of {labels[most]}",
        today=float(actual[most]),
        baseline=float(expected[most]),
        largest_change=labels[most],
        bins=Bins(labels, actual.tolist(), expected.tolist()),
    )


def over_window(name: str, column: Column, window: Sequence[DayRecord]) -> Column:
    """Return a feature's rows of the day and of the earlier days of the window together.

    Of an earlier day only the mean is known, not the sum of each class: the sums are of all
    classes together.
    """
    earlier = [Variable.of_record(record.counts.features[name]) for record in window]
    counts = column.counts + sum(variable.cells for variable in earlier)
    if column.numbers is None:
        return replace(column, counts=counts)

    tests = [test for record in window for test in record.drift if test.subject == name]
    sums = [column.numbers.sums.sum(), *(test.today * test.rows for test in tests)]
    bins = [variable.bins for variable in earlier if variable.bins is not None]
    numbers = replace(
        column.numbers, bins=column.numbers.bins + sum(bins), sums=np.array([sum(sums)])
    )
    return replace(column, counts=counts, numbers=numbers)


def of_column(column: Column, base: Column) -> Summary:
    """Return what is shown of a feature's rows beside those of the baseline."""
    # The baseline's mean and shares at the batch's class mix, as the test compares them.
    missing = [_MISSING] if base.nullable else []
    if column.numbers and base.numbers:
        class_rows, base_rows = column.valued, np.maximum(1, base.valued)
        rows = max(1, class_rows.sum())
        before = float((class_rows / rows / base_rows * base.numbers.sums).sum())
        now = float(column.numbers.sums.sum() / rows)
        labels = [*_bin_labels(base.numbers), _GUARD_BIN, *missing]
        return _binned("mean", now, before, labels, (column.numbers.bins, base.numbers.bins))

    class_rows = column.counts.sum(axis=1)
    expected = expected_shares(base.counts, class_rows)
    actual = shares(column.counts.sum(axis=0))
    labels, place, shown = ["0", "1", *missing], 1, "share of 1"
    if base.levels:
        # Of several levels the one that changed most.
        labels = [*map(label_text, base.levels), _OTHER_LEVEL, *missing]
        place = int(np.abs(actual - expected).argmax())
        shown = f"share of {labels[place]}"
    now, before = float(actual[place]), float(expected[place])
    return _binned(shown, now, before, labels, (column.counts, base.counts))


def _binned(
    shown: str, now: float, before: float, labels: list[str], bins: tuple[Array, Array]
) -> Summary:
    """Return the summary; bins: rows (classes, bins) of the batch, and of the baseline."""
    rows, base_rows = bins
    actual = shares(rows.sum(axis=0))
    expected = expected_shares(base_rows, rows.sum(axis=1))
    return Summary(
        psi_dmm=float(psi_dmm(rows.sum(axis=0), base_rows.sum(axis=0))),
        shown=shown,
        today=now,
        baseline=before,
        largest_change=labels[int(np.abs(actual - expected).argmax())],
        bins=Bins(labels, actual.tolist(), expected.tolist()),
    )


def _bin_labels(numbers: Numbers) -> list[str]:
    """Name each of DMM's bins by its values: whole numbers where the feature has no others."""
    pairs = list(zip(numbers.edges, numbers.edges[1:], strict=False))
    if not numbers.whole:
        return [f"{low:.3g} to {high:.3g}" for low, high in pairs]

    labels = []
    for index, (low, high) in enumerate(pairs):
        is_last = index == len(pairs) - 1  # the upper edge belongs to the last bin only
        first = math.ceil(low)
        last = math.ceil(high) - (0 if is_last else 1)
        labels.append(f"{first} to {last}" if first < last else str(first))
    return labels
