"""A table on disk: the names of its columns, and its rows chunk by chunk.

A CSV file, a Parquet file, or a folder of Parquet files, whose rows come in the order of their
paths; of folders `name=value` within it the name is a column.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from monitoring.errors import RefusedError

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

CHUNK_ROWS = 100_000
"""The most rows that are held at a time."""

_PARQUET_MAGIC = b"PAR1"
_UNREADABLE = (ValueError, OSError, LookupError, TypeError, ArithmeticError, NotImplementedError)
"""What pandas and pyarrow raise for a damaged file: the errors of pyarrow are of these kinds."""

# Only the empty field is missing: NA, None and null are levels like any other.
_CSV_OPTIONS: dict[str, Any] = {
    "dtype": str,
    "encoding": "utf-8",
    "keep_default_na": False,
    "na_values": [""],
}


def column_names(path: Path) -> list[str]:
    """Return the columns' names, in order; raises RefusedError for another kind of file."""
    try:
        return list(_dataset(path).schema.names) if _is_parquet(path) else _csv_columns(path)
    except _UNREADABLE as error:
        raise RefusedError(f"{path}: neither CSV with a header nor Parquet: {error}") from None


def read_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of the named columns, in order; the index counts the file's rows from 0.

    Of a CSV every value is text and the empty field is missing, of Parquet it has its own type.
    Raises RefusedError for a file that can't be read.
    """
    try:
        yield from _parquet_chunks(path, names) if _is_parquet(path) else _csv_chunks(path, names)
    except _UNREADABLE as error:
        raise RefusedError(f"{path}: can't be read: {type(error).__name__}: {error}") from None


def holds_texts(path: Path) -> bool:
    """Whether every value of the file is text."""
    return not _is_parquet(path)


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, in order; names with _ or . in front are skipped.

    Raises RefusedError where there are none.
    """
    files = [
        path
        for path in sorted(folder.rglob("*.parquet"))
        if not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise RefusedError(f"{folder}: no file *.parquet in this folder")
    return files


def _is_parquet(path: Path) -> bool:
    if path.is_dir():
        return True
    with open(path, "rb") as file:
        return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def _csv_columns(path: Path) -> list[str]:
    # Read as a row: of a header pandas would rename what comes twice.
    first_line = pd.read_csv(path, header=None, nrows=1, **_CSV_OPTIONS)
    return [str(name) for name in first_line.iloc[0]]


def _csv_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    # index_col: or else rows that end with a comma would lose their first field to an index.
    with pd.read_csv(
        path, usecols=names, chunksize=CHUNK_ROWS, index_col=False, **_CSV_OPTIONS
    ) as reader:
        yield from reader


def _dataset(path: Path) -> "Dataset":
    from pyarrow import dataset  # only where the data are Parquet

    if not path.is_dir():
        return dataset.dataset(path, format="parquet")
    return dataset.dataset(
        [str(file) for file in parquet_files(path)],
        format="parquet",
        partitioning="hive",
        partition_base_dir=str(path),
    )


def _with_text(batch: Any) -> Any:
    """Return a batch with its columns of bytes as text; raises ValueError where one is no UTF-8."""
    import pyarrow

    for index, column in enumerate(batch.schema):
        kinds = pyarrow.types.is_binary, pyarrow.types.is_large_binary
        if any(is_kind(column.type) for is_kind in kinds):
            text = batch.column(index).cast(pyarrow.string())
            batch = batch.set_column(index, column.name, text)
    return batch


def _parquet_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    first_row = 0
    whole = _dataset(path)
    for fragment in whole.get_fragments():  # one file after the other: the order of rows is fixed
        batches = fragment.to_batches(
            schema=whole.schema, columns=names, batch_size=CHUNK_ROWS, batch_readahead=1
        )
        try:
            for batch in batches:
                # What pandas once noted of its index may be damaged, and says nothing needed.
                frame = _with_text(batch).to_pandas(ignore_metadata=True)
                frame.index = pd.RangeIndex(first_row, first_row + len(frame))
                first_row += len(frame)
                yield frame
        except ValueError as error:
            raise ValueError(f"{fragment.path} is not like the first file: {error}") from None
