"""The calls of the model's endpoint against a server on loopback that answers as it should not."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug import Request, Response

from monitoring.errors import CredentialsError, InterruptedRun, RefusedError, ServiceError
from monitoring.ledger.answer import Answer
from monitoring.redaction import Secret
from monitoring.scoring.workers import score_rows
from monitoring.services.model_api import ModelApi
from monitoring.settings import model as settings_model
from monitoring.settings.model import Target

TARGET = Target("credit", [0, 1], 1)
GOOD = {"result": {"class": 1, "score": 0.5}}


def connect(url: str, **settings: Any) -> ModelApi:
    return ModelApi(settings_model.ModelApi(url=url, token=Secret("t"), **settings), TARGET)


def score(url: str, rows: int = 1, *, allowed: int = 0, **settings: Any) -> list[Answer]:
    """Score so many rows and return their answers in the order in which they were recorded."""
    quick = {"workers": 2, "timeout_seconds": 1.0, "attempts": 2}
    endpoint = connect(url, **quick | settings)
    recorded: list[Answer] = []
    bodies = [(index, json.dumps({"data": {"customer_id": index}})) for index in range(rows)]
    score_rows(endpoint, bodies, recorded.append, allowed_failures=allowed)
    return recorded


@pytest.fixture
def talker() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Start a server that lets a function answer on the bare connection; gives its address."""
    listening: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        answer(connection)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/model"

    yield start
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_nothing_that_an_endpoint_says_can_steer_a_terminal_or_break_a_file(
    httpserver: Any,
) -> None:
    nasty = "\ud800\x1b[31m\nred\x00"
    httpserver.expect_ordered_request("/model").respond_with_json(
        {"result": nasty, "request_id": nasty}
    )
    httpserver.expect_ordered_request("/model").respond_with_json(
        GOOD | {"release": {"v": nasty}, "request_id": nasty}
    )

    failed, scored = score(httpserver.url_for("/model"), 2, allowed=1)

    assert scored.error is None
    for text in (failed.error, failed.request_id, scored.release, scored.request_id):
        assert text
        assert text.isprintable()
        assert text.encode()
        assert "red" in text


@pytest.mark.parametrize(
    ("status", "kind"), [(401, CredentialsError), (403, CredentialsError), (404, RefusedError)]
)
def test_an_answer_that_no_row_gets_past_ends_the_run_after_one_request(
    httpserver: Any, status: int, kind: Any
) -> None:
    httpserver.expect_request("/model").respond_with_data("no", status=status)

    with pytest.raises(kind, match=f"answered {status}"):
        score(httpserver.url_for("/model"), 20)

    assert len(httpserver.log) == 1


