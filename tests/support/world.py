"""A model's days, evaluated as in production."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from benchmarks.population import CONTENT_HASH, Population
from monitoring.batch.batch import Batch
from monitoring.batch.scored import ScoredBatch
from monitoring.checks.alert import Alert
from monitoring.checks.answered_rows import AnsweredRows
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord, PipelineRecord, to_json
from monitoring.checks.shift_record import FeatureTest
from monitoring.dataset.baseline import Baseline
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Settings

FIRST = date(2026, 1, 1)


class World:
    """One day after the other: each sees the records of those before.

    checks: settings of that section.
    """

    def __init__(
        self, population: Population, limits: Limits, seed: int = 0, **checks: Any
    ) -> None:
        self.population, self.limits = population, limits
        self.random = np.random.default_rng(seed)
        shipped = population.settings
        self.settings = replace(shipped, checks=replace(shipped.checks, **checks))
        self.baseline = population.baseline(population.frame)
        self.records: list[DayRecord] = []
        self.compares_answers = False
        self.answered: list[AnsweredRows] = []

    def batch(self, rows: int = 200) -> pd.DataFrame:
        """Return rows of a quiet day, half of each class."""
        return self.population.draw((rows // 2, rows // 2), self.random)

    def drilled(self, rows: int = 200) -> pd.DataFrame:
        """Return rows of which half are ten years older."""
        frame = self.batch(rows)
        frame.loc[self.random.choice(rows, rows // 2, replace=False), "age"] += 10
        return frame

    def evaluate(
        self,
        frame: pd.DataFrame | None = None,
        answers: Sequence[Answer] | None = None,
        *,
        skip_days: int = 0,
        baseline: Baseline | None = None,
        drills: Sequence[str] = (),
        seconds: float | None = None,
        pipeline: PipelineRecord | None = None,
        training_sha256: str | None = CONTENT_HASH,
    ) -> DayRecord:
        """Evaluate the next day, by default a quiet one, and return its record as it is read back.

        skip_days: days that are left out before it.
        """
        frame = self.batch() if frame is None else frame
        answers = self.population.answers(frame) if answers is None else answers
        day = FIRST + timedelta(days=skip_days)
        if self.records:
            day = date.fromisoformat(self.records[-1].day) + timedelta(days=1 + skip_days)
        day_scored = scored(self.settings, day, frame, answers, drills=drills, seconds=seconds)
        record = evaluate(
            DayInputs(
                settings=self.settings,
                scored=day_scored,
                baseline=baseline or self.baseline,
                previous=self.records,
                earlier_answers=self.answered if self.compares_answers else (),
                pipeline=pipeline or PipelineRecord(),
                training_sha256=training_sha256,
                limits=self.limits,
            )
        )
        self.answered.append(AnsweredRows.of(day_scored, self.settings.schema))
        self.records.append(read_back(record))
        return self.records[-1]

    def days(self, count: int, **arguments: Any) -> list[DayRecord]:
        """Evaluate so many quiet days."""
        return [self.evaluate(**arguments) for _ in range(count)]


def scored(
    settings: Settings,
    day: date,
    frame: pd.DataFrame,
    answers: Sequence[Answer],
    *,
    drills: Sequence[str] = (),
    seconds: float | None = None,
) -> ScoredBatch:
    """Return a day's rows with their answers."""
    batch = Batch(frame, settings.schema, sha256="", drills=list(drills))
    return ScoredBatch(day, batch, {answer.index: answer for answer in answers}, seconds)


def read_back(record: DayRecord) -> DayRecord:
    """Return what the next day reads of a record: all of it."""
    read = msgspec.json.decode(to_json(record), type=DayRecord)
    assert read == record
    return read


def changed(answers: Sequence[Answer], **changes: Any) -> list[Answer]:
    """Return the answers with these changes in each."""
    return [msgspec.structs.replace(answer, **changes) for answer in answers]


def failing(answers: Sequence[Answer], rows: Sequence[int], **changes: Any) -> list[Answer]:
    """Return the answers with those of some rows turned into failures."""
    failure = {"prediction": None, "score": None, "error": "answered 500", **changes}
    return [
        msgspec.structs.replace(answer, **failure) if answer.index in rows else answer
        for answer in answers
    ]


def found(record: DayRecord) -> set[tuple[str, str, str]]:
    """Return family, subject and metric of each new alert."""
    return names(record.alerts)


def names(alerts: Iterable[Alert]) -> set[tuple[str, str, str]]:
    """Return family, subject and metric of each alert."""
    return {(alert.family.value, alert.subject, alert.metric) for alert in alerts}


def feature(record: DayRecord, name: str) -> FeatureTest:
    """Return a feature's test."""
    return next(test for test in record.drift if test.subject == name)
