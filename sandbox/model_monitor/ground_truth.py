"""Registering ground truth files with a model (contracts 3.2, 3.7)."""

import time
from typing import Any

from sandbox.model_monitor.body_shapes import (
    DATASET_DETAILS,
    VARIABLES,
    check_registration,
    of_type,
)
from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import Refused, Reply, Request

BODY = {"datasetDetails": DATASET_DETAILS, "variables?": VARIABLES}


def register_named(sandbox: Sandbox, request: Request) -> Reply:
    """Answer POST to the endpoint that takes the model's id in the body."""
    body = request.json({"modelId": str, **BODY})
    return _register(sandbox, body["modelId"], body)


def register(sandbox: Sandbox, request: Request, model_id: str) -> Reply:
    """Answer `PUT /model/{id}/register-dataset/ground_truth` (contracts 3.2)."""
    return _register(sandbox, model_id, request.json(BODY))


def _register(sandbox: Sandbox, model_id: str, body: dict[str, Any]) -> Reply:
    """Take a registration: 200 without a byte (contracts 3.2.1), or a refusal of 3.2.2.

    The file is read when the job's time comes.
    """
    details, declared = body["datasetDetails"], body.get("variables") or []
    model = sandbox.store.get("Model", model_id)
    _check_new_variables(sandbox, model, declared)
    variables = model["variables"] + declared
    check_registration(sandbox, details, variables)
    _check_truth(variables)
    _check_repeat(sandbox, model_id, details)

    sandbox.store.put("Model", model_id, model | {"variables": variables})
    now = time.time()
    dataset = {
        "modelId": model_id,
        "name": details["name"],
        "path": details["datasetConfig"]["path"],
        "id": new_id(),
        "createdAt": now,
        "dueAt": now + sandbox.switches.job_seconds,
        "outcome": None,
        "source": details["datasourceName"],
        "format": details["datasetConfig"]["fileFormat"],
    }
    sandbox.store.put("Dataset", dataset["id"], dataset)
    return Reply(200)


def _check_new_variables(
    sandbox: Sandbox, model: dict[str, Any], declared: list[dict[str, Any]]
) -> None:
    known = {variable["name"] for variable in model["variables"]}
    repeated = [repr(variable["name"]) for variable in declared if variable["name"] in known]
    if repeated:
        raise Refused(
            sandbox.switches.variables_again_status,
            f"Variable(s) with name [{', '.join(repeated)}] is/are already configured",
        )


def _check_truth(variables: list[dict[str, Any]]) -> None:
    truths = of_type(variables, "ground_truth")
    if len(truths) != 1:
        count = len(truths) or "none"
        raise Refused(400, f"There should be exactly one ground truth variable, {count} found.")
    predictions = [variable["name"] for variable in of_type(variables, "prediction")]
    if truths[0].get("forPredictionOutput") not in predictions:
        name = truths[0]["name"]
        raise Refused(400, f"forPredictionOutput of {name} should name the prediction variable.")


def _check_repeat(sandbox: Sandbox, model_id: str, details: dict[str, Any]) -> None:
    switches = sandbox.switches
    new = {"name": details["name"], "path": details["datasetConfig"]["path"]}
    compared = ("name", "path") if switches.repeat_by == "both" else (switches.repeat_by,)
    for dataset in sandbox.store.all("Dataset"):
        is_same = all(dataset[field] == new[field] for field in compared)
        if dataset["modelId"] == model_id and is_same:
            raise Refused(switches.repeat_status, "Dataset already registered with the model.")
