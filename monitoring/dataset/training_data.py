"""The training data as the features, groups and target of the schema, chunk by chunk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset import schema as columns
from monitoring.dataset import table_file, values
from monitoring.dataset.encoded import EncodedChunk
from monitoring.dataset.levels import Levels, find_levels
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema
from monitoring.text import format_percent

_SHOWN_LEVELS = 30


class MissingValues(NamedTuple):
    """The rows of a column that have no value: how many, and the first one."""

    rows: int
    first_row: int


@dataclass(slots=True)
class Tally:
    """What was read: rows, those left out for a missing value, the missing values by column.

    columns: those of the file that features come from, if they lack a value anywhere. left_out_by:
    the ones whose rows are left out, since no feature made from them is nullable.
    """

    rows: int = 0
    left_out: int = 0
    columns: dict[str, MissingValues] = field(default_factory=dict)
    left_out_by: set[str] = field(default_factory=set)

    def add(
        self, name: str, is_missing: NDArray[np.bool_], index: pd.RangeIndex, *, leaves_out: bool
    ) -> None:
        """Take in a column of another chunk; is_missing (rows,); index: the rows' numbers."""
        if not is_missing.any():
            return
        first_row = int(index[int(is_missing.argmax())])
        before = self.columns.get(name, MissingValues(0, first_row))
        self.columns[name] = MissingValues(before.rows + int(is_missing.sum()), before.first_row)
        if leaves_out:
            self.left_out_by.add(name)


class TrainingRows:
    """The rows of a file, to be read as often as needed.

    tally: of the last reading, complete after its last row. verify: called after the last row of
    each reading, to raise where these are not the rows that were meant.
    """

    def __init__(
        self, path: Path, schema: Schema, verify: Callable[[], None] = lambda: None
    ) -> None:
        self.path, self.schema, self.tally = path, schema, Tally()
        self._verify = verify

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the rows as `chunks` does."""
        self.tally = Tally()
        yield from chunks(self.path, self.schema, tally=self.tally)
        self._verify()


def chunks(
    path: Path, schema: Schema, *, with_key: bool = False, tally: Tally | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the rows in order, at most 100,000 at a time: the key, features, target.

    A row with a missing value of a feature that is not nullable is left out. The key (with_key, and
    where the file has one) is text, empty where it is missing. Indicators are int8 0 or 1, derived
    from the column of their group where they are no columns themselves; numericals are float64;
    nominals have a categorical type, the same in all chunks; missing values are NaN (an indicator
    that is nullable is float64). The target holds the configured classes. The index counts the
    file's rows from 0. tally: gets what was left out. Raises RefusedError naming column and row for
    a missing column, a value of the wrong kind, a row with two levels of a group; after the last
    row, for a level that no row has.
    """
    available = table_file.column_names(path)
    sources = _sources(path, schema, available)
    nominals = find_levels(path, columns.nominals(schema))
    needed = [*dict.fromkeys(sources.values()), schema.target.name]
    has_key = with_key and schema.key in available
    if has_key:
        needed.insert(0, schema.key)

    tally = Tally() if tally is None else tally
    seen = _SeenLevels(schema, sources)
    for raw in table_file.read_encoded(path, needed):
        seen.add(raw)
        frame = _converted(path, schema, sources, nominals, raw)
        _refuse_two_levels(path, schema, frame)
        if has_key:
            key = raw.columns[schema.key]
            frame.insert(0, schema.key, key.spread(values.as_ids(key.values)))
        yield _without_missing(schema, sources, raw, frame, tally)
    seen.refuse_absent(path)


def left_out_text(tally: Tally) -> str:
    """Return how many rows are left out of the batch and the baseline, and for which columns."""
    by = ", ".join(f"{name} ({tally.columns[name].rows:,})" for name in sorted(tally.left_out_by))
    share = format_percent(tally.left_out / tally.rows)
    return (
        f"{tally.left_out:,} of {tally.rows:,} rows ({share}) are left out of batch and baseline,"
        f" they have no value of {by}"
    )


def _without_missing(
    schema: Schema,
    sources: dict[str, str],
    raw: EncodedChunk,
    frame: pd.DataFrame,
    tally: Tally,
) -> pd.DataFrame:
    """Return the rows that lack no value which they must have; indicators without one are NaN."""
    is_left_out = np.zeros(len(frame), bool)
    missing: dict[str, NDArray[np.bool_]] = {}  # a group's column serves all its features
    for feature in schema.features:
        source = sources[feature.name]
        if source not in missing:
            is_number = feature.type == "numerical"
            column = raw.columns[source]
            missing[source] = (
                frame[feature.name].isna().to_numpy()
                if is_number
                else column.spread(values.is_missing(column.values))
            )
            tally.add(source, missing[source], raw.index, leaves_out=not feature.nullable)
        if not feature.nullable:
            is_left_out |= missing[source]
        elif feature.type == "categorical":
            frame[feature.name] = frame[feature.name].astype("float64").mask(missing[source])

    _spread_over_groups(schema, frame)
    tally.rows += len(frame)
    tally.left_out += int(is_left_out.sum())
    return frame[~is_left_out] if is_left_out.any() else frame


