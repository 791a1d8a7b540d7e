"""The training data as the features, groups and target of the schema, chunk by chunk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from monitoring.dataset import schema as columns
from monitoring.dataset import table_file, values
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema

_SHOWN_LEVELS = 30


class MissingValues(NamedTuple):
    """The rows of a column that have no value: how many, and the first one."""

    rows: int
    first_row: int


def chunks(path: Path, schema: Schema, *, with_key: bool = False) -> Iterator[pd.DataFrame]:
    """Yield the rows in order, at most 100,000 at a time: the key, features, target.

    The key (with_key, and where the file has one) is text, empty where it is missing. Indicators
    are int8 0 or 1, derived from the column of their group where they are no columns themselves;
    numericals are float64 (NaN: missing); the target holds the configured classes. The index
    counts the file's rows from 0. Raises RefusedError naming column and row for a missing column,
    a value of the wrong kind, a row with two levels of a group; after the last row, for a level
    that no row has.
    """
    available = table_file.column_names(path)
    sources = _sources(path, schema, available)
    needed = [*dict.fromkeys(sources.values()), schema.target.name]
    has_key = with_key and schema.key in available
    if has_key:
        needed.insert(0, schema.key)

    levels = _Levels(schema, sources)
    for raw in table_file.read_chunks(path, needed):
        levels.add(raw)
        frame = _converted(path, schema, sources, raw)
        _refuse_two_levels(path, schema, frame)
        if has_key:
            frame.insert(0, schema.key, values.as_ids(raw[schema.key]))
        yield frame
    levels.refuse_absent(path)


def missing(path: Path, schema: Schema) -> dict[str, MissingValues]:
    """Return the missing values of each column of the file that features come from, if it has any.

    `chunks` can't show them: an indicator whose source is missing is 0.
    """
    sources = _sources(path, schema, table_file.column_names(path))
    by_column: dict[str, MissingValues] = {}
    for raw in table_file.read_chunks(path, list(dict.fromkeys(sources.values()))):
        for name, column in raw.items():
            is_missing = values.is_missing(column)
            if is_missing.any():
                first_row = int(column.index[is_missing][0])
                before = by_column.get(str(name), MissingValues(0, first_row))
                rows = before.rows + int(is_missing.sum())
                by_column[str(name)] = MissingValues(rows, before.first_row)
    return by_column


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
    path: Path, schema: Schema, sources: dict[str, str], raw: pd.DataFrame
) -> pd.DataFrame:
    converted: dict[str, pd.Series[Any]] = {}
    texts: dict[str, pd.Series[str]] = {}  # a group's column serves all its features
    for feature in schema.features:
        source = sources[feature.name]
        if feature.type == "numerical":
            converted[feature.name] = values.as_numbers(raw[source], path)
            continue
        if source not in texts:
            texts[source] = values.as_text(raw[source])
        if source == feature.name:
            converted[feature.name] = values.as_indicator(texts[source], path)
        else:
            level = values.plain_text(columns.level(feature))
            converted[feature.name] = (texts[source] == level).astype("int8")

    target = schema.target
    labels = values.as_text(raw[target.name])
    converted[target.name] = values.as_classes(labels, target.classes, path)
    return pd.DataFrame(converted, index=raw.index)


class _Levels:
    """The levels that rows have of each column that indicators are derived from."""

    def __init__(self, schema: Schema, sources: dict[str, str]) -> None:
        self.derived = [
            feature
            for feature in schema.features
            if feature.type == "categorical" and sources[feature.name] != feature.name
        ]
        self.seen: dict[str, set[str]] = {sources[feature.name]: set() for feature in self.derived}

    def add(self, raw: pd.DataFrame) -> None:
        """Take in the rows of another chunk."""
        for source, seen in self.seen.items():
            seen.update(values.as_text(raw[source].drop_duplicates()))

    def refuse_absent(self, path: Path) -> None:
        """Raise RefusedError for an indicator that is 0 in every row; nothing without rows."""
        for feature in self.derived:
            source = str(feature.group)
            seen = self.seen[source] - {""}
            level = columns.level(feature)
            if self.seen[source] and values.plain_text(level) not in seen:
                raise RefusedError(
                    f"{path}: {source}: no row has the level {level} of {feature.name}; found"
                    f" {_listed(seen)}: fix the name in schema.features, or the data"
                )


def _listed(levels: set[str]) -> str:
    shown = [repr(level) for level in sorted(levels)[:_SHOWN_LEVELS]]
    rest = len(levels) - len(shown)
    return ", ".join(shown or ["none"]) + (f" and {rest} more" if rest else "")


def _refuse_two_levels(path: Path, schema: Schema, frame: pd.DataFrame) -> None:
    for group, features in columns.groups(schema).items():
        levels = frame[[feature.name for feature in features]].sum(axis=1)
        if (levels > 1).any():
            row = values.row_name(path, levels.index[levels > 1][0])
            raise RefusedError(f"{row}: two levels of {group} at once; expected at most one")
