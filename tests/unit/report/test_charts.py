"""The geometry of bars and lines."""

import pytest

from monitoring.checks.record import Bins
from monitoring.report.charts import bar_chart, line_points


def test_bars_are_as_high_as_their_shares() -> None:
    chart = bar_chart(Bins(["a", "b", "c"], [0.5, 0.25, 0.0], [0.25, 0.5, 0.0]))

    assert [bar.height for bar in chart.bars] == [88, 44]
    # A bin that is empty in both is left out.
    assert [row.label for row in chart.rows] == ["a", "b"]
    assert chart.steps.split()[0] == "0.0,48.0"
    assert chart.steps.split()[-1] == "320.0,4.0"


def test_bars_without_a_baseline_have_no_steps() -> None:
    chart = bar_chart(Bins(["a", "b"], [0.5, 0.25], None))

    assert chart.steps == ""
    assert [row.baseline for row in chart.rows] == [None, None]


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ([1.0, 2.0, 3.0], [(6, 38), (80, 22), (154, 6)]),
        ([1.0, None, 3.0], [(6, 38), (154, 6)]),
        ([2.0, 2.0], [(6, 22), (154, 22)]),
        ([2.0], [(6, 22)]),
        ([None], []),
    ],
)
def test_a_line_goes_from_the_first_day_to_the_last_and_from_the_lowest_value_to_the_highest(
    values: list[float | None], points: list[tuple[float, float]]
) -> None:
    assert line_points(values) == points
