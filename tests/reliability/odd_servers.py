"""Calls to services that answer with damaged replies, over real sockets."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

from monitoring.s3_uri import S3Uri
from monitoring.services.dmm import Dmm
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.dmm_registration import Registration
from monitoring.services.s3 import Store
from monitoring.settings import model as settings_model
from monitoring.settings.model import Settings
from tests.support.alerts import with_domino
from tests.support.servers import SocketServer

URI = S3Uri("bucket", "key.csv")

_LISTING = (
    b'<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>'
    b"<Contents><Key>key.csv</Key><Size>12</Size><ETag>&quot;e&quot;</ETag>"
    b"<LastModified>2026-03-01T10:00:00.000Z</LastModified></Contents></ListBucketResult>"
)
_ERROR = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"


@dataclass(frozen=True, slots=True)
class OddCall:
    """A call, and what a good server would answer to it; replies: as whole HTTP."""

    name: str
    call: Callable[[], object]
    replies: tuple[bytes, ...]


class OddServer:
    """Answers every request with `reply`, then closes the connection."""

    def __init__(self) -> None:
        self.reply = b""
        self._server = SocketServer(self._answer)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Take no more connections."""
        self._server.socket.close()

    def _answer(self, connection: socket) -> None:
        self._server.requests.clear()
        connection.sendall(self.reply)


def calls(server: OddServer, settings: Settings, folder: Path) -> list[OddCall]:
    """Return the calls of Model Monitor's client and of the store's."""
    return [*_dmm_calls(server, settings, folder), *_store_calls(server)]


def _dmm_calls(server: OddServer, settings: Settings, folder: Path) -> list[OddCall]:
    dmm = Dmm(with_domino(settings, server.url, endpoint="register-dataset"))
    registration = Registration(dmm, DmmMemory(folder / "monitor.json"))
    job = {"dataset_path": "key.csv", "status": "Done", "created_at": 1, "message": None}
    jobs = json.dumps({"jobs": [job]}).encode()
    model = json.dumps({"id": "abc123", "name": "m", "ingestionStatus": "done"}).encode()
    sources = json.dumps([{"name": "a", "type": "s3"}, {"name": "b"}]).encode()
    refusals = (b'["already registered"]', b'{"errors": ["none found"]}', b'{"message": "no"}')

    return [
        OddCall(
            "DMM: register",
            lambda: registration.register(URI),
            (http(b""), *(http(body, status=400) for body in refusals)),
        ),
        OddCall("DMM: jobs", lambda: dmm.jobs("abc123"), (http(jobs),)),
        OddCall("DMM: model", lambda: dmm.get_model("abc123"), (http(model),)),
        OddCall("DMM: data sources", dmm.data_sources, (http(sources),)),
    ]


def _store_calls(server: OddServer) -> list[OddCall]:
    store = Store(replace(settings_model.S3(), endpoint_url=server.url, region="us-east-1"))
    head = ['ETag: "e"', "Last-Modified: Sun, 01 Mar 2026 10:00:00 GMT", "x-amz-meta-model: m"]

    def read() -> object:
        with store.open(URI) as body:
            return body.read(100_000), body.read()

    def put() -> object:
        content: Any = io.BytesIO(b"event_id,credit_GT\n")
        return store.put(URI, content, {"model": "m"})

    return [
        OddCall("S3: HEAD", lambda: store.head(URI), (http(b"", *head), http(_ERROR, status=403))),
        OddCall("S3: LIST", lambda: store.usage("s3://bucket/key"), (http(_LISTING),)),
        OddCall("S3: GET", read, (http(b"a,b\n1,2\n", *head), http(_ERROR, status=404))),
        OddCall("S3: PUT", put, (http(b"", *head), http(_ERROR, status=412))),
    ]


def http(body: bytes, *headers: str, status: int = 200) -> bytes:
    """Return a reply as bytes on the wire."""
    lines = [f"HTTP/1.1 {status} Odd", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body
