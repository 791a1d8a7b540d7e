"""How real rows look: told apart by a classifier, and equal to real ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.any_data_model import OwnModel
from benchmarks.any_data_nights import FIRST_DAY
from monitoring.batch.batch import Batch
from monitoring.batch.generate import generate
from monitoring.dataset import schema as columns
from monitoring.dataset.training_file import TrainingFile

_COMPARED_ROWS = 1000
_REFERENCE_ROWS = 1000
_NEIGHBORS = 3
_DRAWS = 3

Rows = NDArray[np.float64]
"""(rows, columns): codes of the categories, then the numericals, last the class."""


def share_of_real_rows(batches: Sequence[Batch], own: OwnModel) -> float:
    """Return the share of the batches' rows that equal a row of the training data."""
    names = columns.column_names(own.settings.schema)
    known = set(_keys(own.source[names]))
    drawn = [key for batch in batches for key in _keys(batch.frame[names])]
    return sum(key in known for key in drawn) / len(drawn)


def _keys(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return each row as texts; 1 is 1.0, and missing is missing."""
    texts = {
        name: frame[name].map(lambda value: f"{value:.12g}" if _is_number(value) else str(value))
        for name in frame
    }
    return list(pd.DataFrame(texts).itertuples(index=False, name=None))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


@dataclass(frozen=True)
class Comparison:
    """Generators' rows beside rows of the table that none of them has seen."""

    own: OwnModel

    def areas(self) -> dict[str, float]:
        """Return by generator the area under the ROC curve of who tells its rows from unseen ones.

        0.5: nobody can. Means of three draws; all with the class mix of the training data.
        """
        generators: dict[str, Callable[[int], Rows]] = {
            "batch": self._batch,
            "bootstrap": self._bootstrap,
            "smoten": lambda draw: self._oversampled(draw, as_categories=True),
            "smotenc": lambda draw: self._oversampled(draw, as_categories=False),
        }
        real = self._coded(self.own.unseen)
        areas = {}
        for name, draw_rows in generators.items():
            each = []
            for draw in range(_DRAWS):
                drawn = draw_rows(draw)
                order = np.random.default_rng(draw).permutation(len(real))
                each.append(self._area(drawn, real[order], draw))
            areas[name] = float(np.mean(each))
        return areas

    @cached_property
    def _source(self) -> Rows:
        return self._coded(self.own.source)

    @cached_property
    def _count(self) -> int:
        return min(_COMPARED_ROWS, len(self.own.unseen))

    @cached_property
    def _levels(self) -> dict[str, list[str]]:
        """The levels of each nominal column, of all rows."""
        frames = (self.own.source, self.own.unseen)
        return {
            name: sorted({str(value) for frame in frames for value in frame[name]})
            for name in columns.nominals(self.own.settings.schema)
        }

    @property
    def _category_columns(self) -> int:
        return len(columns.groups(self.own.settings.schema)) + len(self._levels)

    def _coded(self, frame: pd.DataFrame) -> Rows:
        """Return the rows without missing values, which SMOTENC does not take."""
        schema = self.own.settings.schema
        frame = frame.dropna()
        coded: list[Any] = []
        for features in columns.groups(schema).values():
            indicators = frame[[feature.name for feature in features]].to_numpy(float)
            coded.append(indicators @ np.arange(1, len(features) + 1))
        for name, levels in self._levels.items():
            coded.append(pd.Categorical(frame[name].astype(str), levels).codes)
        coded += [frame[name].to_numpy(float) for name in columns.numericals(schema)]
        coded.append(frame[schema.target.name].map(schema.target.classes.index))
        return np.column_stack(coded).astype(float)

    def _batch(self, draw: int) -> Rows:
        scoring = replace(self.own.settings.scoring, classes="training")
        settings = replace(self.own.settings, scoring=scoring)
        with TrainingFile(settings) as data:
            day = FIRST_DAY + timedelta(days=draw)
            return self._coded(generate(settings, data, day, self._count).frame)

    def _bootstrap(self, draw: int) -> Rows:
        random = np.random.default_rng(draw)
        return self._source[random.integers(0, len(self._source), self._count)]

    def _oversampled(self, draw: int, *, as_categories: bool) -> Rows:
        """Return what SMOTEN gives for all columns as they are, or SMOTENC (else SMOTE)."""
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

        random = np.random.default_rng(draw)
        rows = self._source[random.permutation(len(self._source))[:_REFERENCE_ROWS]]
        classes, present = np.unique(rows[:, -1], return_counts=True)
        enough = present > _NEIGHBORS
        rows = rows[np.isin(rows[:, -1], classes[enough])]
        classes, present = classes[enough], present[enough]
        wanted = np.maximum(1, np.round(self._count * present / present.sum())).astype(int)
        common: dict[str, Any] = {
            "sampling_strategy": dict(zip(classes, present + wanted, strict=True)),
            "k_neighbors": _NEIGHBORS,
            "random_state": draw,
        }
        values, categories = rows[:, :-1], list(range(self._category_columns))
        if as_categories:
            sampler = SMOTEN(**common)
        elif categories:
            sampler = SMOTENC(categorical_features=categories, **common)
        else:
            sampler = SMOTE(**common)
        # The originals come first in what it returns.
        drawn, drawn_classes = sampler.fit_resample(values, rows[:, -1])
        return random.permutation(np.column_stack([drawn, drawn_classes])[len(rows) :])

    def _area(self, drawn: Rows, real: Rows, seed: int) -> float:
        """Return the area of a boosted classifier, by five-fold validation."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        count = min(len(drawn), len(real), self._count)
        rows, is_real = np.vstack([drawn[:count], real[:count]]), np.repeat([0, 1], count)
        classifier = HistGradientBoostingClassifier(
            max_iter=60,
            random_state=seed,
            categorical_features=list(range(self._category_columns)),
        )
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        chances = cross_val_predict(classifier, rows, is_real, cv=folds, method="predict_proba")
        return float(roc_auc_score(is_real, chances[:, 1]))
