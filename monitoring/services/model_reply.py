"""What an answer of the model's endpoint says, read strictly (contracts 6.1)."""

import json
from typing import Any, NamedTuple

from monitoring.services.exchange import Reply
from monitoring.services.server_text import server_text
from monitoring.settings.model import ModelApi, Target
from monitoring.settings.rules import Label, is_same_label

_MAX_REQUEST_ID = 100
_MAX_RELEASE = 200
_MAX_SHOWN = 200
_ROUNDING = 0.01  # of each probability: two digits are enough


class Prediction(NamedTuple):
    """What the model said of one row.

    score: the probability of `target.positive`, 0 to 1; None where the settings name none.
    latency_ms: from the request to the answer's last byte. release: of the model, as text.
    """

    value: Label
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

    Only a 200 with a known class and probabilities in [0, 1] is one. Raises UnusableReplyError.
    """
    data = reply.data
    body = data if isinstance(data, dict) else {}
    request_id = _request_id(reply, body)

    try:
        value, score = _class_and_score(_result(reply, body), settings, target)
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


def _class_and_score(result: Any, settings: ModelApi, target: Target) -> tuple[Label, float | None]:
    """Return the class, and the probability of `target.positive` where the settings name one."""
    if settings.probabilities is not None:
        shares = _probabilities_at(result, settings.probabilities, target.classes)
        largest = max(range(len(shares)), key=shares.__getitem__)  # of equal ones the first
        return target.classes[largest], shares[target.classes.index(target.positive)]

    if settings.probability is None:
        return _class_at(result, settings.prediction, target.classes), None
    if settings.threshold is None:
        value = _class_at(result, settings.prediction, target.classes)
        return value, _probability(_at(result, settings.probability))

    score = _probability(_at(result, settings.probability))
    other = next(label for label in target.classes if label != target.positive)
    return target.positive if score >= settings.threshold else other, score


def _class_at(result: Any, path: str, classes: list[Label]) -> Label:
    value = _at(result, path)
    for known in classes:
        if is_same_label(value, known):
            return known
    raise ValueError(f"expected one of {classes} as the class, got {_shown(value)!r}")


def _probabilities_at(result: Any, path: str, classes: list[Label]) -> list[float]:
    """Return the probability of each class, in their order."""
    value = _at(result, path)
    if isinstance(value, dict):
        values = [_of_class(value, label) for label in classes]
    elif isinstance(value, list) and len(value) == len(classes):
        values = value
    else:
        raise ValueError(
            f"expected probabilities by class, or a list of {len(classes)} in the order of"
            f" {classes}, got {_shown(value)}"
        )

    shares = [_probability(share) for share in values]
    if abs(sum(shares) - 1) > _ROUNDING * len(shares):
        raise ValueError(f"expected probabilities whose sum is 1, got {_shown(value)}")
    return shares


def _of_class(values: dict[str, Any], label: Label) -> Any:
    # JSON has texts as names only: how a class is spelt there depends on who wrote it.
    spellings = {str(label), json.dumps(label)}
    if isinstance(label, bool | int | float) and label == int(label):
        spellings |= {str(int(label)), str(float(label))}
    found = [name for name in values if name in spellings]
    if len(found) != 1:
        raise ValueError(f"expected a probability of class {label!r}, got {_shown(values)}")
    return values[found[0]]


def _probability(value: Any) -> float:
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
