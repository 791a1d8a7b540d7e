"""A time limit for a whole answer.

A socket's own limit is for each read: a server that drips would never reach it. The classes here
go between requests and http.client, so that the limit counts from the first byte to the last.
"""

import http.client
import io
import time
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter


class _TimedSocket(io.RawIOBase):
    def __init__(self, sock: Any, raw: Any) -> None:
        self.sock, self.raw = sock, raw
        self.deadline = time.monotonic() + sock.gettimeout()
        self.is_at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")

        self.sock.settimeout(left)
        count: int | None = self.raw.readinto(buffer)
        self.is_at_end = count == 0
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.timed = _TimedSocket(sock, self.fp.detach())
        self.fp = io.BufferedReader(self.timed)

    def begin(self) -> None:
        super().begin()
        # http.client takes half a head for a whole one: a torn "HTTP/1.1 200" would be a success.
        if self.timed.is_at_end:
            raise http.client.RemoteDisconnected(
                "the connection was closed in the middle of the answer's head"
            )


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _TimedResponse


class TimedAdapter(HTTPAdapter):
    """The transport of a requests session whose read limit is for the whole answer."""

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        """Return the pool of a host, its connections replaced by timed ones."""
        pool: Any = super().get_connection_with_tls_context(*arguments, **options)
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        return pool
