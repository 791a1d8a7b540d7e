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


def read_content(path: Path, schema: Schema) -> pd.DataFrame:
    """Return the rows of a version: key (text), features, target; the index counts them from 0.

    A row for each of the file's. Without a key in the file the ids are `training_<row>`.
    Indicators and whole numericals are int64, as the endpoint gets them. Raises RefusedError as
    training_data.chunks does, and for a file without rows.
    """
    chunks = [chunk for chunk in training_data.chunks(path, schema, with_key=True) if len(chunk)]
    if not chunks:
        raise RefusedError(f"{path}: got no rows, expected the training data")

    frame = pd.concat(chunks)
    features, target = column_names(schema), schema.target
    if schema.key not in frame:
        frame[schema.key] = "training_" + frame.index.astype(str)
    frame = frame[[schema.key, *features, target.name]]

    for name in features:
        if (frame[name] == frame[name].round()).all():
            frame[name] = frame[name].astype("int64")
    frame[target.name] = frame[target.name].astype(_class_type(target.classes))
    return frame


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
