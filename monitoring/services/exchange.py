"""What a service is asked and what it answers, over HTTP; how long and how often it is asked.

All times are in seconds unless the name says otherwise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from monitoring.redaction import redacted_beginning
from monitoring.services.server_text import server_text

_MAX_DEPTH = 100
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
