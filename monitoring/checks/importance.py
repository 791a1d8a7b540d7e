"""Which features the prediction follows: shown, never an alert."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from monitoring.checks.counts import ScoredRows
from monitoring.checks.record import FeatureRank, finite
from monitoring.dataset.values import to_numbers
from monitoring.statistics.association import association_ranks


def rank(names: Sequence[str], frame: pd.DataFrame, rows: ScoredRows) -> list[FeatureRank]:
    """Rank the features by their association with the score (without one, the predicted class).

    frame: the batch; a feature that it lacks has no association. The strongest first.
    """
    if len(rows.index) < 2:
        return []
    table = np.full((len(rows.index), len(names)), math.nan)
    for column, name in enumerate(names):
        if name in frame:
            table[:, column] = to_numbers(frame[name])[0][rows.index]
    # Ranks put infinities at the ends, where they would pass for the largest values.
    table[~np.isfinite(table)] = math.nan

    predicted, score = rows.predictions.predicted, rows.predictions.score
    ranked = association_ranks(table, predicted.astype(float) if score is None else score)
    ranks = [
        FeatureRank(
            feature=name,
            association=finite(association),
            rank=int(place),
            low=int(low),
            high=int(high),
        )
        for name, association, place, low, high in zip(names, *ranked, strict=True)
    ]
    return sorted(ranks, key=lambda entry: entry.rank)
