"""The sample data with a fitted model, and days drawn from it, for benchmarks and tests."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from monitoring.batch.batch import Batch  # noqa: E402
from monitoring.batch.scored import ScoredBatch  # noqa: E402
from monitoring.dataset import counting, training_data  # noqa: E402
from monitoring.dataset.baseline import Baseline  # noqa: E402
from monitoring.ledger.answer import Answer  # noqa: E402
from monitoring.settings import loader  # noqa: E402
from monitoring.settings.model import Settings  # noqa: E402

CONTENT_HASH = "sample"
"""Of the baselines: a day whose training data have it has rows of the baseline's own."""


def shipped_settings() -> Settings:
    """Return the shipped settings; the checks need no service."""
    unused = ("project_id", "model_api", "model_monitor")
    return loader.load(ROOT / "config.yaml", unused)[0]


class Population:
    """The sample data with a model's score for each row.

    Days and baselines are drawn from it, by class, with replacement.
    """

    def __init__(self) -> None:
        self.settings = shipped_settings()
        path, schema = Path(self.settings.training_data), self.settings.schema
        self.frame = pd.concat(training_data.chunks(path, schema), ignore_index=True)
        self.names = [feature.name for feature in schema.features]
        self.model = LogisticRegression(max_iter=5000).fit(
            self.frame[self.names].to_numpy(float), self.frame["credit"]
        )

    def draw(self, class_rows: tuple[int, int], random: np.random.Generator) -> pd.DataFrame:
        """Return rows of class 0 and 1 in random order."""
        rows = [
            random.choice(np.flatnonzero(self.frame["credit"] == code), size=number)
            for code, number in enumerate(class_rows)
        ]
        return self.frame.iloc[random.permutation(np.concatenate(rows))].reset_index(drop=True)

    def answers(
        self, frame: pd.DataFrame, *, shift: float = 0.0, swapped: bool = False
    ) -> list[Answer]:
        """Return what the model's endpoint would answer.

        shift: added to each score. swapped: the labels are turned over.
        """
        probabilities = self.model.predict_proba(frame[self.names].to_numpy(float))
        scores = np.clip(probabilities[:, 1] + shift, 0, 1)
        scores = 1 - scores if swapped else scores
        return [
            Answer(index, int(score > 0.5), float(score), 20.0, 1, "1", None, "")
            for index, score in enumerate(scores)
        ]

    def baseline(self, frame: pd.DataFrame) -> Baseline:
        """Return the baseline of these rows, as of version 1 of a training set."""
        counted = counting.build(
            self.settings.schema,
            lambda: [frame],
            source="sample",
            content_hash=CONTENT_HASH,
            created_at="",
        )
        return replace(counted, number=1)

    def scored(self, day: date, frame: pd.DataFrame, answers: Sequence[Answer]) -> ScoredBatch:
        """Return a day's rows with their answers."""
        batch = Batch(frame, self.settings.schema, sha256="", drills=[])
        return ScoredBatch(day, batch, {answer.index: answer for answer in answers})
