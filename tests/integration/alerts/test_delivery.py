"""What is sent, what is held back, and that a dead channel costs little."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitoring.alerts import healthchecks
from monitoring.settings.model import Settings
from tests.integration.alerts.conftest import Logged
from tests.support.alerts import (
    TIMEOUT_SECONDS,
    alert,
    deliver,
    record,
    with_domino,
    with_ping,
    with_webhook,
)
from tests.support.servers import SocketServer


def texts(httpserver: HTTPServer) -> list[str]:
    return [json.loads(request.get_data())["text"] for request, _ in httpserver.log]


def test_a_quiet_day_and_channels_that_are_off_send_nothing(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    deliver(with_webhook(settings, hook), record(), tmp_path)
    deliver(settings, record("2026-01-10", alert()), tmp_path)
    with healthchecks.watch(settings.alerts, dry_run=False):
        pass

    assert httpserver.log == []
    assert logged() == []


def test_an_alert_cools_down_and_a_new_one_does_not_wait_for_it(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    settings = with_webhook(settings, hook, cooldown_days=3)
    for day in range(10, 17):
        alerts = [alert(), alert("new")] if day == 12 else [alert()]
        deliver(settings, record(f"2026-01-{day}", *alerts), tmp_path)

    sent = [(text.split()[1][:10], text.count("- drift")) for text in texts(httpserver)]
    assert sent == [("2026-01-10", 1), ("2026-01-12", 1), ("2026-01-13", 1), ("2026-01-16", 1)]
    assert "new" in texts(httpserver)[1]
    assert logged()[1] == ("INFO", "webhook: 1 alert, 1 held back (sent lately) sent")


def test_a_channel_hears_once_that_what_it_was_sent_is_over(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    settings = with_webhook(settings, hook)
    ended = replace(record("2026-01-11"), recovered=[alert(text="age, ks: no longer so")])
    for day in (record("2026-01-10", alert()), ended, record("2026-01-12")):
        deliver(settings, day, tmp_path)

    alarm, recovery = texts(httpserver)
    assert "recovered" not in alarm
    assert recovery.splitlines() == [
        "credit-default 2026-01-11: 0 alerts, 1 recovered, advice: look",
        "- recovered: age, ks: no longer so",
        "report: reports/page.html",
    ]


def test_an_end_that_could_not_be_sent_is_sent_by_the_next_run(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path
) -> None:
    for status in (200, 503, 200):
        httpserver.expect_ordered_request("/hook/s3cret").respond_with_data("", status=status)
    settings = with_webhook(settings, httpserver.url_for("/hook/s3cret"))

    for day in (record("2026-01-10", alert()), record("2026-01-11"), record("2026-01-12")):
        deliver(settings, day, tmp_path)
    deliver(settings, record("2026-01-13"), tmp_path)

    assert ["- recovered: drift/age/ks: no longer so" in text for text in texts(httpserver)] == [
        False,
        True,
        True,
    ]


def test_an_earlier_day_ends_nothing_that_was_sent_for_a_later_one(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """A backfill."""
    settings = with_webhook(settings, hook)

    for day in (record("2026-01-10", alert()), record("2026-01-05")):
        deliver(settings, day, tmp_path)

    assert len(texts(httpserver)) == 1


def test_what_goes_on_is_sent_again_after_its_cooldown_and_called_so(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    settings = with_webhook(settings, hook, cooldown_days=3)
    deliver(settings, record("2026-01-10", alert()), tmp_path)
    for day in range(11, 14):
        deliver(settings, replace(record(f"2026-01-{day}"), ongoing=[alert()]), tmp_path)

    assert [text.splitlines()[1] for text in texts(httpserver)] == [
        "- drift: age: KS 0.24, limit 0.17",
        "- still drift: age: KS 0.24, limit 0.17",
    ]
    assert "2026-01-13: 0 alerts, 1 ongoing, advice" in texts(httpserver)[1]


@pytest.mark.parametrize("cooldown_days", [0, 3])
def test_the_same_day_evaluated_again_sends_nothing_twice(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, cooldown_days: int
) -> None:
    settings = with_webhook(settings, hook, cooldown_days=cooldown_days)
    for _ in range(3):
        deliver(settings, record("2026-01-10", alert()), tmp_path)

    assert len(texts(httpserver)) == 1


def test_what_could_not_be_sent_is_sent_by_the_next_run(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    httpserver.expect_ordered_request("/hook/s3cret").respond_with_data("no", status=503)
    httpserver.expect_ordered_request("/hook/s3cret").respond_with_data("ok")
    settings = with_webhook(settings, httpserver.url_for("/hook/s3cret"))

    for _ in range(2):
        deliver(settings, record("2026-01-10", alert()), tmp_path)

    assert logged() == [
        (
            "WARNING",
            "webhook: 1 alert could not be sent: answered 503; the next run tries again",
        ),
        ("INFO", "webhook: 1 alert sent"),
    ]


def test_one_channel_that_fails_does_not_keep_the_other_from_its_alerts(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    httpserver.expect_request("/api/metricValues/v1").respond_with_data("no", status=500)
    both = with_domino(with_webhook(settings, hook), httpserver.url_for(""))

    deliver(both, record("2026-01-10", alert()), tmp_path)

    assert [level for level, _ in logged()] == ["INFO", "WARNING"]
    assert json.loads((tmp_path / "alerts.json").read_text()) == {
        "webhook": {"drift/age/ks": "2026-01-10"},
        "domino": {},
    }


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing, ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dripping_port() -> Iterator[int]:
    """A server that sends its answer's head byte by byte: no single read ever times out."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
            if stop.wait(0.1):
                return
            connection.sendall(bytes([byte]))

    server = SocketServer(drip)
    yield server.port
    stop.set()
    server.socket.close()


