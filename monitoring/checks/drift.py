"""Each feature of the batch against the baseline."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from monitoring.batch.batch import Batch
from monitoring.batch.drill_text import drilled_feature
from monitoring.checks import groups, summary
from monitoring.checks.alert import Alert, Family
from monitoring.checks.counts import FeatureCounts, Variable
from monitoring.checks.record import DayRecord
from monitoring.checks.shift_record import FeatureTest, VariableTest
from monitoring.checks.shift_tester import ShiftTester
from monitoring.settings.model import Schema

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
    drilled = {drilled_feature(drill) for drill in batch.drills}
    tested = list(_tested(_Day(tester, features, window, note, drilled), batch.schema))
    tests = [test for tests, _ in tested for test in tests]
    alerts = [alert for _, alerts in tested for alert in alerts]
    return sorted(tests, key=lambda test: -test.value / max(test.limit, 1e-12)), alerts


def _tested(day: "_Day", schema: Schema) -> Iterator[_Tested]:
    """Yield tests and alerts of every group and of every other feature."""
    single = list(day.features.columns)
    for group, names in groups.of_several(schema).items():
        tested = day.test_group(group, names)
        if tested:
            single = [name for name in single if name not in names]
            yield tested
    for name in single:
        yield day.test_feature(name)


@dataclass(frozen=True, slots=True)
class _Day:
    """What every feature's test needs; note: what may explain an alert. drilled: their names."""

    tester: ShiftTester
    features: FeatureCounts
    window: Sequence[DayRecord]
    note: str
    drilled: Collection[str] = ()

    def test_feature(self, name: str) -> _Tested:
        """Test a feature; nothing where it has no rows."""
        column, base = self.features.columns[name], self.features.baseline.columns[name]
        earlier = [Variable.of_record(record.counts.features[name]) for record in self.window]
        test, variables = self._test(
            name, Variable.of_column(base), [Variable.of_column(column), *earlier]
        )
        if test is None:
            return [], []
        shown = summary.of_column(column, base)
        together = summary.over_window(name, column, self.window)
        window_text = summary.of_column(together, base).text(name)._replace(note=self.note)
        window_text = window_text.over(variables, int(together.counts.sum()))
        text = shown.text(name)._replace(note=self.note)
        alerts = self.tester.alerts(Family.DRIFT, test, text, window_text)
        return [FeatureTest(**msgspec.structs.asdict(test), **shown._asdict())], alerts

    def test_group(self, group: str, names: Sequence[str]) -> _Tested | None:
        """Test indicators as one variable, and each alone; None where they are not its levels.

        One PSI over all levels is sharp where several change, that of an indicator where one does:
        either has half of the rate that the indicators have together. The alerts are the group's.
        """
        joint = self._at(self.tester.rate * len(names) / 2).test_levels(group, names)
        if joint is None:
            return None
        test, alerts = joint
        alone = self._at(self.tester.rate / 2)
        tested = [alone.test_feature(name) for name in names]
        members = [groups.member(each, group) for tests, _ in tested for each in tests]
        of_levels = [alert for _, of_level in tested for alert in of_level]
        alerts = groups.with_levels(alerts, of_levels, group)
        return [groups.alarmed_by(test, alerts), *members], alerts

    def test_levels(
        self, group: str, names: Sequence[str]
    ) -> tuple[FeatureTest, list[Alert]] | None:
        """Test a group by one PSI over its levels; None where they are not those of a variable."""
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
        together = np.sum([variable.cells for variable in [today, *earlier]], axis=0)
        shown, over_window = (
            summary.of_group(group, names, cells, base.cells, self.drilled)
            for cells in (today.cells, together)
        )
        text, window_text = (
            each.text(each.largest_change)._replace(note=self.note) for each in (shown, over_window)
        )
        window_text = window_text.over(variables, int(together.sum()))
        alerts = self.tester.alerts(Family.DRIFT, test, text, window_text)
        return FeatureTest(**msgspec.structs.asdict(test), **shown._asdict()), alerts

    def _at(self, rate: float) -> "_Day":
        """Return the day as tested at another rate."""
        return replace(self, tester=replace(self.tester, rate=rate))

    def _test(
        self, subject: str, base: Variable, days: Sequence[Variable]
    ) -> tuple[VariableTest | None, int]:
        """Return the test, and how many days its window has."""
        independent = self.features.independent
        return self.tester.test(subject, base, days, independent=independent), len(days)