@pytest.mark.parametrize("retry_after", ["99999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_time_that_is_left_is_not_waited_for(
    httpserver: Any, retry_after: str
) -> None:
    httpserver.expect_request("/model").respond_with_data(
        "later", status=429, headers={"Retry-After": retry_after}
    )
    began = time.monotonic()

    with pytest.raises(ServiceError, match="answered 429: later, no time left for another try"):
        score(httpserver.url_for("/model"), 20)

    assert time.monotonic() - began < 5
    assert len(httpserver.log) == 1


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


def close(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def hang(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize(
    ("answer", "fault"), [(drip, "timeout"), (close, "connection"), (hang, "timeout")]
)
def test_an_endpoint_that_drips_closes_or_hangs_costs_its_time_limit_a_try(
    talker: Any, answer: Any, fault: str
) -> None:
    recorded: list[Answer] = []
    endpoint = connect(talker(answer), timeout_seconds=0.3, attempts=2)
    began = time.monotonic()

    with pytest.raises(ServiceError, match=r"1 row failed .limit 0."):
        score_rows(endpoint, [(0, "{}")], recorded.append, allowed_failures=0)

    assert time.monotonic() - began < 5
    assert [(one.attempt_errors, one.is_retryable) for one in recorded] == [((fault, fault), True)]


def test_an_endpoint_without_tls_where_tls_is_asked_for_failed_for_now(talker: Any) -> None:
    with pytest.raises(ServiceError, match="nothing uploaded"):
        score(talker(close).replace("http:", "https:"), attempts=1)


def test_requests_per_second_hold_over_all_workers(httpserver: Any) -> None:
    httpserver.expect_request("/model").respond_with_json(GOOD)
    began = time.monotonic()

    recorded = score(httpserver.url_for("/model"), 6, workers=4, requests_per_second=10.0)

    assert (
        time.monotonic() - began >= 0.5
    )  # six turns, five of them a tenth of a second after the one before
    assert sorted(answer.index for answer in recorded) == list(range(6))


def test_an_interruption_while_threads_start_waits_for_those_that_have(
    httpserver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal's exception may come between the starts of two threads."""
    httpserver.expect_request("/model").respond_with_json(GOOD)
    recorded: list[Answer] = []
    started: list[threading.Thread] = []
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "worker":
            if len(started) == 2:
                raise KeyboardInterrupt
            started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    endpoint = connect(httpserver.url_for("/model"), workers=4)
    rows = ((index, "{}") for index in range(1000))
    with pytest.raises(KeyboardInterrupt):
        score_rows(endpoint, rows, recorded.append, allowed_failures=0)

    assert not any(thread.is_alive() for thread in started)
    assert len(recorded) == len(httpserver.log)


def test_an_interruption_waits_for_the_row_that_the_main_thread_was_waiting_for(
    httpserver: Any,
) -> None:
    """Python up to 3.12 takes a thread for ended once its join was interrupted."""
    entered = threading.Event()

    def answer(request: Request) -> Response:
        if json.loads(request.data) == "slow":
            entered.set()
            time.sleep(0.5)
        return Response(json.dumps(GOOD), content_type="application/json")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def signal_main_thread() -> None:
        entered.wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    httpserver.expect_request("/model").respond_with_handler(answer)
    endpoint = connect(httpserver.url_for("/model"), workers=1, timeout_seconds=5.0)
    recorded: list[Answer] = []
    before = signal.signal(signal.SIGUSR1, interrupt)
    threading.Thread(target=signal_main_thread).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            rows = [(0, '"fast"'), (1, '"slow"'), (2, '"fast"')]
            score_rows(endpoint, rows, recorded.append, allowed_failures=0)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert [answer.index for answer in recorded] == [0, 1]


def test_the_caller_has_its_thread_while_the_workers_wait(httpserver: Any) -> None:
    is_meanwhile_done = threading.Event()
    threads: list[str] = []

    def reply(_: Request) -> Response:
        if httpserver.log:  # not the first row, which goes alone
            is_meanwhile_done.wait(5)
        return Response(json.dumps(GOOD), content_type="application/json")

    def meanwhile() -> None:
        threads.append(threading.current_thread().name)
        is_meanwhile_done.set()

    httpserver.expect_request("/model").respond_with_handler(reply)
    endpoint = connect(httpserver.url_for("/model"), workers=2)
    recorded: list[Answer] = []
    bodies = [(index, "{}") for index in range(4)]
    score_rows(endpoint, bodies, recorded.append, allowed_failures=0, meanwhile=meanwhile)

    assert threads == ["MainThread"]
    assert all(answer.is_scored for answer in recorded)
    assert len(recorded) == 4


def test_a_signal_in_the_meantime_stops_the_workers_as_at_any_time(httpserver: Any) -> None:
    httpserver.expect_request("/model").respond_with_json(GOOD)
    endpoint = connect(httpserver.url_for("/model"), workers=2)
    recorded: list[Answer] = []
    bodies = ((index, "{}") for index in range(100_000))

    def interrupted() -> None:
        raise InterruptedRun(signal.SIGTERM)

    with pytest.raises(InterruptedRun):
        score_rows(endpoint, bodies, recorded.append, allowed_failures=0, meanwhile=interrupted)

    count = len(recorded)
    time.sleep(0.2)
    assert len(recorded) == count < 100_000