@pytest.fixture(params=["silent", "dripping", "closed"])
def dead_port(request: pytest.FixtureRequest) -> int:
    """A port from which no whole answer ever comes."""
    if request.param == "closed":
        with socket.create_server(("127.0.0.1", 0)) as server:
            return int(server.getsockname()[1])
    return int(request.getfixturevalue(f"{request.param}_port"))


@pytest.mark.parametrize("channel", ["webhook", "ping", "domino"])
def test_a_dead_channel_costs_at_most_its_time_limit_and_a_warning_without_its_address(
    settings: Settings, tmp_path: Path, logged: Logged, dead_port: int, channel: str
) -> None:
    url = f"http://127.0.0.1:{dead_port}/hook/s3cret"
    day = record("2026-01-10", alert(), alert("b"), alert("c"))
    begin = time.monotonic()
    allowed_seconds = TIMEOUT_SECONDS + 0.4

    if channel == "ping":
        watched = with_ping(settings, url).alerts
        with healthchecks.watch(watched, dry_run=False):
            allowed_seconds *= 2  # one at the start, one at the end
    elif channel == "webhook":
        deliver(with_webhook(settings, url), day, tmp_path)
    else:
        deliver(with_domino(settings, url), day, tmp_path)

    assert time.monotonic() - begin < allowed_seconds
    assert logged()
    for level, text in logged():
        assert level == "WARNING"
        assert "no answer" in text
        assert "s3cret" not in text
        assert str(dead_port) not in text
        assert "key-1234" not in text


def test_a_channel_that_answers_slowly_to_each_of_many_requests_has_one_time_limit_for_all(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    def slow(request: Request) -> Response:
        time.sleep(TIMEOUT_SECONDS / 2)
        return Response("{}")

    httpserver.expect_request("/api/metricValues/v1").respond_with_handler(slow)
    httpserver.expect_request("/api/metricAlerts/v1").respond_with_handler(slow)
    settings = with_domino(settings, httpserver.url_for(""))
    begin = time.monotonic()

    deliver(settings, record("2026-01-10", *(alert(str(number)) for number in range(8))), tmp_path)

    assert time.monotonic() - begin < TIMEOUT_SECONDS + 0.4
    ((level, text),) = logged()
    assert level == "WARNING"
    assert "no answer within 0.6 s" in text
    time.sleep(TIMEOUT_SECONDS)
    assert len(httpserver.log) <= 3


@pytest.mark.parametrize(
    "content",
    ["{torn", "[]", '{"webhook": 3}', '{"webhook": {"drift/age/ks": "yesterday"}}', "[" * 100_000],
)
def test_a_torn_memory_of_what_was_sent_sends_again(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, content: str
) -> None:
    (tmp_path / "alerts.json").write_text(content)

    deliver(with_webhook(settings, hook), record("2026-01-10", alert()), tmp_path)

    assert len(texts(httpserver)) == 1
    memory = json.loads((tmp_path / "alerts.json").read_text())
    assert memory["webhook"]["drift/age/ks"] == "2026-01-10"


def test_a_folder_that_can_not_be_written_is_a_warning(
    settings: Settings, hook: str, tmp_path: Path, logged: Logged
) -> None:
    (tmp_path / "file").write_text("")

    deliver(with_webhook(settings, hook), record("2026-01-10", alert()), tmp_path / "file")

    assert [level for level, _ in logged()] == ["INFO", "WARNING"]
    assert "the same alerts may be sent again" in logged()[1][1]
