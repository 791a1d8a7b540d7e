"""The rows of a version, their hash, and what is noted of them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from monitoring.dataset import training_data
from monitoring.dataset.schema import column_names, endpoint_name, schema_hash
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema
from monitoring.settings.rules import Label
from monitoring.training_set.description import categorical_columns, git_commit

_HASHED_ROWS = 20_000  # at a time: their text is several times as large as they are


def read_content(
    path: Path, schema: Schema, tally: training_data.Tally | None = None
) -> pd.DataFrame:
    """Return the rows of a version: key (text), features, target.

    A row for each that training_data.chunks yields; the index counts the file's rows from 0.
    Without a key in the file the ids are `training_<row>`. Indicators are int8 (a million rows of a
    hundred are 100 MB, 800 MB as the int64 that is stored); whole numericals are whole
    numbers, as the endpoint gets them; nominals have the type of their levels. tally: gets what was
    left out. Raises RefusedError as training_data.chunks does, and for a file without rows.
    """
    tally = training_data.Tally() if tally is None else tally
    index, columns = _read_columns(path, schema, tally)
    if not tally.rows:
        raise RefusedError(f"{path}: got no rows, expected the training data")

    target = schema.target
    if schema.key not in columns:
        columns[schema.key] = ("training_" + index.astype(str)).array
    for feature in schema.features:
        columns[feature.name] = _TYPED[feature.type](pd.Series(columns[feature.name])).array
    columns[target.name] = pd.Series(columns[target.name]).astype(_class_type(target.classes)).array
    names = [schema.key, *column_names(schema), target.name]
    return pd.DataFrame({name: columns[name] for name in names}, index, copy=False)


def _read_columns(
    path: Path, schema: Schema, tally: training_data.Tally
) -> tuple["pd.Index[Any]", dict[str, Any]]:
    """Return the index and the columns (rows,) of all chunks; tally: gets what was left out.

    Column by column: chunks and what is made of them, both whole, would be twice the memory.
    """
    index: pd.Index[Any] | None = None
    parts: dict[str, list[pd.Series[Any]]] = {}
    for chunk in training_data.chunks(path, schema, with_key=True, tally=tally):
        if index is None or len(chunk):
            index = chunk.index if index is None else index.append(chunk.index)
            for name, column in chunk.items():
                parts.setdefault(str(name), []).append(column.copy())  # the chunk can go
    columns = {name: pd.concat(parts.pop(name), ignore_index=True).array for name in list(parts)}
    return pd.RangeIndex(0) if index is None else index, columns


def _indicator(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype("Int8" if column.isna().any() else "int8")


def _numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    is_missing = column.isna()
    if not ((column == column.round()) | is_missing).all():
        return column
    return column.astype("Int64" if is_missing.any() else "int64")


def _levels(column: "pd.Series[Any]") -> "pd.Series[Any]":
    kinds = {type(level) for level in column.cat.categories}
    has_missing = column.isna().any()
    if kinds == {bool}:
        return column.astype("boolean" if has_missing else "bool")
    if kinds == {int}:
        return column.astype("Int64" if has_missing else "int64")
    return column.astype("float64" if kinds <= {int, float} else str)


_TYPED = {"categorical": _indicator, "numerical": _numbers, "nominal": _levels}


def as_captured(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the rows with the columns named as the endpoint gets and captures them."""
    return frame.rename(
        columns={feature.name: endpoint_name(feature) for feature in schema.features}
    )


def _class_type(classes: Sequence[Label]) -> Any:
    kinds = {type(value) for value in classes}
    if kinds == {bool}:
        return bool
    if kinds == {int}:
        return "int64"
    return "float64" if kinds <= {int, float} else str


def content_hash(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the SHA-256 (hex) of rows in order, columns' names, and what each is to DMM.

    frame: as of as_captured.
    """
    roles = {
        "key": schema.key,
        "target": schema.target.name,
        "categorical": categorical_columns(schema),
    }
    digest = hashlib.sha256(json.dumps(roles).encode())
    for first_row in range(0, len(frame), _HASHED_ROWS):
        rows = frame.iloc[first_row : first_row + _HASHED_ROWS]
        digest.update(rows.to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()


def automatic_notes(frame: pd.DataFrame, schema: Schema, folder: Path) -> dict[str, str]:
    """Return what is noted with every version, the names of description.RESERVED.

    frame: as of as_captured. folder: the one whose commit is noted, where it has one.
    """
    notes = {
        "rows": str(len(frame)),
        "content_hash": content_hash(frame, schema),
        "schema_hash": schema_hash(schema),
    }
    if commit := git_commit(folder):
        notes["git_commit"] = commit
    return notes
