"""Each feature of the batch against the baseline."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np

from monitoring.batch.batch import Batch
from monitoring.checks import groups
from monitoring.checks.alert import Alert, Family
from monitoring.checks.counts import FeatureCounts, Variable, shares
from monitoring.checks.record import Bins, DayRecord, FeatureTest, VariableTest
from monitoring.checks.shift_tester import ShiftTester, ShiftText
from monitoring.checks.wording import mean_change, share_change
from monitoring.dataset.baseline import Column, Numbers
from monitoring.dataset.schema import label_text
from monitoring.settings.model import Schema
from monitoring.statistics.arrays import Array
from monitoring.statistics.shift import expected_shares, psi, psi_dmm, psi_size

_THAN = "in training"
_GUARD_BIN = "outside"
_OTHER_LEVEL = "any other"
_MISSING = "missing"

_Tested = tuple[list[FeatureTest], list[Alert]]


def check(
    tester: ShiftTester, features: FeatureCounts, window: Sequence[DayRecord], batch: Batch
) -> tuple[list[FeatureTest], list[Alert]]:
    """Test every feature against the baseline; the largest movers first.

    The indicators of a group are tested as one variable, and shown one by one as well. window: the
    earlier days of the window that were compared with the same baseline. batch: the day's. A
    feature without rows, in the batch or in the baseline, is left out.
    """
    note = f"a drill is on: {', '.join(batch.drills)}" if batch.drills else ""
    tested = list(_tested(_Day(tester, features, window, note), batch.schema))
    tests = [test for tests, _ in tested for test in tests]
    alerts = [alert for _, alerts in tested for alert in alerts]
    return sorted(tests, key=lambda test: -test.value / max(test.limit, 1e-12)), alerts


def _tested(day: "_Day", schema: Schema) -> Iterator[_Tested]:
    """Yield tests and alerts of every group and of every other feature."""
    single = list(day.features.columns)
    for group, names in groups.of_several(schema).items():
        single = [name for name in single if name not in names]
        tested = day.test_group(group, names)
        if tested:
            yield tested
            continue
        # Not levels of one variable: they share the group's part of the rate.
        tester = replace(day.tester, rate=day.tester.rate / len(names))
        for name in names:
            yield replace(day, tester=tester).test_feature(name)
    for name in single:
        yield day.test_feature(name)


@dataclass(frozen=True, slots=True)
class _Day:
    """What every feature's test needs; note: what may explain an alert."""

    tester: ShiftTester
    features: FeatureCounts
    window: Sequence[DayRecord]
    note: str

    def test_feature(self, name: str) -> _Tested:
        """Test a feature; nothing where it has no rows."""
        column, base = self.features.columns[name], self.features.baseline.columns[name]
        earlier = [Variable.of_record(record.counts.features[name]) for record in self.window]
        test, variables = self._test(
            name, Variable.of_column(base), [Variable.of_column(column), *earlier]
        )
        if test is None:
            return [], []
        summary = _summary(column, base)
        over_window = _over_window(name, column, self.window)
        window_text = _summary(over_window, base).text(name)._replace(note=self.note)
        window_text = window_text.over(variables, int(over_window.counts.sum()))
        text = summary.text(name)._replace(note=self.note)
        alerts = self.tester.alerts(Family.DRIFT, test, text, window_text)
        return [FeatureTest(**msgspec.structs.asdict(test), **summary._asdict())], alerts

    def test_group(self, group: str, names: Sequence[str]) -> _Tested | None:
        """Test indicators as one variable; None where they are not levels of one."""
        columns, baseline = self.features.columns, self.features.baseline.columns
        base = groups.joined([baseline[name].counts for name in names], strict=True)
        today = groups.joined([columns[name].counts for name in names])
        if base is None or today is None:
            return None

        recorded = [
            [Variable.of_record(record.counts.features[name]).cells for name in names]
            for record in self.window
        ]
        earlier = [variable for counts in recorded if (variable := groups.joined(counts))]
        test, variables = self._test(group, base, [today, *earlier])
        if test is None:
            return None
        summary = _group_summary(group, names, (today.cells, base.cells))
        together = sum(variable.cells for variable in [today, *earlier])
        over_window = _group_summary(group, names, (np.asarray(together), base.cells))
        text, window_text = (
            each.text(each.largest_change)._replace(note=self.note)
            for each in (summary, over_window)
        )
        window_text = window_text.over(variables, int(np.sum(together)))
        alerts = self.tester.alerts(Family.DRIFT, test, text, window_text)
        tests = [FeatureTest(**msgspec.structs.asdict(test), **summary._asdict())]
        return [*tests, *(self._member(test, group, name) for name in names)], alerts

    def _test(
        self, subject: str, base: Variable, days: Sequence[Variable]
    ) -> tuple[VariableTest | None, int]:
        """Return the test, and how many days its window has."""
        independent = self.features.independent
        return self.tester.test(subject, base, days, independent=independent), len(days)

    def _member(self, test: VariableTest, group: str, name: str) -> FeatureTest:
        """Return what is shown of an indicator of a group, whose limit it has."""
        column, base = self.features.columns[name], self.features.baseline.columns[name]
        class_rows, cells = column.counts.sum(axis=1), column.counts.sum(axis=0)
        return FeatureTest(
            subject=name,
            test=test.test,
            rate=test.rate,
            value=float(psi(cells, expected_shares(base.counts, class_rows))),
            limit=test.limit,
            psi=psi_size(cells, base.counts, class_rows, independent=self.features.independent),
            rows=int(class_rows.sum()),
            alarmed=False,
            window=None,
            **_summary(column, base)._asdict(),
            group=group,
        )


class _Summary(NamedTuple):
    """What a feature's record has beside its test."""

    psi_dmm: float | None
    shown: str
    today: float
    baseline: float
    largest_change: str
    bins: Bins

    def text(self, name: str) -> ShiftText:
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


def _group_summary(group: str, names: Sequence[str], cells: tuple[Array, Array]) -> _Summary:
    """Return what is shown of a group: its levels as bins, in numbers the one that moved most.

    cells: rows by level (classes, levels + 1), of the batch and of the baseline.
    """
    rows, base_rows = cells
    actual = shares(rows.sum(axis=0))
    expected = expected_shares(base_rows, rows.sum(axis=1))
    most = int(np.abs(actual - expected).argmax())
    labels = [*names, f"{group} (none of its {len(names)} levels)", f"{group} (missing)"]
    labels = labels[: rows.shape[1]]
    return _Summary(
        psi_dmm=None,
        shown=f"share of {labels[most]}",
        today=float(actual[most]),
        baseline=float(expected[most]),
        largest_change=labels[most],
        bins=Bins(labels, actual.tolist(), expected.tolist()),
    )


def _over_window(name: str, column: Column, window: Sequence[DayRecord]) -> Column:
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


def _summary(column: Column, base: Column) -> _Summary:
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
) -> _Summary:
    """Return the summary; bins: rows (classes, bins) of the batch, and of the baseline."""
    rows, base_rows = bins
    actual = shares(rows.sum(axis=0))
    expected = expected_shares(base_rows, rows.sum(axis=1))
    return _Summary(
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
