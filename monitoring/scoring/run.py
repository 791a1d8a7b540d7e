"""Scoring the rows of a day that have no final answer."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator

from monitoring.batch.batch import Batch
from monitoring.batch.scored import ScoredBatch
from monitoring.errors import RefusedError
from monitoring.ledger.answer import Answer
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.journal import Journal
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import Step
from monitoring.scoring import workers
from monitoring.scoring.prepare import PreparedDay
from monitoring.services.model_api import ModelApi
from monitoring.settings.model import Settings
from monitoring.text import format_count


def score(
    settings: Settings,
    entry: DayEntry,
    prepared: PreparedDay,
    on_answers: Callable[[int], object] = lambda _: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> ScoredBatch:
    """Send the rows that have no final answer, and return the batch with all its answers.

    Leaves the day in state `scored`; a day past that is only read back. on_answers: gets the
    number of rows that are done, then of each that follows. meanwhile: as of workers.score_rows;
    a day whose rows all have their answers has no time for it. Each row is recorded once; at the
    endpoint it arrives at least once. Raises what workers.score_rows raises, with every answer so
    far on disk.
    """
    batch = prepared.batch
    assert batch is not None, "a day that is done has no rows to score"

    classes = settings.schema.target.classes
    journal = Journal(entry.workspace.journal(entry.day), batch.sha256, len(batch), classes)
    with contextlib.closing(journal):
        answers = journal.answers
        left = rows_to_send(prepared.step, batch, answers)
        if entry.state != State.GENERATED and not left:
            return ScoredBatch(entry.day, batch, answers)

        allowed_failures = _allowed_failures(settings, entry, batch, answers)
        is_first_run = not answers
        on_answers(len(batch) - len(left))

        def record(answer: Answer) -> None:
            journal.append(answer)
            on_answers(1)

        rows = _bodies_of(settings, entry, batch, set(left))
        endpoint = ModelApi(settings.model_api, settings.schema.target)
        began = time.monotonic()
        try:
            workers.score_rows(endpoint, rows, record, allowed_failures, meanwhile)
        finally:
            entry.count(answers)
        seconds = time.monotonic() - began
        entry.update(state=State.SCORED)
        return ScoredBatch(entry.day, batch, answers, seconds if is_first_run else None)


def _bodies_of(
    settings: Settings, entry: DayEntry, batch: Batch, wanted: set[int]
) -> Iterator[workers.Row]:
    """Yield the wanted rows' request bodies."""
    bodies = batch.request_bodies(entry.day, settings.model_api.arguments)
    return (row for row in bodies if row[0] in wanted)


def rows_to_send(step: Step, batch: Batch, answers: dict[int, Answer]) -> list[int]:
    """Return the rows without a final answer; none once the day is past its scoring."""
    if step > Step.SCORE:
        return []
    return [
        index for index in range(len(batch)) if index not in answers or not answers[index].is_final
    ]


def _allowed_failures(
    settings: Settings, entry: DayEntry, batch: Batch, answers: dict[int, Answer]
) -> int:
    """Return how many more rows may fail; raises RefusedError where too many have for good."""
    # Of a day without a scored row there is nothing to upload, whatever share may fail.
    share = settings.model_api.max_failed_share
    allowed = min(math.floor(share * len(batch) + 1e-9), len(batch) - 1)
    failed = sum(not answer.is_scored and answer.is_final for answer in answers.values())
    if failed > allowed:
        raise RefusedError(
            f"{entry.day}: {format_count(failed, 'row')} failed for good (limit {allowed}): fix the"
            " endpoint, then use --rerun"
        )
    return allowed - failed
