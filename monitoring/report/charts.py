"""The geometry of a day's distributions; the templates draw it as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.checks.shift_record import Bins, FeatureTest
from monitoring.text import format_percent

BARS_WIDTH, BARS_HEIGHT = 320, 96
_HIGHEST_BAR = 90
_GAP = 0.14  # of a bar's place, left and right
_AXIS_LABELS = 3
_LABEL_CHARACTERS = 16
_INDICATOR = "share of 1"


class BarRow(NamedTuple):
    """What one bar shows; baseline: None where there is none."""

    label: str
    today: float
    baseline: float | None


class AxisLabel(NamedTuple):
    """A label below the bars; left: percent of their width."""

    left: float
    text: str


class BarChart(NamedTuple):
    """Today's shares as bars, the baseline's as a stepped line: "d" of SVG paths, or "".

    top: what the highest of both is. labels: of the axis below.
    """

    bars: str
    steps: str
    top: str
    labels: list[AxisLabel]
    rows: list[BarRow]


class DotChart(NamedTuple):
    """An indicator's share of 1 today and in the baseline, percent of the width."""

    today: float
    baseline: float
    rows: list[BarRow]


def bar_chart(bins: Bins) -> BarChart:
    """Return the bar plot, 320 x 96; bins that are empty in both are left out."""
    baseline: Sequence[float | None] = bins.baseline or [None] * len(bins.labels)
    rows = [BarRow(*row) for row in zip(bins.labels, bins.today, baseline, strict=True)]
    # A long-tailed feature has many empty bins; they would leave no room for the others.
    rows = [row for row in rows if row.today or row.baseline] or rows[:1]
    highest = max(1e-9, *(max(row.today, row.baseline or 0) for row in rows))
    width = BARS_WIDTH / len(rows)

    bars, steps = "", ""
    for index, row in enumerate(rows):
        left, top = (index + _GAP) * width, _top(row.today, highest)
        bars += f"M{left:.1f} {BARS_HEIGHT}V{top:.1f}h{width * (1 - 2 * _GAP):.1f}V{BARS_HEIGHT}z"
        if row.baseline is not None:
            command = "L" if steps else "M"
            level = _top(row.baseline, highest)
            steps += f"{command}{index * width:.1f} {level:.1f}h{width:.1f}"
    return BarChart(bars, steps, format_percent(highest), _axis_labels(rows), rows)


def dot_chart(test: FeatureTest) -> DotChart:
    """Return the pair of dots of an indicator."""
    today, baseline = test.today, test.baseline
    rows = [BarRow("1", today, baseline), BarRow("0", 1 - today, 1 - baseline)]
    return DotChart(round(100 * today, 1), round(100 * baseline, 1), rows)


def is_indicator(test: FeatureTest) -> bool:
    """Whether a feature has two values, so that one share says all."""
    return test.shown == _INDICATOR and len(test.bins.labels) <= 2


def _top(share: float, highest: float) -> float:
    return BARS_HEIGHT - _HIGHEST_BAR * share / highest


def _axis_labels(rows: Sequence[BarRow]) -> list[AxisLabel]:
    """Return the labels of at most three bars: more would run into each other."""
    step = -(-len(rows) // _AXIS_LABELS)
    return [
        AxisLabel(round(100 * (index + 0.5) / len(rows), 1), _shortened(rows[index].label))
        for index in range(0, len(rows), step)
    ]


def _shortened(label: str) -> str:
    """Return a label that fits below its bar; the table beside the plot has all of it."""
    return label if len(label) <= _LABEL_CHARACTERS else f"{label[: _LABEL_CHARACTERS - 1]}…"
