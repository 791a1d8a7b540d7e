"""Threads that send rows to the model's endpoint, the first row alone, and record every answer.

Each row's answer is handed to `record` before its worker takes another row. At least once: a row
whose answer was lost on the way is sent again, with the same id, by the next run.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from monitoring import clock
from monitoring.errors import RefusedError, ServiceError, TransientError
from monitoring.ledger.answer import Answer
from monitoring.services.http import ReplyTooLargeError
from monitoring.services.model_api import ModelApi
from monitoring.services.model_reply import Prediction, UnusableReplyError
from monitoring.services.retry import Budget, with_retries
from monitoring.services.server_text import server_text
from monitoring.text import format_count

Row = tuple[int, str]
"""A row's index and its request body."""


def score_rows(
    endpoint: ModelApi,
    rows: Iterable[Row],
    record: Callable[[Answer], None],
    allowed_failures: int,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Score rows and record every answer; return when every row has one.

    meanwhile: is called once, in the caller's thread, while the workers wait for the endpoint; for
    what would else be done afterwards. It must raise nothing but an InterruptedRun.

    Raises CredentialsError or RefusedError for an answer that no row will get past, ServiceError
    or RefusedError once more than `allowed_failures` rows have failed, and whatever `record`
    raises. An InterruptedRun passes through after the rows in flight were given at most
    `timeout_seconds`.
    """
    run = _Run(endpoint, record, allowed_failures)
    queue = iter(rows)
    if first := next(queue, None):
        _work_off(run, iter([first]), 1)
    if not run.budget.stop.is_set():
        _work_off(run, queue, endpoint.settings.workers, meanwhile)
    if run.stopped_by:
        raise run.stopped_by


class _Run:
    """What the worker threads share."""

    def __init__(
        self, endpoint: ModelApi, record: Callable[[Answer], None], allowed_failures: int
    ) -> None:
        self.endpoint, self.settings = endpoint, endpoint.settings
        self.record, self.allowed_failures = record, allowed_failures
        self.budget = Budget.lasting(self.settings.total_seconds)
        self.lock = threading.Lock()
        self.next_request_at = time.monotonic()
        self.failures: list[Answer] = []
        self.stopped_by: BaseException | None = None

    def stop(self, reason: BaseException | None) -> None:
        """Have every worker stop; the first reason counts."""
        with self.lock:
            self.stopped_by = self.stopped_by or reason
            self.budget.stop.set()

    def wait_for_turn(self) -> bool:
        """Wait for a request's turn under `requests_per_second`; False: no time, or stopped."""
        rate = self.settings.requests_per_second
        with self.lock:
            at = max(self.next_request_at, time.monotonic())
            self.next_request_at = at + (1 / rate if rate else 0)
        return self.budget.wait(max(0.0, at - time.monotonic()))

    def accept(self, answer: Answer) -> None:
        """Record the answer, and stop once too many rows have failed."""
        self.record(answer)
        if answer.is_scored:
            return
        with self.lock:
            self.failures.append(answer)
            count = len(self.failures)
            some_may_pass = any(failure.is_retryable for failure in self.failures)
        if count <= self.allowed_failures:
            return

        text = (
            f"{format_count(count, 'row')} failed (limit {self.allowed_failures}), nothing"
            f" uploaded. POST {self.settings.url}: {answer.error}"
        )
        if some_may_pass:
            self.stop(
                ServiceError(f"{text}; run again later, only rows without an answer are sent")
            )
        else:
            self.stop(
                RefusedError(
                    f"{text}; a rerun will not help: check model_api.prediction and the endpoint's"
                    " reply"
                )
            )


def _work_off(
    run: _Run,
    queue: Iterator[Row],
    workers: int,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    taking = threading.Lock()

    def work() -> None:
        while not run.budget.stop.is_set():
            with taking:
                row = next(queue, None)
            if row is None:
                return
            answer = _ask(run, *row)
            if answer:
                run.accept(answer)

    threads = [_Worker(run, work) for _ in range(workers)]
    try:
        for thread in threads:
            thread.start()
        meanwhile()
        for thread in threads:
            thread.ended.wait()
    except BaseException:
        run.stop(None)
        _wait_for(threads, run.settings.timeout_seconds)
        raise


class _Worker(threading.Thread):
    """A thread that says when it has ended, and hands its error to the run.

    An event, for `join` can't be relied on: Python up to 3.12 takes a thread for ended as soon as
    an exception interrupts its join (https://github.com/python/cpython/issues/90882).
    """

    def __init__(self, run: _Run, work: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="worker")
        self.ended = threading.Event()
        self._run, self._work = run, work

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            # A thread's errors end where nobody looks: hand them to the caller.
            self._run.stop(error)
        finally:
            self.ended.set()


def _wait_for(threads: list[_Worker], seconds: float) -> None:
    until = time.monotonic() + seconds
    for thread in threads:
        if thread.ident is not None:  # one that has not begun will find the run stopped
            thread.ended.wait(max(0.0, until - time.monotonic()))


class _RowTries:
    """The tries of one row: how many, what went wrong in each, how long the last one took."""

    def __init__(self, run: _Run, index: int, body: str) -> None:
        self.run, self.index, self.body = run, index, body
        self.attempts, self.latency_ms = 0, 0.0
        self.errors: list[str] = []

    def predict(self) -> Prediction:
        """Send the row once, in its turn."""
        if not self.run.wait_for_turn():
            raise _OutOfTimeError
        self.attempts += 1
        begin = time.monotonic()
        try:
            return self.run.endpoint.predict(self.body)
        finally:
            self.latency_ms = (time.monotonic() - begin) * 1000

    def note(self, error: TransientError) -> None:
        """Keep what went wrong in a try."""
        self.errors.append(error.kind)

    def scored(self, prediction: Prediction) -> Answer:
        """Return the answer of a scored row."""
        return Answer(
            index=self.index,
            prediction=prediction.value,
            score=prediction.score,
            latency_ms=round(prediction.latency_ms, 3),
            attempts=self.attempts,
            release=prediction.release,
            request_id=prediction.request_id,
            scored_at=clock.timestamp("milliseconds"),
            attempt_errors=tuple(self.errors),
        )

    def failed(self, problem: str, *, is_retryable: bool, request_id: str | None = None) -> Answer:
        """Return the answer of a row that failed."""
        return Answer(
            index=self.index,
            prediction=None,
            score=None,
            latency_ms=round(self.latency_ms, 3),
            attempts=self.attempts,
            release=None,
            request_id=request_id,
            scored_at=clock.timestamp("milliseconds"),
            error=server_text(problem),
            is_retryable=is_retryable,
            attempt_errors=tuple(self.errors),
        )


class _OutOfTimeError(Exception):
    """The time for the run was over, or sending was stopped, before the row's turn came."""


def _ask(run: _Run, index: int, body: str) -> Answer | None:
    """Return what came of a row after all its tries; None where sending stopped before that."""
    tries = _RowTries(run, index, body)
    try:
        prediction = with_retries(
            tries.predict,
            attempts=run.settings.attempts,
            budget=run.budget,
            on_failure=tries.note,
        )
        return tries.scored(prediction)
    except TransientError as error:
        if tries.attempts >= run.settings.attempts:
            return tries.failed(f"{error}, {tries.attempts} tries", is_retryable=True)
        if run.budget.stop.is_set():
            return None
        return tries.failed(
            f"{error}, no time left for another try (total_seconds)", is_retryable=True
        )
    except _OutOfTimeError:
        if run.budget.stop.is_set():
            return None
        return tries.failed("no time left (total_seconds)", is_retryable=True)
    except UnusableReplyError as error:
        if error.attempt_error:
            tries.errors.append(error.attempt_error)
        tries.latency_ms = error.latency_ms
        return tries.failed(str(error), is_retryable=False, request_id=error.request_id)
    except ReplyTooLargeError as error:
        tries.errors.append("too_large")
        return tries.failed(str(error), is_retryable=False)
