"""From a raw column to the values that the model is about.

A raw column is text (of a CSV) or has a type of its own (of Parquet). Each function that refuses
a value raises RefusedError with the file, the row, the column, what it got and what it expected.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.errors import RefusedError
from monitoring.settings.rules import Label

_WHOLE_NUMBER = re.compile(r"^([+-]?\d+)\.0$")
BOOLEANS = {
    **dict.fromkeys(("True", "true", "TRUE"), "1"),
    **dict.fromkeys(("False", "false", "FALSE"), "0"),
}


def plain_text(value: str) -> str:
    """Return a value's text, whole numbers and booleans as digits: "1" for "1.0" and "True"."""
    return BOOLEANS.get(value) or _WHOLE_NUMBER.sub(r"\1", value)


def as_text(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the values as plain text, missing ones as an empty text."""
    text = column.astype(str).where(column.notna(), "")
    # There are far fewer different texts than rows: each is converted once.
    return text.map({value: plain_text(value) for value in text.unique()})


def as_ids(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return keys as text: numbers as digits, text without the blanks around it, missing as ""."""
    if pd.api.types.is_numeric_dtype(column):
        return as_text(column)
    return column.astype(str).str.strip().where(column.notna(), "")


def as_numbers(column: "pd.Series[Any]", path: Path) -> "pd.Series[float]":
    """Return the values as float64, booleans as 1 and 0, missing ones as NaN.

    Text, dates, durations and infinity are refused.
    """
    numbers = _numbers(column)
    is_wrong = (numbers.isna() & column.notna()) | np.isinf(numbers)
    _refuse_first(
        column, is_wrong, path, expected="a number, or an empty field where it is missing"
    )
    return numbers


def _numbers(column: "pd.Series[Any]") -> "pd.Series[float]":
    """Return the values as float64, NaN for what is no number."""
    column = without_categories(column)
    if column.dtype.kind in "mM":
        # pandas would take the nanoseconds of a date or a duration for a number.
        return pd.Series(math.nan, index=column.index)
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if not pd.api.types.is_numeric_dtype(column):
        numbers = numbers.fillna(column.map(BOOLEANS).astype("float64"))
    return numbers


def without_categories(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the column with the type of its values, where it has categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.cat.categories.dtype)
    return column


def as_indicator(text: "pd.Series[str]", path: Path) -> "pd.Series[int]":
    """Return plain text as int8, 1 or 0, missing ones as 0; anything else is refused."""
    is_known = text.isin(["0", "1"]) | (text.str.strip() == "")
    _refuse_first(text, ~is_known, path, expected="0 or 1")
    return (text == "1").astype("int8")


def as_classes(text: "pd.Series[str]", classes: Sequence[Label], path: Path) -> "pd.Series[Any]":
    """Return plain text as the configured classes; anything else, also nothing, is refused."""
    labels = text.map({plain_text(str(value)): value for value in classes})
    fractions = {value: value for value in classes if isinstance(value, float)}
    if fractions:  # 0.50 is 0.5
        labels = labels.fillna(pd.to_numeric(text, errors="coerce").map(fractions))
    _refuse_first(text, labels.isna(), path, expected=f"one of {classes}")
    return labels


def to_numbers(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], int, int]:
    """Return the values as floats (rows,), how many are missing and how many are no number.

    Both are NaN in the result; nothing is refused.
    """
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=math.nan)
        return numbers, int(np.isnan(numbers).sum()), 0
    numbers = np.asarray(_numbers(column), np.float64)
    missing = is_missing(column).to_numpy(dtype=bool)
    return numbers, int(missing.sum()), int((np.isnan(numbers) & ~missing).sum())


def is_missing(column: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return whether each value is missing or nothing but blanks."""
    plain = without_categories(column)
    if plain.dtype.kind in "biufcmM":
        return plain.isna()
    # There are far fewer different texts than rows: each is looked at once.
    blank = [value for value in plain.dropna().unique() if not str(value).strip()]
    return plain.isna() | plain.isin(blank)


def row_name(path: Path, row: object) -> str:
    """Return how messages name a row of the file."""
    return f"{path}, row {row} (counted from 0 without the header)"


def _refuse_first(
    column: "pd.Series[Any]", is_wrong: "pd.Series[bool]", path: Path, expected: str
) -> None:
    if is_wrong.any():
        row = column.index[is_wrong][0]
        raise RefusedError(
            f"{row_name(path, row)}: {column.name}: got {column[row]!r}, expected {expected}"
        )
