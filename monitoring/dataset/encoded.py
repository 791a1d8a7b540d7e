"""A column as its different values, and which of them each row has.

A column of a million rows has seldom more than some thousand different values: what is done with
them is done once for each of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """The different raw values of a column, and the place of each row's among them.

    values: in the order of the rows that have them first; their index is those rows' numbers in
    the file. A missing value is one of them. places (rows,); None: every row has its own.
    """

    values: "pd.Series[Any]"
    places: Places | None

    def spread(self, converted: "pd.Series[Any] | NDArray[Any]") -> NDArray[Any]:
        """Return for each row what became of its value (rows,); converted: one for each value."""
        array = np.asarray(converted)
        return array if self.places is None else array[self.places]


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """Some rows of a file; index: their numbers in the file, counted from 0."""

    index: pd.RangeIndex
    columns: Mapping[str, EncodedColumn]


def encode_frame(frame: pd.DataFrame) -> EncodedChunk:
    """Return the rows of a frame; its index counts the rows of the file."""
    columns = {}
    for name in frame:
        column = frame[name]
        codes, different = pd.factorize(column, use_na_sentinel=False)
        places, first_rows = _by_first_row(codes, len(different))
        columns[str(name)] = EncodedColumn(column.iloc[first_rows], places)
    return EncodedChunk(pd.RangeIndex(frame.index[0], frame.index[0] + len(frame)), columns)


def encode_table(table: "pyarrow.Table", first_row: int) -> EncodedChunk:
    """Return the rows of a table, the first of which has this number in its file.

    The values have the types that pandas gives such a column.
    """
    index = pd.RangeIndex(first_row, first_row + table.num_rows)
    columns = {
        name: _encode_array(table.column(name).combine_chunks(), name, index)
        for name in table.column_names
    }
    return EncodedChunk(index, columns)


def _encode_array(array: "pyarrow.Array", name: str, index: pd.RangeIndex) -> EncodedColumn:
    import pyarrow  # only where a file is read by it

    kinds = pyarrow.types
    # Numbers with fractions are seldom the same twice, and nested values can't be compared.
    if kinds.is_floating(array.type) or kinds.is_nested(array.type):
        return EncodedColumn(_series(array, name, index), None)

    is_encoded = kinds.is_dictionary(array.type)
    encoded = array if is_encoded else array.dictionary_encode()
    missing = len(encoded.dictionary)
    codes = encoded.indices.cast(pyarrow.int64()).fill_null(missing).to_numpy()
    places, first_rows = _by_first_row(codes, missing + 1)
    values = array.take(pyarrow.array(first_rows))
    if is_encoded:
        values = values.dictionary_decode()
    return EncodedColumn(_series(values, name, index[first_rows]), places)


def _series(array: "pyarrow.Array", name: str, index: "pd.Index[int]") -> "pd.Series[Any]":
    return pd.Series(array.to_pandas()).rename(name).set_axis(index)


def _by_first_row(codes: Places, size: int) -> tuple[Places, Places]:
    """Return the codes numbered by the rows that have them first, and these rows, ascending.

    codes (rows,): from 0 to size - 1; those that no row has get no number.
    """
    rows = len(codes)
    first_row = np.full(size, rows)
    # Of several rows with a code the last one that is written counts: the first one.
    first_row[codes[::-1]] = np.arange(rows - 1, -1, -1)
    by_row = np.argsort(first_row)[: np.count_nonzero(first_row < rows)]
    place = np.empty(size, np.intp)
    place[by_row] = np.arange(len(by_row))
    return place[codes], first_row[by_row]
