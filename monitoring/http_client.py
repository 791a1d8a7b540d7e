"""The one way to call a service over HTTP: time limits, retries under a budget, no redirects, bounded bodies.

All times are in seconds unless the name says otherwise. `.netrc` is not read; HTTPS_PROXY, NO_PROXY and REQUESTS_CA_BUNDLE
are obeyed (requests does), but a proxy never sees what is meant for this machine.
"""

import email.utils
import http.client
import io
import json
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from monitoring.config import is_loopback
from monitoring.errors import RefusedError, ServiceError

PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})
"""Answers of a service that may be better a moment later (contracts 6.1)."""
_NO_PROXY: Any = {"http": None, "https": None, "all": None}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a service is asked, and how much of its answer is read. `read_seconds`: for the whole answer."""

    connect_seconds: float = 5
    read_seconds: float = 30
    attempts: int = 4
    total_seconds: float = 60
    max_reply_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, whatever its status. `url` has no query; `latency_ms` counts from the request to the body's last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    latency_ms: float

    @property
    def data(self) -> Any:
        """The body as JSON, or None where it isn't valid JSON (bare NaN and Infinity are not)."""
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None

    @property
    def redirect_host(self) -> str | None:
        """The host that a redirect points to, None where the answer is no redirect."""
        if not 300 <= self.status < 400:
            return None
        try:
            return urlsplit(urljoin(self.url, self.headers.get("Location", ""))).hostname or "an unnamed host"
        except ValueError:
            return "an unnamed host"

    @property
    def excerpt(self) -> str:
        """The beginning of the body on one line, for messages; nothing in it can steer a terminal."""
        text = self.body[:300].decode("utf-8", "replace")
        return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


class NoAnswer(Exception):
    """A request got no whole answer; `kind` is timeout, connection or too_large."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(slots=True)
class Budget:
    """What is left of a run's time for one service; shared by its threads. A set `stop` ends every wait."""

    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float) -> bool:
        """Wait; return False at once where the time would not suffice, and where the wait was stopped."""
        if time.monotonic() + seconds > self.deadline:
            return False
        return not self.stop.wait(seconds)


class _Headers(requests.auth.AuthBase):
    # Given as `auth`, so that requests does not look for credentials of its own in ~/.netrc.
    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request


class _TimedSocket(io.RawIOBase):
    # A socket's own limit is for each read: a server that drips would never reach it. This one is for the whole answer.
    def __init__(self, sock: Any, raw: Any) -> None:
        self.sock, self.raw, self.deadline, self.is_at_end = sock, raw, time.monotonic() + sock.gettimeout(), False

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
        if self.timed.is_at_end:  # http.client takes half a head for a whole one: a torn "HTTP/1.1 200" would be a success
            raise http.client.RemoteDisconnected("the connection was closed in the middle of the answer's head")


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _TimedResponse


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*arguments, **options)
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        return pool


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None  # requests would look at the target even where it is not to follow it, and fails at odd ones


def session(headers: Mapping[str, str], connections: int = 1) -> requests.Session:
    """Return a session that sends these headers (credentials among them) and keeps up to `connections` open."""
    made = _Session()
    made.auth = _Headers(headers)
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=connections))
    return made


def send(
    service: requests.Session,
    method: str,
    url: str,
    limits: Limits,
    *,
    body: str | None = None,
    query: Mapping[str, str | int] | None = None,
) -> Reply:
    """Send one request and return the whole answer; no retry, no redirect.

    Takes at most connect_seconds + read_seconds (the look-up of a name not counted). Raises NoAnswer, and RefusedError where
    the server's certificate isn't trusted (waiting won't change that).
    """
    parts = urlsplit(url)
    shown = parts._replace(query="").geturl()
    begin = time.monotonic()
    try:
        with service.request(
            method,
            url,
            data=None if body is None else body.encode(),
            params=query,
            headers={"Content-Type": "application/json"} if body is not None else None,
            timeout=(limits.connect_seconds, limits.read_seconds),
            proxies=_NO_PROXY if is_loopback(parts.hostname or "") else None,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.raw.stream(65_536, decode_content=True):
                content += chunk
                if len(content) > limits.max_reply_bytes:
                    raise NoAnswer("too_large", f"the answer is larger than {limits.max_reply_bytes} bytes")
            latency_ms = (time.monotonic() - begin) * 1000
            return Reply(response.status_code, response.headers, bytes(content), shown, latency_ms)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise NoAnswer(
            "timeout", f"no whole answer within {limits.read_seconds:g} s (connecting: {limits.connect_seconds:g} s)"
        ) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason = _innermost(error)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise RefusedError(
                f"{shown}: the server's certificate is not trusted ({reason}); mend it, or name your authority's file in"
                " REQUESTS_CA_BUNDLE"
            ) from None
        raise NoAnswer("connection", reason) from None


def call(
    service: requests.Session,
    method: str,
    url: str,
    *,
    name: str,
    limits: Limits = Limits(),
    body: str | None = None,
    query: Mapping[str, str | int] | None = None,
) -> Reply:
    """Send a request, again while its failure may pass, and return the first answer of another kind, whatever its status.

    At least once: a request whose answer was lost is sent again, so its effect must bear repeating. Takes at most
    `limits.total_seconds`: the last try gets what is left. name: the service, for the message. Raises ServiceError when tries
    or time are used up, and what `send` raises.
    """
    budget = Budget(time.monotonic() + limits.total_seconds)
    for attempt in range(1, limits.attempts + 1):
        left = max(0.01, budget.deadline - time.monotonic())
        connect_seconds = min(limits.connect_seconds, left / 2)
        within = replace(limits, connect_seconds=connect_seconds, read_seconds=min(limits.read_seconds, left - connect_seconds))
        retry_after = None
        try:
            reply = send(service, method, url, within, body=body, query=query)
            if reply.status not in PASSING_STATUSES:
                return reply
            problem, retry_after = f"answered {reply.status}: {reply.excerpt}", reply.headers.get("Retry-After")
        except NoAnswer as error:
            problem = str(error)
        if attempt < limits.attempts and not budget.wait(delay_seconds(attempt, retry_after)):
            break
    shown = urlsplit(url)._replace(query="").geturl()
    raise ServiceError(f"{name} failed for now: {method} {shown}: {problem} ({attempt} tries); run again later")


def delay_seconds(attempt: int, retry_after: str | None = None) -> float:
    """Return how long to wait after the n-th failed try (n from 1): min(8, 0.5 x 2^(n-1)) x a jitter of 0.5 to 1.

    A Retry-After, in seconds or as an HTTP date (RFC 9110, 10.2.3), is taken as given.
    """
    if retry_after is not None and re.fullmatch(r"\s*[0-9]+\s*", retry_after):
        return float(retry_after)
    try:
        at = email.utils.parsedate_to_datetime(retry_after or "")
        # An HTTP date is in GMT even where it does not say so.
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time())
    except (ValueError, OverflowError):
        return min(8.0, 0.5 * 2.0 ** min(attempt - 1, 4)) * random.uniform(0.5, 1.0)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _innermost(error: BaseException) -> str:
    """Return what really happened: the text that requests wraps repeats addresses and object ids."""
    cause: BaseException = error
    for _ in range(9):
        inner = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        if not isinstance(inner, BaseException):
            break
        cause = inner
    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return re.sub(r"<[^>]* object at 0x[0-9a-f]+>[,:]?\s*", "", text)
