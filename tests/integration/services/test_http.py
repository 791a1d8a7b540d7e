"""The one way to call a service, against bare sockets that do what no good server does."""

import resource
import shutil
import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.errors import MonitoringError, RefusedError, ServiceError, TransientError
from monitoring.services import retry
from monitoring.services.exchange import Limits, Reply, Request
from monitoring.services.http import HttpService, ReplyTooLargeError
from tests.support.servers import Script, SocketServer, dripping

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
QUICK = Limits(
    connect_seconds=0.5, read_seconds=0.6, attempts=3, total_seconds=3, max_reply_bytes=100_000
)


@pytest.fixture
def serve() -> Iterator[Callable[..., SocketServer]]:
    made: list[SocketServer] = []

    def start(*scripts: bytes | Script, **options: Any) -> SocketServer:
        made.append(SocketServer(*scripts, **options))
        return made[-1]

    yield start
    for server in made:
        server.socket.close()


def send(url: str, limits: Limits = QUICK, **headers: str) -> Reply:
    return HttpService("the service", headers, limits).send(Request("GET", url))


def closing(answer: bytes) -> Script:
    return lambda connection: connection.sendall(answer)


# --- one answer


def test_an_answer_comes_whole_with_its_status_headers_and_time(serve: Any) -> None:
    server = serve(OK.replace(b"200 OK", b"418 Teapot"))

    service = HttpService("the service", {"X-Key": "k"}, QUICK)

    reply = service.send(Request("POST", server.url, body='{"é":1}', query={"a": "b c"}))

    assert (reply.status, reply.data, reply.headers["content-type"], reply.url) == (
        418,
        {},
        "application/json",
        server.url,
    )
    assert 0 < reply.latency_ms < 500
    head = server.requests[0]
    assert head.startswith(b"POST /x?a=b+c HTTP/1.1\r\n")
    assert b"\r\nX-Key: k" in head
    assert b"\r\nContent-Type: application/json" in head


def test_a_server_s_cookie_goes_with_every_later_request_and_bodies_are_each_rows_own(
    serve: Any,
) -> None:
    """A load balancer keeps a client at one machine by a cookie."""
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: node=7; Path=/\r\nContent-Length: 2\r\n\r\n{}"
    server = serve(OK, cookie, OK, OK)
    service = HttpService("the service", {"X-Key": "k"}, QUICK)

    bodies = ["{}", '{"row": 1}', '{"row": 22}', "{}"]
    for body in bodies:
        service.send(Request("POST", server.url, body))

    heads = [request.partition(b"\r\n\r\n")[0] for request in server.requests]
    assert [b"\r\nCookie: node=7" in head for head in heads] == [False, False, True, True]
    for head, body in zip(heads, bodies, strict=True):
        assert b"\r\nContent-Length: %d" % len(body) in head
        assert head.count(b"X-Key: k") == 1


def test_one_connection_serves_many_requests(serve: Any) -> None:
    server = serve(OK)
    service = HttpService("the service", {}, QUICK)

    for _ in range(5):
        service.send(Request("GET", server.url))

    assert (len(server.requests), server.connections) == (5, 1)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(dripping(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\n"]), id="head"),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 15), id="body"
        ),
        pytest.param(
            dripping(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 15
            ),
            id="chunks",
        ),
        pytest.param(dripping(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 15), id="continue"),
        pytest.param(lambda connection: time.sleep(2), id="silence"),
    ],
)
def test_a_server_that_drips_or_hangs_gets_the_time_limit_and_no_more(
    serve: Any, script: Script
) -> None:
    server = serve(script)
    begin = time.monotonic()

    with pytest.raises(TransientError, match=r"no whole answer within 0.6 s") as ended:
        send(server.url)

    assert ended.value.kind == "timeout"
    assert 0.55 < time.monotonic() - begin < 1.5


