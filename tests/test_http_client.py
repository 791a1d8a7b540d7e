"""The one way to call a service, against servers of bare sockets that do what no good server does."""

import contextlib
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from monitoring import http_client
from monitoring.errors import RefusedError, ServiceError
from monitoring.http_client import Budget, Limits, NoAnswer, delay_seconds

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
QUICK = Limits(connect_seconds=0.5, read_seconds=0.6, attempts=3, total_seconds=3, max_reply_bytes=100_000)
Script = Callable[[socket.socket], None]


class Server:
    """Answers the n-th request with the n-th script, the last one for ever; `requests` holds their heads."""

    def __init__(self, *scripts: bytes | Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts, self.tls, self.requests, self.connections = scripts, tls, list[bytes](), 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/x"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    received = connection.recv(65536)
                    if not received:
                        return
                    data += received
                head, _, data = data.partition(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                while len(data) < length:
                    data += connection.recv(65536)
                data = data[length:]
                self.requests.append(head)
                script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
                if callable(script):
                    script(connection)
                    return
                connection.sendall(script)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*scripts: bytes | Script, **options: Any) -> Server:
        made.append(Server(*scripts, **options))
        return made[-1]

    yield start
    for server in made:
        server.socket.close()


def send(url: str, limits: Limits = QUICK, **headers: str) -> http_client.Reply:
    return http_client.send(http_client.session(headers), "GET", url, limits)


def dripping(*pieces: bytes, pause: float = 0.15) -> Script:
    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return script


def closing(answer: bytes) -> Script:
    return lambda connection: connection.sendall(answer)


# --- one answer


def test_an_answer_comes_whole_with_its_status_headers_and_time(serve: Any) -> None:
    server = serve(OK.replace(b"200 OK", b"418 Teapot"))

    reply = http_client.send(http_client.session({"X-Key": "k"}), "POST", server.url, QUICK, body='{"é":1}', query={"a": "b c"})

    assert (reply.status, reply.data, reply.headers["content-type"], reply.url) == (418, {}, "application/json", server.url)
    assert 0 < reply.latency_ms < 500
    head = server.requests[0]
    assert head.startswith(b"POST /x?a=b+c HTTP/1.1\r\n")
    assert b"\r\nX-Key: k" in head
    assert b"\r\nContent-Type: application/json" in head


def test_one_connection_serves_many_requests(serve: Any) -> None:
    server = serve(OK)
    service = http_client.session({})

    for _ in range(5):
        http_client.send(service, "GET", server.url, QUICK)

    assert (len(server.requests), server.connections) == (5, 1)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(dripping(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\n"]), id="head"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 15), id="body"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 15), id="chunks"),
        pytest.param(dripping(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 15), id="continue"),
        pytest.param(lambda connection: time.sleep(2), id="silence"),
    ],
)
def test_a_server_that_drips_or_hangs_gets_the_time_limit_and_no_more(serve: Any, script: Script) -> None:
    server = serve(script)
    begin = time.monotonic()

    with pytest.raises(NoAnswer, match=r"no whole answer within 0.6 s") as ended:
        send(server.url)

    assert ended.value.kind == "timeout"
    assert 0.55 < time.monotonic() - begin < 1.5


def test_silence_after_a_late_byte_gets_only_what_is_left(serve: Any) -> None:
    server = serve(dripping(b"H", b"T", pause=0.9))
    begin = time.monotonic()

    with pytest.raises(NoAnswer, match=r"no whole answer within 1.2 s"):
        send(server.url, Limits(connect_seconds=0.5, read_seconds=1.2))

    assert 1.1 < time.monotonic() - begin < 1.7


def test_an_address_that_nobody_answers_gets_the_connection_limit() -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:  # the backlog takes no more: the next connection hangs
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    begin = time.monotonic()

    with pytest.raises(NoAnswer) as ended:
        send(f"http://127.0.0.1:{full.getsockname()[1]}/")

    assert ended.value.kind == "timeout"
    assert time.monotonic() - begin < 1.5
    for each in (full, *fillers):
        each.close()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda connection: None, id="closed"),
        pytest.param(closing(b"HTTP/1.1 200"), id="half a status line"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-"), id="half a head"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), id="half a body"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}"), id="two lengths"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="broken chunk"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), id="no gzip"),
        pytest.param(closing(b"\x00\xff\r\n\r\n"), id="garbage"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(serve: Any, script: Script) -> None:
    with pytest.raises(NoAnswer) as ended:
        send(serve(script).url)

    assert ended.value.kind == "connection"
    assert "object at 0x" not in str(ended.value)


def test_nobody_there_is_told_in_few_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(NoAnswer, match=r"^Connection refused$"):
        send(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("head", [b"Content-Length: 200000", b"X: y"])
def test_an_answer_that_is_too_large_is_cut_off(serve: Any, head: bytes) -> None:
    server = serve(closing(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + b"x" * 200_000))

    with pytest.raises(NoAnswer, match="larger than 100000 bytes") as ended:
        send(server.url)

    assert ended.value.kind == "too_large"


def test_a_compressed_bomb_takes_no_memory(serve: Any) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(300)) + compressor.flush()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    server = serve(closing(head + bomb))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(NoAnswer) as ended:
        send(server.url)

    assert ended.value.kind == "too_large"
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 50 << 20


@pytest.mark.parametrize(
    ("location", "host"),
    [("https://login.example/x", "login.example"), ("/login", "127.0.0.1"), ("//evil.example", "evil.example"),
     ("http://[", "an unnamed host"), ("", "127.0.0.1")],
)  # fmt: skip
def test_a_redirect_is_an_answer_and_never_followed(serve: Any, location: str, host: str) -> None:
    server = serve(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    reply = send(server.url)

    assert (reply.status, reply.redirect_host, len(server.requests)) == (302, host, 1)


def test_no_other_answer_is_a_redirect(serve: Any) -> None:
    assert send(serve(OK).url).redirect_host is None


@pytest.mark.parametrize("body", [b"{", b"NaN", b'{"a": Infinity}', b"<html>", b"", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_what_is_no_json_is_no_data(body: bytes) -> None:
    assert http_client.Reply(200, {}, body, "", 1.0).data is None


def test_an_excerpt_is_one_short_line_that_steers_no_terminal() -> None:
    reply = http_client.Reply(200, {}, b"a\r\n\t b\x1b[31m\x00\xff" + b"c" * 1000, "", 1.0)

    assert reply.excerpt.startswith("a b [31m")
    assert reply.excerpt.isprintable()
    assert len(reply.excerpt) < 310


# --- credentials, proxies, certificates


def test_netrc_is_not_read(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\ndefault login me password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(OK)

    send(server.url)
    send(server.url, Authorization="Bearer mine")

    assert b"Authorization" not in server.requests[0]
    assert b"\r\nAuthorization: Bearer mine" in server.requests[1]


def test_a_proxy_is_obeyed_but_never_sees_what_is_meant_for_this_machine(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(OK), serve(OK)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "inside.example")

    assert send("http://outside.example/x", Token="t").status == 200
    assert proxy.requests[0].startswith(b"GET http://outside.example/x HTTP/1.1")
    for host in ("127.0.0.1", "localhost"):
        assert send(f"http://{host}:{server.port}/", Token="t").status == 200
    with pytest.raises(NoAnswer):
        send("http://inside.example:1/")

    assert (len(proxy.requests), len(server.requests)) == (1, 2)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_is_checked_and_its_authority_may_be_named(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = serve(OK, tls=context)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(RefusedError, match=r"certificate is not trusted \(self.signed certificate\).*REQUESTS_CA_BUNDLE"):
        http_client.call(http_client.session({"Token": "t"}), "GET", server.url, name="it", limits=QUICK)
    assert server.requests == []

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate"))
    assert send(server.url).status == 200
    with pytest.raises(RefusedError, match=r"Hostname mismatch"):
        send(server.url.replace("127.0.0.1", "localhost"))


# --- retries


def refusal(status: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} No\r\n{headers}Content-Length: 4\r\n\r\nbusy".encode()


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "delay_seconds", lambda attempt, retry_after=None: 0.01)


def call(server: Server, limits: Limits = QUICK) -> http_client.Reply:
    return http_client.call(http_client.session({}), "GET", server.url + "?key=v", name="the service", limits=limits)


@pytest.mark.parametrize("first", [*map(refusal, (408, 429, 502, 503, 504)), lambda connection: None, closing(b"HTTP/1.1 20")])
def test_what_may_pass_is_tried_again(serve: Any, no_wait: None, first: bytes | Script) -> None:
    server = serve(first, first, OK)

    assert call(server).status == 200
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 500, 501])
def test_every_other_answer_is_taken_at_once(serve: Any, no_wait: None, status: int) -> None:
    server = serve(refusal(status))

    assert call(server).status == status
    assert len(server.requests) == 1


def test_after_the_last_try_the_failure_is_told_without_the_query(serve: Any, no_wait: None) -> None:
    server = serve(refusal(503))

    with pytest.raises(ServiceError) as raised:
        call(server)

    assert str(raised.value) == f"the service failed for now: GET {server.url}: answered 503: busy (3 tries); run again later"
    assert len(server.requests) == 3


def test_a_call_takes_its_total_time_and_no_more(serve: Any, no_wait: None) -> None:
    server = serve(lambda connection: time.sleep(3))
    begin = time.monotonic()

    with pytest.raises(ServiceError, match=r"no whole answer within .* \(3 tries\)"):
        call(server, Limits(connect_seconds=0.2, read_seconds=0.7, attempts=3, total_seconds=1.5))

    assert 1.2 < time.monotonic() - begin < 1.9


def test_a_retry_after_is_waited_for_as_given_and_not_at_all_where_the_time_does_not_suffice(serve: Any) -> None:
    begin = time.monotonic()
    assert call(serve(refusal(429, "Retry-After: 1\r\n"), OK)).status == 200
    assert 1.0 <= time.monotonic() - begin < 2

    begin = time.monotonic()
    server = serve(refusal(503, "Retry-After: 3600\r\n"), OK)
    with pytest.raises(ServiceError, match=r"answered 503: busy \(1 tries\)"):
        call(server)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 5, 6, 100, 5000])
def test_waits_double_from_half_a_second_to_eight_and_are_jittered(attempt: int) -> None:
    longest = min(8.0, 0.5 * 2 ** min(attempt - 1, 10))
    waits = [delay_seconds(attempt) for _ in range(300)]

    assert longest / 2 <= min(waits) < longest * 0.6
    assert longest * 0.9 < max(waits) <= longest


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("7", 7), (" 7 ", 7), ("9" * 400, float("inf"))])
def test_a_retry_after_in_seconds_is_taken_as_given(text: str, seconds: float) -> None:
    assert delay_seconds(1, text) == seconds


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_retry_after_may_be_a_date_and_is_in_gmt(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True).replace("GMT", zone)
        assert 28 < delay_seconds(1, at) <= 30
        assert delay_seconds(1, "Wed, 21 Oct 2015 07:28:00 GMT") == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "²", "1e3", "Wed, 99 Oct 2015 99:28:00 GMT", "Mon, 01 Jan 0001 00:00:00"]
)
def test_a_retry_after_of_no_known_form_gives_our_own_wait(text: str) -> None:
    assert 0 <= delay_seconds(1, text) <= 0.5


def test_a_budget_waits_only_while_time_is_left_and_nobody_stops_it() -> None:
    budget = Budget(time.monotonic() + 5)
    assert budget.wait(0.01)
    assert not budget.wait(6)

    threading.Timer(0.1, budget.stop.set).start()
    begin = time.monotonic()
    assert not budget.wait(3)
    assert time.monotonic() - begin < 1
