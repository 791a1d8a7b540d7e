"""The geometry of the plots of both pages: metrics on a true time axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from monitoring.report.calendar import CalendarDay
from monitoring.report.format import format_value
from monitoring.report.metrics import metric_named
from monitoring.report.past import PastDay
from monitoring.settings.model import Checks

WIDTH, HEIGHT = 1000, 100
_ACCURACY_ALERTS = frozenset(
    {"accuracy", "accuracy_drop", "accuracy_window", "auc", "balanced_accuracy"}
)
_MARGIN = 0.06  # of the range of values, above and below


@dataclass(frozen=True, slots=True)
class Series:
    """What a plot shows.

    limit: from the settings. lowest, highest: where the axis ends, None: by the values.
    is_its_alert: whether an alert (metric, subject) is marked in it. note: where there is no limit.
    """

    metric: str
    is_its_alert: Callable[[str, str], bool]
    limit: float | None = None
    lowest: float | None = None
    highest: float | None = None
    has_reference: bool = False
    note: str = ""


class Point(NamedTuple):
    """A place in a plot, or a mark's."""

    x: float
    y: float


class Tick(NamedTuple):
    """A label of the time axis; left: percent of its width."""

    left: float
    text: str


class Label(NamedTuple):
    """A label of the value axis; top: percent of its height."""

    top: float
    text: str


class Plot(NamedTuple):
    """A metric over time, in a box of WIDTH x HEIGHT; lines are the "d" of SVG paths.

    bands: x and width of the days with a drill. limit, mean: their height, None without one.
    """

    title: str
    now: str
    low: str
    high: str
    limit_text: str
    mean_text: str
    labels: list[Label]
    line: str
    interval: str
    limit: float | None
    mean: float | None
    alerts: list[Point]
    bands: list[tuple[float, float]]
    releases: list[float]


def day_series(checks: Checks) -> list[Series]:
    """Return the plots of both pages, with the limits of the settings."""
    return [
        Series(
            "accuracy",
            lambda metric, _: metric in _ACCURACY_ALERTS,
            checks.accuracy_below,
            has_reference=True,
            note="no limit set for its level; its fall over the last days is judged",
        ),
        Series(
            "mean_score",
            lambda _, subject: subject in ("score", "prediction"),
            has_reference=True,
            note="its distribution is tested",
        ),
        Series(
            "availability",
            lambda metric, _: metric == "availability",
            checks.availability_below,
            highest=1.0,
        ),
        Series(
            "latency_p95_ms",
            lambda metric, _: metric == "latency_p95_ms",
            checks.latency_p95_ms_above,
            lowest=0.0,
        ),
        Series("scored", lambda metric, _: metric == "rows", lowest=0.0),
    ]


