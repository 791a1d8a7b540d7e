"""One variable's test, for the day and for the window of the last days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from monitoring.checks.alert import Alert, Family
from monitoring.checks.counts import Variable
from monitoring.checks.limits import Limits
from monitoring.checks.record import ShiftResult, VariableTest
from monitoring.statistics import shift


class ShiftText(NamedTuple):
    """What an alert says of a variable beside the test's numbers.

    change: "age is 3.7 higher than in training (38.8, was 35.1)". detail: where it changed. note:
    what may explain it.
    """

    change: str
    detail: str = ""
    note: str = ""

    def over(self, days: int, rows: int) -> "ShiftText":
        """Return the text of a window, whose numbers are of so many days and rows."""
        return self._replace(change=f"over {days} days ({rows:,} rows): {self.change}")


@dataclass(frozen=True, slots=True)
class ShiftTester:
    """How every variable is tested: an alert needs the limit passed, and a size that matters.

    rate: the share of quiet days that each test may alarm on. minimum_psi: a smaller shift is no
    alert, however certain it is.
    """

    limits: Limits
    rate: float
    minimum_psi: float

    def test(
        self, subject: str, base: Variable, days: Sequence[Variable], *, independent: bool
    ) -> VariableTest | None:
        """Test a variable: by KS where it has bins, else by PSI.

        days: the day's rows, then those of the earlier days of its window. independent: the base is
        another sample than the rows. None where there are no rows to compare.
        """
        today = self._result(base, days[0], independent=independent)
        if today is None:
            return None
        window = None
        if len(days) > 1:
            window = self._result(base, reduce(add, days), independent=independent)
        return VariableTest(
            subject=subject,
            test="PSI" if base.bins is None else "KS",
            rate=self.rate,
            value=today.value,
            limit=today.limit,
            psi=today.psi,
            rows=today.rows,
            alarmed=today.alarmed,
            window=window,
        )

    def alerts(
        self, family: Family, test: VariableTest, text: ShiftText, window_text: ShiftText
    ) -> list[Alert]:
        """Return the alerts of a test: for the day, and for its window."""
        metric = test.test.lower()
        alerts = []
        if test.alarmed:
            alerts.append(_alert(family, test, test, metric, text))

        window = test.window
        if window and window.alarmed:
            alerts.append(_alert(family, test, window, f"{metric}_window", window_text))
        return alerts

    def _result(
        self, base: Variable, variable: Variable, *, independent: bool
    ) -> ShiftResult | None:
        class_rows, cells = variable.class_rows, variable.cells.sum(axis=0)
        expected = shift.expected_shares(base.cells, class_rows)
        if not class_rows.any() or not np.isfinite(expected).all():
            return None

        statistic = shift.psi if base.bins is None else shift.ks
        value = psi = float(statistic(cells, expected))
        if base.bins is not None and variable.bins is not None:
            expected_bins = shift.expected_shares(base.bins, class_rows)
            # KS says how certain a shift is; how large it is, a PSI says. Wide bins can hide one.
            psi_of_bins = float(shift.psi(variable.bins.sum(axis=0), expected_bins))
            psi = max(psi_of_bins, shift.psi_at_ks(cells, expected))
        limit = self.limits.get(
            statistic, base.cells, class_rows, self.rate, independent=independent
        )
        return ShiftResult(
            value=value,
            limit=limit,
            psi=psi,
            rows=int(class_rows.sum()),
            alarmed=value > limit and psi >= self.minimum_psi,
        )


def alarmed_windows(tests: Iterable[VariableTest]) -> set[str]:
    """Return the subjects whose window is alarmed."""
    return {test.subject for test in tests if test.window and test.window.alarmed}


def _alert(
    family: Family,
    test: VariableTest,
    result: ShiftResult | VariableTest,
    metric: str,
    text: ShiftText,
) -> Alert:
    numbers = f"{test.test} {result.value:.2g}, limit {result.limit:.2g}"
    # Of a PSI, value and size are the same.
    size = f"PSI {result.psi:.2g}" if test.test == "KS" else ""
    parts = (text.change, numbers, text.detail, size, text.note)
    return Alert(
        family=family,
        subject=test.subject,
        metric=metric,
        value=result.value,
        limit=result.limit,
        text="; ".join(part for part in parts if part),
    )
