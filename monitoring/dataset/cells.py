"""How the values of a numerical feature are cut: cells, DMM's bins, fences."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset.baseline import Floats, Integers, Numbers
from monitoring.dataset.levels import level_of
from monitoring.dataset.schema import nominals, numericals
from monitoring.dataset.values import LARGEST_NUMBER, to_numbers
from monitoring.settings.model import Schema
from monitoring.settings.rules import Label

_MAX_VALUE_CELLS = 100  # up to here each value has a cell of its own
_QUANTILE_CELLS = 50
_MAX_DMM_BINS = 20
_SAMPLE_ROWS = 100_000  # of larger data, quartiles and cells come from this many rows
_FENCE_SPREADS = 1.5
_FIRST_LOOK_ROWS = 2000


def cut_features(
    schema: Schema, chunks: Iterable[pd.DataFrame], classes: int
) -> dict[str, Numbers | tuple[Label, ...]]:
    """Return how each feature that has values is cut; indicators are not, every count is 0.

    Numbers of a numerical feature, the sorted levels of a nominal one. Holds no more than one
    chunk and a sample of 100,000 rows.
    """
    names = numericals(schema)
    ranges = [_Range() for _ in names]
    sample = _RowSample(len(names))
    levels: dict[str, set[Label]] = {name: set() for name in nominals(schema)}
    for chunk in chunks:
        for name in levels.keys() & set(chunk):
            levels[name].update(chunk[name].dropna().unique())
        table = np.full((len(chunk), len(names)), math.nan)
        for index, name in enumerate(names):
            if name in chunk:
                table[:, index] = to_numbers(chunk[name])[0]
                ranges[index].add(_finite(table[:, index]))
        sample.add(table)

    cuts: dict[str, Numbers | tuple[Label, ...]] = {
        name: tuple(sorted(map(level_of, seen), key=lambda level: (isinstance(level, str), level)))
        for name, seen in levels.items()
        if seen
    }
    for index, name in enumerate(names):
        if ranges[index].rows:
            cuts[name] = _cut(ranges[index], _finite(sample.rows[:, index]), classes)
    return cuts


def cells_of(cut: Numbers, values: Floats) -> Integers:
    """Return the cell of each value (rows,), counted from 0."""
    cells = np.searchsorted(cut.uppers, values, side="left") + 1
    cells[values < cut.edges[0]] = 0
    return cells


def bins_of(cut: Numbers, values: Floats) -> Integers:
    """Return DMM's bin of each value (rows,); outside the range: the guard bin, the last one."""
    guard = len(cut.edges) - 1
    bins = np.searchsorted(cut.edges, values, side="right") - 1
    bins = np.minimum(bins, guard - 1)  # the last bin includes its upper edge
    bins[(values < cut.edges[0]) | (values > cut.edges[-1])] = guard
    return bins


def are_outside(cut: Numbers, values: Floats) -> NDArray[np.bool_]:
    """Return whether each value is outside the range or the fences."""
    low = max(cut.fences[0], cut.edges[0])
    high = min(cut.fences[1], cut.edges[-1])
    outside: NDArray[np.bool_] = (values < low) | (values > high)
    return outside


class _Range:
    """What is known of a feature's values after some chunks."""

    def __init__(self) -> None:
        self.rows = 0
        self.low, self.high = math.inf, -math.inf
        self.are_whole = True
        self.distinct: Floats = np.empty(0)

    def add(self, values: Floats) -> None:
        """Take in the values of another chunk."""
        if not values.size:
            return
        self.rows += values.size
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self.are_whole &= bool((values == np.round(values)).all())

        # A look at the first rows spares most features the sorting of all.
        for part in (values[:_FIRST_LOOK_ROWS], values):
            if len(self.distinct) <= _MAX_VALUE_CELLS:
                self.distinct = np.union1d(self.distinct, part)


class _RowSample:
    """An even sample of the rows of all chunks, the same in every run."""

    def __init__(self, columns: int) -> None:
        self.rows: Floats = np.empty((0, columns))
        self.order: Floats = np.empty(0)
        self.random = np.random.default_rng(0)

    def add(self, table: Floats) -> None:
        """Take in the rows of another chunk (rows, columns)."""
        rows = np.vstack([self.rows, table])
        order = np.concatenate([self.order, self.random.random(len(table))])
        kept = np.argsort(order)[:_SAMPLE_ROWS]
        self.rows, self.order = rows[kept], order[kept]


def _cut(known: _Range, sample: Floats, classes: int) -> Numbers:
    if not sample.size:
        sample = np.array([known.low, known.high])
    first, third = np.quantile(sample, [0.25, 0.75])
    spread = float(third - first)
    fences = (float(first - _FENCE_SPREADS * spread), float(third + _FENCE_SPREADS * spread))
    if not spread:
        # Most rows have one value: that the others are not that value makes them no outliers.
        fences = (known.low, known.high)

    edges = _dmm_edges(known, spread)
    return Numbers(
        uppers=_uppers(known, sample),
        edges=edges,
        bins=np.zeros((classes, len(edges)), np.int64),
        sums=np.zeros(classes),
        outside=np.zeros(classes, np.int64),
        fences=fences,
        whole=known.are_whole,
    )


def _uppers(known: _Range, sample: Floats) -> Floats:
    if len(known.distinct) <= _MAX_VALUE_CELLS:
        return known.distinct
    shares = np.arange(1, _QUANTILE_CELLS) / _QUANTILE_CELLS
    quantiles = np.quantile(sample, shares, method="higher")
    return np.unique(np.append(quantiles, known.high))


def _dmm_edges(known: _Range, spread: float) -> Floats:
    """Return the edges by the rule of Freedman and Diaconis 1981, at most 20 (contracts 10)."""
    bins = _MAX_DMM_BINS  # without a spread the rule has no answer; this many hide least
    width = 2 * spread / known.rows ** (1 / 3)
    if known.high == known.low:
        bins = 1
    elif width > 0:
        bins = math.ceil(min(_MAX_DMM_BINS, (known.high - known.low) / width))
    return np.linspace(known.low, known.high, bins + 1)


def _finite(values: Floats) -> Floats:
    return values[np.abs(values) < LARGEST_NUMBER]
