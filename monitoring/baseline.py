"""What the days are judged against, as a file: per class, how many rows of the training data stand in each level and bin."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.config import Feature, Schema
from monitoring.errors import RefusedError
from monitoring.metrics import Array
from monitoring.schema import schema_hash

VERSION = 1

_MOST_VALUES = 100  # up to here each value has a cell of its own
_QUANTILE_CELLS = 50
_DMM_BINS = 20
_SAMPLE_ROWS = 100_000  # of larger data, quartiles and cells come from this many rows; the counts are of all


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a numerical feature has beside its cells.

    uppers (k,): the upper value of each fine cell; cell 0 is below the minimum, cell k + 1 above the maximum.
    edges (b + 1,): DMM's bins (contracts 10), bins (classes, b + 1): rows per class and bin, the guard bin last.
    sums and outside (classes,): sum of the values; rows outside the range or the fences (1.5 interquartile ranges beyond the
    quartiles).
    whole: every value is a whole number.
    """

    uppers: Array
    edges: Array
    bins: Array
    sums: Array
    outside: Array
    fences: tuple[float, float]
    whole: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One feature's rows: counts (classes, cells), two cells (0, 1) for a categorical one; rows that can't be counted apart."""

    counts: Array
    missing: int
    wrong: int
    infinite: int
    numbers: Numbers | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Counts of a training set version or of the training data themselves.

    source: the set's name or "training data"; number: the version or None; content_hash: of the data it was made from.
    """

    source: str
    number: int | None
    content_hash: str
    schema_hash: str
    created_at: str
    classes: tuple[int | str, ...]
    class_rows: Array
    columns: dict[str, Column]

    @property
    def rows(self) -> int:
        """Rows of all classes."""
        return int(self.class_rows.sum())


def build(
    schema: Schema,
    chunks: Callable[[], Iterable[pd.DataFrame]],
    *,
    source: str,
    number: int | None,
    content_hash: str,
    created_at: str,
) -> Baseline:
    """Count the training data and return the baseline.

    chunks: called twice, gives the data as frames with the features and the target (one frame for small data); no more than
    one chunk and a sample of 100,000 rows is held. A feature that a chunk lacks counts as missing there; rows whose class is
    none of the target's are left out. Raises RefusedError for a class without rows.
    """
    classes = tuple(schema.target.classes)
    shapes = _shapes(schema, chunks())
    class_rows = np.zeros(len(classes), np.int64)
    columns: dict[str, Column] = {}
    for chunk in chunks():
        codes = class_codes(chunk[schema.target.name], classes)
        class_rows += np.bincount(codes[codes >= 0], minlength=len(classes))
        for feature in schema.features:
            counted = count(chunk, feature, shapes.get(feature.name), codes, len(classes))
            columns[feature.name] = _sum(columns[feature.name], counted) if feature.name in columns else counted
    if not class_rows.all():
        raise RefusedError(
            f"{source}: got {class_rows.tolist()} rows of the classes {list(classes)} in column {schema.target.name}, expected "
            "rows of each: mend the training data or schema.target.classes"
        )
    return Baseline(source, number, content_hash, schema_hash(schema), created_at, classes, class_rows, columns)


def count(frame: pd.DataFrame, feature: Feature, shape: Numbers | None, codes: Array, classes: int) -> Column:
    """Count one feature of a frame by class code (rows,), in the cells, bins and fences of `shape` (None: categorical)."""
    if feature.name not in frame:
        values, missing, wrong = np.full(len(frame), math.nan), len(frame), 0
    else:
        values, missing, wrong = to_numbers(frame[feature.name])
    infinite = int(np.isinf(values).sum())
    usable = np.isfinite(values) & (codes >= 0)
    values, codes = values[usable], codes[usable]
    if feature.type == "categorical":
        legal = (values == 0) | (values == 1)
        cells = values[legal].astype(np.int64)
        return Column(_table(codes[legal], cells, classes, 2), missing, wrong + int((~legal).sum()), infinite, None)
    if shape is None:
        return Column(np.zeros((classes, 2), np.int64), missing, wrong, infinite, None)
    cells = np.searchsorted(shape.uppers, values, side="left") + 1
    cells[values < shape.edges[0]] = 0
    last = len(shape.edges) - 1
    bins = np.minimum(np.searchsorted(shape.edges, values, side="right") - 1, last - 1)
    bins[(values < shape.edges[0]) | (values > shape.edges[-1])] = last
    outside = (values < max(shape.fences[0], shape.edges[0])) | (values > min(shape.fences[1], shape.edges[-1]))
    numbers = replace(
        shape,
        bins=_table(codes, bins, classes, last + 1),
        sums=np.bincount(codes, weights=values, minlength=classes),
        outside=np.bincount(codes[outside], minlength=classes),
    )
    return Column(_table(codes, cells, classes, len(shape.uppers) + 2), missing, wrong, infinite, numbers)


def to_numbers(column: "pd.Series[Any]") -> tuple[Array, int, int]:
    """Return the column as floats (rows,), how many were missing and how many were no number (both NaN in the result)."""
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=math.nan)
        return values, int(np.isnan(values).sum()), 0
    missing = column.isna() | (column.astype(str).str.strip() == "")
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=math.nan)
    return values, int(missing.sum()), int((np.isnan(values) & ~missing.to_numpy(dtype=bool)).sum())


def class_codes(labels: "pd.Series[Any]", classes: tuple[int | str, ...]) -> Array:
    """Return each label's place in `classes` (rows,), -1 for anything else."""
    codes = labels.map({value: code for code, value in enumerate(classes)})
    return codes.fillna(-1).to_numpy(dtype=np.int64)


