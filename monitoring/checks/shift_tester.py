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
from monitoring.checks.shift_record import ShiftResult, VariableTest
from monitoring.statistics import shift
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic

_LEAST_PART = 0.05  # of a rate: for the window, where it can hardly alarm


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

    rate: the share of quiet days that each variable may alarm on, day and window together.
    minimum_psi: a shift of a smaller size is no alert, however certain it is.
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
        together = reduce(add, days) if len(days) > 1 else None
        day_rate, window_rate = self._rates(base, together, independent=independent)
        today = self._result(base, days[0], day_rate, independent=independent)
        if today is None:
            return None
        window = None
        if together:
            window = self._result(base, together, window_rate, independent=independent)
        return VariableTest(
            subject=subject,
            test="PSI" if base.bins is None else "KS",
            rate=day_rate,
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

    def _rates(
        self, base: Variable, together: Variable | None, *, independent: bool
    ) -> tuple[float, float]:
        """Return the parts of the rate for the day and for its window: half each.

        A window of so many rows that whatever passes its limit is still too small to matter leaves
        nearly all of it to the day.
        """
        most, rest = self.rate * (1 - _LEAST_PART), self.rate * _LEAST_PART
        if together is None:
            return most, rest

        limit = self._limit(base, together.class_rows, rest, independent=independent)
        smallest = self.minimum_psi
        if base.bins is None:
            smallest += shift.psi_noise(base.cells, together.class_rows, independent=independent)
        else:
            # Of even halves a distance d is a PSI of 4 d^2.
            limit = 4 * limit**2
        return (most, rest) if smallest >= limit else (self.rate / 2, self.rate / 2)

    def _result(
        self, base: Variable, variable: Variable, rate: float, *, independent: bool
    ) -> ShiftResult | None:
        class_rows, cells = variable.class_rows, variable.cells.sum(axis=0)
        expected = shift.expected_shares(base.cells, class_rows)
        if not class_rows.any() or not np.isfinite(expected).all():
            return None

        value = float(_statistic(base)(cells, expected))
        if base.bins is None or variable.bins is None:
            psi = shift.psi_size(cells, base.cells, class_rows, independent=independent)
        else:
            # KS says how certain a shift is; how large it is, a PSI says. Wide bins can hide one.
            halves = shift.ks_halves(cells, expected)
            psi = max(
                shift.psi_size(rows, base_rows, class_rows, independent=independent)
                for rows, base_rows in (
                    (variable.bins.sum(axis=0), base.bins),
                    (halves(cells), halves(base.cells)),
                )
            )
        limit = self._limit(base, class_rows, rate, independent=independent)
        return ShiftResult(
            value=value,
            limit=limit,
            psi=psi,
            rows=int(class_rows.sum()),
            alarmed=value > limit and psi >= self.minimum_psi,
        )

    def _limit(self, base: Variable, class_rows: Array, rate: float, *, independent: bool) -> float:
        return self.limits.get(
            _statistic(base), base.cells, class_rows, rate, independent=independent
        )


def _statistic(base: Variable) -> Statistic:
    return shift.psi if base.bins is None else shift.ks


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
    # A PSI that is tested says its size itself.
    psi = f"PSI {result.psi:.2g} above the chance level" if test.test == "KS" else ""
    parts = (text.change, numbers, text.detail, psi, text.note)
    return Alert(
        family=family,
        subject=test.subject,
        metric=metric,
        value=result.value,
        limit=result.limit,
        text="; ".join(part for part in parts if part),
    )
