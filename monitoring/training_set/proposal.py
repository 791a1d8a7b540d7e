"""What the columns of a table look like, and the features that a schema could make of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.dataset import table_file, values
from monitoring.dataset.levels import MAX_LEVELS, level_of, text_reader
from monitoring.errors import ConfigError, RefusedError
from monitoring.settings.rules import Label

MAX_CLASSES = 20
_EXAMINED_ROWS = 100_000
_MANY_LEVELS = 20
_FEW_NUMBERS = 10
_ROWS_PER_VALUE = 5  # on average: with fewer, that each value has one class may be chance
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_TARGETS = ("target", "label", "class", "y", "outcome")
_ID_NAME = re.compile(r"(?i)(^|[_ ])(id|uuid|guid|key)$|Id$|ID$")
_NAME = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(slots=True)
class Candidate:
    """A column as a feature: notes say what one should know; without a type it is left out.

    levels: of a column of texts.
    """

    name: str
    type: str | None
    notes: list[str] = field(default_factory=list)
    nullable: bool = False
    group: str | None = None
    levels: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A schema for a table; rows: those that were examined. classes: with their rows."""

    rows: int
    target: str
    classes: Mapping[Label, int]
    key: str | None
    candidates: Sequence[Candidate]


def propose(path: Path, target: str | None) -> Proposal:
    """Return a schema for the first 100,000 rows of a table.

    target: the column of the classes; None: one named so, else the last one. Raises ConfigError
    where that column is no target, RefusedError for a table that can't be read.
    """
    frame, is_text = _read(path), table_file.holds_texts(path)
    if frame.empty:
        raise RefusedError(f"{path}: got no rows, expected the training data")
    target = _target_name(frame, target)
    classes = _classes(frame[target], is_text=is_text)

    candidates, keys = [], []
    for name in frame.columns.drop(target):
        column = _typed(frame[name], is_text=is_text)
        candidate = _candidate(str(name), column)
        _add_leak(candidate, column, frame[target])
        candidates.append(candidate)
        if candidate.type is None and _is_key(column, candidate.name):
            keys.append(candidate.name)
    _group_indicators(candidates, frame, taken={*map(str, frame.columns)})
    return Proposal(len(frame), target, classes, keys[0] if keys else None, candidates)


def _read(path: Path) -> pd.DataFrame:
    names = table_file.column_names(path)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise RefusedError(
            f"{path}: more than one column {', '.join(repeated)}: rename or remove the others"
        )
    chunks, rows = [], 0
    for chunk in table_file.read_chunks(path, names):
        chunks.append(chunk)
        rows += len(chunk)
        if rows >= _EXAMINED_ROWS:
            break
    return pd.concat(chunks).head(_EXAMINED_ROWS) if chunks else pd.DataFrame()


def _target_name(frame: pd.DataFrame, wanted: str | None) -> str:
    names = [str(name) for name in frame.columns]
    if wanted is None:
        likely = [name for name in names if name.lower() in _TARGETS]
        return likely[0] if likely else names[-1]
    if wanted not in names:
        raise ConfigError(f"--target: no column {wanted}; found {', '.join(names)}")
    return wanted