def time_ticks(days: Sequence[CalendarDay]) -> list[Tick]:
    """Return at most six labels: the first day, then firsts of months or days in between."""
    last = len(days) - 1
    starts = [index for index, day in enumerate(days) if day.day.day == 1]
    step = max(1, -(-len(starts) // 4))
    chosen = starts[::step] if len(starts) > 2 else range(0, last + 1, max(1, -(-last // 4)))
    pattern = "%Y-%m" if len(starts) > 2 else "%m-%d"
    return [
        Tick(100 * _x(index, last) / WIDTH, days[index].day.strftime(pattern)) for index in chosen
    ]


def plot(series: Series, days: Sequence[CalendarDay]) -> Plot | None:
    """Return a metric's plot over these days; None where no day has it."""
    metric = metric_named(series.metric)
    values = [day.past.values.get(series.metric) if day.past else None for day in days]
    known = [value for value in values if value is not None]
    if not known:
        return None

    lows = [_bound(day.past, series.metric, "low") for day in days]
    highs = [_bound(day.past, series.metric, "high") for day in days]
    mean = _reference_mean(days, series.metric) if series.has_reference else None
    drawn = [*known, *_known(lows), *_known(highs), *_known([series.limit, mean])]
    scale = _Scale.over(drawn, series)
    last = len(days) - 1

    def text(value: float) -> str:
        return format_value(value, metric.unit)

    limit_text = series.note or "no limit set"
    if series.limit is not None:
        limit_text = f"limit {text(series.limit)}"
    return Plot(
        title=metric.title,
        now=text(known[-1]) if values[-1] is not None else "–",
        low=text(min(known)),
        high=text(max(known)),
        limit_text=limit_text,
        mean_text="" if mean is None else f"first days' mean {text(mean)}",
        labels=[Label(scale.y(value), text(value)) for value in _labelled(known)],
        line=_line(values, scale),
        interval=_interval(lows, highs, scale),
        limit=None if series.limit is None else scale.y(series.limit),
        mean=None if mean is None else scale.y(mean),
        alerts=[
            Point(_x(index, last), scale.y(value))
            for index, value in enumerate(values)
            if value is not None and _has_alert(days[index].past, series)
        ],
        bands=_bands(days),
        releases=_release_changes(days),
    )


class _Scale(NamedTuple):
    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float], series: Series) -> "_Scale":
        low, high = min(values), max(values)
        margin = (high - low) * _MARGIN or abs(high) * _MARGIN or 1.0
        return cls(
            low - margin if series.lowest is None else series.lowest,
            high + margin if series.highest is None else series.highest,
        )

    def y(self, value: float) -> float:
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 1)


def _x(index: int, last: int) -> float:
    # Half a day's width is kept free at both ends, for bands and marks.
    return round(WIDTH * (index + 0.5) / (last + 1), 1)


def _labelled(known: Sequence[float]) -> list[float]:
    """Return the values that the axis names: highest and lowest, one where they are the same."""
    return sorted({max(known), min(known)}, reverse=True)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _bound(past: PastDay | None, metric: str, which: str) -> float | None:
    return past.values.get(f"{metric}_{which}") if past else None


def _line(values: Sequence[float | None], scale: _Scale) -> str:
    """Return the line; a day without a value leaves a gap, a day alone is a point."""
    path, is_drawing = [], False
    for index, value in enumerate(values):
        if value is not None:
            x, y = _x(index, len(values) - 1), scale.y(value)
            path.append(f"L{x:g} {y:g}" if is_drawing else f"M{x:g} {y:g}h0")
        is_drawing = value is not None
    return "".join(path)


def _interval(lows: Sequence[float | None], highs: Sequence[float | None], scale: _Scale) -> str:
    """Return the area of the intervals, one for each run of days that have them."""
    last, areas = len(lows) - 1, []
    bounds = list(zip(range(len(lows)), lows, highs, strict=True))
    for has_both, group in groupby(bounds, key=lambda each: None not in each):
        if has_both:
            run = [(index, low or 0.0, high or 0.0) for index, low, high in group]
            top = [f"{_x(index, last):g} {scale.y(high):g}" for index, _, high in run]
            bottom = [f"{_x(index, last):g} {scale.y(low):g}" for index, low, _ in reversed(run)]
            areas.append(f"M{'L'.join([*top, *bottom])}z")
    return "".join(areas)


def _reference_mean(days: Sequence[CalendarDay], metric: str) -> float | None:
    """Return the mean of the first days under the latest release, None while they are collected."""
    scored = [day.past for day in days if day.past]
    if not scored or not scored[-1].is_judged or not scored[-1].reference:
        return None
    releases = scored[-1].releases
    others = [index for index, past in enumerate(scored) if past.releases != releases]
    first_days = scored[max(others, default=-1) + 1 :][: scored[-1].reference[1]]
    values = _known([past.values.get(metric) for past in first_days])
    return sum(values) / len(values) if values else None


def _has_alert(past: PastDay | None, series: Series) -> bool:
    return past is not None and any(
        series.is_its_alert(alert.metric, alert.subject) for alert in past.alerts
    )


def _bands(days: Sequence[CalendarDay]) -> list[tuple[float, float]]:
    width = WIDTH / len(days)
    bands, start = [], 0
    for has_drill, group in groupby(days, key=lambda day: bool(day.past and day.past.drills)):
        length = len(list(group))
        if has_drill:
            bands.append((round(start * width, 1), round(length * width, 1)))
        start += length
    return bands


def _release_changes(days: Sequence[CalendarDay]) -> list[float]:
    changes: list[float] = []
    before: list[str] = []
    for index, day in enumerate(days):
        releases = day.past.releases if day.past else []
        if releases and before and releases != before:
            changes.append(_x(index, len(days) - 1))
        before = releases or before
    return changes