def _spread_over_groups(schema: Schema, frame: pd.DataFrame) -> None:
    """Where an indicator of a nullable group is missing, all of the group are."""
    for features in columns.groups(schema).values():
        names = [feature.name for feature in features]
        if features[0].nullable and len(names) > 1:
            frame[names] = frame[names].mask(frame[names].isna().any(axis=1))


def _sources(path: Path, schema: Schema, available: list[str]) -> dict[str, str]:
    """Return the file's column that each feature comes from: its own, or that of its group."""
    sources = {}
    for feature in schema.features:
        has_own = feature.name in available
        sources[feature.name] = feature.name if has_own else feature.group or feature.name

    needed = dict.fromkeys([*sources.values(), schema.target.name])
    if repeated := [name for name in needed if available.count(name) > 1]:
        raise RefusedError(
            f"{path}: more than one column {', '.join(repeated)}; expected one: rename or remove"
            " the others"
        )
    if absent := [name for name in needed if name not in available]:
        raise RefusedError(
            f"{path}: no column {', '.join(absent)}; expected the column of each feature or of its"
            f" group, and the target; found {', '.join(available)}: fix schema or training_data"
        )
    return sources


def _converted(
    path: Path,
    schema: Schema,
    sources: dict[str, str],
    nominals: dict[str, Levels],
    raw: EncodedChunk,
) -> pd.DataFrame:
    """Return the features and the target; what is refused is named by the first row that has it."""
    converted: dict[str, Any] = {}
    texts: dict[str, pd.Series[str]] = {}  # a group's column serves all its features
    for feature in schema.features:
        source = sources[feature.name]
        column = raw.columns[source]
        if feature.type == "numerical":
            converted[feature.name] = column.spread(values.as_numbers(column.values, path))
            continue
        if feature.type == "nominal":
            converted[feature.name] = nominals[feature.name].of(column)
            continue
        if source not in texts:
            texts[source] = values.as_text(column.values)
        if source == feature.name:
            indicator = values.as_indicator(texts[source], path)
        else:
            level = values.plain_text(columns.level(feature))
            indicator = (texts[source] == level).astype("int8")
        converted[feature.name] = column.spread(indicator)

    target, labels = schema.target, raw.columns[schema.target.name]
    classes = values.as_classes(values.as_text(labels.values), target.classes, path)
    converted[target.name] = labels.spread(classes)
    return pd.DataFrame(converted, index=raw.index)


class _SeenLevels:
    """The levels that rows have of each column that indicators are derived from."""

    def __init__(self, schema: Schema, sources: dict[str, str]) -> None:
        self.derived = [
            feature
            for feature in schema.features
            if feature.type == "categorical" and sources[feature.name] != feature.name
        ]
        self.seen: dict[str, set[str]] = {sources[feature.name]: set() for feature in self.derived}

    def add(self, raw: EncodedChunk) -> None:
        """Take in the rows of another chunk."""
        for source, seen in self.seen.items():
            column = raw.columns[source].values
            seen.update(values.as_text(column[~values.is_missing(column)]))

    def refuse_absent(self, path: Path) -> None:
        """Raise RefusedError for an indicator that is 0 in every row that has a value."""
        for feature in self.derived:
            source = str(feature.group)
            seen, level = self.seen[source], columns.level(feature)
            if seen and values.plain_text(level) not in seen:
                raise RefusedError(
                    f"{path}: {source}: no row has the level {level} of {feature.name}; found"
                    f" {_listed(seen)}: fix the name in schema.features, or the data"
                )


def _listed(levels: set[str]) -> str:
    shown = [repr(level) for level in sorted(levels)[:_SHOWN_LEVELS]]
    rest = len(levels) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _refuse_two_levels(path: Path, schema: Schema, frame: pd.DataFrame) -> None:
    for group, features in columns.groups(schema).items():
        levels = frame[[feature.name for feature in features]].sum(axis=1)
        if (levels > 1).any():
            row = values.row_name(path, levels.index[levels > 1][0])
            raise RefusedError(f"{row}: two levels of {group} at once; expected at most one")
