"""Drift as DMM computes it (contracts 10), from the captures: written apart from `monitoring/`."""

import functools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.model_endpoint.model import FEATURES, TRAINING_DATA, read_training_rows
from sandbox.model_monitor.captured import Counts, no_counts

NUMERICAL = "age"
LEAST_SHARE = 0.0001
MOST_BINS = 20
LIMIT = 0.2
"""DMM's default limit of a population stability index."""


def drift(captures: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return each feature's population stability index against the training data as they are.

    captures: records in Domino's form; {} without any.
    """
    counts = no_counts()
    for capture in captures:
        for name in FEATURES:
            counts[name][capture["features"][name]] += 1
    return drift_of_counts(counts)


def drift_of_counts(counts: Counts) -> dict[str, float]:
    """Return the same from counts; {} without any."""
    if not any(counts[name] for name in FEATURES):
        return {}
    trained = _training_columns()
    return {name: _index(name, trained[name], counts[name]) for name in FEATURES}


@functools.cache
def _training_columns() -> dict[str, list[float]]:
    rows, _ = read_training_rows(TRAINING_DATA)
    return {
        name: list(values) for name, values in zip(FEATURES, zip(*rows, strict=True), strict=True)
    }


def _index(name: str, trained: Sequence[float], seen: Counter[float]) -> float:
    edges = _edges(trained) if name == NUMERICAL else []
    before = _binned(Counter(trained), edges)
    now = _binned(seen, edges)
    total = 0.0
    # Every bin of the training data, and the guard bin; also the bins that are empty in both.
    for label in {*before, *now, *range(max(0, len(edges) - 1))}:
        expected = max(before[label] / len(trained), LEAST_SHARE)
        actual = max(now[label] / seen.total(), LEAST_SHARE)
        total += (actual - expected) * math.log(actual / expected)
    return total


def _binned(values: Counter[float], edges: Sequence[float]) -> Counter[float]:
    binned: Counter[float] = Counter()
    for value, count in values.items():
        binned[_bin(value, edges)] += count
    return binned


def _bin(value: float, edges: Sequence[float]) -> float:
    """Return a numerical value's bin, -1 outside the training range; another value is its own."""
    if not edges:
        return float(value)
    if not edges[0] <= value <= edges[-1]:
        return -1
    return next(index for index in range(len(edges) - 1, 0, -1) if value >= edges[index - 1]) - 1


def _edges(values: Sequence[float]) -> list[float]:
    """Return the edges of bins of equal width: by Freedman and Diaconis, at most 20."""
    ordered = sorted(values)
    spread = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
    width = 2 * spread / len(ordered) ** (1 / 3)
    span = ordered[-1] - ordered[0]
    count = min(MOST_BINS, math.ceil(span / width)) if width else 1
    return [ordered[0] + span * index / count for index in range(count + 1)]


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
