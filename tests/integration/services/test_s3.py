"""S3 against a real store (SeaweedFS); faults that it can't make come from a server in front."""

import contextlib
import hashlib
import io
import logging
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitoring.errors import (
    ConfigError,
    CredentialsError,
    InterruptedRun,
    RefusedError,
    ServiceError,
)
from monitoring.s3_uri import S3Uri
from monitoring.services import retry
from monitoring.services.exchange import Limits
from monitoring.services.s3 import Store
from monitoring.services.s3_errors import DeniedError
from monitoring.services.s3_stored import StoredObject
from monitoring.settings import model as settings
from tests.support import faults
from tests.support.servers import SocketServer

BUCKET = "se-demo-data"
META = {"model": "m", "day": "2026-01-31"}


@pytest.fixture
def key() -> str:
    return f"core/{uuid.uuid4().hex}.csv"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of milliseconds: what is tested is how often something is tried."""
    monkeypatch.setattr(retry, "delay_seconds", lambda attempt, after=None: 0.01)


@pytest.fixture
def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Make our client as one of the sandbox's identities, whatever this machine knows of AWS."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def connected(
        identity: str = "writer",
        url: str | None = None,
        put_arguments: dict[str, Any] | None = None,
        **changes: str,
    ) -> Store:
        keys = sandbox.s3_identities[identity]
        known = {
            "AWS_ACCESS_KEY_ID": keys["access_key"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        }
        for name, value in (known | {"AWS_DEFAULT_REGION": "us-east-1"} | changes).items():
            monkeypatch.setenv(name, value)
        endpoint_url = url or sandbox.s3
        return Store(settings.S3(endpoint_url=endpoint_url, put_arguments=put_arguments or {}))

    return connected


def uri(key: str) -> S3Uri:
    return S3Uri(BUCKET, key)


def put(store: Store, key: str, text: str = "a,b\n", replace_etag: str | None = None) -> str:
    content: Any = io.BytesIO(text.encode())
    return store.put(uri(key), content, META, replace_etag)


def read(store: Store, key: str, etag: str | None = None) -> str:
    with store.open(uri(key), etag) as body:
        return body.read().decode()


class Relay:
    """A TCP relay before the store; it cuts off the next `lose` answers to PUTs that succeeded."""

    def __init__(self, url: str) -> None:
        self.upstream = int(url.rpartition(":")[2])
        self.lose = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            store = socket.create_connection(("127.0.0.1", self.upstream))
            self.is_put = False
            threading.Thread(target=self._pump, args=(client, store, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(store, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not is_answer and b" HTTP/1.1\r\n" in data:
                    self.is_put = data.startswith(b"PUT ")
                if is_answer and self.is_put and self.lose and data.startswith(b"HTTP/1.1 200"):
                    self.lose -= 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def relay(sandbox: Any) -> Iterator[Relay]:
    made = Relay(sandbox.s3)
    yield made
    made.server.close()


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    return ("127.0.0.1", 0)  # an address makes boto3 put the bucket into the path


def error(status: int, code: str, message: str = "no") -> Response:
    headers = {"x-amz-bucket-region": "eu-west-1"} if status == 301 else None
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, headers, content_type="application/xml")


def answer_with(server: HTTPServer, *replies: Response) -> list[Request]:
    """Give these replies in turn, the last one for ever; return the list of requests to come."""
    requests: list[Request] = []

    def reply(request: Request) -> Response:
        requests.append(request)
        found = replies[min(len(requests), len(replies)) - 1]
        return (
            Response(status=found.status, headers=found.headers)
            if request.method == "HEAD"
            else found
        )

    server.expect_request(re.compile(".*")).respond_with_handler(reply)
    return requests


STORED = Response(status=200, headers={"ETag": '"e"'})


def test_a_head_tells_etag_size_metadata_and_content_hash(connect: Any, key: str) -> None:
    store = connect()

    etag = put(store, key)

    sha256 = hashlib.sha256(b"a,b\n").hexdigest()
    assert store.head(uri(key)) == StoredObject(etag, 4, META, sha256)
    assert read(store, key, etag) == "a,b\n"


def test_a_missing_object_is_none_and_reading_it_a_refusal(connect: Any, key: str) -> None:
    store = connect()

    assert store.head(uri(key)) is None
    with pytest.raises(RefusedError, match=f"s3://{BUCKET}/{key}: no such object"):
        read(store, key)


def test_the_same_content_again_is_success_and_other_content_is_left_alone(
    connect: Any, key: str
) -> None:
    store = connect()
    etag = put(store, key)

    assert put(store, key) == etag
    with pytest.raises(
        RefusedError, match=f"{key}: the key holds other content .model m, day 2026-01-31"
    ) as refused:
        put(store, key, "other")

    assert "--rerun" not in str(refused.value)  # it would destroy what may be another's
    assert read(store, key) == "a,b\n"


def test_a_put_whose_answer_was_lost_is_found_to_be_our_own(
    connect: Any, relay: Relay, key: str
) -> None:
    store = connect(url=relay.url)
    relay.lose = 1
    etag = put(store, key)
    relay.lose = 1
    replaced = put(store, key, "new", etag)

    assert relay.lose == 0
    assert replaced != etag
    assert read(store, key, replaced) == "new"


def test_an_object_is_replaced_only_while_it_is_the_one_that_was_looked_at(
    connect: Any, key: str
) -> None:
    store = connect()
    first = put(store, key)
    second = put(store, key, "second", first)

    with pytest.raises(RefusedError, match="the key holds other content"):
        put(store, key, "third", first)

    assert read(store, key, second) == "second"


def test_an_object_that_has_gone_is_not_replaced_unseen(
    connect: Any, key: str, sandbox: Any
) -> None:
    store = connect()
    etag = put(store, key)
    sandbox.s3_client().delete_object(Bucket=BUCKET, Key=key)

    with pytest.raises(ServiceError, match="has gone meanwhile; nothing was stored"):
        put(store, key, "new", etag)

    assert store.head(uri(key)) is None


def test_an_object_that_changed_since_it_was_checked_is_not_read(connect: Any, key: str) -> None:
    store = connect()
    etag = put(store, key)
    put(store, key, "changed", etag)

    with pytest.raises(RefusedError, match=f"{key}.*it has changed since it was read: run again"):
        read(store, key, etag)


def test_put_arguments_reach_the_store(connect: Any, key: str, sandbox: Any) -> None:
    put(connect(put_arguments={"Tagging": "team=credit"}), key)

    tags = sandbox.s3_client().get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert tags == [{"Key": "team", "Value": "credit"}]


@pytest.mark.parametrize(
    ("arguments", "expected"), [({"SSEKMSKey": "k"}, "SSEKMSKey"), ({"Tagging": 3}, "Tagging")]
)
def test_put_arguments_that_boto3_does_not_know_are_refused_before_anything_is_sent(
    connect: Any, arguments: dict[str, Any], expected: str
) -> None:
    connect()

    with pytest.raises(ConfigError, match=f"s3.put_arguments: .*{expected}.*nothing was sent"):
        connect(url="http://127.0.0.1:9", put_arguments=arguments)


def test_a_key_that_may_only_write_puts_once_and_is_told_what_comparing_needs(
    connect: Any, key: str
) -> None:
    store = connect("write_only")
    put(store, key)

    with pytest.raises(DeniedError, match=key):
        store.head(uri(key))
    with pytest.raises(
        CredentialsError, match=f"{key}: can't be compared with ours: allow s3:GetObject"
    ):
        put(store, key, "other")

    assert read(connect(), key) == "a,b\n"


def test_a_denied_put_names_bucket_and_key(connect: Any, key: str) -> None:
    with pytest.raises(
        DeniedError,
        match=rf"PUT s3://{BUCKET}/{key}: refused .403 AccessDenied.: the credentials may",
    ):
        put(connect("read_only"), key)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"AWS_SECRET_ACCESS_KEY": "wrong"},
            "SignatureDoesNotMatch.: .* check AWS_SECRET_ACCESS_KEY",
        ),
        ({"AWS_ACCESS_KEY_ID": "WRONG"}, "InvalidAccessKeyId.: .* check AWS_ACCESS_KEY_ID"),
    ],
)
def test_wrong_credentials_are_named_by_their_variable_at_the_first_look(
    connect: Any, key: str, changes: dict[str, str], expected: str
) -> None:
    store = connect(**changes)

    with pytest.raises(
        CredentialsError, match=rf"HEAD s3://{BUCKET}/{key}: refused .403 {expected}"
    ) as refused:
        store.head(uri(key))

    assert not isinstance(refused.value, DeniedError)  # that would let a day be scored first


def test_a_clock_that_is_off_is_named_at_the_first_look(connect: Any, key: str) -> None:
    store = connect()

    with (
        time_machine.travel(time.time() - 3600),
        pytest.raises(RefusedError, match=r"RequestTimeTooSkewed.*clock is off"),
    ):
        store.head(uri(key))


def test_no_credentials_are_told_before_anything_is_sent(
    connect: Any, httpserver: HTTPServer
) -> None:
    requests = answer_with(httpserver, STORED)

    with pytest.raises(
        ConfigError, match=r"no AWS credentials: looked in AWS_ACCESS_KEY_ID .* nothing was sent"
    ):
        connect(url=httpserver.url_for(""), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert requests == []


def test_a_profile_that_is_not_there_is_told_before_anything_is_sent(connect: Any) -> None:
    with pytest.raises(ConfigError, match=r"S3: .*nosuch.*nothing was sent"):
        connect(AWS_PROFILE="nosuch")


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected"),
    [
        (404, "NoSuchBucket", RefusedError, "there is no such bucket"),
        (
            400,
            "ExpiredToken",
            CredentialsError,
            "the session token has expired: renew AWS_SESSION_TOKEN",
        ),
        (301, "PermanentRedirect", RefusedError, "another region: set s3.region"),
        (403, "AccessDenied", DeniedError, "the credentials may not do this"),
    ],
)
def test_a_refused_head_is_told_apart_though_its_answer_has_no_body(
    connect: Any,
    httpserver: HTTPServer,
    key: str,
    status: int,
    code: str,
    kind: type[Exception],
    expected: str,
) -> None:
    answer_with(httpserver, error(status, code))

    with pytest.raises(
        kind, match=rf"HEAD s3://{BUCKET}/{key}: refused .{status} {code}.: .*{expected}"
    ):
        connect(url=httpserver.url_for("")).head(uri(key))


def test_a_web_page_is_no_store(connect: Any, httpserver: HTTPServer, key: str) -> None:
    answer_with(httpserver, Response("<html>Sign in</html>", 200, content_type="text/html"))
    store = connect(url=httpserver.url_for(""))

    def listing() -> Any:
        return list(store.list_objects(S3Uri(BUCKET, "")))

    for call in (lambda: store.head(uri(key)), lambda: put(store, key), listing):
        with pytest.raises(RefusedError, match=r"this is no S3 store .*fix s3.endpoint_url"):
            call()


def test_a_refused_kms_key_is_named(connect: Any, httpserver: HTTPServer, key: str) -> None:
    answer_with(httpserver, error(400, "KMS.DisabledException"))
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}

    with pytest.raises(RefusedError, match=r"the KMS key can't be used: fix s3.put_arguments"):
        put(connect(url=httpserver.url_for(""), put_arguments=encryption), key)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (409, "ConditionalRequestConflict"),
        (500, "InternalError"),
        (507, "XMinioStorageFull"),
    ],
)
def test_what_may_pass_is_tried_again(
    connect: Any, httpserver: HTTPServer, key: str, status: int, code: str
) -> None:
    requests = answer_with(httpserver, error(status, code), error(status, code), STORED)

    assert put(connect(url=httpserver.url_for("")), key) == '"e"'

    assert [request.method for request in requests] == ["PUT"] * 3
    assert {request.headers["If-None-Match"] for request in requests} == {"*"}


def test_what_does_not_pass_ends_after_four_tries(
    connect: Any, httpserver: HTTPServer, key: str
) -> None:
    requests = answer_with(httpserver, error(503, "SlowDown"))

    with pytest.raises(
        ServiceError, match=rf"PUT s3://{BUCKET}/{key} failed for now: SlowDown: no .4 tries."
    ):
        put(connect(url=httpserver.url_for("")), key)

    assert len(requests) == 4


def test_a_store_without_conditional_put_is_looked_at_first_and_warned_of(
    connect: Any, httpserver: HTTPServer, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests = answer_with(
        httpserver,
        error(501, "NotImplemented"),
        error(404, "NoSuchKey"),
        error(404, "NoSuchKey"),
        STORED,
    )

    with caplog.at_level(logging.WARNING):
        assert put(connect(url=httpserver.url_for("")), key) == '"e"'

    assert [(request.method, "If-None-Match" in request.headers) for request in requests] == [
        ("PUT", True),
        ("HEAD", False),
        ("GET", False),
        ("PUT", False),
    ]
    assert "this store has no conditional put" in caplog.text


def test_a_store_without_conditional_put_keeps_what_stands_there(
    connect: Any, httpserver: HTTPServer, key: str
) -> None:
    foreign = Response("theirs", 200, {"ETag": '"x"', "Content-Length": "6"})
    requests = answer_with(httpserver, error(501, "NotImplemented"), foreign)

    with pytest.raises(RefusedError, match=r"the key holds other content .model \?, day \?, ETag"):
        put(connect(url=httpserver.url_for("")), key)

    assert sum(request.method == "PUT" for request in requests) == 1


def test_a_listing_goes_on_to_its_last_page(connect: Any, httpserver: HTTPServer) -> None:
    page = (
        "<ListBucketResult><IsTruncated>{}</IsTruncated>{}"
        "<Contents><Key>{}</Key><Size>{}</Size></Contents></ListBucketResult>"
    )
    requests = answer_with(
        httpserver,
        Response(page.format("true", "<NextContinuationToken>t</NextContinuationToken>", "a", 1)),
        Response(page.format("false", "", "b", 2)),
    )

    assert list(connect(url=httpserver.url_for("")).list_objects(S3Uri(BUCKET, ""))) == [
        ("a", 1),
        ("b", 2),
    ]
    assert [request.args.get("continuation-token") for request in requests] == [None, "t"]


def test_usage_is_the_sum_under_a_prefix_and_unknown_where_listing_is_denied(
    connect: Any, key: str
) -> None:
    put(connect(), f"{key}/1", "123")
    put(connect(), f"{key}/2", "4567")

    assert connect("read_only").usage(f"s3://{BUCKET}/{key}/") == (7, 2)
    assert connect("write_only").usage(f"s3://{BUCKET}/{key}/") == (None, None)


def test_a_download_that_breaks_off_is_a_failure_for_now(connect: Any, key: str) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def answer_half() -> None:
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "e"\r\n\r\nhalf')
        client.close()

    threading.Thread(target=answer_half, daemon=True).start()
    with pytest.raises(ServiceError, match=f"{key}: the download broke off"):
        read(connect(url=f"http://127.0.0.1:{server.getsockname()[1]}"), key)
    server.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_store_that_says_nothing_is_given_up_within_the_total(
    connect: Any, silent: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Limits(connect_seconds=0.2, read_seconds=0.3, total_seconds=1.2)
    faults.limit_s3(monkeypatch, short)
    store = connect(url=silent)
    begin = time.monotonic()

    with pytest.raises(
        ServiceError, match=r"failed for now: no whole answer within 1.2 s .\d tries."
    ):
        store.head(uri(key))

    assert 1.1 < time.monotonic() - begin < 1.7


def test_a_signal_ends_a_call_to_a_store_that_says_nothing(
    connect: Any, silent: str, key: str
) -> None:
    def interrupt(number: int, frame: Any) -> None:
        raise InterruptedRun(signal.SIGTERM)

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(
        signal.ITIMER_REAL, 0.3, 0.3
    )  # again: Python drops an exception that falls into a finalizer
    begin = time.monotonic()
    try:
        with pytest.raises(InterruptedRun):
            put(connect(url=silent), key)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    "uri",
    ["", "s3://", "s3://bucket", "s3://bucket/", "http://bucket/key", "s3:///key", "s3://a b/key"],
)
def test_what_is_no_s3_address_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="expected s3://bucket/key"):
        S3Uri.parse(uri)


def test_an_s3_address_is_split_at_the_first_slash() -> None:
    assert S3Uri.parse("s3://bucket/a/b c.csv") == ("bucket", "a/b c.csv")


def test_metadata_of_an_object_can_neither_steer_a_terminal_nor_begin_a_line(
    connect: Any, httpserver: HTTPServer, key: str
) -> None:
    headers = {"ETag": '"e"', "Content-Length": "2", "x-amz-meta-model": "m\x1b[2J\x85error: x"}
    answer_with(httpserver, Response("{}", 200, headers))

    stored = connect(url=httpserver.url_for("")).head(uri(key))

    assert stored.metadata == {"model": "m?[2J?error: x"}


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_empty_profile_is_named_as_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv(name, "")

    with pytest.raises(ConfigError, match=f"{name} is set but empty: unset it"):
        Store(settings.S3())


def test_a_proxy_never_sees_a_store_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = SocketServer(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
    answer = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'
    store = SocketServer(answer)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url = f"http://localhost:{store.port}"

    stored = Store(settings.S3(endpoint_url=url, region="us-east-1")).head(S3Uri("b", "k"))

    assert stored is not None
    assert (len(proxy.requests), len(store.requests)) == (0, 1)
    proxy.socket.close()
    store.socket.close()
