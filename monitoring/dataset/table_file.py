"""A table on disk, CSV or Parquet: the names of its columns, and its rows chunk by chunk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from monitoring.errors import RefusedError

CHUNK_ROWS = 100_000
"""The most rows that are held at a time."""

_PARQUET_MAGIC = b"PAR1"
_UNREADABLE = (ValueError, OSError, LookupError, TypeError, ArithmeticError, NotImplementedError)
"""What pandas and pyarrow raise for a damaged file: the errors of pyarrow are of these kinds."""


def column_names(path: Path) -> list[str]:
    """Return the columns' names, in order; raises RefusedError for another kind of file."""
    try:
        return _parquet_columns(path) if _is_parquet(path) else _csv_columns(path)
    except _UNREADABLE as error:
        raise RefusedError(f"{path}: neither CSV with a header nor Parquet: {error}") from None


def read_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of the named columns, in order; the index counts the file's rows from 0.

    Of a CSV every value is text, of Parquet it has its own type. Raises RefusedError for a file
    that can't be read.
    """
    try:
        yield from _parquet_chunks(path, names) if _is_parquet(path) else _csv_chunks(path, names)
    except _UNREADABLE as error:
        raise RefusedError(f"{path}: can't be read: {type(error).__name__}: {error}") from None


def _is_parquet(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def _csv_columns(path: Path) -> list[str]:
    # Read as a row: of a header pandas would rename what comes twice.
    first_line = pd.read_csv(path, header=None, nrows=1, dtype=str, encoding="utf-8")
    return [str(name) for name in first_line.iloc[0]]


def _csv_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    # index_col: or else rows that end with a comma would lose their first field to an index.
    with pd.read_csv(
        path, usecols=names, dtype=str, chunksize=CHUNK_ROWS, encoding="utf-8", index_col=False
    ) as reader:
        yield from reader


def _parquet_columns(path: Path) -> list[str]:
    from pyarrow import parquet  # only where the data are Parquet

    return list(parquet.read_schema(path).names)


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
    from pyarrow import parquet

    first_row = 0
    for batch in parquet.ParquetFile(path).iter_batches(batch_size=CHUNK_ROWS, columns=names):
        # What pandas once noted of its index may be damaged, and says nothing that is needed.
        frame = _with_text(batch).to_pandas(ignore_metadata=True)
        frame.index = pd.RangeIndex(first_row, first_row + len(frame))
        first_row += len(frame)
        yield frame
