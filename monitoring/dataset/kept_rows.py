"""The training data as they were read, in a file that is read in a tenth of the time of theirs.

`<name>.arrow` has the rows that are not left out, a record batch for each chunk: numbers as they
are, levels and classes by their places. `<name>.json` says what they are of. Both are a cache: what
does not belong together, or is of other data, counts as not there.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from monitoring.dataset.training_data import Tally, TrainingRows
from monitoring.files import atomic_file, write_atomically
from monitoring.settings.model import Schema
from monitoring.settings.rules import Label

if TYPE_CHECKING:
    import pyarrow

_VERSION = 1
_LEVELS = b"levels"


class Key(NamedTuple):
    """What the rows follow from: the bytes of the training data, and the schema."""

    content_sha256: str
    schema_hash: str


class _Record(msgspec.Struct, frozen=True):
    """What the rows are of, their own hash, and what was left out."""

    version: int
    content_sha256: str
    schema_hash: str
    rows_sha256: str
    tally: Tally


class KeptRows:
    """Kept rows, to be read like TrainingRows; the file stays open, whatever takes its place.

    path: of the training data, for messages. tally: of reading these.
    """

    def __init__(self, path: Path, schema: Schema, file: BinaryIO, tally: Tally) -> None:
        self.path, self.schema, self.tally = path, schema, tally
        self._file = file

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the rows as training_data.chunks does, but that the index counts these rows."""
        import pyarrow

        if not self.tally.rows:
            return
        self._file.seek(0)
        first_row = 0
        with pyarrow.ipc.open_stream(self._file) as reader:
            levels = json.loads(reader.schema.metadata[_LEVELS])
            for batch in reader:
                index = pd.RangeIndex(first_row, first_row + batch.num_rows)
                yield _frame(batch, self.schema, levels, index)
                first_row += batch.num_rows

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def find(stem: Path, key: Key, path: Path, schema: Schema) -> KeptRows | None:
    """Return the rows that are kept under a name, None where there are none of these data.

    stem: the files' path without its ending. path: of the training data.
    """
    with contextlib.suppress(OSError, ValueError):
        record = msgspec.json.decode(_record_path(stem).read_bytes(), type=_Record)
        if (record.version, record.content_sha256, record.schema_hash) != (_VERSION, *key):
            return None
        file = open(_rows_path(stem), "rb")
        if hashlib.file_digest(file, "sha256").hexdigest() == record.rows_sha256:
            return KeptRows(path, schema, file, record.tally)
        file.close()
    return None


def keep(stem: Path, key: Key, rows: TrainingRows) -> None:
    """Read the training data and keep their rows: the rows first, then what they are of.

    Each file is written atomically. Raises what reading them raises, and ServiceError where the
    disk is full or must not be written.
    """
    import pyarrow

    writer = None
    with atomic_file(_rows_path(stem)) as file:
        for frame in rows.chunks():
            batch = _batch(frame, rows.schema)
            if writer is None:
                options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
                writer = pyarrow.ipc.new_stream(file, batch.schema, options=options)
            writer.write_batch(batch)
        if writer:
            writer.close()

    with open(_rows_path(stem), "rb") as written:
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    record = _Record(_VERSION, *key, sha256, rows.tally)
    write_atomically(_record_path(stem), msgspec.json.encode(record) + b"\n")


def _batch(frame: pd.DataFrame, schema: Schema) -> "pyarrow.RecordBatch":
    import pyarrow

    columns: dict[str, Any] = {}
    levels: dict[str, list[Label]] = {}
    for feature in schema.features:
        column = frame[feature.name]
        if feature.type == "nominal":
            levels[feature.name] = list(column.cat.categories)
            column = column.cat.codes
        columns[feature.name] = pyarrow.array(column.to_numpy())

    place_of_class = {label: place for place, label in enumerate(schema.target.classes)}
    classes = frame[schema.target.name].map(place_of_class)
    columns[schema.target.name] = pyarrow.array(classes.to_numpy(np.int16))
    batch = pyarrow.RecordBatch.from_pydict(columns)
    return batch.replace_schema_metadata({_LEVELS: json.dumps(levels)})


def _frame(
    batch: "pyarrow.RecordBatch",
    schema: Schema,
    levels: dict[str, list[Label]],
    index: pd.RangeIndex,
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        feature.name: batch.column(feature.name).to_numpy() for feature in schema.features
    }
    for name, known in levels.items():
        dtype = pd.CategoricalDtype(pd.Index(known, dtype=object))
        columns[name] = pd.Categorical.from_codes(columns[name], dtype=dtype)

    places = batch.column(schema.target.name).to_numpy()
    columns[schema.target.name] = np.asarray(pd.Series(schema.target.classes))[places]
    return pd.DataFrame(columns, index=index)


def _rows_path(stem: Path) -> Path:
    return stem.with_suffix(".arrow")


def _record_path(stem: Path) -> Path:
    return stem.with_suffix(".json")
