"""Sentences that several families of checks write."""

from monitoring.dataset.baseline import Baseline
from monitoring.text import format_number, format_percent


def baseline_name(baseline: Baseline) -> str:
    """Return "credit-default-training version 3", or "training data"."""
    if baseline.number is None:
        return baseline.source
    return f"{baseline.source} version {baseline.number}"


def mean_change(name: str, now: float, before: float, than: str) -> str:
    """Return "age is 3.7 higher than in training (38.8, was 35.1)"; than: "in training"."""
    values = f"{format_number(now)}, was {format_number(before)}"
    difference = _as_shown(now) - _as_shown(before)
    if not difference:
        return f"{name} is spread differently than {than} (mean {values})"
    direction = "higher" if difference > 0 else "lower"
    return f"{name} is {format_number(abs(difference), 2)} {direction} than {than} ({values})"


def share_change(name: str, now: float, before: float, than: str) -> str:
    """Return "property_A121 is 12 points more frequent than in training (45 %, was 33 %)"."""
    values = f"{format_percent(now)}, was {format_percent(before)}"
    points = _as_shown(now * 100) - _as_shown(before * 100)
    if not points:
        return f"{name} is as frequent as {than} ({values}), but others are not"
    change = f"{format_number(abs(points), 2)} points {'more' if points > 0 else 'less'} frequent"
    return f"{name} is {change} than {than} ({values})"


def day_range(which: str, days: int) -> str:
    """Return "the first 7 days", or "the first day" for one; which: "first" or "last"."""
    return f"the {which} day" if days == 1 else f"the {which} {days} days"


def _as_shown(value: float) -> float:
    """Return a value as its text has it, so that a reader's sum comes out."""
    return float(f"{value:.3g}")
