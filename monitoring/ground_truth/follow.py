"""What became of registered files: asking DMM, and noting each end in the ledger."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from monitoring.errors import MonitoringError, NotYetError, RefusedError, ServiceError
from monitoring.ground_truth.result import FileResult, Outcome, ingestion_failed
from monitoring.ledger import file_entry
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import State
from monitoring.s3_uri import S3Uri
from monitoring.services.dmm import NO_JOBS, Dmm, NoJobsError
from monitoring.services.dmm_jobs import Ingestion, progress_of
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.exchange import Limits
from monitoring.services.retry import Budget
from monitoring.services.server_text import server_text

log = logging.getLogger("monitoring")

_MAX_READ_SECONDS = 30.0
_MIN_READ_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 1.0


def follow(
    ledger: Ledger, dmm: Dmm, files: Sequence[FileResult], wait_seconds: float | None
) -> list[FileResult]:
    """Ask DMM what became of the files until each has an end or the time is over.

    wait_seconds: None asks once, and only about files that were registered before this run.
    """
    files, reported = list(files), set[str]()
    if wait_seconds is None:
        files = record_progress(ledger, dmm, files, _MAX_READ_SECONDS)
        _log_news(files, reported)
        return files

    deadline = time.monotonic() + wait_seconds
    files = [
        replace(file, awaits_ingestion=True) if file.outcome is Outcome.ACCEPTED else file
        for file in files
    ]
    pause = _FIRST_PAUSE_SECONDS
    while any(file.awaits_ingestion for file in files):
        left = deadline - time.monotonic()
        files = record_progress(ledger, dmm, files, min(_MAX_READ_SECONDS, max(1, left)))
        _log_news(files, reported)

        left = deadline - time.monotonic()
        if left <= 0:
            break
        if any(file.awaits_ingestion for file in files):
            time.sleep(min(pause, left))
            # DMM reads about once a day: no need to ask often, once the first answers are in.
            pause = min(2 * pause, dmm.monitor.poll_seconds)
    return [_overdue(file, wait_seconds) if file.awaits_ingestion else file for file in files]


def record_progress(
    ledger: Ledger, dmm: Dmm, files: Sequence[FileResult], read_seconds: float
) -> list[FileResult]:
    """Ask DMM once about the files that await ingestion, and note each end under the day's lock."""
    polled = poll(dmm, files, read_seconds)
    if any(file.awaits_ingestion and file.dmm_text == NO_JOBS for file in polled):
        _report_once_that_no_jobs_are_listed(ledger, dmm)
    return [_record_result(ledger, file) if file.awaits_ingestion else file for file in polled]


def poll(dmm: Dmm, files: Sequence[FileResult], read_seconds: float) -> list[FileResult]:
    """Return the files with what DMM says of those that await ingestion.

    Takes `read_seconds` in all, however many pages of jobs there are. Each is asked for under the
    model id that it was registered with. Trouble in asking fails
    nothing: it is noted in the file's dmm_text, and `progress` is then None.
    """
    budget = Budget.lasting(read_seconds)
    model_ids = {file.dmm_model_id for file in files if file.awaits_ingestion}
    answers = {model_id: _ask(dmm, model_id, budget) for model_id in sorted(model_ids)}

    return [
        _with_answer(dmm, file, answers[file.dmm_model_id]) if file.awaits_ingestion else file
        for file in files
    ]


_Answer = tuple[object, list[dict[str, Any]]] | MonitoringError
"""The model's ingestion status and its jobs, or why they could not be asked for."""


def _ask(dmm: Dmm, model_id: str, budget: Budget) -> _Answer:
    try:
        model = dmm.get_model(model_id, _what_is_left(budget))
        return model.get("ingestionStatus"), dmm.jobs(model_id, _what_is_left(budget))
    except (RefusedError, ServiceError) as error:
        return error


def _what_is_left(budget: Budget) -> Limits:
    seconds = max(_MIN_READ_SECONDS, budget.seconds_left)
    return Limits(attempts=1, read_seconds=seconds, total_seconds=seconds)


def _with_answer(dmm: Dmm, file: FileResult, answer: _Answer) -> FileResult:
    if isinstance(answer, NoJobsError):
        return replace(file, dmm_text=NO_JOBS)
    if isinstance(answer, MonitoringError):
        return replace(file, dmm_text=f"DMM could not be asked: {answer}")
    model_status, jobs = answer
    progress = progress_of(dmm.monitor, jobs, S3Uri.parse(file.uri))
    word = progress.word or "none listed"
    text = f"its job in DMM: {word}; the model's ingestion status: {server_text(model_status, 100)}"
    return replace(file, progress=progress, dmm_text=text)


def _record_result(ledger: Ledger, file: FileResult) -> FileResult:
    """Return a file as DMM's answer leaves it; an end is noted in the ledger."""
    if file.progress is None or file.progress.ingestion is Ingestion.GOING:
        # Nobody waits for what DMM has given up.
        return replace(file, awaits_ingestion=file.outcome is not Outcome.FAILED)

    error: MonitoringError | None = None
    state, reason = State(file.progress.ingestion.value), file.progress.reason
    if state == State.FAILED:
        error = ingestion_failed(file.uri, file.day, reason)
    try:
        _note_end(ledger, file, state, reason)
    except MonitoringError as problem:
        error = error or problem
    return replace(file, outcome=Outcome(state.value), awaits_ingestion=False, error=error)


def _note_end(ledger: Ledger, file: FileResult, state: State, reason: str | None) -> None:
    if file.day is None:
        known = file_entry.find(ledger.workspace, file.uri)
        if known and known.state != state:
            ended = msgspec.structs.replace(known, state=state, reason=reason)
            file_entry.write(ledger.workspace, ended)
        return
    with ledger.locked(file.day) as entry:
        # Another run may have gone on with the day meanwhile.
        is_same_file = entry.manifest and str(entry.manifest.uri) == file.uri
        if is_same_file and entry.state != state:
            entry.update(state=state, reason=reason)


def _report_once_that_no_jobs_are_listed(ledger: Ledger, dmm: Dmm) -> None:
    try:
        is_news = DmmMemory(ledger.workspace.dmm_memory).note_no_jobs(dmm.host)
    except ServiceError as error:
        log.warning("%s", error)
        return
    if is_news:
        log.warning("%s (reported once)", NO_JOBS)


def _log_news(files: Sequence[FileResult], reported: set[str]) -> None:
    for file in files:
        news = f"{file.title}: {file.dmm_text}"
        if file.awaits_ingestion and file.dmm_text != NO_JOBS and news not in reported:
            log.info("%s", news)
            reported.add(news)


def _overdue(file: FileResult, wait_seconds: float) -> FileResult:
    """Return a file that DMM has not ingested by the deadline."""
    error = NotYetError(
        f"{file.title}: accepted by DMM, not ingested within {wait_seconds:g} s"
        f" ({file.dmm_text}); it reads files about once a day: --pending continues from here"
    )
    return replace(file, outcome=Outcome.NOT_YET, awaits_ingestion=False, error=error)
