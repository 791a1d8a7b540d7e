"""Monitored models and their data source (contracts 3.1, 3.3 to 3.5)."""

import time
from typing import Any

from sandbox import object_store
from sandbox.model_endpoint.model import FEATURES, TARGET
from sandbox.model_endpoint.own_model import OwnModel
from sandbox.model_monitor.body_shapes import (
    DATASET_DETAILS,
    MODEL_METADATA,
    MODEL_TYPES,
    MODEL_VARIABLE_TYPES,
    VARIABLES,
    check_registration,
)
from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import Refused, Request

DATA_SOURCE = "credit-monitoring"
WORKBENCH = "domino_workbench"
"""The source type of a model behind a Domino endpoint."""

CHANGEABLE = ("name", "version", "description", "author")
LISTED = ("id", "name", "version", "modelType", "createdAt")
PRIVATE = ("variables", "baselineDueAt")


def register_first_model(sandbox: Sandbox) -> None:
    """Register what an endpoint with monitoring has from the start, unless it is there.

    The model, and the data source of its bucket.
    """
    identity = sandbox.identity
    own = sandbox.own_model
    if own and sandbox.store.all("Model"):
        # The folder may have been another model's.
        model = sandbox.store.get("Model", identity.dmm_model_id)
        model["variables"] = _first_variables(own)
        sandbox.store.put("Model", identity.dmm_model_id, model)
    if sandbox.store.all("Model"):
        return

    metadata = {
        "name": "credit-default",
        "modelType": "classification",
        "version": "1",
        "sourceType": WORKBENCH,
        "sourceDetails": {
            "workbenchModelId": identity.model_api_id,
            "workbenchModelVersionId": identity.model_version_id,
        },
    }
    _put_model(sandbox, identity.dmm_model_id, metadata, _first_variables(own))

    config = {"bucket": object_store.BUCKET, "region": "us-east-1", "instance_role": False}
    source = {"id": new_id(), "name": DATA_SOURCE, "type": "s3", "config": config}
    sandbox.store.put("Datasource", DATA_SOURCE, source)


def _first_variables(own: OwnModel | None) -> list[dict[str, Any]]:
    types = {name: "numerical" if name == "age" else "categorical" for name in FEATURES}
    rows = [
        (name, "feature", value_type)
        for name, value_type in (own.features if own else types).items()
    ]
    rows.append((own.target if own else TARGET, "prediction", "categorical"))
    # contracts 3.2: behind a Domino endpoint the row identifier is the capture's event_id
    rows.append(("event_id", "row_identifier", "string"))
    return [
        {"name": name, "variableType": variable_type, "valueType": value_type}
        for name, variable_type, value_type in rows
    ]


def register_model(sandbox: Sandbox, request: Request) -> Any:
    """Answer `PUT /model` (contracts 3.3).

    A model behind an endpoint is registered with features only (contracts 3.2.2).
    """
    body = request.json(
        {
            "modelMetadata": MODEL_METADATA,
            "variables": VARIABLES,
            "datasetDetails": DATASET_DETAILS,
        }
    )
    metadata, variables = body["modelMetadata"], body["variables"]
    is_workbench = metadata.get("sourceType") == WORKBENCH
    allowed = ("feature",) if is_workbench else MODEL_VARIABLE_TYPES
    for variable in variables:
        if variable["variableType"] not in allowed:
            raise Refused(400, f"Variable {variable['name']} not allowed for registration")
    check_registration(sandbox, body["datasetDetails"], variables)

    model = _put_model(sandbox, new_id(), metadata, variables)
    reply = _public_fields(sandbox, model)
    reply.pop("sourceDetails", None)
    return reply


