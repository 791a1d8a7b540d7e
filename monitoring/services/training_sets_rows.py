"""The rows of a version: compact in memory, with plain types in the file of the vendor's client."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_ROWS = 50_000
_STORED_AS = {"int8": "int64", "Int8": "Int64"}


def stored_types(frame: "pd.DataFrame") -> dict[str, str]:
    """Return the type that each column has in a version: every whole number is an int64."""
    types = {str(name): str(kind) for name, kind in frame.dtypes.items()}
    return {name: _STORED_AS.get(kind, kind) for name, kind in types.items()}


class CompactRows:
    """Rows as the vendor's client takes them: it asks for their columns, and to write a file.

    The file is the one that the frame would write with its columns of int8 as int64; all of them at
    once would be eight times as large as the rows are.
    """

    def __init__(self, frame: "pd.DataFrame") -> None:
        self._frame = frame

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [str(name) for name in self._frame.columns]

    def to_parquet(self, path: str | Path) -> None:
        """Write the rows, block by block."""
        import pyarrow
        from pyarrow import parquet

        first = next(self._blocks())
        schema = pyarrow.Schema.from_pandas(first, preserve_index=False)
        with parquet.ParquetWriter(path, schema) as writer:
            for block in self._blocks():
                table = pyarrow.Table.from_pandas(block, schema=schema, preserve_index=False)
                writer.write_table(table)

    def _blocks(self) -> Iterator["pd.DataFrame"]:
        types = stored_types(self._frame)
        for first_row in range(0, len(self._frame), _BLOCK_ROWS):
            yield self._frame.iloc[first_row : first_row + _BLOCK_ROWS].astype(types)
