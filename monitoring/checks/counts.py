"""The rows of a day by actual class and cell: what is compared, and what is summed over days."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from monitoring.batch.scored import ScoredBatch
from monitoring.checks.record import Counts, DayRecord, VariableCounts
from monitoring.dataset.baseline import Baseline, Column
from monitoring.dataset.counting import class_codes, count
from monitoring.settings.model import Schema
from monitoring.settings.rules import Label
from monitoring.statistics.arrays import Array
from monitoring.statistics.performance import Predictions, confusion_matrix
from monitoring.statistics.scores import SCORE_CELLS, score_cells


class Classes(NamedTuple):
    """The target's classes; a class's code is its place in `labels`.

    positive: the code of the positive class. mix (classes,): shares in the training data.
    """

    labels: tuple[Label, ...]
    positive: int
    mix: Array

    @classmethod
    def of(cls, schema: Schema, baseline: Baseline) -> Self:
        """Return the classes as the baseline orders them."""
        positive = baseline.classes.index(schema.target.positive)
        return cls(baseline.classes, positive, baseline.class_rows / baseline.rows)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's rows by actual class, of the baseline or of some days.

    cells (classes, cells) are compared by PSI; where there are bins (classes, bins) too, cells by
    KS, and bins give the PSI.
    """

    cells: Array
    bins: Array | None = None

    @classmethod
    def of_column(cls, column: Column) -> Self:
        """Return a feature's rows."""
        return cls(column.counts, column.numbers.bins if column.numbers else None)

    @classmethod
    def of_record(cls, counts: VariableCounts) -> Self:
        """Return a feature's rows of an earlier day."""
        bins = None if counts.bins is None else np.array(counts.bins)
        return cls(np.array(counts.cells), bins)

    def as_record(self) -> VariableCounts:
        """Return the rows as a record holds them."""
        bins = None if self.bins is None else self.bins.tolist()
        return VariableCounts(self.cells.tolist(), bins)

    @property
    def class_rows(self) -> Array:
        """Rows of each class (classes,)."""
        return np.asarray(self.cells.sum(axis=1))

    def __add__(self, other: Self) -> "Variable":
        # An earlier day may lack bins: its feature had no numbers in the baseline then.
        bins = None if self.bins is None or other.bins is None else self.bins + other.bins
        return Variable(self.cells + other.cells, bins)


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """What the model predicted for the rows of some days.

    confusion (classes, classes): actual, predicted. scores (classes, SCORE_CELLS) and score_sums
    (classes,): by actual class; None where a day has no scores.
    """

    confusion: Array
    scores: Array | None = None
    score_sums: Array | None = None

    @classmethod
    def of_record(cls, record: DayRecord) -> Self:
        """Return the counts of an earlier day."""
        counts = record.counts
        confusion = np.array(counts.confusion)
        if counts.score is None or counts.score_sums is None:
            return cls(confusion)

        scores = np.zeros((len(counts.score), SCORE_CELLS), np.int64)
        for row, cells in zip(scores, counts.score, strict=True):
            for cell, rows in cells.items():
                row[cell] = rows
        return cls(confusion, scores, np.array(counts.score_sums))

    @classmethod
    def of_predictions(cls, predictions: Predictions, classes: int) -> Self:
        """Return the counts of predictions; classes: how many there are."""
        actual, predicted, score = predictions
        confusion = confusion_matrix(actual, predicted, classes)
        if score is None:
            return cls(confusion)

        # Class and cell as one number, so that one bincount counts both.
        keys = actual * SCORE_CELLS + score_cells(score)
        scores = np.bincount(keys, minlength=classes * SCORE_CELLS).reshape(classes, -1)
        return cls(confusion, scores, np.bincount(actual, weights=score, minlength=classes))

    def __add__(self, other: Self) -> "ModelCounts":
        confusion = self.confusion + other.confusion
        if self.scores is None or self.score_sums is None:
            return ModelCounts(confusion)
        if other.scores is None or other.score_sums is None:
            return ModelCounts(confusion)
        return ModelCounts(
            confusion, self.scores + other.scores, self.score_sums + other.score_sums
        )


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """The batch's rows by feature, beside the baseline that they are compared with.

    independent: the baseline is another sample than the one that the batch was generated from.
    training_data_changed: the training data are no longer those of the baseline.
    """

    columns: dict[str, Column]
    rows: int
    baseline: Baseline
    independent: bool
    training_data_changed: bool = False


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """The rows that have a prediction and an actual outcome.

    index (rows,): their places in the batch. batch_rows: rows of the whole batch. actual_rows
    (classes,): rows of the whole batch by actual class.
    """

    index: Array
    predictions: Predictions
    batch_rows: int
    actual_rows: Array


def count_features(
    schema: Schema,
    frame: pd.DataFrame,
    baseline: Baseline,
    *,
    independent: bool,
    training_data_changed: bool = False,
) -> FeatureCounts:
    """Count a batch's features in the cells of the baseline."""
    codes = class_codes(frame[schema.target.name], baseline.classes)
    columns = {}
    for feature in schema.features:
        cut = baseline.columns[feature.name].cut
        columns[feature.name] = count(frame, feature, cut, codes, len(baseline.classes))
    return FeatureCounts(columns, len(frame), baseline, independent, training_data_changed)


def scored_rows(scored: ScoredBatch, classes: Sequence[Label]) -> ScoredRows:
    """Return the rows with a prediction and an outcome of `classes`, in the answers' order."""
    answers = [answer for answer in scored.answers.values() if answer.is_scored]
    code_of: dict[Label | None, int] = {value: code for code, value in enumerate(classes)}
    index = np.fromiter((answer.index for answer in answers), np.int64, len(answers))
    predicted = np.fromiter(
        (code_of[answer.prediction] for answer in answers), np.int64, len(answers)
    )
    score = np.fromiter(
        (math.nan if answer.score is None else answer.score for answer in answers),
        float,
        len(answers),
    )

    codes = class_codes(scored.batch.labels, tuple(classes))
    actual = codes[index]
    known = actual >= 0
    # One row without a score leaves the day without: means and distances need all of them.
    has_scores = known.any() and not np.isnan(score).any()
    predictions = Predictions(actual[known], predicted[known], score[known] if has_scores else None)
    actual_rows = np.bincount(codes[codes >= 0], minlength=len(classes))
    return ScoredRows(index[known], predictions, len(codes), actual_rows)


def as_record(features: FeatureCounts, model: ModelCounts) -> Counts:
    """Return a day's counts as its record holds them."""
    score = None
    if model.scores is not None:
        score = [
            {int(cell): int(row[cell]) for cell in np.flatnonzero(row)} for row in model.scores
        ]
    return Counts(
        features={
            name: Variable.of_column(column).as_record()
            for name, column in features.columns.items()
        },
        confusion=model.confusion.tolist(),
        score=score,
        score_sums=None if model.score_sums is None else model.score_sums.tolist(),
    )


def total(counts: Iterable[ModelCounts]) -> ModelCounts:
    """Return the counts of one or more days together; without scores where one has none."""
    return reduce(add, counts)


def shares(counts: Array) -> Array:
    """Return the share of each count in their sum; 0 where that is 0."""
    return np.asarray(counts / max(1, counts.sum()))
