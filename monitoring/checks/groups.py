"""Groups of indicators as one variable: its levels, and "none of them"."""

from collections.abc import Sequence

import numpy as np

from monitoring.checks.counts import Variable
from monitoring.dataset.schema import groups
from monitoring.settings.model import Schema
from monitoring.statistics.arrays import Array


def of_several(schema: Schema) -> dict[str, list[str]]:
    """Return the indicators' names by group, of the groups that have more than one."""
    return {
        name: [feature.name for feature in features]
        for name, features in groups(schema).items()
        if len(features) > 1
    }


def number_of_variables(schema: Schema) -> int:
    """Return how many variables the features are: those of a group are one."""
    return len(schema.features) - sum(len(names) - 1 for names in of_several(schema).values())


def joined(indicators: Sequence[Array], *, strict: bool = False) -> Variable | None:
    """Return the rows by level (classes, levels + 1), those with none of the levels last.

    Where missing values are part of the model they are one more level, the very last. indicators:
    each (classes, 2 or 3), of the same rows. None where one of them has no rows, or, strict, where
    they do not exclude each other: these are no levels of one variable.
    """
    class_rows = np.max([counts.sum(axis=1) for counts in indicators], axis=0)
    levels = np.stack([counts[:, 1] for counts in indicators], axis=1)
    missing = np.max([counts[:, 2:] for counts in indicators], axis=0)  # (classes, 0 or 1)
    without = class_rows - levels.sum(axis=1) - missing.sum(axis=1)
    if not all(counts.any() for counts in indicators) or (strict and without.min() < 0):
        return None
    return Variable(np.column_stack([levels, np.maximum(0, without), missing]))