def _table(codes: Array, cells: Array, classes: int, width: int) -> Array:
    return np.bincount(codes * width + cells, minlength=classes * width).reshape(classes, width)


def _sum(a: Column, b: Column) -> Column:
    """Return the counts of two chunks together."""
    numbers = a.numbers
    if numbers and b.numbers:
        more = b.numbers
        numbers = replace(
            numbers, bins=numbers.bins + more.bins, sums=numbers.sums + more.sums, outside=numbers.outside + more.outside
        )
    return Column(a.counts + b.counts, a.missing + b.missing, a.wrong + b.wrong, a.infinite + b.infinite, numbers)


def _shapes(schema: Schema, chunks: Iterable[pd.DataFrame]) -> dict[str, Numbers]:
    """Return, for each numerical feature that has numbers, its cells, bins and fences, without counts yet."""
    names = [feature.name for feature in schema.features if feature.type == "numerical"]
    generator = np.random.default_rng(0)
    sample, order = np.empty((0, len(names))), np.empty(0)
    low, high = np.full(len(names), math.inf), np.full(len(names), -math.inf)
    whole, rows, different = np.ones(len(names), bool), np.zeros(len(names), np.int64), [np.empty(0)] * len(names)
    for chunk in chunks:
        table = np.full((len(chunk), len(names)), math.nan)
        for index, name in enumerate(names):
            table[:, index] = to_numbers(chunk[name])[0] if name in chunk else math.nan
            values = table[np.isfinite(table[:, index]), index]
            if not values.size:
                continue
            low[index], high[index] = min(low[index], values.min()), max(high[index], values.max())
            whole[index] &= bool((values == np.round(values)).all())
            rows[index] += values.size
            for part in (values[:2000], values):  # a look at a few rows spares most columns the sort of all
                if len(different[index]) <= _MOST_VALUES:
                    different[index] = np.union1d(different[index], part)
        sample, order = np.vstack([sample, table]), np.r_[order, generator.random(len(table))]
        kept = np.argsort(order)[:_SAMPLE_ROWS]
        sample, order = sample[kept], order[kept]
    return {
        name: _shape(sample[:, index], different[index], low[index], high[index], int(rows[index]), bool(whole[index]))
        for index, name in enumerate(names)
        if rows[index]
    }


def _shape(sample: Array, different: Array, low: float, high: float, rows: int, whole: bool) -> Numbers:
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        sample = np.array([low, high])
    first, third = np.quantile(sample, [0.25, 0.75])
    spread = third - first
    uppers = different
    if len(different) > _MOST_VALUES:
        at = np.arange(1, _QUANTILE_CELLS) / _QUANTILE_CELLS
        uppers = np.unique(np.r_[np.quantile(sample, at, method="higher"), high])
    # Freedman and Diaconis, at most 20 (contracts 10). Without a spread the rule has no answer; 20 hides least.
    width = 2 * spread / rows ** (1 / 3)
    bins = 1 if high == low else min(_DMM_BINS, math.ceil((high - low) / width)) if width > 0 else _DMM_BINS
    edges = np.linspace(low, high, bins + 1)
    none = np.empty(0)
    return Numbers(uppers, edges, none, none, none, (float(first - 1.5 * spread), float(third + 1.5 * spread)), whole)


def fingerprint(baseline: Baseline) -> str:
    """Return 16 hex digits that change when a count, cell or bin does: days judged by the same one can be summed."""
    text = to_json(replace(baseline, source="", number=None, created_at=""))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(baseline: Baseline) -> str:
    """Return the baseline as JSON text; `from_json` reads it back equal."""
    content = {"version": VERSION, **asdict(baseline)}
    return json.dumps(content, separators=(",", ":"), allow_nan=False, default=lambda array: array.tolist()) + "\n"


def from_json(text: str, where: Path) -> Baseline:
    """Return the baseline that `to_json` wrote; `where` is the file to name. Raises RefusedError for any other text."""
    remedy = "pin the baseline anew with create_training_set.py, or remove the file to judge by the training data"
    try:
        data = json.loads(text)
        version = data.pop("version")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RefusedError(f"{where}: got a torn or foreign file, expected a baseline of version {VERSION}; {remedy}") from None
    if version != VERSION:
        raise RefusedError(f"{where}: got a baseline of version {version!r}, expected {VERSION}; {remedy}")
    try:
        columns = {name: _column(**column) for name, column in data.pop("columns").items()}
        classes, class_rows = tuple(data.pop("classes")), np.array(data.pop("class_rows"), np.int64)
        baseline = Baseline(classes=classes, class_rows=class_rows, columns=columns, **data)
        if any(len(column.counts) != len(classes) for column in columns.values()) or len(class_rows) != len(classes):
            raise ValueError("counts of other classes")
        return baseline
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"{where}: got a torn baseline ({type(error).__name__}: {error}); {remedy}") from None


def _column(counts: list[list[int]], missing: int, wrong: int, infinite: int, numbers: dict[str, Any] | None) -> Column:
    if numbers is None:
        return Column(np.array(counts, np.int64), missing, wrong, infinite, None)
    kinds = {"uppers": float, "edges": float, "bins": np.int64, "sums": float, "outside": np.int64}
    arrays: dict[str, Any] = {name: np.array(numbers.pop(name), kind) for name, kind in kinds.items()}
    fences = tuple(numbers.pop("fences"))
    return Column(np.array(counts, np.int64), missing, wrong, infinite, Numbers(**arrays, fences=fences, **numbers))