def test_silence_after_a_late_byte_gets_only_what_is_left(serve: Any) -> None:
    server = serve(dripping(b"H", b"T", pause=0.9))
    begin = time.monotonic()

    with pytest.raises(TransientError, match=r"no whole answer within 1.2 s"):
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

    with pytest.raises(TransientError) as ended:
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
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-"), id="half a head"
        ),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), id="half a body"),
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}"), id="two lengths"
        ),
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            id="broken chunk",
        ),
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
            id="no gzip",
        ),
        pytest.param(closing(b"\x00\xff\r\n\r\n"), id="garbage"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(serve: Any, script: Script) -> None:
    with pytest.raises(TransientError) as ended:
        send(serve(script).url)

    assert ended.value.kind == "connection"
    assert "object at 0x" not in str(ended.value)


def test_nobody_there_is_said_in_few_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(TransientError, match=r"^Connection refused$"):
        send(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("head", [b"Content-Length: 200000", b"X: y"])
def test_an_answer_that_is_too_large_is_cut_off(serve: Any, head: bytes) -> None:
    server = serve(closing(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + b"x" * 200_000))

    with pytest.raises(ReplyTooLargeError, match="larger than 100000 bytes"):
        send(server.url)


def test_a_compressed_bomb_takes_no_memory(serve: Any) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(300)) + compressor.flush()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    )
    server = serve(closing(head + bomb))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ReplyTooLargeError):
        send(server.url)

    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 50 << 20


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://login.example/x", "login.example"),
        ("/login", "127.0.0.1"),
        ("//evil.example", "evil.example"),
        ("http://[", "an unnamed host"),
        ("", "127.0.0.1"),
    ],
)
def test_a_redirect_is_an_answer_and_never_followed(serve: Any, location: str, host: str) -> None:
    server = serve(
        f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    )

    reply = send(server.url)

    assert (reply.status, reply.redirect_host, len(server.requests)) == (302, host, 1)


def test_no_other_answer_is_a_redirect(serve: Any) -> None:
    assert send(serve(OK).url).redirect_host is None


@pytest.mark.parametrize(
    "body", [b"{", b"NaN", b'{"a": Infinity}', b"<html>", b"", b"\xff", b"[" * 100_000, b"9" * 5000]
)
def test_what_is_no_json_is_no_data(body: bytes) -> None:
    assert Reply(200, {}, body, "", 1.0).data is None


def test_an_excerpt_is_one_short_line_that_steers_no_terminal() -> None:
    reply = Reply(200, {}, b"a\r\n\t b\x1b[31m\x00\xff" + b"c" * 1000, "", 1.0)

    assert reply.excerpt.startswith("a b [31m")
    assert reply.excerpt.isprintable()
    assert len(reply.excerpt) < 310


def test_a_reply_that_is_too_large_is_not_asked_for_again(serve: Any, no_wait: None) -> None:
    server = serve(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000))

    with pytest.raises(ServiceError, match=r"larger than 100000 bytes \(1 try\)"):
        call(server)

    assert len(server.requests) == 1


# --- credentials, proxies, certificates


