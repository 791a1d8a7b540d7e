"""The rows of a CSV file, chunk by chunk.

pandas says what a file means. pyarrow reads it ten times as fast: it is used where it reads the
same, which is wherever the header is one line and every row has as many fields.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from monitoring.dataset.encoded import EncodedChunk, encode_frame, encode_table

if TYPE_CHECKING:
    import pyarrow

# Only the empty field is missing: NA, None and null are levels like any other.
_OPTIONS: dict[str, Any] = {
    "dtype": str,
    "encoding": "utf-8",
    "keep_default_na": False,
    "na_values": [""],
}


def column_names(path: Path) -> list[str]:
    """Return the columns' names, in order; raises ValueError or OSError."""
    # Read as a row: of a header pandas would rename what comes twice.
    first_line = pd.read_csv(path, header=None, nrows=1, **_OPTIONS)
    return [str(name) for name in first_line.iloc[0]]


def frames(path: Path, names: list[str], chunk_rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows as texts, NaN where the field is empty; raises ValueError or OSError."""
    # index_col: or else rows that end with a comma would lose their first field to an index.
    with pd.read_csv(
        path, usecols=names, chunksize=chunk_rows, index_col=False, **_OPTIONS
    ) as reader:
        yield from reader


def encoded(path: Path, names: list[str], chunk_rows: int) -> Iterator[EncodedChunk]:
    """Yield the rows of `frames`, each column as its different values; raises as it does."""
    import pyarrow  # pandas loads it, where it is installed

    rows = 0
    try:
        for table in _in_chunks(_arrow_batches(path, names), chunk_rows):
            yield encode_table(table, rows)
            rows += table.num_rows
    except pyarrow.ArrowInvalid:
        # Rows of other lengths, say: pandas reads the rest, or refuses it with its own words.
        for frame in frames(path, names, chunk_rows):
            if len(frame) and frame.index[0] >= rows:
                yield encode_frame(frame)


def _arrow_batches(path: Path, names: list[str]) -> "Iterator[pyarrow.RecordBatch]":
    """Yield the rows as dictionaries of texts; raises ArrowInvalid where pandas must read them."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    available = column_names(path)
    if available != _first_line(path):
        raise pyarrow.ArrowInvalid("the header is not the first line")
    # Of the columns that are not needed two may have the same name.
    numbered = [name if name in names else f"\0{index}" for index, name in enumerate(available)]
    texts = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    reader = arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(column_names=numbered, skip_rows=1),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(
            include_columns=names,
            column_types=dict.fromkeys(names, texts),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    with reader:
        yield from reader


def _first_line(path: Path) -> list[str] | None:
    """Return the fields of the first line as pandas does, None where it is no row by itself."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            return [name or "nan" for name in names] if reader.line_num == 1 else None
    except (csv.Error, UnicodeDecodeError):
        return None


def _in_chunks(
    batches: "Iterable[pyarrow.RecordBatch]", chunk_rows: int
) -> "Iterator[pyarrow.Table]":
    """Yield the rows as tables of chunk_rows rows, the last one of fewer."""
    import pyarrow

    waiting: list[pyarrow.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= chunk_rows:
            table = pyarrow.Table.from_batches(waiting)
            yield table.slice(0, chunk_rows).unify_dictionaries()
            waiting = table.slice(chunk_rows).to_batches()
            rows -= chunk_rows
    if rows:
        yield pyarrow.Table.from_batches(waiting).unify_dictionaries()
