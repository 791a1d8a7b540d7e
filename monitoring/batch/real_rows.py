"""Real rows of the source, for `scoring.generator: rows`."""

import numpy as np
import pandas as pd

from monitoring.batch.encoding import are_whole
from monitoring.dataset import schema as columns
from monitoring.dataset.sample import Sample
from monitoring.errors import RefusedError
from monitoring.settings.model import Schema


def draw_rows(
    sample: Sample, schema: Schema, wanted: list[int], random: np.random.Generator
) -> pd.DataFrame:
    """Return rows of the sample, by class as many as wanted, with their label.

    No row comes twice while there are others of its class. Raises RefusedError for a class without
    rows.
    """
    target = schema.target
    places = []
    for value, count in zip(target.classes, wanted, strict=True):
        of_class = np.flatnonzero(sample.frame[target.name] == value)
        if count and not len(of_class):
            raise RefusedError(
                f"class {value} has no row to draw from; expected rows of each class that"
                " scoring.classes asks for: give such rows, or another mix"
            )
        rounds = -(-count // max(1, len(of_class)))
        drawn = [random.permutation(of_class) for _ in range(rounds)]
        places.append(np.concatenate([*drawn, of_class[:0]])[:count])
    return _as_generated(sample.frame.iloc[np.concatenate(places)], schema)


def _as_generated(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the rows with the types that generated ones have."""
    frame = rows.reset_index(drop=True)
    for name in columns.nominals(schema):
        levels = frame[name].astype(object)
        frame[name] = levels.where(levels.notna(), None)
    for name in columns.numericals(schema):
        if are_whole(frame[name].to_numpy()):
            frame[name] = frame[name].astype(np.int64)
    return frame
