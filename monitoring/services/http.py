"""The one way to call a service over HTTP: time limits, retries, no redirects, bounded bodies.

All times are in seconds unless the name says otherwise. `.netrc` is not read; HTTPS_PROXY,
NO_PROXY and REQUESTS_CA_BUNDLE are obeyed (requests does), but a proxy never sees what is meant
for this machine.
"""

import http.client
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from monitoring.errors import RefusedError, ServiceError, TransientError
from monitoring.services.deadline import TimedAdapter
from monitoring.services.exchange import Limits, Reply, Request
from monitoring.services.retry import (
    RETRYABLE_STATUSES,
    Budget,
    retry_after_seconds,
    with_retries,
)
from monitoring.services.server_text import server_text
from monitoring.settings.rules import is_loopback
from monitoring.text import format_count

_NO_PROXY: Any = {"http": None, "https": None, "all": None}


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
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}
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
        timeout = (limits.connect_seconds, limits.read_seconds)
        begin = time.monotonic()
        with self.session.send_once(self._prepare(request), timeout) as response:
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

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        """Return the request as it is sent.

        Only the body of a row differs from those of others: the rest, a quarter of what requests
        takes for a row, is prepared once, unless the server gives cookies.
        """
        key = request.method, request.url
        prepared = self._prepared.get(key)
        if prepared is None or request.query or self.session.cookies:
            headers = None if request.body is None else {"Content-Type": "application/json"}
            prepared = self.session.prepare_request(
                requests.Request(request.method, request.url, headers, params=request.query)
            )
            if not request.query:
                self._prepared[key] = prepared
        if request.body is None:
            return prepared
        with_body = prepared.copy()
        with_body.prepare_body(request.body.encode(), None)
        return with_body


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

    def send_once(
        self, request: requests.PreparedRequest, timeout: tuple[float, float]
    ) -> requests.Response:
        """Send a request and return the answer, its body unread; no redirect is followed."""
        # requests would search the environment for proxies at every row: a fifth of a row's cost.
        url = str(request.url)
        if url not in self._settings_by_url:
            is_here = is_loopback(urlsplit(url).hostname or "")
            proxies = dict(_NO_PROXY) if is_here else {}
            self._settings_by_url[url] = self.merge_environment_settings(
                url, proxies, stream=True, verify=None, cert=None
            )
        settings = self._settings_by_url[url]
        return self.send(request, timeout=timeout, allow_redirects=False, **settings)

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
