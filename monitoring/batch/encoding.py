"""Rows as nominal codes, as SMOTEN takes them, and back.

A group of indicators is one column: no impossible combination can come out. Levels that are no
feature share the code 0. A numerical feature is its quantile bin; on the way back the value is
drawn from real rows of the same bin.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset import schema as columns
from monitoring.settings.model import Schema

Codes = NDArray[np.int64]
"""Either (rows, columns), the rows' nominal codes, or (rows,), places in `target.classes`."""

BINS = 5
"""Quantile bins of a numerical feature."""

_MAX_EXACT = 2**53  # larger whole numbers are exact as floats only


class Encoder:
    """Turns rows to codes and back: first a column for each group, then one for each numerical."""

    def __init__(self, schema: Schema, frame: pd.DataFrame) -> None:
        """frame: the rows that the numericals' bins are made from."""
        self.schema = schema
        self.groups = columns.groups(schema)
        self.numericals = columns.numericals(schema)
        shares = np.linspace(0, 1, BINS + 1)[1:-1]
        self.edges = {name: np.unique(np.quantile(frame[name], shares)) for name in self.numericals}

    def encode(self, frame: pd.DataFrame) -> Codes:
        """Return the rows' codes (rows, columns)."""
        codes = []
        for features in self.groups.values():
            group_codes = np.zeros(len(frame), np.int64)
            for code, feature in enumerate(features, 1):
                group_codes += code * frame[feature.name].to_numpy(np.int64)
            codes.append(group_codes)
        for name in self.numericals:
            codes.append(np.searchsorted(self.edges[name], frame[name].to_numpy(), side="right"))
        return np.column_stack(codes)

    def decode(
        self, codes: Codes, donors: pd.DataFrame, donor_codes: Codes, random: np.random.Generator
    ) -> pd.DataFrame:
        """Return the features for the codes (rows, columns).

        donors: real rows; a numerical value is that of a donor of the same bin.
        """
        features: dict[str, NDArray[Any]] = {}
        for column, group in enumerate(self.groups.values()):
            for code, feature in enumerate(group, 1):
                features[feature.name] = (codes[:, column] == code).astype(np.int8)
        # The order of the draws is part of the promise: the same day gives the same bytes.
        for column, name in enumerate(self.numericals, len(self.groups)):
            values = donors[name].to_numpy()
            drawn = _draw_values(codes[:, column], values, donor_codes[:, column], random)
            features[name] = drawn.astype(np.int64) if are_whole(values) else drawn
        return pd.DataFrame(features)[columns.column_names(self.schema)]

    def describe(self, column: int, code: int) -> str:
        """Return in words what a code of a column means."""
        if column < len(self.groups):
            group, features = list(self.groups.items())[column]
            return features[code - 1].name if code else f"none of the features of {group}"
        name = self.numericals[column - len(self.groups)]
        edges: Sequence[float] = [-np.inf, *self.edges[name], np.inf]
        return f"{name} from {edges[code]:g} to below {edges[code + 1]:g}"


def are_whole(values: NDArray[Any]) -> bool:
    """Whether all values are whole numbers that an int64 holds exactly."""
    is_whole = (values == np.round(values)) & (np.abs(values) < _MAX_EXACT)
    return bool(is_whole.all())


def _draw_values(
    codes: Codes, values: NDArray[np.float64], value_codes: Codes, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return for each code one of the values that have the same code."""
    drawn = np.zeros(len(codes))
    for code in np.unique(codes):
        is_code = codes == code
        drawn[is_code] = random.choice(values[value_codes == code], size=int(is_code.sum()))
    return drawn
