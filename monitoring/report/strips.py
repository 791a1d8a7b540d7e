"""The geometry of the overview's drift: a strip a variable, a box a day."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from monitoring.report.calendar import CalendarDay
from monitoring.report.past import PastDay

_MODEL_TESTS = ("score", "prediction")


class Strip(NamedTuple):
    """A variable's tests by day, as the paths of four levels in a box of days x 6."""

    name: str
    paths: dict[str, str]
    now: float | None
    highest: float
    highest_day: CalendarDay


def strips(days: Sequence[CalendarDay], most: int) -> list[Strip]:
    """Return score and class, then at most so many variables, the largest movers first."""
    reported = [day for day in days if day.past and day.past.ratios]
    highest: dict[str, tuple[float, CalendarDay]] = {}
    for day in reported:
        for name, ratio in day.past.ratios.items() if day.past else ():
            if name not in highest or ratio > highest[name][0]:
                highest[name] = (ratio, day)
    features = sorted(highest.keys() - set(_MODEL_TESTS), key=lambda name: -highest[name][0])
    names = [name for name in _MODEL_TESTS if name in highest] + features[:most]
    latest = reported[-1].past.ratios if reported and reported[-1].past else {}
    return [Strip(name, _levels(name, days), latest.get(name), *highest[name]) for name in names]


def _levels(name: str, days: Sequence[CalendarDay]) -> dict[str, str]:
    """Return the path of each level: the days in a row that are on it, as boxes."""
    tops = {"none": 5, "under": 4, "half": 2, "over": 0}
    paths = dict.fromkeys(tops, "")
    start = 0
    for level, group in groupby(days, key=lambda day: _level(day.past, name)):
        length = len(list(group))
        if level:
            paths[level] += f"M{start} {tops[level]}h{length}V6h-{length}z"
        start += length
    return {level: path for level, path in paths.items() if path}


def _level(past: PastDay | None, name: str) -> str:
    if past is None:
        return ""
    ratio = past.ratios.get(name)
    if ratio is None:
        return "none"
    return "over" if ratio > 1 else "half" if ratio > 0.5 else "under"
