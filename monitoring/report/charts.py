"""The geometry of the plots; the templates draw it as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.checks.record import Bins

BARS_WIDTH, BARS_HEIGHT = 320, 96
LINE_WIDTH, LINE_HEIGHT = 160, 44

_BASE_LINE = 92  # of the bars: the height of 0
_HIGHEST_BAR = 88
_LINE_MARGIN = 6


class Bar(NamedTuple):
    """A bar, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class BarRow(NamedTuple):
    """What one bar shows; baseline: None where there is none."""

    label: str
    today: float
    baseline: float | None


class BarChart(NamedTuple):
    """Today's shares as bars, the baseline's as a stepped line: its points as text, or ""."""

    bars: list[Bar]
    steps: str
    rows: list[BarRow]


def bar_chart(bins: Bins) -> BarChart:
    """Return the bar plot, 320 x 96; bins that are empty in both are left out."""
    baseline: Sequence[float | None] = bins.baseline or [None] * len(bins.labels)
    rows = [BarRow(*row) for row in zip(bins.labels, bins.today, baseline, strict=True)]
    # A long-tailed feature has many empty bins; they would leave no room for the others.
    rows = [row for row in rows if row.today or row.baseline] or rows[:1]
    highest = max(1e-9, *(max(row.today, row.baseline or 0) for row in rows))
    width = BARS_WIDTH / len(rows)

    bars, steps = [], []
    for index, row in enumerate(rows):
        height = _HIGHEST_BAR * row.today / highest
        bars.append(Bar(index * width + width * 0.14, _BASE_LINE - height, width * 0.72, height))
        if row.baseline is not None:
            y = _BASE_LINE - _HIGHEST_BAR * row.baseline / highest
            steps.append(f"{index * width:.1f},{y:.1f} {(index + 1) * width:.1f},{y:.1f}")
    return BarChart(bars, " ".join(steps), rows)


def line_points(values: Sequence[float | None]) -> list[tuple[float, float]]:
    """Return the points (x, y) of the known values in a plot of 160 x 44, from left to right."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    width, height = LINE_WIDTH - 2 * _LINE_MARGIN, LINE_HEIGHT - 2 * _LINE_MARGIN

    points = []
    for index, value in enumerate(values):
        if value is not None:
            x = _LINE_MARGIN + width * index / max(1, len(values) - 1)
            above = height * (value - low) / (high - low) if high > low else height / 2
            points.append((x, LINE_HEIGHT - _LINE_MARGIN - above))
    return points
