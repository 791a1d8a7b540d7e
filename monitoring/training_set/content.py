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

_HASHED_ROWS = 100_000  # at a time: their text is several times as large as they are


def read_content(
    path: Path, schema: Schema, tally: training_data.Tally | None = None
) -> pd.DataFrame:
    """Return the rows of a version: key (text), features, target.

    A row for each that training_data.chunks yields; the index counts the file's rows from 0.
    Without a key in the file the ids are `training_<row>`. Indicators and whole numericals are
    whole numbers, as the endpoint gets them; nominals have the type of their levels. tally: gets
    what was left out. Raises RefusedError as training_data.chunks does, and for a file without
    rows.
    """
    tally = training_data.Tally() if tally is None else tally
    chunks = list(training_data.chunks(path, schema, with_key=True, tally=tally))
    if not tally.rows:
        raise RefusedError(f"{path}: got no rows, expected the training data")

    frame = pd.concat([chunk for chunk in chunks if len(chunk)] or chunks[:1])
    features, target = column_names(schema), schema.target
    if schema.key not in frame:
        frame[schema.key] = "training_" + frame.index.astype(str)
    frame = frame[[schema.key, *features, target.name]]

    for feature in schema.features:
        is_nominal = feature.type == "nominal"
        stored = _levels_as_stored if is_nominal else _numbers_as_stored
        frame[feature.name] = stored(frame[feature.name])
    frame[target.name] = frame[target.name].astype(_class_type(target.classes))
    return frame


def _numbers_as_stored(column: "pd.Series[Any]") -> "pd.Series[Any]":
    is_missing = column.isna()
    if not ((column == column.round()) | is_missing).all():
        return column
    return column.astype("Int64" if is_missing.any() else "int64")


def _levels_as_stored(column: "pd.Series[Any]") -> "pd.Series[Any]":
    kinds = {type(level) for level in column.cat.categories}
    has_missing = column.isna().any()
    if kinds == {bool}:
        return column.astype("boolean" if has_missing else "bool")
    if kinds == {int}:
        return column.astype("Int64" if has_missing else "int64")
    return column.astype("float64" if kinds <= {int, float} else str)


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
