"""The one way to call a service over HTTP: time limits, retries, no redirects, bounded bodies.

All times are in seconds unless the name says otherwise. `.netrc` is not read; HTTPS_PROXY,
NO_PROXY and REQUESTS_CA_BUNDLE are obeyed (requests does), but a proxy never sees what is meant
for this machine.
"""

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from monitoring.errors import RefusedError, ServiceError, TransientError
from monitoring.redaction import redacted_beginning
from monitoring.services.deadline import TimedAdapter
from monitoring.services.retry import (
    RETRYABLE_STATUSES,
    Budget,
    retry_after_seconds,
    with_retries,
)
from monitoring.services.server_text import server_text
from monitoring.settings.rules import is_loopback
from monitoring.text import format_count

_MAX_DEPTH = 100
_NO_PROXY: Any = {"http": None, "https": None, "all": None}
_EXCERPT_CHARACTERS, _READ_EXCERPT_BYTES = 300, 300_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a service is asked, and how much of its answer is read.

    read_seconds: for the whole answer. total_seconds: for all tries together.
    """

    connect_seconds: float = 5
    read_seconds: float = 30
    attempts: int = 4
    total_seconds: float = 60
    max_reply_bytes: int = 10_000_000

    def within(self, seconds: float) -> "Limits":
        """Return these limits for a try that may take so many seconds."""
        seconds = max(0.01, seconds)
        connect_seconds = min(self.connect_seconds, seconds / 2)
        read_seconds = min(self.read_seconds, seconds - connect_seconds)
        return replace(self, connect_seconds=connect_seconds, read_seconds=read_seconds)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; body: JSON text."""

    method: str
    url: str
    body: str | None = None
    query: Mapping[str, str | int] | None = None

    @property
    def shown_url(self) -> str:
        """The address without its query, for messages."""
        return urlsplit(self.url)._replace(query="").geturl()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, whatever its status.

    `url` has no query; `latency_ms` counts from the request to the body's last byte.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    latency_ms: float

    @property
    def data(self) -> Any:
        """The body as JSON, or None where it isn't valid JSON (bare NaN and Infinity are not).

        Nor is what is nested more than 100 deep: whoever walks through it would go too deep.
        """
        try:
            data = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None
        return None if _is_deep(data) else data

    @property
    def redirect_host(self) -> str | None:
        """The host that a redirect points to, None where the answer is no redirect."""
        if not 300 <= self.status < 400:
            return None
        try:
            target = urljoin(self.url, self.headers.get("Location", ""))
            return server_text(urlsplit(target).hostname or "an unnamed host")
        except ValueError:
            return "an unnamed host"

    @property
    def excerpt(self) -> str:
        """The beginning of the body on one line, without secrets; it can't steer a terminal."""
        text = self.body[:_READ_EXCERPT_BYTES].decode("utf-8", "replace")
        beginning = redacted_beginning(text, _EXCERPT_CHARACTERS)
        visible = "".join(sign if sign.isprintable() else " " for sign in beginning)
        return " ".join(visible.split())


class ReplyTooLargeError(ServiceError):
    """The answer was larger than may be read."""


