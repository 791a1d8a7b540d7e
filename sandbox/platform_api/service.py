"""The addresses of the platform, its credentials, and the failures of TrainingSets by switch."""

import time
from typing import Any

from sandbox.platform_api import metrics, training_sets
from sandbox.routing import Route, Service
from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import DROPPED, Refused, Reply, Request, json_reply

WITHOUT_CREDENTIALS = ("/version", "/access-token")  # contracts 2.1, 2.2


def guard(sandbox: Sandbox, request: Request) -> Reply | None:
    """Take the user's API key or the run's token (contracts 2.2)."""
    if request.path not in WITHOUT_CREDENTIALS and not _has_credentials(sandbox, request):
        raise Refused(
            401,
            "Missing or wrong credentials: expected X-Domino-Api-Key or Authorization: Bearer.",
        )
    if request.path.startswith("/trainingset/"):
        return _fail_by_switch(sandbox, request)
    return None


def _has_credentials(sandbox: Sandbox, request: Request) -> bool:
    identity = sandbox.identity
    return bool(
        request.headers.get("X-Domino-Api-Key") == identity.api_key
        or request.headers.get("Authorization") == f"Bearer {identity.access_token}"
    )


def _fail_by_switch(sandbox: Sandbox, request: Request) -> Reply | None:
    """Let TrainingSets hang or fail (contracts 8.6)."""
    if sandbox.switches.training_set == "hang":
        while sandbox.switches.training_set == "hang":
            time.sleep(0.05)
        return DROPPED

    failing = {"POST": "fail_create", "PUT": "fail_finish"}.get(request.method)
    is_write = not request.path.endswith("/find")
    if is_write and sandbox.switches.training_set == failing:
        raise Refused(500, f"The sandbox's switch training_set is set to {failing}.")
    return None


def render(_sandbox: Sandbox, refused: Refused) -> Reply:
    """Return a refusal: the vendor's client reads the field `errors` (contracts 8.3, 9)."""
    return json_reply(refused.status, {"requestId": new_id(), "errors": refused.messages})


def version(_sandbox: Sandbox, _request: Request) -> Any:
    """Answer `GET /version` (contracts 2.1)."""
    return {"version": "6.0.0", "buildId": "sandbox"}


def access_token(sandbox: Sandbox, _request: Request) -> Reply:
    """Answer `GET /access-token` (contracts 2.2)."""
    return Reply(200, sandbox.identity.access_token.encode(), "text/plain")


SET = "/trainingset/([^/]+)"
SERVICE = Service(
    routes=(
        Route("GET", "/version", version),
        Route("GET", "/access-token", access_token),
        Route("POST", "/trainingset/find", training_sets.find_sets),
        Route("POST", "/trainingset/version/find", training_sets.find_versions),
        Route("POST", SET, training_sets.create_version),
        Route("GET PUT DELETE", SET, training_sets.handle_set),
        Route("GET PUT DELETE", f"{SET}/([0-9]+)", training_sets.handle_version),
        Route("POST", "/api/metricValues/v1", metrics.add_values),
        Route("POST", "/api/metricAlerts/v1", metrics.add_alert),
        Route("GET", "/api/metricValues/v1/([^/]+)/([^/]+)", metrics.read_values),
    ),
    guard=guard,
    render=render,
)
