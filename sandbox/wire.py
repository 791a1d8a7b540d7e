"""What a request, a reply and a refusal are, and the replies of what is in front of a service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from sandbox.shapes import problems


class Refused(Exception):
    """A request that is refused; each service has its own form for it.

    status: of HTTP. messages: for people. headers: of the reply.
    """

    def __init__(
        self, status: int, *messages: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, *messages)
        self.status = status
        self.messages = list(messages)
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. received: by the monotonic clock, in seconds."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Any
    body: bytes
    received: float

    def json(self, shape: Any) -> Any:
        """Return the body as JSON of a shape (see `shapes`). Raises Refused with 400."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Refused(400, f"The body is not JSON: {error}") from error
        differences = problems(value, shape, "body")
        if differences:
            raise Refused(400, *differences)
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; DROPPED closes the connection instead."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


DROPPED = Reply(0)
"""No reply: the connection is closed without a byte."""


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply with JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, body, "application/json", headers or {})


def gateway_reply(kind: str, port: int = 0, headers: Mapping[str, str] | None = None) -> Reply:
    """Return the reply of what is in front of a service, which is never JSON.

    kind: a status, with the web server's own page; "html", a login page with 200; or "redirect",
    to a login under another host name, so that a client which follows is seen to carry its key
    there. port: the sandbox's own, for the redirect.
    """
    status = {"html": 200, "redirect": 302}.get(kind) or int(kind)
    title = "Sign in" if kind == "html" else f"{status} {HTTPStatus(status).phrase}"
    page = (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1></body></html>\n"
    )
    if kind == "redirect":
        headers = {"Location": f"http://localhost:{port}/auth/login"}
    return Reply(status, page.encode(), "text/html; charset=utf-8", headers or {})
