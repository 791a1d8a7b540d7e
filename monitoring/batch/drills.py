"""Drills: shifts on purpose, to see whether the checks and DMM notice them."""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.batch.drill_text import drill_text
from monitoring.batch.encoding import are_whole
from monitoring.dataset import schema as columns
from monitoring.settings.model import Drill, Feature, Schema, Settings

Rows = NDArray[np.int64]


def apply_drills(
    frame: pd.DataFrame, settings: Settings, day: date, random: np.random.Generator
) -> list[str]:
    """Shift what the day's drills ask for, changing the frame; return them as text."""
    texts = []
    for drill in settings.scoring.drift:
        if day < drill.from_day:
            continue
        rows = random.choice(len(frame), size=round(drill.share * len(frame)), replace=False)
        feature = next(f for f in settings.schema.features if f.name == drill.feature)
        if feature.type == "numerical":
            _shift_values(frame, drill, rows)
        else:
            _set_indicator(frame, settings.schema, feature, rows, is_on=drill.shift > 0)
        texts.append(drill_text(drill))
    return texts


def _shift_values(frame: pd.DataFrame, drill: Drill, rows: Rows) -> None:
    values = frame[drill.feature].to_numpy(dtype=float, copy=True)
    values[rows] += drill.shift
    frame[drill.feature] = values.astype(np.int64) if are_whole(values) else values


def _set_indicator(
    frame: pd.DataFrame, schema: Schema, feature: Feature, rows: Rows, *, is_on: bool
) -> None:
    """Set an indicator; where it becomes 1, the others of its group become 0."""
    if is_on:
        group = columns.groups(schema)[feature.group or feature.name]
        frame.loc[rows, [other.name for other in group]] = 0
    frame.loc[rows, feature.name] = int(is_on)
