"""How DMM's answers are read: its own words in every shape, and what is not DMM's at all."""

from collections.abc import Iterator
from typing import Any

from monitoring.services.exchange import Reply
from monitoring.services.server_text import server_text

_BEGINNING_BYTES = 200
_MAX_MESSAGES = 10_000


def messages(reply: Reply) -> str:
    """Return DMM's own words (contracts 3.2.2), as server_text gives them.

    An array of strings, a string, an object with `message`, `errors` or `error`, or plain text;
    "" for a web page.
    """
    if reply.data is not None:
        return server_text("; ".join(texts(reply.data)), _MAX_MESSAGES)
    if is_web_page(reply):
        return ""
    return server_text(reply.body.decode("utf-8", "replace").strip(), _MAX_MESSAGES)


def texts(data: Any) -> Iterator[str]:
    """Yield the texts in an error's JSON, however deep they are."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for item in data:
            yield from texts(item)
    elif isinstance(data, dict):
        for name in ("message", "errors", "error"):
            yield from texts(data.get(name))


def is_web_page(reply: Reply) -> bool:
    """Whether the body is HTML: the answer of a web server in front of DMM, or of another one."""
    beginning = reply.body[:_BEGINNING_BYTES].strip()
    if reply.data is not None or not beginning:
        return False
    return beginning.startswith(b"<") or "html" in reply.headers.get("Content-Type", "")


def is_success(reply: Reply) -> bool:
    """Whether the answer is a 2xx with JSON that reports no error, or with nothing at all.

    A message counts as an error: a registration that was taken and is sent again is "already
    registered", one that was not taken must not pass for it.
    """
    data = reply.data
    has_errors = isinstance(data, dict | list) and messages(reply) != ""
    if isinstance(data, dict):
        has_errors = has_errors or bool(data.get("errors")) or bool(data.get("error"))
    is_json_or_empty = data is not None or not reply.body.strip()
    return 200 <= reply.status < 300 and is_json_or_empty and not has_errors


def is_not_dmm(reply: Reply) -> bool:
    """Whether the answer is definite but not DMM's own: nothing was registered there.

    A redirect, 405, a web page, or 401, 403 or 404 without JSON. Never a 5xx: its effect may exist.
    """
    if reply.status >= 500:
        return False
    has_no_json = reply.status in (401, 403, 404) and reply.data is None
    is_elsewhere = reply.redirect_host is not None or reply.status == 405
    return is_elsewhere or is_web_page(reply) or has_no_json
