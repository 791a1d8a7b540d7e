"""An even sample of each class of the training data, in one pass."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.dataset.kept_rows import KeptRows
from monitoring.dataset.training_data import TrainingRows, left_out_text
from monitoring.errors import RefusedError
from monitoring.settings.model import Target
from monitoring.settings.rules import Label

CLASS_ROWS = 50_000
"""The most rows of a class that are kept."""

Rows = TrainingRows | KeptRows

_ORDER = "_order"
_MOST_WAITING = 3  # times CLASS_ROWS: rows that are drawn before those with large numbers go

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


def count_classes(rows: Rows) -> dict[Label, int]:
    """Return how many of the rows each class has."""
    name, classes = rows.schema.target.name, rows.schema.target.classes
    class_rows = dict.fromkeys(classes, 0)
    for frame in rows.chunks():
        for value in classes:
            class_rows[value] += int((frame[name] == value).sum())
    return class_rows


def draw_sample(rows: Rows, random: np.random.Generator) -> Sample:
    """Draw up to 50,000 rows of each class.

    Logs the share that was left out of them. Raises what reading them raises, and RefusedError
    where there are none.
    """
    target = rows.schema.target
    drawn: list[pd.DataFrame] = []
    class_rows = dict.fromkeys(target.classes, 0)
    largest = dict.fromkeys(target.classes, 1.0)
    for frame in rows.chunks():
        order = random.random(len(frame))
        is_drawn = np.zeros(len(frame), bool)
        for value in target.classes:
            is_of_class = (frame[target.name] == value).to_numpy(bool)
            class_rows[value] += int(is_of_class.sum())
            # What is above those that are kept can't be among them: most rows of a large file.
            is_drawn |= is_of_class & (order <= largest[value])

        drawn.append(frame[is_drawn].assign(**{_ORDER: order[is_drawn]}))
        if sum(map(len, drawn)) > _MOST_WAITING * CLASS_ROWS:
            drawn = [_smallest(pd.concat(drawn), target, largest)]

    # The smallest random numbers of all chunks: an even draw, whatever the file's order.
    kept = _smallest(pd.concat(drawn), target, largest) if drawn else pd.DataFrame()
    if kept.empty:
        raise RefusedError(f"{rows.path}: no row without missing values; fix the training data")
    if rows.tally.left_out:
        log.info("%s: %s", rows.path, left_out_text(rows.tally))
    return Sample(kept.drop(columns=_ORDER), kept[_ORDER].to_numpy(), class_rows)


def _smallest(kept: pd.DataFrame, target: Target, largest: dict[Label, float]) -> pd.DataFrame:
    """Return the CLASS_ROWS rows of each class with the smallest numbers, and note the largest."""
    order = kept[_ORDER].to_numpy()
    is_kept = np.ones(len(kept), bool)
    for value in target.classes:
        is_of_class = (kept[target.name] == value).to_numpy(bool)
        of_class = order[is_of_class]
        if len(of_class) > CLASS_ROWS:
            largest[value] = float(np.partition(of_class, CLASS_ROWS - 1)[CLASS_ROWS - 1])
            is_kept &= ~is_of_class | (order <= largest[value])
    return kept[is_kept]