def test_netrc_is_not_read(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text(
        "machine 127.0.0.1 login me password hunter2\ndefault login me password hunter2\n"
    )
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(OK)

    send(server.url)
    send(server.url, Authorization="Bearer mine")

    assert b"Authorization" not in server.requests[0]
    assert b"\r\nAuthorization: Bearer mine" in server.requests[1]


def test_a_proxy_is_obeyed_but_never_sees_what_is_meant_for_this_machine(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(OK), serve(OK)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "inside.example")

    assert send("http://outside.example/x", Token="t").status == 200
    assert proxy.requests[0].startswith(b"GET http://outside.example/x HTTP/1.1")
    for host in ("127.0.0.1", "localhost"):
        assert send(f"http://{host}:{server.port}/", Token="t").status == 200
    with pytest.raises(TransientError):
        send("http://inside.example:1/")

    assert (len(proxy.requests), len(server.requests)) == (1, 2)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_is_checked_and_its_authority_may_be_named(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(tmp_path / "key"),
            "-out",
            str(tmp_path / "certificate"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = serve(OK, tls=context)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(
        RefusedError,
        match=r"certificate is not trusted \(self.signed certificate\).*REQUESTS_CA_BUNDLE",
    ):
        HttpService("it", {"Token": "t"}, QUICK).call(Request("GET", server.url))
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
    monkeypatch.setattr(retry, "delay_seconds", lambda attempt, retry_after_seconds=None: 0.01)


def call(server: SocketServer, limits: Limits = QUICK) -> Reply:
    service = HttpService("the service", {}, limits)
    return service.call(Request("GET", server.url + "?key=v"))


@pytest.mark.parametrize(
    "first",
    [*map(refusal, (408, 429, 502, 503, 504)), lambda connection: None, closing(b"HTTP/1.1 20")],
)
def test_what_may_pass_is_tried_again(serve: Any, no_wait: None, first: bytes | Script) -> None:
    server = serve(first, first, OK)

    assert call(server).status == 200
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 500, 501])
def test_every_other_answer_is_taken_at_once(serve: Any, no_wait: None, status: int) -> None:
    server = serve(refusal(status))

    assert call(server).status == status
    assert len(server.requests) == 1


def test_after_the_last_try_the_failure_is_reported_without_the_query(
    serve: Any, no_wait: None
) -> None:
    server = serve(refusal(503))

    with pytest.raises(ServiceError) as raised:
        call(server)

    assert (
        str(raised.value)
        == f"the service failed for now: GET {server.url}: answered 503: busy (3 tries);"
        " run again later"
    )
    assert len(server.requests) == 3


def test_a_call_takes_its_total_time_and_no_more(serve: Any, no_wait: None) -> None:
    server = serve(lambda connection: time.sleep(3))
    begin = time.monotonic()

    with pytest.raises(ServiceError, match=r"no whole answer within .* \(3 tries\)"):
        call(server, Limits(connect_seconds=0.2, read_seconds=0.7, attempts=3, total_seconds=1.5))

    assert 1.2 < time.monotonic() - begin < 1.9


def test_a_retry_after_is_waited_for_as_given_and_not_at_all_where_the_time_does_not_suffice(
    serve: Any,
) -> None:
    begin = time.monotonic()
    assert call(serve(refusal(429, "Retry-After: 1\r\n"), OK)).status == 200
    assert 1.0 <= time.monotonic() - begin < 2

    begin = time.monotonic()
    server = serve(refusal(503, "Retry-After: 3600\r\n"), OK)
    with pytest.raises(ServiceError, match=r"answered 503: busy \(1 try\)"):
        call(server)
    assert time.monotonic() - begin < 1


# --- odd answers


ODD_ANSWERS = {
    "a negative chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
    "a chunk of words": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
    "a chunk without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"F" * 5000
    + b"\r\nhello\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "a length of words": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
    "a compression that is none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    b"Content-Length: 5\r\n\r\nhello",
    "a compression of no kind": b"HTTP/1.1 200 OK\r\nContent-Encoding: br, zstd, x\r\n"
    b"Content-Length: 5\r\n\r\nhello",
    "many compressions": b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 500 + b"gzip\r\n"
    b"Content-Length: 5\r\n\r\nhello",
    "a status of words": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status beyond all": b"HTTP/1.1 99999 OK\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    "no header": b"HTTP/1.1 200 OK\r\n\x00\x01\r\n\r\n",
    "a cookie of odd signs": b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\x1b; expires=\x00\r\n"
    b"Content-Length: 0\r\n\r\n",
    "100 for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_answer_in_no_form_is_an_error_of_the_tree(serve: Any, name: str) -> None:
    server = serve(closing(ODD_ANSWERS[name]))

    try:
        reply = send(server.url)
    except MonitoringError as error:
        assert error.exit_code in (5, 6)
        assert str(error).isprintable()
    else:
        assert len(reply.body) <= QUICK.max_reply_bytes


@pytest.mark.parametrize(
    "header", [b"\x1c0", b"\x1f5", b"-1", b"9" * 400, b"9" * 5000, b"1e3", b"Mon, 99 Foo 99999 x"]
)
def test_an_odd_retry_after_breaks_nothing(serve: Any, header: bytes) -> None:
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + header + b"\r\n\r\n"

    with pytest.raises(TransientError) as caught:
        send(serve(head).url)

    wait = caught.value.retry_after_seconds
    assert wait is None or wait >= 0


@pytest.mark.parametrize("opening", [b"[", b'{"message":', b'[{"name":'])
def test_json_that_is_nested_too_deep_is_no_data(opening: bytes) -> None:
    depth = 150
    closing_signs = {b"[": b"]", b'{"message":': b"}", b'[{"name":': b"}]"}[opening]
    body = opening * depth + b"1" + closing_signs * depth

    assert Reply(200, {}, body, "", 1.0).data is None
    assert Reply(200, {}, b'{"text": "' + opening.replace(b'"', b"") * 500 + b'"}', "", 1.0).data
