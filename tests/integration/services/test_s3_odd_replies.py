"""Answers that no S3 store should give: an error of the tree, within the time, and no traceback."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from monitoring.errors import MonitoringError, RefusedError, ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.services import retry
from monitoring.services.exchange import Limits
from monitoring.services.s3 import Store
from monitoring.settings import model as settings
from tests.support import faults
from tests.support.servers import SocketServer, dripping

URI = S3Uri("bucket", "key")
PREFIX = "s3://bucket/prefix"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "delay_seconds", lambda attempt, after=None: 0.01)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Limits:
    limits = Limits(connect_seconds=0.5, read_seconds=0.6, total_seconds=1.5)
    faults.limit_s3(monkeypatch, limits)
    return limits


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[SocketServer] = []

    def start(*scripts: Any) -> tuple[Store, SocketServer]:
        servers.append(SocketServer(*scripts))
        url = servers[-1].url.removesuffix("/x")
        return Store(settings.S3(endpoint_url=url)), servers[-1]

    yield start
    for server in servers:
        server.socket.close()


def reply(head: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def listing(content: str) -> bytes:
    body = f"<ListBucketResult>{content}</ListBucketResult>".encode()
    return reply("Content-Type: application/xml", body)


def chunked(body: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n' + body


ODD_HEADS = {
    "no ETag": reply("X: y"),
    "an empty ETag": reply("ETag:"),
    "an ETag that steers a terminal": reply('ETag: "\x1b[2J"'),
    "no length": b'HTTP/1.1 200 OK\r\nETag: "e"\r\n\r\n',
    "a length of words": b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: many\r\n\r\n',
    "a negative length": b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: -5\r\n\r\n',
    "a date of no calendar": reply('ETag: "e"\r\nLast-Modified: yesterday'),
    "a date of zeros": reply('ETag: "e"\r\nLast-Modified: Mon, 00 Foo 0000 99:99:99 GMT'),
    "a retention that is none": reply('ETag: "e"\r\nx-amz-object-lock-retain-until-date: \x1c'),
    "parts of words": reply('ETag: "e"\r\nx-amz-mp-parts-count: lots'),
    "301 without a region": reply("X: y", status="301 Moved Permanently"),
    "301 to nowhere": reply("Location: :::", status="301 Moved Permanently"),
    "307 to itself": reply("Location: /bucket/key", status="307 Temporary Redirect"),
    "a status of no kind": reply("X: y", status="999 Odd"),
    "no status": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"220 ftp.test ready\r\n\r\n",
}


@pytest.mark.parametrize("name", ODD_HEADS)
def test_an_odd_answer_to_head_is_an_error_with_a_sentence(
    serve: Any, short: Limits, name: str
) -> None:
    store, _ = serve(ODD_HEADS[name])

    try:
        stored = store.head(URI)
    except MonitoringError as error:
        assert error.exit_code in (5, 6)
        assert str(error).isprintable()
    else:
        assert stored is not None
        assert stored.etag.isprintable()


def test_a_checksum_that_is_none_is_left_out(serve: Any) -> None:
    for checksum in ("*", "%%%%", "abc", "AAAA"):
        store, _ = serve(reply(f'ETag: "e"\r\nx-amz-checksum-sha256: {checksum}'))

        assert store.head(URI).sha256 is None


ODD_BODIES = {
    "a negative chunk": b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk of words": b"xyz\r\nhello\r\n0\r\n\r\n",
    "an endless chunk": b"F" * 40 + b"\r\nhello",
    "no last chunk": b"5\r\nhello\r\n",
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_a_body_in_odd_chunks_is_a_failure_for_now(serve: Any, short: Limits, name: str) -> None:
    store, _ = serve(lambda connection: connection.sendall(chunked(ODD_BODIES[name])))

    with pytest.raises(ServiceError, match="the download broke off"), store.open(URI) as body:
        body.read(100_000)
        body.read(100_000)


ODD_LISTINGS = {
    "a web page": reply("Content-Type: text/html", b"<html>hello</html>"),
    "nothing": reply("X: y"),
    "torn XML": reply("X: y", b"<ListBucketResult><Contents>"),
    "no key": listing("<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>"),
    "no size": listing("<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>"),
    "a size of words": listing(
        "<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>big</Size></Contents>"
    ),
    "a negative size": listing(
        "<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size></Contents>"
    ),
    "more without a token": listing("<IsTruncated>true</IsTruncated>"),
    "a date that is none": listing(
        "<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size>"
        "<LastModified>never</LastModified></Contents>"
    ),
    "the same token for ever": listing(
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<Contents><Key>a</Key><Size>1</Size></Contents>"
    ),
}


@pytest.mark.parametrize("name", ODD_LISTINGS)
def test_an_odd_listing_gives_an_unknown_figure_and_a_warning(
    serve: Any, short: Limits, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    store, server = serve(ODD_LISTINGS[name])

    assert store.usage(PREFIX) == (None, None)

    assert PREFIX in caplog.text
    assert len(server.requests) <= 4


def test_a_listing_without_end_stops_at_its_time(
    serve: Any, short: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [
        listing(
            "<IsTruncated>true</IsTruncated>"
            f"<NextContinuationToken>{number}</NextContinuationToken>"
        )
        for number in range(100_000)
    ]
    store, _ = serve(*pages)
    begin = time.monotonic()

    assert store.usage(PREFIX) == (None, None)

    assert time.monotonic() - begin < 5
    assert f"how much is stored under {PREFIX} is unknown" in caplog.text


DRIPPED = [f"X-{number}: y\r\n".encode() for number in range(100)]


@pytest.mark.parametrize("verb", ["head", "list", "get", "put"])
def test_a_store_that_drips_is_given_up_within_the_total(
    serve: Any, short: Limits, verb: str
) -> None:
    import io

    store, _ = serve(dripping(b"HTTP/1.1 200 OK\r\n", *DRIPPED, pause=0.1))
    content: Any = io.BytesIO(b"a,b\n")
    calls: dict[str, Any] = {
        "head": lambda: store.head(URI),
        "list": lambda: list(store.list_objects(URI)),
        "get": lambda: store.open(URI).__enter__(),
        "put": lambda: store.put(URI, content, {}),
    }
    begin = time.monotonic()

    with pytest.raises(ServiceError, match=r"no whole answer within 1\.5 s"):
        calls[verb]()

    assert time.monotonic() - begin < 2.5


@pytest.mark.parametrize("head", [b"Content-Length: 100000\r\n", b"Connection: close\r\n"])
def test_a_body_that_drips_is_given_up(serve: Any, short: Limits, head: bytes) -> None:
    store, _ = serve(
        dripping(b'HTTP/1.1 200 OK\r\nETag: "e"\r\n' + head + b"\r\n", *[b"x"] * 100, pause=0.1)
    )
    begin = time.monotonic()

    with pytest.raises(ServiceError, match="the download broke off"), store.open(URI) as body:
        while body.read(65536):
            pass

    assert time.monotonic() - begin < 4


def test_a_web_page_in_place_of_a_listing_is_refused(serve: Any) -> None:
    store, _ = serve(ODD_LISTINGS["a web page"])

    with pytest.raises(RefusedError, match="this is no S3 store"):
        list(store.list_objects(URI))
