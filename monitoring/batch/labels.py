"""The classes of a day's rows: how many rows each gets, and noise in the outcomes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from monitoring.settings.model import Target
from monitoring.settings.rules import Label

ClassMix = str | Mapping[Label, float]
"""`scoring.classes`: "training", "balanced", or a share for each class."""


def class_counts(
    classes: list[Label], mix: ClassMix, class_rows: Mapping[Label, int], rows: int
) -> list[int]:
    """Return how many rows each class gets, in the order of `classes`; the sum is `rows`.

    class_rows: of the training data. Rounded by the largest remainder.
    """
    if mix == "training":
        mix = class_rows
    elif isinstance(mix, str):
        mix = dict.fromkeys(classes, 1.0)

    exact = np.array([mix[value] for value in classes], dtype=float)
    exact *= rows / exact.sum()
    counts = np.floor(exact).astype(int)
    largest_remainders_first = np.argsort(counts - exact, kind="stable")
    counts[largest_remainders_first[: rows - counts.sum()]] += 1
    return [int(count) for count in counts]


def flip_labels(
    frame: pd.DataFrame, target: Target, share: float, random: np.random.Generator
) -> None:
    """Give a share of the rows another class; changes the frame."""
    labels = frame[target.name].tolist()
    flipped = random.choice(len(labels), size=round(share * len(labels)), replace=False)
    for index in flipped:
        others = [value for value in target.classes if value != labels[index]]
        labels[index] = others[int(random.integers(len(others)))]
    frame[target.name] = labels
