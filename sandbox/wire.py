"""What a request, a reply and a refusal are, the shapes of bodies, and the answers of what stands in front of a service."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Route = tuple[str, str, Callable[..., Any]]  # methods, pattern of the path, function of (sandbox, request, *groups)


class Refused(Exception):
    """A request that is refused: a status, messages for people, and headers. Each service has its own form for it."""

    def __init__(self, status: int, *messages: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, *messages)
        self.status, self.messages, self.headers = status, list(messages), headers or {}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. `received` is the monotonic clock in seconds."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Any
    body: bytes
    received: float

    def json(self, shape: Any) -> Any:
        """Parse the body and compare it with a shape (see `problems`). Raises Refused with 400."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Refused(400, f"The body is not JSON: {error}") from error
        if found := problems(value, shape, "body"):
            raise Refused(400, *found)
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Status 0 closes the connection instead, without a byte."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with JSON."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode(), "application/json", headers or {})


def gateway_reply(kind: str, port: int = 0, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer as what stands in front of a service does, never with JSON: by a status with the web server's page.

    Or, for "html", by a login page with 200; or, for "redirect", by sending to a login under another host name, so that a
    client which follows is seen to carry its key there.
    """
    status = int({"html": "200", "redirect": "302"}.get(kind, kind))
    headers = {"Location": f"http://localhost:{port}/auth/login"} if kind == "redirect" else headers
    title = "Sign in" if kind == "html" else f"{status} {HTTPStatus(status).phrase}"
    page = f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, page.encode(), "text/html; charset=utf-8", headers or {})


def problems(value: Any, shape: Any, where: str) -> list[str]:
    """Say how a JSON value differs from a shape.

    A shape is a type (a float may be whole, a text is not empty), "" for any text, a tuple of the values allowed, [shape]
    for a list, {name: shape} for an object, where a "name?" may be absent, null or empty, and {"*": shape} any names.
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        fields = [(name.rstrip("?"), each) for name, each in shape.items() if name[-1] != "?" or value.get(name[:-1])]
        fields = [(name, shape["*"]) for name in value] if "*" in shape else fields
        return [problem for name, each in fields for problem in problems(value.get(name), each, f"{where}.{name}")]
    if isinstance(shape, list) and isinstance(value, list):
        return [problem for each in value for problem in problems(each, shape[0], f"{where}[]")]
    if isinstance(shape, tuple):
        return [] if value in shape else [f"{where}: got {value!r}, expected one of {', '.join(map(str, shape))}"]
    kind = shape if isinstance(shape, type) else type(shape)
    fits = (type(value) is kind or (kind is float and type(value) is int)) and (value != "" or shape == "")
    return [] if fits else [f"{where}: got {value!r}, expected {kind.__name__}"]
