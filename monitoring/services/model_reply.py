"""What an answer of the model's endpoint says, read strictly (contracts 6.1)."""

from typing import Any, NamedTuple

from monitoring.services.http import Reply
from monitoring.services.server_text import server_text
from monitoring.settings.model import ModelApi, Target

_MAX_REQUEST_ID = 100
_MAX_RELEASE = 200
_MAX_SHOWN = 200


class Prediction(NamedTuple):
    """What the model said of one row.

    score: the probability of `target.positive`, 0 to 1; None where the settings name none.
    latency_ms: from the request to the answer's last byte. release: of the model, as text.
    """

    value: int | str
    score: float | None
    latency_ms: float
    release: str | None
    request_id: str | None


class UnusableReplyError(Exception):
    """A whole answer that scores no row, and would not the next time.

    attempt_error: the kind of failure to count for the try, None for an answer below 500.
    """

    def __init__(
        self, message: str, *, latency_ms: float, request_id: str | None, attempt_error: str | None
    ) -> None:
        super().__init__(message)
        self.latency_ms, self.request_id = latency_ms, request_id
        self.attempt_error = attempt_error


def parse_reply(reply: Reply, settings: ModelApi, target: Target) -> Prediction:
    """Return the prediction in a reply.

    Only a 200 with a known class and a probability in [0, 1] is one. Raises UnusableReplyError.
    """
    data = reply.data
    body = data if isinstance(data, dict) else {}
    request_id = _request_id(reply, body)

    try:
        result = _result(reply, body)
        value = _class_at(result, settings.prediction, target.classes)
        score = None
        if settings.probability is not None:
            score = _probability_at(result, settings.probability)
    except ValueError as error:
        where = f" (request {request_id})" if request_id else ""
        raise UnusableReplyError(
            f"{error}{where}",
            latency_ms=reply.latency_ms,
            request_id=request_id,
            attempt_error=str(reply.status) if reply.status >= 500 else None,
        ) from None
    return Prediction(value, score, reply.latency_ms, _release(body), request_id)


def _request_id(reply: Reply, body: dict[str, Any]) -> str | None:
    request_id = reply.headers.get("X-Request-ID") or body.get("request_id") or ""
    return server_text(request_id, _MAX_REQUEST_ID) or None


def _result(reply: Reply, body: dict[str, Any]) -> Any:
    if reply.status != 200:
        raise ValueError(f"answered {reply.status}: {reply.excerpt}")
    if "result" not in body:
        content_type = reply.headers.get("Content-Type", "no type")
        raise ValueError(f"expected JSON with a `result`, got {content_type}: {reply.excerpt}")
    return body["result"]


def _class_at(result: Any, path: str, classes: list[int | str]) -> int | str:
    value = _at(result, path)
    for known in classes:
        is_same_kind = isinstance(value, str) == isinstance(known, str)
        if not isinstance(value, bool) and is_same_kind and value == known:
            return known
    raise ValueError(f"expected one of {classes} as the class, got {_shown(value)!r}")


def _probability_at(result: Any, path: str) -> float:
    value = _at(result, path)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise ValueError(f"expected a probability from 0 to 1, got {_shown(value)!r}")
    return float(value)


def _at(result: Any, path: str) -> Any:
    """Return what is at a dotted path; numbers index lists."""
    for part in path.split(".") if path else []:
        if isinstance(result, list) and part.isdigit() and int(part) < len(result):
            result = result[int(part)]
        elif isinstance(result, dict) and part in result:
            result = result[part]
        else:
            raise ValueError(f"expected `result` to hold {path!r}, got {_shown(result)}")
    return result


def _release(body: dict[str, Any]) -> str | None:
    """Return the model's release; the harness's own version says nothing about the model."""
    release = body.get("release")
    if not isinstance(release, dict):
        return None
    parts = [f"{name}={release[name]}" for name in sorted(release) if name != "harness_version"]
    return server_text(" ".join(parts), _MAX_RELEASE) or None


def _shown(value: Any) -> str:
    return server_text(value, _MAX_SHOWN)
