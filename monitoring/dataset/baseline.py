"""What the days are compared with, and its file: rows by class, level and bin of the training data.

The file is `baseline.json` of the state folder; its keys are the names of the fields here.
"""

import hashlib
import json
import typing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitoring.errors import RefusedError
from monitoring.settings.rules import Label

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

VERSION = 1
REMEDY = (
    "write it again with create_training_set.py, or remove the file to compare the days with the"
    " training data"
)

_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a numerical feature has beside its counts: how its values are cut, and counts of that.

    uppers (k,): the upper value of each cell; cell 0 is below the minimum, cell k + 1 above the
    maximum. edges (b + 1,): of DMM's bins (contracts 10). bins (classes, b + 1): rows per class
    and bin, the guard bin last; of a nullable feature one more, for missing values. sums, outside
    (classes,): the sum of the values; the rows outside the range or the fences. fences: 1.5
    interquartile ranges beyond the quartiles; where these are equal, the range. whole: every value
    is a whole number.
    """

    uppers: Floats
    edges: Floats
    bins: Integers
    sums: Floats
    outside: Integers
    fences: tuple[float, float]
    whole: bool

    def __add__(self, other: "Numbers") -> "Numbers":
        """Return the counts of both; they must be cut alike."""
        return replace(
            self,
            bins=self.bins + other.bins,
            sums=self.sums + other.sums,
            outside=self.outside + other.outside,
        )


Cut = Numbers | tuple[Label, ...] | None
"""How the values of a feature are cut: of a numerical one, by the levels of a nominal one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One feature's rows.

    counts (classes, cells): of a categorical feature two cells, 0 and 1; of a nominal one those of
    its levels and a guard cell for any other value. missing, wrong, infinite: rows without a value,
    with something else than expected, with an infinite number; they are in no cell. numbers: of a
    numerical feature that has numbers. levels: of a nominal one. nullable: a missing value is one
    more cell, the last one, of counts and bins.
    """

    counts: Integers
    missing: int
    wrong: int
    infinite: int
    numbers: Numbers | None
    levels: tuple[Label, ...] | None = None
    nullable: bool = False

    @property
    def cut(self) -> Cut:
        """How the values are cut."""
        return self.numbers if self.numbers else self.levels

    @property
    def valued(self) -> Integers:
        """Rows of each class that are counted and have a value (classes,)."""
        cells = self.counts[:, :-1] if self.nullable else self.counts
        return np.asarray(cells.sum(axis=1))

    def __add__(self, other: "Column") -> "Column":
        """Return the counts of both; they must be cut alike."""
        numbers = self.numbers
        if numbers and other.numbers:
            numbers = numbers + other.numbers
        return Column(
            self.counts + other.counts,
            self.missing + other.missing,
            self.wrong + other.wrong,
            self.infinite + other.infinite,
            numbers,
            self.levels,
            self.nullable,
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """Counts of a training set version, or of the training data themselves.

    source: the set's name or "training data". number: the version or None. content_hash: of the
    data that were counted. created_at: RFC 3339, UTC. class_rows (classes,).
    """

    source: str
    number: int | None
    content_hash: str
    schema_hash: str
    created_at: str
    classes: tuple[Label, ...]
    class_rows: Integers
    columns: dict[str, Column]

    @property
    def rows(self) -> int:
        """Rows of all classes."""
        return int(self.class_rows.sum())


def fingerprint(baseline: Baseline) -> str:
    """Return 16 hex digits that change when a count, cell or bin does.

    Days that were compared with the same one can be summed.
    """
    counts_alone = replace(baseline, source="", number=None, created_at="")
    return hashlib.sha256(to_json(counts_alone).encode()).hexdigest()[:_HASH_DIGITS]


def to_json(baseline: Baseline) -> str:
    """Return the baseline as JSON text; `from_json` reads it back equal."""
    content = {"version": VERSION, **asdict(baseline)}
    for column in content["columns"].values():
        # Without them a file, and its fingerprint, is as it was before there were such features.
        for name in ("levels", "nullable"):
            if not column[name]:
                del column[name]
    text = json.dumps(
        content, separators=(",", ":"), allow_nan=False, default=lambda array: array.tolist()
    )
    return text + "\n"


def from_json(text: str, where: Path) -> Baseline:
    """Return the baseline that `to_json` wrote; raises RefusedError for any other text.

    where: the file to name.
    """
    try:
        version = msgspec.json.decode(text, type=_Header).version
        if version != VERSION:
            raise RefusedError(
                f"{where}: got a baseline of version {version}, expected {VERSION}; {REMEDY}"
            )
        baseline = msgspec.json.decode(text, type=Baseline, dec_hook=_to_array)
        _check_shapes(baseline)
        return baseline
    except (ValueError, RecursionError, OverflowError) as error:
        raise RefusedError(
            f"{where}: not a whole baseline of version {VERSION} ({error}); {REMEDY}"
        ) from None


class _Header(msgspec.Struct):
    version: int


def _to_array(kind: Any, value: Any) -> NDArray[Any]:
    _, (number_type,) = (typing.get_args(part) for part in (kind, typing.get_args(kind)[1]))
    # same_kind: a fraction must not become a count.
    return np.asarray(value).astype(number_type, casting="same_kind")


def _check_shapes(baseline: Baseline) -> None:
    classes = len(baseline.classes)
    _check_shape("class_rows", baseline.class_rows, (classes,))
    _check_counts("class_rows", baseline.class_rows, baseline.class_rows)
    for name, column in baseline.columns.items():
        _check_shape(f"{name}.counts", column.counts, (classes, None))
        numbers, missing = column.numbers, int(column.nullable)
        if column.levels:
            size = len(column.levels) + 1 + missing
            _check_shape(f"{name}.counts", column.counts, (classes, size))
        if numbers:
            _check_shape(f"{name}.uppers", numbers.uppers, (None,))
            _check_shape(f"{name}.edges", numbers.edges, (None,))
            size = len(numbers.uppers) + 2 + missing
            _check_shape(f"{name}.counts", column.counts, (classes, size))
            _check_shape(f"{name}.bins", numbers.bins, (classes, len(numbers.edges) + missing))
            _check_shape(f"{name}.sums", numbers.sums, (classes,))
            _check_shape(f"{name}.outside", numbers.outside, (classes,))
        _check_values(name, column, baseline)


def _check_values(name: str, column: Column, baseline: Baseline) -> None:
    """Raise ValueError for counts that can't be: negative ones, or more rows than there are."""
    # Where missing values are part of the model they have a cell of their own.
    missing = 0 if column.nullable else column.missing
    unusable = missing, column.wrong, column.infinite
    if min(unusable) < 0 or column.counts.sum() + sum(unusable) != baseline.rows:
        raise ValueError(f"{name}: its rows are not the baseline's {baseline.rows}")
    _check_counts(f"{name}.counts", column.counts.sum(axis=1), baseline.class_rows)
    _check_counts(f"{name}.counts", column.counts, baseline.class_rows[:, None])

    numbers = column.numbers
    if numbers:
        _check_counts(f"{name}.bins", numbers.bins, baseline.class_rows[:, None])
        _check_counts(f"{name}.outside", numbers.outside, baseline.class_rows)
        for limits in (numbers.uppers, numbers.edges):
            if not np.isfinite(limits).all() or (np.diff(limits) < 0).any():
                raise ValueError(f"{name}: its cells or bins are not in order")
        if not np.isfinite([*numbers.sums, *numbers.fences]).all():
            raise ValueError(f"{name}: its sums or fences are not finite")


def _check_counts(name: str, counts: NDArray[Any], most: NDArray[Any]) -> None:
    if (counts < 0).any() or (counts > most).any():
        raise ValueError(f"{name}: got a count below 0 or above the rows of its class")


def _check_shape(name: str, array: NDArray[Any], expected: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(expected) and all(
        size in (None, actual) for size, actual in zip(expected, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: got shape {array.shape}, expected {expected}")
