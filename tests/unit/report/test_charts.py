"""The geometry of bars and dots."""

import re

from monitoring.checks.record import DayRecord
from monitoring.checks.shift_record import Bins
from monitoring.report.charts import bar_chart, dot_chart, is_indicator
from tests.support.world import feature


def test_bars_are_as_high_as_their_shares() -> None:
    chart = bar_chart(Bins(["a", "b", "c"], [0.5, 0.25, 0.0], [0.25, 0.5, 0.0]))

    # From the base, 96: the highest of both is 90 high.
    assert re.findall(r"M[0-9.]+ 96V([0-9.]+)h", chart.bars) == ["6.0", "51.0"]
    # A bin that is empty in both is left out.
    assert [row.label for row in chart.rows] == ["a", "b"]
    assert chart.steps == "M0.0 51.0h160.0L160.0 6.0h160.0"
    assert chart.top == "50 %"


def test_bars_without_a_baseline_have_no_steps() -> None:
    chart = bar_chart(Bins(["a", "b"], [0.5, 0.25], None))

    assert chart.steps == ""
    assert [row.baseline for row in chart.rows] == [None, None]


def test_at_most_three_bars_are_labelled() -> None:
    labels = [str(number) for number in range(20)]

    chart = bar_chart(Bins(labels, [0.05] * 20, None))

    assert [label.text for label in chart.labels] == ["0", "7", "14"]
    assert chart.labels[0].left == 2.5


def test_an_indicator_is_a_pair_of_dots_at_its_shares(days: list[DayRecord]) -> None:
    test = next(test for test in days[7].drift if test.shown == "share of 1")

    chart = dot_chart(test)

    assert is_indicator(test)
    assert not is_indicator(feature(days[7], "age"))
    assert (chart.today, chart.baseline) == (
        round(100 * test.today, 1),
        round(100 * test.baseline, 1),
    )
    assert [row.today + chart.rows[1].today for row in chart.rows[:1]] == [1]