class HttpService:
    """A service as it is called over HTTP: its session with credentials, and its limits.

    name: for messages. headers: sent with every request, credentials among them. connections: how
    many are kept open.
    """

    def __init__(
        self,
        name: str,
        headers: Mapping[str, str],
        limits: Limits = Limits(),
        *,
        connections: int = 1,
    ) -> None:
        self.name, self.limits = name, limits
        self.session = _Session()
        self.session.auth = _Headers(headers)
        for scheme in ("https://", "http://"):
            adapter = TimedAdapter(pool_connections=1, pool_maxsize=connections)
            self.session.mount(scheme, adapter)

    def send(self, request: Request, limits: Limits | None = None) -> Reply:
        """Send one request and return the whole answer; no retry, no redirect.

        Takes at most connect_seconds + read_seconds (looking up a name not counted). Raises
        TransientError for a time-out, a broken connection and a status that may pass;
        ReplyTooLargeError; RefusedError where the server's certificate is not trusted (waiting
        won't change that).
        """
        limits = limits or self.limits
        try:
            reply = self._exchange(request, limits)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise TransientError(
                f"no whole answer within {limits.read_seconds:.3g} s"
                f" (connecting: {limits.connect_seconds:.3g} s)",
                kind="timeout",
            ) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _connection_error(request, error) from None
        except (http.client.HTTPException, ValueError, ArithmeticError) as error:
            # What the libraries stumble over in an answer that is not HTTP, such as a chunk of
            # negative length.
            raise TransientError(
                f"the answer can't be read ({type(error).__name__}: {server_text(error)})",
                kind="connection",
            ) from None

        if reply.status in RETRYABLE_STATUSES:
            raise TransientError(
                f"answered {reply.status}: {reply.excerpt}",
                kind=str(reply.status),
                retry_after_seconds=retry_after_seconds(reply.headers.get("Retry-After")),
            )
        return reply

    def call(self, request: Request, limits: Limits | None = None) -> Reply:
        """Send a request, again while its failure may pass, and return the first whole answer.

        At least once: see with_retries. Takes at most `limits.total_seconds`: the last try gets
        what is left. Raises ServiceError when tries or time are used up, and what `send` raises.
        """
        limits = limits or self.limits
        budget = Budget.lasting(limits.total_seconds)
        tries = 0

        def attempt() -> Reply:
            nonlocal tries
            tries += 1
            return self.send(request, limits.within(budget.seconds_left))

        try:
            return with_retries(attempt, attempts=limits.attempts, budget=budget)
        except (TransientError, ReplyTooLargeError) as error:
            raise ServiceError(
                f"{self.name} failed for now: {request.method} {request.shown_url}: {error}"
                f" ({format_count(tries, 'try', 'tries')}); run again later"
            ) from None

    def _exchange(self, request: Request, limits: Limits) -> Reply:
        body, headers = None, None
        if request.body is not None:
            body, headers = request.body.encode(), {"Content-Type": "application/json"}
        is_here = is_loopback(urlsplit(request.url).hostname or "")

        begin = time.monotonic()
        with self.session.request(
            request.method,
            request.url,
            data=body,
            params=request.query,
            headers=headers,
            timeout=(limits.connect_seconds, limits.read_seconds),
            proxies=_NO_PROXY if is_here else None,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.raw.stream(65_536, decode_content=True):
                content += chunk
                if len(content) > limits.max_reply_bytes:
                    raise ReplyTooLargeError(
                        f"the answer is larger than {limits.max_reply_bytes} bytes"
                    )
            latency_ms = (time.monotonic() - begin) * 1000
            return Reply(
                response.status_code,
                response.headers,
                bytes(content),
                request.shown_url,
                latency_ms,
            )


class _Headers(requests.auth.AuthBase):
    # Given as `auth`, so that requests does not look for credentials of its own in ~/.netrc.
    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._settings_by_url: dict[Any, Any] = {}

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        # requests would search the environment for proxies at every row: a fifth of a row's cost.
        if url not in self._settings_by_url:
            self._settings_by_url[url] = super().merge_environment_settings(
                url, dict(proxies), stream, verify, cert
            )
        return self._settings_by_url[url]

    def get_redirect_target(self, _: requests.Response) -> None:
        # requests would parse the target even where it must not follow it, and fails at odd ones.
        return None


def _connection_error(request: Request, error: Exception) -> TransientError | RefusedError:
    reason = _innermost_reason(error)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RefusedError(
            f"{request.shown_url}: the server's certificate is not trusted ({reason}); fix it, or"
            " name your authority's file in REQUESTS_CA_BUNDLE"
        )
    return TransientError(reason, kind="connection")


def _innermost_reason(error: BaseException) -> str:
    """Return what really happened: the text that requests wraps repeats addresses and ids."""
    cause: BaseException = error
    for _ in range(9):
        inner = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        if not isinstance(inner, BaseException):
            break
        cause = inner

    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
    text = text or type(cause).__name__
    return server_text(re.sub(r"<[^>]* object at 0x[0-9a-f]+>[,:]?\s*", "", text))


def _is_deep(data: Any) -> bool:
    """Whether JSON data is nested more than _MAX_DEPTH deep."""
    level = [data]
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        level = inner
    return True


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
