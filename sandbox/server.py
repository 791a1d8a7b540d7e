"""The HTTP server on loopback: reads requests, records them, and writes the replies."""

import socket
import sys
import time
import traceback
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.control import service as control
from sandbox.model_endpoint import service as model_endpoint
from sandbox.model_monitor import service as model_monitor
from sandbox.platform_api import service as platform_api
from sandbox.routing import Router
from sandbox.state import Sandbox
from sandbox.wire import Reply, Request, gateway_reply

MAX_BODY_BYTES = 20_000_000
SECRET_HEADERS = ("authorization", "x-domino-api-key", "x-dmm-api-key", "cookie")
ROUTER = Router(
    [model_endpoint.SERVICE, model_monitor.SERVICE, platform_api.SERVICE, control.SERVICE]
)
SANDBOX_FAILED = Reply(
    500, b"the sandbox itself failed: see server.log in its folder\n", "text/plain"
)

MISDIRECTED = Reply(
    421, b"this sandbox answers to the names 127.0.0.1 and localhost only\n", "text/plain"
)


class Server(ThreadingHTTPServer):
    """A thread for each connection, none of which keeps the process alive."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", sandbox.port), Handler)
        self.sandbox = sandbox

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Write a traceback, but not for a client that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            print(traceback.format_exc(), file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """Reads requests off a connection and writes the replies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def __getattr__(self, name: str) -> Any:
        """Serve every method alike: the base class looks for do_GET and its like."""
        if name.startswith("do_"):
            return self.handle_request
        raise AttributeError(name)

    def handle_request(self) -> None:
        """Answer one request, and record it unless it is for the sandbox itself."""
        received = time.monotonic()
        # Now: a request may be answered long after the requests were forgotten.
        requests = self.server.sandbox.requests
        body = self._read_body()
        if body is None:
            return
        if not self._is_for_us():
            self.close_connection = True
            self._write(MISDIRECTED)
            return

        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, parts.path, query, self.headers, body, received)
        try:
            reply = ROUTER.answer(self.server.sandbox, request)
        except Exception:
            # A fault of the sandbox's own must not look like one of Domino's.
            print(traceback.format_exc(), file=sys.stderr, flush=True)
            reply = SANDBOX_FAILED
        if not control.is_own(parts.path):
            requests.append(self._record(body, reply))
        self._write(reply)

    def _is_for_us(self) -> bool:
        """Whether the Host is ours: a web page's own name may be made to resolve to loopback."""
        name = (self.headers.get("Host") or "").partition(":")[0]
        return name in ("127.0.0.1", "localhost")

    def _read_body(self) -> bytes | None:
        """Return the request's body; None where it is refused, and the refusal is sent."""
        length = self.headers.get("Content-Length", "0")
        is_chunked = "Transfer-Encoding" in self.headers
        if not is_chunked and length.isdigit() and int(length) <= MAX_BODY_BYTES:
            return self.rfile.read(int(length))

        self.close_connection = True  # the body is not read
        is_too_large = length.isdigit() and int(length) > 0
        self._write(gateway_reply("413" if is_too_large else "411"))
        return None

    def _record(self, body: bytes, reply: Reply) -> dict[str, Any]:
        return {
            "method": self.command,
            "path": self.path,
            "body": body.decode("utf-8", "replace"),
            "headers": {name: _masked(name, value) for name, value in self.headers.items()},
            "at": datetime.now(UTC).isoformat(),
            "status": reply.status or "dropped",
        }

    def _write(self, reply: Reply) -> None:
        """Send a reply, or close the connection."""
        if not reply.status:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return

        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        if self.close_connection:
            headers["Connection"] = "close"
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        # Head and body in one write: as two, each would wait for the other's acknowledgement.
        body = b"" if self.command == "HEAD" else reply.body
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: every request is recorded."""


def _masked(name: str, value: str) -> str:
    """Return a header's value; of a secret one, its scheme word at most."""
    if name.lower() not in SECRET_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} ***" if space else "***"
