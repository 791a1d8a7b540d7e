"""A relay before a real server: passes requests on, and breaks those that a test names.

with Relay(sandbox.s3) as relay:
    relay.break_next(lose, method="PUT")
"""

import http.client
import math
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30
HOP_HEADERS = ("connection", "expect", "keep-alive", "transfer-encoding")
"""Headers of one connection, not of the message."""


class Answer(NamedTuple):
    """A server's answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Forwarded(NamedTuple):
    """A request that reached the server behind the relay, and what that answered."""

    method: str
    path: str
    body: bytes
    status: int


class Exchange:
    """One request and the connection that it came on.

    body: what the client sent. released: set when the relay closes.
    """

    def __init__(self, handler: "_Handler", body: bytes) -> None:
        self._handler, self.body = handler, body
        self.released = handler.server.released

    def forward(self) -> Answer:
        """Send the request to the server behind the relay and return its answer."""
        handler = self._handler
        upstream = http.client.HTTPConnection(handler.server.upstream, timeout=TIMEOUT_SECONDS)
        upstream.putrequest(
            handler.command, handler.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in handler.headers.items():
            if name.lower() not in HOP_HEADERS:
                upstream.putheader(name, value)  # Host too: a signature may cover it
        upstream.endheaders(self.body)
        reply = upstream.getresponse()
        headers = {
            name: value for name, value in reply.getheaders() if name.lower() not in HOP_HEADERS
        }
        answer = Answer(reply.status, reply.read(), headers)
        upstream.close()
        handler.server.relay.forwarded.append(
            Forwarded(handler.command, handler.path, self.body, answer.status)
        )
        return answer

    def send(self, answer: Answer, *, sent_bytes: int | None = None) -> None:
        """Send an answer to the client; sent_bytes: only so much of its body."""
        handler = self._handler
        headers = dict(answer.headers)
        if handler.command != "HEAD":
            headers = {name: headers[name] for name in headers if name.lower() != "content-length"}
            headers["Content-Length"] = str(len(answer.body))
        handler.send_response_only(answer.status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body[:sent_bytes])

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, which need not be HTTP."""
        self._handler.wfile.write(data)

    def reset(self) -> None:
        """Have the connection end with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()

    def stop_listening(self) -> None:
        """Have every later connection to the relay refused."""
        self._handler.server.relay.stop_listening()

    @property
    def request_head(self) -> str:
        """The request's line and headers as they came."""
        return f"{self._handler.requestline}\n{self._handler.headers}"

    @property
    def request_text(self) -> str:
        """The request's head and body as they came."""
        return f"{self.request_head}\n{self.body.decode(errors='replace')}"

    def close(self) -> None:
        """Close the connection after this request."""
        self._handler.close_connection = True


Fault = Callable[[Exchange], None]
"""What happens to a request instead of being passed on."""


def drop(exchange: Exchange) -> None:
    """Close the connection before the server sees the request."""
    exchange.close()


def lose(exchange: Exchange) -> None:
    """Close the connection after the server did what was asked."""
    exchange.forward()
    exchange.close()


def hold(exchange: Exchange) -> None:
    """Say nothing until the relay closes; the server never sees the request."""
    exchange.released.wait()
    exchange.close()


def cut(exchange: Exchange) -> None:
    """Break off in the middle of the answer's body."""
    answer = exchange.forward()
    exchange.send(answer, sent_bytes=len(answer.body) // 2)
    exchange.close()


def echo(status: int) -> Fault:
    """Return a fault that answers with an error page which shows the request, as proxies do."""

    def answer(exchange: Exchange) -> None:
        exchange.send(Answer(status, exchange.request_text.encode(), {"X-Request-ID": "echo"}))

    return answer


def delay(seconds: float) -> Fault:
    """Return a fault that passes the request on later."""

    def wait(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.send(exchange.forward())

    return wait


def answer_with(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Return a fault that answers for the server, which never sees the request."""
    return lambda exchange: exchange.send(Answer(status, body, headers))


@dataclass(slots=True)
class _Rule:
    """A fault, for the next `left` requests of a method whose path holds a text."""

    fault: Fault
    method: str
    path: str
    left: float


class Relay:
    """A server at `url` that passes every request on to another one.

    broken: the requests that a fault took, as "PUT /path". forwarded: those that were passed on.
    """

    def __init__(self, upstream_url: str) -> None:
        self.broken: list[str] = []
        self.forwarded: list[Forwarded] = []
        self._rules: list[_Rule] = []
        self._lock = Lock()
        self._upstream_url, self._is_closed = upstream_url, False
        self._server = _Server(self, upstream_url)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def break_next(self, fault: Fault, *, method: str, path: str = "", times: float = 1) -> None:
        """Let the next requests meet a fault; faults queue up.

        path: a text within the path and its query.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, path, times))

    def break_all(self, fault: Fault, *, method: str, path: str = "") -> None:
        """Let all requests meet a fault until `heal`."""
        self.break_next(fault, method=method, path=path, times=math.inf)

    def heal(self) -> None:
        """Pass on every request from now on, and listen again at the same address."""
        with self._lock:
            self._rules.clear()
        if self._is_closed:
            self._is_closed = False
            self._server = _Server(self, self._upstream_url, self._server.server_port)
            Thread(target=self._server.serve_forever, daemon=True).start()

    def take_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault of a request, None where it is to be passed on."""
        with self._lock:
            for rule in self._rules:
                if rule.method == method and rule.path in path and rule.left > 0:
                    rule.left -= 1
                    self.broken.append(f"{method} {path}")
                    return rule.fault
        return None

    def stop_listening(self) -> None:
        """Refuse every later connection; those that are open go on."""
        self._is_closed = True
        self._server.released.set()
        self._server.shutdown()
        self._server.socket.close()

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, relay: Relay, upstream_url: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.relay = relay
        self.upstream = urlsplit(upstream_url).netloc
        self.released = Event()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Stay quiet: clients that are killed go away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.handle_request
        raise AttributeError(name)

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        exchange = Exchange(self, body)
        fault = self.server.relay.take_fault(self.command, self.path)
        if fault is None:
            exchange.send(exchange.forward())
        else:
            fault(exchange)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
