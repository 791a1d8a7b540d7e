"""A day's rows together with what came of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from monitoring.batch.batch import Batch
from monitoring.dataset.schema import event_id
from monitoring.ledger.answer import Answer
from monitoring.settings.rules import Label


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A day's batch and its answers by row index.

    seconds: what the scoring took; None where an earlier run had scored some of the rows.
    """

    day: date
    batch: Batch
    answers: Mapping[int, Answer]
    seconds: float | None = None

    def scored_rows(self) -> Iterator[tuple[str, Label, Answer]]:
        """Yield event id, actual class and answer of every scored row, in index order."""
        for index, label in enumerate(self.batch.labels):
            answer = self.answers.get(index)
            if answer and answer.is_scored:
                yield event_id(self.day, index), label, answer