def handle_model(sandbox: Sandbox, request: Request) -> Any:
    """Answer GET, PATCH (metadata only) and DELETE of `/model?model_id=`.

    Another spelling of the parameter gives 500 (contracts 3.1).
    """
    if "model_id" not in request.query:
        raise Refused(500, "Internal server error")
    model = sandbox.store.get("Model", request.query["model_id"])
    if request.method == "PATCH":
        model = _change_metadata(sandbox, model, request)
    if request.method == "DELETE":
        if model["sourceType"] == WORKBENCH:  # the sandbox's own endpoint always runs
            raise Refused(409, "Model cannot be deleted while its endpoint version is running.")
        sandbox.store.delete("Model", model["id"])
    return _public_fields(sandbox, model)


def _change_metadata(sandbox: Sandbox, model: dict[str, Any], request: Request) -> dict[str, Any]:
    shape = {f"{name.removesuffix('?')}?": kind for name, kind in MODEL_METADATA.items()}
    metadata = request.json({"modelMetadata": shape})["modelMetadata"]
    changes = {name: metadata[name] for name in CHANGEABLE if name in metadata}
    changed = {**model, **changes, "updatedAt": int(time.time())}
    sandbox.store.put("Model", model["id"], changed)
    return changed


def list_models(sandbox: Sandbox, request: Request) -> Any:
    """Answer `GET /models` with its three required parameters (contracts 3.1, 3.5)."""
    required = ("pageNumber", "pageSize", "numberOfLastChecksToFetch")
    wrong = [name for name in required if not request.query.get(name, "").isdigit()]
    if wrong:
        raise Refused(400, f"Missing or invalid query parameters: {', '.join(wrong)}.")

    searched = request.query.get("searchQuery", "")
    models = [model for model in sandbox.store.all("Model") if searched in model["name"]]
    size = int(request.query["pageSize"])
    first = int(request.query["pageNumber"]) * size
    counts = {
        f"{kind}ModelCount": sum(model["modelType"] == kind for model in models)
        for kind in MODEL_TYPES
    }
    items = [_dashboard_item(model) for model in models[first : first + size]]
    return {"modelDashboardItems": items, **counts}


def variables_summary(sandbox: Sandbox, _request: Request, model_id: str) -> Any:
    """Answer `GET /model/{id}/variables/summary`."""
    return sandbox.store.get("Model", model_id)["variables"]


def list_data_sources(sandbox: Sandbox, _request: Request) -> Any:
    """Answer `GET /datasources`."""
    return sandbox.store.all("Datasource")


def _dashboard_item(model: dict[str, Any]) -> dict[str, Any]:
    return {name: model[name] for name in LISTED} | {
        "isDataDriftCheckScheduled": False,
        "dataDriftChecks": [],
        "isModelQualityCheckScheduled": False,
        "modelQualityChecks": [],
        "modelStatus": "created",
    }


def _put_model(
    sandbox: Sandbox, model_id: str, metadata: dict[str, Any], variables: list[dict[str, Any]]
) -> dict[str, Any]:
    """Store a new model and return it; the fields are those of contracts 3.3."""
    now = time.time()
    model = {
        "id": model_id,
        "createdAt": int(now),
        "updatedAt": int(now),
        "description": "",
        "author": "",
        "userId": "sandbox",
        "isDeleted": False,
        "registrationStatus": "created",
        "visibility": "public",
        "sourceType": "standalone",
        "collaborators": [],
        "tagIds": [],
        **metadata,
        "variables": variables,
        "baselineDueAt": now + sandbox.switches.job_seconds,
    }
    sandbox.store.put("Model", model_id, model)
    return model


def _public_fields(sandbox: Sandbox, model: dict[str, Any]) -> dict[str, Any]:
    """Return the model as the API shows it."""
    shown = {name: value for name, value in model.items() if name not in PRIVATE}
    return shown | {"ingestionStatus": _ingestion_status(sandbox, model)}


def _ingestion_status(sandbox: Sandbox, model: dict[str, Any]) -> str:
    """Return how far a model is (contracts 3.4)."""
    now = time.time()
    if now < model["baselineDueAt"]:
        return "created"
    first_capture_at = sandbox.store.first_capture_at(model["id"])
    if first_capture_at is not None and first_capture_at + sandbox.switches.job_seconds <= now:
        return "prediction"
    return "training"
