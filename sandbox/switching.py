"""The switches of a running sandbox, changed from another process."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

PATH = "/_sandbox/switches"
_TIMEOUT_SECONDS = 10.0
# Loopback only: a proxy of the environment must not get it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def parse(assignments: Sequence[str]) -> dict[str, Any]:
    """Return the changes of texts like NAME=VALUE; the value is JSON, else it is text.

    Raises ValueError for what is no such text.
    """
    changes: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise ValueError(f"got {assignment!r}, expected NAME=VALUE, such as latency_ms=20")
        changes[name.strip()] = _value(text)
    return changes


def read(url: str) -> dict[str, Any]:
    """Return every switch of the sandbox at an address."""
    return _call(url, "GET", None)


def change(url: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change switches and return all; raises ValueError naming what is refused."""
    return _call(url, "POST", changes)


def reset(url: str) -> dict[str, Any]:
    """Set every switch back and return all."""
    return _call(url, "DELETE", None)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _call(url: str, method: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + PATH, content, method=method)
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as reply:
            return dict(json.load(reply))
    except urllib.error.HTTPError as error:
        raise ValueError("; ".join(json.load(error)["errors"])) from None
