"""An even sample of each class of the training data, in one pass."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset import training_data
from monitoring.dataset.training_data import left_out_text
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema
from monitoring.settings.rules import Label

CLASS_ROWS = 50_000
"""The most rows of a class that are kept."""

_ORDER = "_order"

log = logging.getLogger("monitoring")


@dataclass(frozen=True, slots=True)
class Sample:
    """Up to 50,000 rows of each class, drawn evenly, in the file's order; all where there are less.

    frame: one column for each feature, then the target. order (rows,): a random number for each
    row of the frame; the smallest ones are an even sample of any smaller size. class_rows: how
    many of the file's rows each class has.
    """

    frame: pd.DataFrame
    order: NDArray[np.float64]
    class_rows: dict[Label, int]


def count_classes(path: Path, schema: Schema) -> dict[Label, int]:
    """Return how many of the file's rows each class has, of those that chunks yields."""
    name = schema.target.name
    class_rows = dict.fromkeys(schema.target.classes, 0)
    for frame in training_data.chunks(path, schema):
        for value in class_rows:
            class_rows[value] += int((frame[name] == value).sum())
    return class_rows


def draw_sample(path: Path, schema: Schema, random: np.random.Generator) -> Sample:
    """Draw up to 50,000 rows of each class, of those that training_data.chunks yields.

    Logs the share that it leaves out. Raises RefusedError as it does, and where no row is left.
    """
    target, tally = schema.target, training_data.Tally()
    kept: pd.DataFrame | None = None
    class_rows = dict.fromkeys(target.classes, 0)
    for frame in training_data.chunks(path, schema, tally=tally):
        for value in class_rows:
            class_rows[value] += int((frame[target.name] == value).sum())

        drawn = frame.assign(**{_ORDER: random.random(len(frame))})
        kept = drawn if kept is None else pd.concat([kept, drawn])
        # The smallest random numbers of all chunks so far: an even draw, whatever the file's order.
        rank_in_class = kept.groupby(target.name, sort=False)[_ORDER].rank()
        kept = kept[rank_in_class <= CLASS_ROWS]

    if kept is None or kept.empty:
        raise RefusedError(f"{path}: no row without missing values; fix the training data")
    if tally.left_out:
        log.info("%s: %s", path, left_out_text(tally))
    return Sample(kept.drop(columns=_ORDER), kept[_ORDER].to_numpy(), class_rows)
