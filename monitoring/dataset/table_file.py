"""A table on disk: the names of its columns, and its rows chunk by chunk.

A CSV file, a Parquet file, or a folder of Parquet files, whose rows come in the order of their
paths; of folders `name=value` within it the name is a column.
"""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd

from monitoring.dataset import csv_table, parquet_table
from monitoring.dataset.encoded import EncodedChunk
from monitoring.errors import RefusedError

CHUNK_ROWS = 100_000
"""The most rows that are held at a time."""

_FEWEST_CHUNK_ROWS, _CHUNK_VALUES = 1_000, 2_000_000
"""Of a wide table fewer rows are held at a time: a value takes some fifty bytes on its way."""

_PARQUET_MAGIC = b"PAR1"
_UNREADABLE = (ValueError, OSError, LookupError, TypeError, ArithmeticError, NotImplementedError)
"""What pandas and pyarrow raise for a damaged file: the errors of pyarrow are of these kinds."""


def column_names(path: Path) -> list[str]:
    """Return the columns' names, in order; raises RefusedError for another kind of file."""
    try:
        return list(_reader(path).column_names(path))
    except _UNREADABLE as error:
        raise RefusedError(f"{path}: neither CSV with a header nor Parquet: {error}") from None


def read_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of the named columns, in order; the index counts the file's rows from 0.

    Of a CSV every value is text and the empty field is missing, of Parquet it has its own type.
    Raises RefusedError for a file that can't be read.
    """
    try:
        yield from _reader(path).frames(path, names, _chunk_rows(names))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None


def read_encoded(path: Path, names: list[str]) -> Iterator[EncodedChunk]:
    """Yield the rows as read_chunks does, in several times less time, but for empty chunks.

    Raises RefusedError as it does, with the same words.
    """
    try:
        yield from _reader(path).encoded(path, names, _chunk_rows(names))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None


def holds_texts(path: Path) -> bool:
    """Whether every value of the file is text."""
    return not _is_parquet(path)


def _chunk_rows(names: list[str]) -> int:
    return min(CHUNK_ROWS, max(_FEWEST_CHUNK_ROWS, _CHUNK_VALUES // max(1, len(names))))


def _reader(path: Path) -> ModuleType:
    return parquet_table if _is_parquet(path) else csv_table


def _is_parquet(path: Path) -> bool:
    if path.is_dir():
        return True
    with open(path, "rb") as file:
        return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def _unreadable(path: Path, error: Exception) -> RefusedError:
    return RefusedError(f"{path}: can't be read: {type(error).__name__}: {error}")
