"""The levels of nominal columns: the different values of their rows, as the endpoint takes them."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.dataset import table_file, values
from monitoring.dataset.encoded import EncodedColumn
from monitoring.errors import RefusedError
from monitoring.settings.rules import Label

MAX_LEVELS = 1000
"""The most levels of a nominal feature; a column with more is an id or a measurement."""

# 01234 is a text: a number would lose its zero.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of one column; place: of each raw value the place of its level."""

    dtype: pd.CategoricalDtype
    place: Mapping[Any, int]

    def of(self, column: EncodedColumn) -> pd.Categorical:
        """Return a raw column as its levels, missing ones as NaN; all chunks have one dtype."""
        plain = values.without_categories(column.values)
        codes = plain.map(self.place).fillna(-1).astype("int16")
        return pd.Categorical.from_codes(column.spread(codes), dtype=self.dtype)


def find_levels(path: Path, names: Sequence[str]) -> dict[str, Levels]:
    """Return the levels of each named column of a file, in one pass; sorted.

    A level is a text, a number or a boolean. The values of a CSV are what all of them can be read
    as: booleans, else numbers, else texts. Raises RefusedError for more than 1,000 levels, and for
    values of another type.
    """
    raw: dict[str, set[Any]] = {name: set() for name in names}
    for chunk in table_file.read_encoded(path, list(names)) if names else ():
        for name, seen in raw.items():
            column = values.without_categories(chunk.columns[name].values)
            seen.update(column[~values.is_missing(column)].unique())
            if len(seen) > MAX_LEVELS:
                raise RefusedError(
                    f"{path}: {name}: more than {MAX_LEVELS:,} different values, expected at most"
                    " as many for a nominal feature: take an id out of schema.features, group rare"
                    " values, or give a measurement the type numerical"
                )
    is_text = table_file.holds_texts(path)
    return {name: _levels(seen, f"{path}: {name}", is_text=is_text) for name, seen in raw.items()}


def text_reader(texts: Sequence[str]) -> Callable[[str], Label]:
    """Return what turns the texts of a CSV's column into levels: what all of them can be read as.

    texts: the different values of the whole column.
    """
    if texts and all(text in values.BOOLEANS for text in texts):
        return lambda text: values.BOOLEANS[text] == "1"
    if all(_NUMBER.fullmatch(text) and math.isfinite(float(text)) for text in texts):
        return _number
    return str


def level_of(value: Any) -> Label:
    """Return a value of its own type as a level: whole numbers are whole.

    Raises ValueError for what is neither a text, nor a finite number, nor a boolean.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, Decimal):
        plain = float(plain)
    if isinstance(plain, float) and math.isfinite(plain):
        return int(plain) if plain.is_integer() else plain
    if isinstance(plain, bool | int | str):
        return plain
    raise ValueError(f"got {value!r}, expected a text, a number or a boolean")


def cell_text(level: Label | None) -> str:
    """Return a level as one field of a CSV that `level_of_cell` reads back, missing as "".

    A text that could be read as something else goes as JSON.
    """
    if level is None or (isinstance(level, float) and math.isnan(level)):
        return ""
    if isinstance(level, str) and level_of_cell(level) == level:
        return level
    return json.dumps(level, ensure_ascii=False)


def level_of_cell(text: str) -> Label | None:
    """Return the level that a field stands for."""
    if not text:
        return None
    try:
        level = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return level if isinstance(level, bool | int | float | str) else text


def _levels(raw: set[Any], where: str, *, is_text: bool) -> Levels:
    read = text_reader(sorted(raw)) if is_text else level_of
    try:
        level_by_value = {value: read(value) for value in raw}
    except ValueError as error:
        raise RefusedError(f"{where}: {error}; expected the values of a nominal feature") from None

    # A Parquet column has one type; bytes and dates were refused above.
    levels = sorted(set(level_by_value.values()), key=lambda level: (isinstance(level, str), level))
    place = {level: index for index, level in enumerate(levels)}
    return Levels(
        pd.CategoricalDtype(pd.Index(levels, dtype=object)),
        {value: place[level] for value, level in level_by_value.items()},
    )


def _number(text: str) -> Label:
    return int(text) if text.lstrip("-").isdigit() else level_of(float(text))
