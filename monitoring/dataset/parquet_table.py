"""The rows of a Parquet file, or of a folder of them, chunk by chunk."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from monitoring.dataset.encoded import EncodedChunk, encode_table
from monitoring.errors import RefusedError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.dataset import Dataset


def files(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, in order; names with _ or . in front are skipped.

    Raises RefusedError where there are none.
    """
    found = [
        path
        for path in sorted(folder.rglob("*.parquet"))
        if not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise RefusedError(f"{folder}: no file *.parquet in this folder")
    return found


def column_names(path: Path) -> list[str]:
    """Return the columns' names, in order; raises the errors of pyarrow."""
    return list(_dataset(path).schema.names)


def frames(path: Path, names: list[str], chunk_rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows, each column of its own type; raises the errors of pyarrow."""
    first_row = 0
    for table in _tables(path, names, chunk_rows):
        # What pandas once noted of its index may be damaged, and says nothing needed.
        frame = table.to_pandas(ignore_metadata=True)
        frame.index = pd.RangeIndex(first_row, first_row + len(frame))
        first_row += len(frame)
        yield frame


def encoded(path: Path, names: list[str], chunk_rows: int) -> Iterator[EncodedChunk]:
    """Yield the rows of `frames`, each column as its different values; raises as it does."""
    first_row = 0
    for table in _tables(path, names, chunk_rows):
        if table.num_rows:
            yield encode_table(table, first_row)
            first_row += table.num_rows


def _dataset(path: Path) -> "Dataset":
    from pyarrow import dataset  # only where the data are Parquet

    if not path.is_dir():
        return dataset.dataset(path, format="parquet")
    return dataset.dataset(
        [str(file) for file in files(path)],
        format="parquet",
        partitioning="hive",
        partition_base_dir=str(path),
    )


def _tables(path: Path, names: list[str], chunk_rows: int) -> "Iterator[pyarrow.Table]":
    whole = _dataset(path)
    for fragment in whole.get_fragments():  # one file after the other: the order of rows is fixed
        batches = fragment.to_batches(
            schema=whole.schema, columns=names, batch_size=chunk_rows, batch_readahead=1
        )
        try:
            for batch in batches:
                yield _with_text(batch)
        except ValueError as error:
            raise ValueError(f"{fragment.path} is not like the first file: {error}") from None


def _with_text(batch: "pyarrow.RecordBatch") -> "pyarrow.Table":
    """Return a batch with its columns of bytes as text; raises ValueError where one is no UTF-8."""
    import pyarrow

    for index, column in enumerate(batch.schema):
        kinds = pyarrow.types.is_binary, pyarrow.types.is_large_binary
        if any(is_kind(column.type) for is_kind in kinds):
            text = batch.column(index).cast(pyarrow.string())
            batch = batch.set_column(index, column.name, text)
    return pyarrow.Table.from_batches([batch])
