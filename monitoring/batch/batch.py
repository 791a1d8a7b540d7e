"""A day's rows, and the file that keeps them."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from monitoring.dataset import schema as columns
from monitoring.dataset.levels import cell_text, level_of_cell
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema

_SHOWN_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """A day's rows; row i has the id `<day>_i`.

    frame: the features and, under the target's name, the actual outcome. drills: as text.
    """

    frame: pd.DataFrame
    schema: Schema
    sha256: str
    drills: list[str]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def labels(self) -> "pd.Series[Any]":
        """The actual outcome of each row."""
        return self.frame[self.schema.target.name]

    def request_bodies(
        self, day: date, arguments: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[int, str]]:
        """Yield index and request body of each row; arguments: constants that go with each."""
        names = columns.column_names(self.schema)
        rows = self.frame[names].itertuples(index=False, name=None)
        for index, values in enumerate(rows):
            row = dict(zip(names, values, strict=True))
            row_id = columns.event_id(day, index)
            yield index, columns.request_body(self.schema, row, row_id, arguments)


def to_csv(frame: pd.DataFrame, schema: Schema, day: date) -> bytes:
    """Return the rows as the CSV that is kept: id, features, outcome."""
    ids = [columns.event_id(day, index) for index in range(len(frame))]
    kept = frame[[*columns.column_names(schema), schema.target.name]].copy()
    kept.insert(0, schema.key, ids)
    for name in columns.nominals(schema):
        kept[name] = kept[name].map(cell_text)
    return kept.to_csv(index=False, lineterminator="\n").encode()


def read(path: Path, schema: Schema, sha256: str | None, drills: list[str]) -> Batch:
    """Return the batch that an earlier run kept.

    Raises RefusedError where the file isn't the one whose hash is given.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RefusedError(
            f"{path}: {error.strerror}; the day was begun with it: restore it, or start again with"
            " --rerun"
        ) from None

    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise RefusedError(
            f"{path}: changed since the day was begun (SHA-256 {actual[:_SHOWN_HASH_DIGITS]},"
            f" expected {str(sha256)[:_SHOWN_HASH_DIGITS]}): restore it, or start the day again"
            " with --rerun"
        )

    target = schema.target
    nominals = columns.nominals(schema)
    numbers = [feature.name for feature in schema.features if feature.type != "nominal"]
    # keep_default_na: a class or level named NA is no missing one.
    frame = pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys([*nominals, target.name], str),
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
    ).drop(columns=schema.key)
    for name in nominals:
        levels = [level_of_cell(text) for text in frame[name]]
        frame[name] = pd.Series(levels, index=frame.index, dtype=object)
    frame[target.name] = frame[target.name].map({str(value): value for value in target.classes})
    return Batch(frame, schema, actual, drills)
