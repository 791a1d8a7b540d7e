"""Many quiet days of the batch, and how quiet they are: for a test, and for the benchmark."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd

from monitoring.batch import encoding, generate, raking
from monitoring.dataset.sample import Sample, draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.settings.model import Feature, Schema, Settings
from tests.support import quiet_limits
from tests.support.quiet_limits import Array, RowsByClass
from tests.support.shipped import with_scoring

FIRST_DAY = date(2026, 1, 1)
ROWS = 300

_DAYS_RATE = 0.01
_PSI_BINS = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to make the batch; the default is the shipped one.

    every_level: no level of a group is merged with others. bins: of a numerical feature.
    """

    neighbors: int = 3
    every_level: bool = False
    bins: int = encoding.BINS
    raking: bool = True


class Figures(NamedTuple):
    """What came of some quiet days.

    alarms: days on which a feature passed its limit. pooled_psi: the highest of a feature over all
    days. age_off: the largest difference of a class's mean age to the training data's, years.
    distinct, real: the share of a day's rows that differ from each other, that are training rows.
    """

    alarms: int
    pooled_psi: float
    age_off: float
    distinct: float
    real: float


def measure(settings: Settings, days: int, choice: Choice | None = None, seed: int = 0) -> Figures:
    """Return the figures of quiet days of 300 rows, as many of one class as of the other."""
    choice = choice or Choice()
    compared = [feature.name for feature in settings.schema.features]
    settings = with_scoring(settings, neighbors=choice.neighbors, seed=seed)
    path = Path(settings.training_data)
    if choice.every_level:
        settings = replace(settings, schema=with_every_level(settings.schema, path))
    sample = draw_sample(TrainingRows(path, settings.schema), np.random.default_rng(0))
    frames = _frames(settings, sample, days, choice)

    target = settings.schema.target
    training, classes = sample.frame[compared], sample.frame[target.name]
    rows_by_class = dict.fromkeys(target.classes, ROWS // 2)
    return Figures(
        alarms=_alarms(frames, training, classes, rows_by_class),
        pooled_psi=_pooled_psi(pd.concat(frames), training, classes),
        age_off=_age_off(pd.concat(frames), sample.frame, target.name),
        distinct=float(np.mean([len(set(_rows(frame[compared]))) / ROWS for frame in frames])),
        real=_real_share(frames, training),
    )


def with_every_level(schema: Schema, path: Path) -> Schema:
    """Return the schema with a feature for every level of every group: nothing is merged."""
    raw = pd.read_csv(path)
    features = list(schema.features)
    known = {feature.name for feature in features}
    for group in dict.fromkeys(feature.group for feature in features if feature.group):
        for level in sorted(raw[group].unique()):
            if f"{group}_{level}" not in known:
                features.append(Feature(f"{group}_{level}", "categorical", group))
    return replace(schema, features=features)


def _frames(settings: Settings, sample: Sample, days: int, choice: Choice) -> list[pd.DataFrame]:
    """Return the rows of each day."""
    rake = raking.raking_weights if choice.raking else _without_raking
    with patch.object(encoding, "BINS", choice.bins), patch.object(raking, "raking_weights", rake):
        return [
            generate.make_batch(settings, sample, FIRST_DAY + timedelta(days=day), ROWS).frame
            for day in range(days)
        ]


def _without_raking(codes: Array, counts: Array, _: Array) -> tuple[Array, raking.Residual]:
    return counts / counts.sum(), raking.Residual(0, 0, 0.0, 0.0)


def _alarms(
    frames: Iterable[pd.DataFrame],
    training: pd.DataFrame,
    classes: "pd.Series[Any]",
    rows_by_class: RowsByClass,
) -> int:
    """Return on how many days a feature passed its limit."""
    # Half of the day's rate, over all features, the score and the predicted class.
    rate = _DAYS_RATE / (2 * (len(training.columns) + 2))
    names = [str(name) for name in training]
    limits = {
        name: quiet_limits.quiet_limit(training[name], classes, rows_by_class, rate)
        for name in names
    }

    def is_passed(frame: pd.DataFrame, name: str) -> bool:
        value = quiet_limits.statistic(frame[name], training[name], classes, rows_by_class)
        return value > limits[name]

    return sum(any(is_passed(frame, name) for name in names) for frame in frames)


def _pooled_psi(pooled: pd.DataFrame, training: pd.DataFrame, classes: "pd.Series[Any]") -> float:
    """Return the highest PSI of a feature over all days, against the training data."""
    labels = classes.reset_index(drop=True)
    rows_by_class = dict.fromkeys(labels.unique(), 1)
    values = []
    for name in training:
        before, after = training[name].reset_index(drop=True), pooled[name]
        if before.nunique() > 2:  # PSI wants bins
            shares = np.linspace(0, 1, _PSI_BINS + 1)[1:-1]
            edges = np.unique(np.quantile(before, shares))
            before = pd.Series(np.searchsorted(edges, before, side="right"))
            after = pd.Series(np.searchsorted(edges, after, side="right"))
        expected = quiet_limits.expected_shares(before, labels, rows_by_class)
        cells = np.unique(before)
        counts = np.bincount(np.searchsorted(cells, after), minlength=len(cells))
        values.append(float(quiet_limits.psi(counts, expected)))
    return max(values)


def _age_off(pooled: pd.DataFrame, training: pd.DataFrame, target: str) -> float:
    means = [frame.groupby(target)["age"].mean() for frame in (pooled, training)]
    return float((means[0] - means[1]).abs().max())


def _real_share(frames: list[pd.DataFrame], training: pd.DataFrame) -> float:
    real = set(_rows(training))
    names = list(training.columns)
    shares = [sum(row in real for row in _rows(frame[names])) / ROWS for frame in frames]
    return float(np.mean(shares))


def _rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(map(tuple, frame.to_numpy()))
