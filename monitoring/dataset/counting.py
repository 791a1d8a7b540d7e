"""Counting rows by class, level and bin: of the training data, of a day, of any rows."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from monitoring.dataset.baseline import Baseline, Column, Cut, Integers, Numbers
from monitoring.dataset.cells import are_outside, bins_of, cells_of, cut_features
from monitoring.dataset.schema import schema_hash
from monitoring.dataset.values import LARGEST_NUMBER, is_missing, to_numbers, without_categories
from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Schema
from monitoring.settings.rules import Label

_INDICATOR_CELLS = 2


def build(
    schema: Schema,
    chunks: Callable[[], Iterable[pd.DataFrame]],
    *,
    source: str,
    content_hash: str,
    created_at: str,
) -> Baseline:
    """Count the training data and return the baseline; its number is None.

    chunks: called twice, gives the data as frames with the features and the target (one frame for
    small data); no more than one chunk and a sample of 100,000 rows is held. A feature that a
    chunk lacks counts as missing there; rows whose class is none of the target's are left out.
    Raises RefusedError for a class without rows.
    """
    classes = tuple(schema.target.classes)
    # Two passes: what the values are cut by depends on all of them.
    cuts = cut_features(schema, chunks(), len(classes))
    class_rows, columns = _count_chunks(schema, chunks(), cuts)
    if not class_rows.all():
        raise RefusedError(
            f"{source}: got {class_rows.tolist()} rows of the classes {list(classes)} in column"
            f" {schema.target.name}, expected rows of each: fix the training data or"
            " schema.target.classes"
        )
    return Baseline(
        source=source,
        number=None,
        content_hash=content_hash,
        schema_hash=schema_hash(schema),
        created_at=created_at,
        classes=classes,
        class_rows=class_rows,
        columns=columns,
    )


def _count_chunks(
    schema: Schema, chunks: Iterable[pd.DataFrame], cuts: Mapping[str, Cut]
) -> tuple[Integers, dict[str, Column]]:
    """Return the rows of each class (classes,) and the counts of each feature."""
    classes = tuple(schema.target.classes)
    class_rows = np.zeros(len(classes), np.int64)
    columns: dict[str, Column] = {}
    for chunk in chunks:
        codes = class_codes(chunk[schema.target.name], classes)
        class_rows += np.bincount(codes[codes >= 0], minlength=len(classes))
        for feature in schema.features:
            name = feature.name
            counted = count(chunk, feature, cuts.get(name), codes, len(classes))
            columns[name] = columns[name] + counted if name in columns else counted
    return class_rows, columns


def count(frame: pd.DataFrame, feature: Feature, cut: Cut, codes: Integers, classes: int) -> Column:
    """Count one feature of a frame by class.

    cut: how the values of a numerical feature are cut (its own counts play no part), the levels of
    a nominal one, None for an indicator. codes (rows,): as of class_codes; rows with -1 are in no
    cell. classes: their number. What has no cut is counted in no cell.
    """
    if feature.name in frame:
        raw = frame[feature.name]
    else:
        raw = pd.Series(math.nan, index=frame.index)
    if feature.type == "nominal":
        levels = cut if isinstance(cut, tuple) else ()
        column = _count_levels(raw, levels, codes, classes)
    else:
        numbers = cut if isinstance(cut, Numbers) else None
        column = _count_numbers(raw, feature, numbers, codes, classes)
    return _with_missing_cell(column, raw, codes) if feature.nullable else column


def class_codes(labels: "pd.Series[Any]", classes: Sequence[Label]) -> Integers:
    """Return each label's place in `classes` (rows,), -1 for anything else."""
    by_label: dict[Label, int] = {str(value): code for code, value in enumerate(classes)}
    by_label |= {value: code for code, value in enumerate(classes)}
    codes = labels.map(by_label)
    return np.asarray(codes.fillna(-1), np.int64)


def _count_levels(
    raw: "pd.Series[Any]", levels: tuple[Label, ...], codes: Integers, classes: int
) -> Column:
    plain = without_categories(raw)
    has_value = ~is_missing(plain).to_numpy()
    places = plain.map({level: place for place, level in enumerate(levels)})
    cells = np.asarray(places.fillna(len(levels)), np.int64)  # any other value: the guard cell

    is_counted = has_value & (codes >= 0)
    counts = _table(codes[is_counted], cells[is_counted], classes, len(levels) + 1)
    return Column(counts, int((~has_value).sum()), 0, 0, None, levels=levels)


def _with_missing_cell(column: Column, raw: "pd.Series[Any]", codes: Integers) -> Column:
    """Return the counts with one more cell, for rows without a value."""
    is_counted = is_missing(raw).to_numpy() & (codes >= 0)
    missing = np.bincount(codes[is_counted], minlength=len(column.counts))
    numbers = column.numbers
    if numbers:
        numbers = replace(numbers, bins=np.column_stack([numbers.bins, missing]))
    counts = np.column_stack([column.counts, missing])
    return replace(column, counts=counts, numbers=numbers, nullable=True)


def _count_numbers(
    raw: "pd.Series[Any]", feature: Feature, cut: Numbers | None, codes: Integers, classes: int
) -> Column:
    values, missing, wrong = to_numbers(raw)
    infinite = int((np.abs(values) >= LARGEST_NUMBER).sum())
    is_usable = (np.abs(values) < LARGEST_NUMBER) & (codes >= 0)
    values, codes = values[is_usable], codes[is_usable]

    if feature.type == "categorical":
        is_level = (values == 0) | (values == 1)
        levels = values[is_level].astype(np.int64)
        counts = _table(codes[is_level], levels, classes, _INDICATOR_CELLS)
        return Column(counts, missing, wrong + int((~is_level).sum()), infinite, None)
    if cut is None:
        counts = np.zeros((classes, _INDICATOR_CELLS), np.int64)
        return Column(counts, missing, wrong, infinite, None)

    counts = _table(codes, cells_of(cut, values), classes, len(cut.uppers) + 2)
    numbers = replace(
        cut,
        bins=_table(codes, bins_of(cut, values), classes, len(cut.edges)),
        sums=np.bincount(codes, weights=values, minlength=classes).astype(np.float64),
        outside=np.bincount(codes[are_outside(cut, values)], minlength=classes),
    )
    return Column(counts, missing, wrong, infinite, numbers)


def _table(codes: Integers, cells: Integers, classes: int, width: int) -> Integers:
    """Return the rows of each class and cell (classes, width)."""
    counts = np.bincount(codes * width + cells, minlength=classes * width)
    return counts.reshape(classes, width)
