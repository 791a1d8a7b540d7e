"""Running the model's function and wrapping its result as Domino does (contracts 6.1)."""

import secrets
import time
from typing import Any

from sandbox.model_endpoint.call import feature_values
from sandbox.model_endpoint.capture import capture, keep
from sandbox.model_endpoint.own_model import OwnModel
from sandbox.state import Sandbox
from sandbox.switches import OddReply, Switches
from sandbox.wire import Reply, json_reply

IMPOSSIBLE_CLASS = 7
HUGE_BYTES = 3_000_000
CUT_BYTES = 9
THRESHOLD = 0.5
ERROR_RESULT = {"error": "the feature store did not answer"}
"""Contracts 6.1: the function may report its own failure."""


def run_function(sandbox: Sandbox, arguments: dict[str, Any], odd: OddReply) -> Any:
    """Predict, capture the prediction, and return the function's result.

    Raises Refused with 500 for values that the model's code refuses.
    """
    if sandbox.own_model:
        return _run_own(sandbox, sandbox.own_model, arguments, odd)

    switches = sandbox.switches
    score = sandbox.model.probability(feature_values(arguments)) + switches.score_shift
    score = min(1.0, max(0.0, score))
    if switches.swapped_labels:
        score = 1.0 - score
    predicted = IMPOSSIBLE_CLASS if odd == "impossible_class" else int(score >= THRESHOLD)

    if odd == "error_in_200":
        return ERROR_RESULT
    capture(sandbox, arguments, predicted, score)
    return _in_form(switches, predicted, score)


def _run_own(sandbox: Sandbox, own: OwnModel, arguments: dict[str, Any], odd: OddReply) -> Any:
    answer = own.answer(
        {name: value for name, value in arguments.items() if name != own.id_argument}
    )
    if odd == "error_in_200":
        return ERROR_RESULT
    keep(
        sandbox,
        event_id=arguments[own.id_argument],
        features={name: arguments[name] for name in own.features},
        predictions={own.target: answer.predicted},
        probabilities=answer.probabilities,
    )
    return answer.result


def run(sandbox: Sandbox, arguments: dict[str, Any], odd: OddReply) -> Reply:
    """Run the function and return the endpoint's reply."""
    started = time.perf_counter()
    result = run_function(sandbox, arguments, odd)
    milliseconds = (time.perf_counter() - started) * 1000.0

    request_id = secrets.token_hex(8).upper()
    version = sandbox.switches.release_version
    body = {
        "model_time_in_ms": int(milliseconds),
        "request_id": request_id,
        "result": result,
        "timing": milliseconds,
        "release": {"harness_version": "0.1", "model_version_number": version},
    }
    if odd == "huge":
        body["padding"] = "x" * HUGE_BYTES
    reply = json_reply(200, body, {"X-Request-ID": request_id, "Domino-Server": "sandbox"})
    if odd == "broken_json":
        return Reply(200, reply.body[:-CUT_BYTES], reply.content_type, reply.headers)
    return reply


def _in_form(switches: Switches, predicted: int, score: float) -> Any:
    match switches.result_form:
        case "object":
            return {"score": score, "class": predicted}
        case "number":
            return predicted
        case "string":
            return str(predicted)
        case "list":
            return [predicted, score]
        case "nested_list":
            return [[predicted, score]]
