"""Asynchronous predictions (contracts 6.2)."""

import time
from typing import Any

from sandbox.model_endpoint.call import read_arguments
from sandbox.model_endpoint.predict import run_function
from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import Refused, Request


def predict_later(sandbox: Sandbox, request: Request, model_api_id: str) -> Any:
    """Answer `POST /api/modelApis/async/v1/{id}`: take the call and name it."""
    body = request.json({"parameters": dict})
    check_model(sandbox, model_api_id)
    arguments = read_arguments({"data": body["parameters"]})
    reply: dict[str, Any]
    try:
        reply = {"status": "succeeded", "result": run_function(sandbox, arguments, "normal")}
    except Refused as refused:
        reply = {"status": "failed", "errors": refused.messages}

    prediction_id = new_id()
    due_at = time.time() + sandbox.switches.job_seconds
    sandbox.store.put("prediction", prediction_id, {"reply": reply, "dueAt": due_at})
    return {"asyncPredictionId": prediction_id}


def read_prediction(
    sandbox: Sandbox, _request: Request, _model_api_id: str, prediction_id: str
) -> Any:
    """Answer `GET /api/modelApis/async/v1/{id}/{prediction}`: queued, or what came of it."""
    waiting = sandbox.store.get("prediction", prediction_id)
    return waiting["reply"] if time.time() >= waiting["dueAt"] else {"status": "queued"}


def check_model(sandbox: Sandbox, model_api_id: str) -> None:
    """Raise Refused with 404 for an id that is not the endpoint's."""
    if model_api_id != sandbox.identity.model_api_id:
        raise Refused(404, "This model has no running version.")
