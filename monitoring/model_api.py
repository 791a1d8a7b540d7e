"""The model's endpoint: one request a row, answers judged strictly (contracts 6.1).

Each row's answer is handed to `record` before its worker takes another row. At least once: a row whose answer was lost on the
way is sent again, with the same id, by the next run.
"""

import base64
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from monitoring.errors import CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.http_client import PASSING_STATUSES, Budget, Limits, NoAnswer, Reply, delay_seconds, send, session

if TYPE_CHECKING:
    import requests

    from monitoring.config import ModelApi, Target

_REFUSED = "the model's access token was refused: mend MODEL_API_TOKEN (a user API key won't do), or model_api.auth"
_STOPPING = {401: _REFUSED, 403: _REFUSED, 404: "no model runs there: mend model_api.url, or start the endpoint"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one row. `error` is None for a scored row; `passing`: the failure may pass, so the row may be sent again.

    `faults`: the kind of each failed try ("503", "timeout"). `latency_ms`: of the last try. `scored_at`: RFC 3339, UTC.
    """

    index: int
    prediction: int | str | None
    score: float | None
    latency_ms: float
    attempts: int
    release: str | None
    request_id: str | None
    scored_at: str
    error: str | None = None
    passing: bool = False
    faults: tuple[str, ...] = ()


def score(
    settings: "ModelApi",
    target: "Target",
    rows: Iterable[tuple[int, str]],
    record: Callable[[Answer], None],
    *,
    allowed_failures: int,
) -> None:
    """Score rows (index and request body each) with `workers` threads, the first row alone, and record every answer.

    Returns when every row has an answer. Raises CredentialsError or RefusedError for an answer that no row will get past,
    ServiceError or RefusedError once more than `allowed_failures` rows have failed, and whatever `record` raises. An
    InterruptedRun passes through after the rows in flight were given at most `timeout_seconds`.
    """
    work = _Work(settings, target, record, allowed_failures)
    queue = iter(rows)
    if first := next(queue, None):
        _in_threads(work, iter([first]), 1)
    if not work.budget.stop.is_set():
        _in_threads(work, queue, settings.workers)
    if work.stopped_by:
        raise work.stopped_by


class _Work:
    """What the worker threads share."""

    def __init__(self, settings: "ModelApi", target: "Target", record: Callable[[Answer], None], allowed_failures: int) -> None:
        self.settings, self.target, self.record, self.allowed_failures = settings, target, record, allowed_failures
        self.limits = Limits(
            connect_seconds=min(5, settings.timeout_seconds),
            read_seconds=settings.timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        self.budget = Budget(time.monotonic() + settings.total_seconds)
        self.session: requests.Session = session(_credentials(settings), settings.workers)
        self.lock = threading.Lock()
        self.next_at = time.monotonic()
        self.failures: list[Answer] = []
        self.stopped_by: BaseException | None = None

    def stop(self, reason: BaseException | None) -> None:
        with self.lock:
            self.stopped_by = self.stopped_by or reason
            self.budget.stop.set()

    def pause(self) -> bool:
        """Wait for this request's turn under `requests_per_second`; False: sending has stopped."""
        with self.lock:
            at = max(self.next_at, time.monotonic())
            self.next_at = at + (1 / self.settings.requests_per_second if self.settings.requests_per_second else 0)
        return self.budget.wait(max(0.0, at - time.monotonic()))

    def note(self, answer: Answer) -> None:
        """Record the answer, and stop once too many rows have failed."""
        self.record(answer)
        if answer.error is None:
            return
        with self.lock:
            self.failures.append(answer)
            count, some_may_pass = len(self.failures), any(failure.passing for failure in self.failures)
        if count > self.allowed_failures:
            text = f"{count} rows failed, {self.allowed_failures} may; nothing is uploaded. Row {answer.index}: {answer.error}"
            if some_may_pass:
                self.stop(ServiceError(f"{text}; run again later, only rows without an answer are sent"))
            else:
                self.stop(RefusedError(f"{text}; a rerun won't help: mend the endpoint or the rows"))


def _in_threads(work: _Work, queue: Iterator[tuple[int, str]], workers: int) -> None:
    taking = threading.Lock()

    def labour() -> None:
        try:
            while not work.budget.stop.is_set():
                with taking:
                    item = next(queue, None)
                if item is None:
                    return
                answer = _ask(work, *item)
                if answer:
                    work.note(answer)
        except BaseException as error:  # a thread's errors end where nobody looks: hand them to the caller
            work.stop(error)

    threads = [threading.Thread(target=labour, daemon=True) for _ in range(workers)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        work.stop(None)
        until = time.monotonic() + work.settings.timeout_seconds
        for thread in threads:
            if thread.is_alive():  # one that has not begun can't be waited for
                thread.join(max(0.0, until - time.monotonic()))
        raise


def _ask(work: _Work, index: int, body: str) -> Answer | None:
    """Return what came of a row after all its tries; None where sending stopped before it had an answer."""
    faults: list[str] = []
    attempt = 0
    while True:
        attempt += 1
        if not work.pause():
            return (
                None if work.budget.stop.is_set() else _failed(work, index, attempt - 1, faults, "no time left (total_seconds)")
            )
        retry_after = None
        begin = time.monotonic()
        try:
            reply = send(work.session, "POST", work.settings.url, work.limits, body=body)
            latency_ms = reply.latency_ms
        except NoAnswer as error:
            latency_ms = (time.monotonic() - begin) * 1000
            faults.append(error.kind)
            problem = str(error)
            if error.kind == "too_large":
                return _failed(work, index, attempt, faults, problem, latency_ms, passing=False)
        else:
            stopping = _stopping(reply)
            if stopping:
                work.stop(stopping)
                return None
            if reply.status not in PASSING_STATUSES:
                return _judged(work, index, attempt, faults, reply)
            faults.append(str(reply.status))
            problem, retry_after = f"answered {reply.status}", reply.headers.get("Retry-After")
        if attempt >= work.settings.attempts:
            return _failed(work, index, attempt, faults, f"{problem}, {attempt} tries", latency_ms)
        if not work.budget.wait(delay_seconds(attempt, retry_after)):
            if work.budget.stop.is_set():
                return None
            return _failed(work, index, attempt, faults, f"{problem}, no time left for another try (total_seconds)", latency_ms)


def _stopping(reply: Reply) -> MonitoringError | None:
    """Return the error for an answer that no other row will get past."""
    if host := reply.redirect_host:
        return RefusedError(
            f"{reply.url}: redirects to {_plain(host)}, which is never followed (it would get the token): mend model_api.url"
        )
    if reply.status not in _STOPPING:
        return None
    kind = RefusedError if reply.status == 404 else CredentialsError
    return kind(f"{reply.url}: answered {reply.status}: {_STOPPING[reply.status]}")


def _judged(work: _Work, index: int, attempt: int, faults: list[str], reply: Reply) -> Answer:
    """Return the answer that a reply amounts to: scored only if it holds a known class and a probability in [0, 1]."""
    data = reply.data
    body = data if isinstance(data, dict) else {}
    request_id = _plain(reply.headers.get("X-Request-ID") or body.get("request_id") or "")[:100] or None
    try:
        if reply.status != 200:
            raise ValueError(f"answered {reply.status}: {reply.excerpt}")
        if "result" not in body:
            raise ValueError(
                f"expected JSON with a `result`, got {reply.headers.get('Content-Type', 'no type')}: {reply.excerpt}"
            )
        prediction = _class_at(body["result"], work.settings.prediction, work.target.classes)
        probability = None
        if work.settings.probability is not None:
            probability = _probability_at(body["result"], work.settings.probability)
    except ValueError as error:
        if reply.status >= 500:
            faults.append(str(reply.status))
        where = f" (request {request_id})" if request_id else ""
        return _failed(work, index, attempt, faults, f"{error}{where}", reply.latency_ms, passing=False, request_id=request_id)
    latency_ms, release = round(reply.latency_ms, 3), _release(body)
    return Answer(index, prediction, probability, latency_ms, attempt, release, request_id, _now(), faults=tuple(faults))


def _failed(
    work: _Work,
    index: int,
    attempts: int,
    faults: list[str],
    problem: str,
    latency_ms: float = 0.0,
    passing: bool = True,
    request_id: str | None = None,
) -> Answer:
    latency_ms, problem = round(latency_ms, 3), _plain(problem)
    return Answer(index, None, None, latency_ms, attempts, None, request_id, _now(), problem, passing, tuple(faults))


def _plain(value: Any) -> str:
    """Return what a server said as text that can neither steer a terminal nor break a line, a page or UTF-8."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(value)[:1000])


def _at(result: Any, path: str) -> Any:
    for part in path.split(".") if path else []:
        if isinstance(result, list) and part.isdigit() and int(part) < len(result):
            result = result[int(part)]
        elif isinstance(result, dict) and part in result:
            result = result[part]
        else:
            raise ValueError(f"expected `result` to hold {path!r}, got {str(result)[:200]}")
    return result


def _class_at(result: Any, path: str, classes: list[int | str]) -> int | str:
    value = _at(result, path)
    for known in classes:
        if not isinstance(value, bool) and isinstance(value, str) == isinstance(known, str) and value == known:
            return known
    raise ValueError(f"expected one of {classes} as the class, got {str(value)[:200]!r}")


def _probability_at(result: Any, path: str) -> float:
    value = _at(result, path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"expected a probability from 0 to 1, got {str(value)[:200]!r}")
    return float(value)


def _release(body: dict[str, Any]) -> str | None:
    """Return the model's release as text; the harness's own version says nothing about the model."""
    release = body.get("release")
    if not isinstance(release, dict):
        return None
    return _plain(" ".join(f"{name}={release[name]}" for name in sorted(release) if name != "harness_version"))[:200] or None


def _credentials(settings: "ModelApi") -> dict[str, str]:
    token = settings.token.get_secret_value()
    if settings.auth == "basic":  # contracts 2.2: the token is user and password
        return {"Authorization": "Basic " + base64.b64encode(f"{token}:{token}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if settings.auth == "bearer" else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