def _classes(column: "pd.Series[Any]", *, is_text: bool) -> dict[Label, int]:
    typed = _typed(column, is_text=is_text)
    counts = typed.dropna().value_counts()
    if not 2 <= len(counts) <= MAX_CLASSES:
        raise ConfigError(
            f"--target: {column.name} has {len(counts):,} different values, expected 2 to"
            f" {MAX_CLASSES} classes (regression is not covered): name the column of the classes"
            " with --target COLUMN"
        )
    by_level = {level_of(value): int(rows) for value, rows in counts.items()}
    return dict(sorted(by_level.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def _typed(column: "pd.Series[Any]", *, is_text: bool) -> "pd.Series[Any]":
    """Return the values as what all of them can be read as, missing ones as NaN."""
    plain = values.without_categories(column)
    plain = plain.mask(values.is_missing(plain))
    if not is_text:
        return plain
    texts = [str(text) for text in plain.dropna().unique()]
    read = text_reader(texts)
    return plain.map({text: read(text) for text in texts})


def _candidate(name: str, column: "pd.Series[Any]") -> Candidate:
    present = column.dropna()
    different = present.nunique()
    candidate = Candidate(name, None)
    if not _NAME.fullmatch(name):
        candidate.notes.append("no name: it is empty or has control characters")
    elif not different:
        candidate.notes.append("empty: no row has a value")
    elif different == 1 and len(present) == len(column):
        candidate.notes.append(f"constant: every row has {present.iloc[0]}")
    elif _are_dates(present):
        candidate.notes.append(f"dates, for example {present.iloc[0]}: they never come again")
    elif _is_key(column, name):
        candidate.notes.append("an id: every row has another value")
    elif _are_numbers(present):
        _describe_numbers(candidate, present, different)
    else:
        _describe_levels(candidate, present, different)

    if len(present) < len(column) and present.size:
        share = 1 - len(present) / len(column)
        candidate.nullable = True
        candidate.notes.append(
            f"{share:.1%} missing (without nullable these rows are left out everywhere)"
        )
    return candidate


def _are_dates(present: "pd.Series[Any]") -> bool:
    if present.dtype.kind in "mM":
        return True
    head = present.head(1000)
    return all(_DATE.fullmatch(str(value)) for value in head) and not _are_numbers(present)


def _are_numbers(present: "pd.Series[Any]") -> bool:
    is_boolean = present.map(lambda value: isinstance(value, bool | np.bool_)).any()
    if is_boolean or any(isinstance(value, str) for value in present.head(1)):
        return False
    return bool(pd.to_numeric(present, errors="coerce").notna().all())


def _is_key(column: "pd.Series[Any]", name: str) -> bool:
    """Whether each row has another value, and the name or the type is that of an id."""
    if column.isna().any() or column.nunique() < len(column) or len(column) < 2:
        return False
    return bool(_ID_NAME.search(name)) or not _are_numbers(column)


def _describe_numbers(candidate: Candidate, present: "pd.Series[Any]", different: int) -> None:
    numbers = pd.to_numeric(present)
    if set(numbers.unique()) <= {0, 1}:
        candidate.type = "categorical"
        candidate.notes.append(f"{numbers.mean():.1%} are 1")
        return
    candidate.type = "numerical"
    candidate.notes.append(f"{numbers.min():g} to {numbers.max():g}")
    if different <= _FEW_NUMBERS and (numbers == numbers.round()).all():
        candidate.notes.append(f"{different} values: nominal, if they are codes")


def _describe_levels(candidate: Candidate, present: "pd.Series[Any]", different: int) -> None:
    if different > min(MAX_LEVELS, max(_MANY_LEVELS, len(present) / 2)):
        candidate.notes.append(f"{different:,} different texts: free text, or an id")
        return
    candidate.type = "nominal"
    if all(isinstance(value, str) and _NAME.fullmatch(value) for value in present.unique()):
        candidate.levels = sorted(present.unique())
    shown = [str(value) for value in present.value_counts().index[:6]]
    more = f" and {different - len(shown)} more" if different > len(shown) else ""
    candidate.notes.append(f"{', '.join(shown)}{more}")
    if different > _MANY_LEVELS:
        candidate.notes.append(f"{different} levels: group the rare ones, DMM advises at most 20")


def _add_leak(candidate: Candidate, column: "pd.Series[Any]", target: "pd.Series[Any]") -> None:
    """Leave out a column whose values give the class away."""
    present = column.notna() & target.notna()
    if candidate.type is None or not present.any():
        return
    classes = target[present].astype(str)
    by_value = classes.groupby(column[present].astype(str))
    is_repeated = len(classes) >= _ROWS_PER_VALUE * by_value.ngroups
    if classes.nunique() > 1 and (
        (is_repeated and (by_value.nunique() == 1).all()) or _separates(column[present], classes)
    ):
        candidate.type = None
        candidate.notes.insert(0, "a leak: its value alone gives the class")


def _separates(column: "pd.Series[Any]", classes: "pd.Series[str]") -> bool:
    """Whether every class has a range of numbers of its own."""
    if not _are_numbers(column) or len(column) < _ROWS_PER_VALUE * classes.nunique():
        return False
    numbers = pd.to_numeric(column).groupby(classes)
    ranges = pd.DataFrame({"low": numbers.min(), "high": numbers.max()}).sort_values("low")
    return bool((ranges["low"].to_numpy()[1:] > ranges["high"].to_numpy()[:-1]).all())


def _group_indicators(
    candidates: Sequence[Candidate], frame: pd.DataFrame, taken: set[str]
) -> None:
    """Make groups of indicators `<group>_<level>` of which no row has two."""
    indicators = {c.name: c for c in candidates if c.type == "categorical"}
    prefixes: dict[str, list[str]] = {}
    for name in indicators:
        for place in [match.start() for match in re.finditer("_", name)]:
            if 0 < place < len(name) - 1:
                prefixes.setdefault(name[:place], []).append(name)

    for prefix, names in sorted(prefixes.items(), key=lambda item: (-len(item[1]), item[0])):
        left = [name for name in names if indicators[name].group is None]
        if len(left) < 2 or prefix in taken:
            continue
        ones = sum(values.as_text(frame[name]) == "1" for name in left)
        if np.max(ones) > 1:
            continue
        is_nullable = any(indicators[name].nullable for name in left)
        for name in left:
            indicators[name].group, indicators[name].nullable = prefix, is_nullable
