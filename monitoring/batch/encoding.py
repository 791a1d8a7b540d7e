"""Rows as nominal codes, as SMOTEN takes them, and back.

A group of indicators is one column: no impossible combination can come out. Levels that are no
feature share the code 0. A numerical feature is its quantile bin. A nominal feature's levels are
codes already. A missing value is one more code, the last one of its column.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset import schema as columns
from monitoring.settings.model import Schema

Codes = NDArray[np.int16]
"""The rows' nominal codes (rows, columns)."""

Places = NDArray[np.int64]
"""Places (rows,): of rows in a table, or of their classes in `target.classes`."""

BINS = 5
"""Quantile bins of a numerical feature."""

_MAX_EXACT = 2**53  # larger whole numbers are exact as floats only


class Encoder:
    """Turns rows to codes and back: a column for each group, nominal feature, then numerical."""

    def __init__(self, schema: Schema, frame: pd.DataFrame) -> None:
        """frame: the rows that the numericals' bins are made from."""
        self.schema = schema
        self.groups = columns.groups(schema)
        self.levels = {name: frame[name].cat.categories for name in columns.nominals(schema)}
        self.numericals = columns.numericals(schema)
        self.edges = {name: _quantiles(frame[name].dropna().to_numpy()) for name in self.numericals}
        self.are_whole = {
            name: are_whole(frame[name].dropna().to_numpy()) for name in self.numericals
        }

    @property
    def first_numerical(self) -> int:
        """The place of the first column that is a numerical's bin."""
        return len(self.groups) + len(self.levels)

    def encode(self, frame: pd.DataFrame) -> Codes:
        """Return the rows' codes (rows, columns)."""
        codes = np.zeros((len(frame), self.first_numerical + len(self.numericals)), np.int16)
        for column, features in enumerate(self.groups.values()):
            for code, feature in enumerate(features, 1):
                codes[frame[feature.name].to_numpy() == 1, column] = code
            codes[frame[features[0].name].isna(), column] = len(features) + 1
        for column, (name, levels) in enumerate(self.levels.items(), len(self.groups)):
            codes[:, column] = frame[name].cat.codes
            codes[frame[name].isna(), column] = len(levels)
        for column, (name, edges) in enumerate(self.edges.items(), self.first_numerical):
            codes[:, column] = np.searchsorted(edges, frame[name], side="right")
            codes[frame[name].isna(), column] = len(edges) + 1
        return codes

    def decode(self, codes: Codes, values: NDArray[np.float64]) -> pd.DataFrame:
        """Return the features for the codes (rows, columns) and values (rows, numericals)."""
        features: dict[str, NDArray[Any]] = {}
        for column, group in enumerate(self.groups.values()):
            is_missing = codes[:, column] == len(group) + 1
            for code, feature in enumerate(group, 1):
                indicator = (codes[:, column] == code).astype(np.int8)
                if is_missing.any():
                    indicator = np.where(is_missing, np.nan, indicator)
                features[feature.name] = indicator
        for column, (name, levels) in enumerate(self.levels.items(), len(self.groups)):
            features[name] = np.array([*levels, None], object)[codes[:, column]]
        for column, name in enumerate(self.numericals):
            of_feature = values[:, column]
            is_int = self.are_whole[name] and not np.isnan(of_feature).any()
            features[name] = of_feature.astype(np.int64) if is_int else of_feature
        return pd.DataFrame(features)[columns.column_names(self.schema)]

    def describe(self, column: int, code: int) -> str:
        """Return in words what a code of a column means."""
        if column < len(self.groups):
            group, features = list(self.groups.items())[column]
            if code > len(features):
                return f"no value of {group}"
            return features[code - 1].name if code else f"none of the features of {group}"
        if column < self.first_numerical:
            name, levels = list(self.levels.items())[column - len(self.groups)]
            return f"no value of {name}" if code == len(levels) else f"{name} {levels[code]}"
        name = self.numericals[column - self.first_numerical]
        if code > len(self.edges[name]):
            return f"no value of {name}"
        edges: Sequence[float] = [-np.inf, *self.edges[name], np.inf]
        return f"{name} from {edges[code]:g} to below {edges[code + 1]:g}"


def are_whole(values: NDArray[Any]) -> bool:
    """Whether all values are whole numbers that an int64 holds exactly."""
    is_whole = (values == np.round(values)) & (np.abs(values) < _MAX_EXACT)
    return bool(is_whole.all())


def _quantiles(values: NDArray[Any]) -> NDArray[Any]:
    """Return what the bins begin with, from the second bin on: values that occur.

    Nothing is interpolated, so that no rounding decides on which side of an edge a value is.
    """
    places = np.arange(1, BINS) * len(values) // BINS
    return np.unique(np.sort(values)[places]) if len(values) else values
