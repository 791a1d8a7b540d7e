"""The endpoint's addresses, its token, and its replies that are odd by switch."""

import base64
import secrets
import time

from sandbox.model_endpoint import faults
from sandbox.model_endpoint.call import ID_ARGUMENT, read_arguments
from sandbox.model_endpoint.later import check_model, predict_later, read_prediction
from sandbox.model_endpoint.predict import run
from sandbox.routing import Route, Service
from sandbox.state import Sandbox
from sandbox.wire import DROPPED, Refused, Reply, Request, gateway_reply, json_reply

WRONG_TOKEN = "Wrong or missing model access token."


def predict(sandbox: Sandbox, request: Request, model_api_id: str) -> Reply:
    """Answer `POST /models/{id}/latest/model` (contracts 6.1), held for latency_ms in all."""
    switches = sandbox.switches
    body = request.json(dict)
    check_model(sandbox, model_api_id)
    own = sandbox.own_model
    arguments = own.read_arguments(body) if own else read_arguments(body)
    row_id = str(arguments[own.id_argument if own else ID_ARGUMENT])

    is_early_try = sandbox.count_try(row_id) <= switches.fail_tries
    fault = faults.fault_of(switches, row_id) if is_early_try else None
    if is_early_try and faults.is_slow(switches, row_id):
        time.sleep(switches.slow_seconds)
    if fault is not None and fault.isdigit():
        raise faults.refusal(switches, int(fault))

    odd = faults.odd_reply(switches, row_id)
    if odd == "unauthorized":
        raise Refused(401, WRONG_TOKEN)
    if odd in ("html", "redirect"):
        return gateway_reply(odd, sandbox.port)

    reply = DROPPED if fault == "drop" else run(sandbox, arguments, odd)
    _sleep_until(request.received + switches.latency_ms / 1000.0)
    return DROPPED if fault == "lost" else reply


def _sleep_until(moment: float) -> None:
    """Wait for a moment of the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))


def guard(sandbox: Sandbox, request: Request) -> None:
    """Take the model access token (contracts 2.2, 6).

    Basic, as user and password; Bearer where the call is asynchronous.
    """
    token = sandbox.identity.model_token
    basic = "Basic " + base64.b64encode(f"{token}:{token}".encode()).decode()
    expected = f"Bearer {token}" if request.path.startswith("/api/") else basic
    if request.headers.get("Authorization") != expected:
        raise Refused(401, WRONG_TOKEN)


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Return an error; its body is not known (contracts 15), so it is a switch."""
    form = sandbox.switches.model_error_body
    if form == "empty":
        return Reply(refused.status, headers=refused.headers)
    if form == "html":
        return gateway_reply(str(refused.status), headers=refused.headers)
    request_id = secrets.token_hex(8).upper()
    body = {"errors": refused.messages, "request_id": request_id}
    return json_reply(refused.status, body, {"X-Request-ID": request_id, **refused.headers})


SERVICE = Service(
    routes=(
        Route("POST", "/models/([^/]+)/latest/model", predict),
        Route("POST", "/api/modelApis/async/v1/([^/]+)", predict_later),
        Route("GET", "/api/modelApis/async/v1/([^/]+)/([^/]+)", read_prediction),
    ),
    guard=guard,
    render=render,
    is_concurrent=True,  # it answers many at once, and waits
)
