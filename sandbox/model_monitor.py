"""Model Monitor v2: monitored models, their data source, ground truth registered with a model, and the jobs that read it."""

import codecs
import contextlib
import csv
import time
from typing import Any

from sandbox import object_store
from sandbox.model_endpoint import FEATURES, TARGET
from sandbox.store import Sandbox, new_id
from sandbox.wire import Refused, Reply, Request, Route, gateway_reply, json_reply

BASE = "/model-monitor/v2/api"  # contracts 3
GROUND_TRUTH = "/api/modelMonitor/v2/groundTruth"
DATA_SOURCE = "credit-monitoring"
MATCHING_SECONDS = 90 * 86400  # contracts 5: the last 90 days
# contracts 4.1 to 4.3
MODEL_TYPES = ("classification", "regression")
VARIABLE_TYPES = ("feature", "prediction", "timestamp", "row_identifier")  # those that a model may be registered with
TRUTH_TYPES = (*VARIABLE_TYPES, "ground_truth", "prediction_probability", "sample_weight")
VALUE_TYPES = ("numerical", "categorical", "datetime", "string")
VARIABLES = [{"name": str, "variableType": TRUTH_TYPES, "valueType": VALUE_TYPES}]
FILE = {"name": str, "datasetType": ("file",), "datasetConfig": {"path": str, "fileFormat": ("csv", "parquet")}}
DETAILS = {**FILE, "datasourceName": str, "datasourceType": str}
METADATA = {"name": str, "modelType": MODEL_TYPES, "version": str, "description?": str, "author?": str}


def make_first_model(sandbox: Sandbox) -> None:
    """Register what an endpoint with monitoring has from the start: the model, and the data source of its bucket."""
    identity = sandbox.identity
    if sandbox.store.all("Model"):
        return
    types = [(name, "feature", "numerical" if name == "age" else "categorical") for name in FEATURES]
    # contracts 3.2: behind a Domino endpoint the row identifier is the capture's event_id
    types += [(TARGET, "prediction", "categorical"), ("event_id", "row_identifier", "string")]
    variables = [{"name": name, "variableType": kind, "valueType": value_type} for name, kind, value_type in types]
    details = {"workbenchModelId": identity["model_api_id"], "workbenchModelVersionId": identity["model_version_id"]}
    metadata = {"name": "credit-default", "modelType": "classification", "version": "1", "sourceType": "domino_workbench"}
    _put_model(sandbox, identity["dmm_model_id"], {**metadata, "sourceDetails": details}, variables)
    config = {"bucket": object_store.BUCKET, "region": "us-east-1", "instance_role": False}
    sandbox.store.put("Datasource", DATA_SOURCE, {"id": new_id(), "name": DATA_SOURCE, "type": "s3", "config": config})


def guard(sandbox: Sandbox, request: Request) -> Reply | None:
    """Contracts 2.2, 3.1: 403 is documented; which headers count, and what a gateway makes of a wrong key, are switches."""
    switches = sandbox.switches
    if request.path == GROUND_TRUTH and switches.ground_truth_endpoint != "served":  # contracts 3.7
        return gateway_reply(switches.ground_truth_endpoint, sandbox.port)
    sent = {name: request.headers.get(name) for name in ("X-Domino-Api-Key", "X-DMM-API-KEY")}
    sent["Bearer"] = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if any(sent[name] == sandbox.identity["api_key"] for name in switches.key_headers):
        return None
    if switches.key_refusal.isdigit():
        raise Refused(int(switches.key_refusal), "Access denied: missing or invalid API key.")
    return gateway_reply(switches.key_refusal, sandbox.port)


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Contracts 3.2.2: the usual body is an array of strings; a bare string and two objects occur as well."""
    first, messages = refused.messages[0], refused.messages
    shapes = {"array": messages, "string": first, "message": {"message": first}, "errors": {"errors": messages}}
    return json_reply(refused.status, shapes[sandbox.switches.error_shape])


# Models.


def register_model(sandbox: Sandbox, request: Request) -> Any:
    """`PUT /model` (contracts 3.3); for one behind an endpoint with features only (contracts 3.2.2)."""
    body = request.json({"modelMetadata": METADATA, "variables": VARIABLES, "datasetDetails": DETAILS})
    is_workbench = body["modelMetadata"].get("sourceType") == "domino_workbench"
    for each in body["variables"]:
        if each["variableType"] not in (("feature",) if is_workbench else VARIABLE_TYPES):
            raise Refused(400, f"Variable {each['name']} not allowed for registration")
    _check(sandbox, body["datasetDetails"], body["variables"])
    return _shown(sandbox, _put_model(sandbox, new_id(), body["modelMetadata"], body["variables"]), hidden=("sourceDetails",))


def handle_model(sandbox: Sandbox, request: Request) -> Any:
    """GET, PATCH (metadata only) and DELETE `/model?model_id=`; another spelling of the parameter gives 500 (contracts 3.1)."""
    if "model_id" not in request.query:
        raise Refused(500, "Internal server error")
    model = sandbox.store.get("Model", request.query["model_id"])
    if request.method == "PATCH":
        metadata = request.json({"modelMetadata": {f"{name.rstrip('?')}?": shape for name, shape in METADATA.items()}})
        model |= {
            name: metadata["modelMetadata"].get(name, model[name]) for name in ("name", "version", "description", "author")
        }
        sandbox.store.put("Model", model["id"], model | {"updatedAt": int(time.time())})
    if request.method == "DELETE":
        if model["sourceType"] == "domino_workbench":  # the sandbox's own endpoint always runs
            raise Refused(409, "Model cannot be deleted while its endpoint version is running.")
        sandbox.store.delete("Model", model["id"])
    return _shown(sandbox, model)


def list_models(sandbox: Sandbox, request: Request) -> Any:
    """`GET /models` with its three required parameters (contracts 3.1, 3.5)."""
    required = ("pageNumber", "pageSize", "numberOfLastChecksToFetch")
    if wrong := [name for name in required if not request.query.get(name, "").isdigit()]:
        raise Refused(400, f"Missing or invalid query parameters: {', '.join(wrong)}.")
    number, size = int(request.query["pageNumber"]), int(request.query["pageSize"])
    models = [model for model in sandbox.store.all("Model") if request.query.get("searchQuery", "") in model["name"]]
    never_checked = {"isDataDriftCheckScheduled": False, "dataDriftChecks": []}
    never_checked |= {"isModelQualityCheckScheduled": False, "modelQualityChecks": [], "modelStatus": "created"}
    items = [
        {name: model[name] for name in ("id", "name", "version", "modelType", "createdAt")} | never_checked for model in models
    ]
    counts = {f"{kind}ModelCount": sum(model["modelType"] == kind for model in models) for kind in MODEL_TYPES}
    return {"modelDashboardItems": items[number * size : (number + 1) * size], **counts}


def _put_model(sandbox: Sandbox, model_id: str, metadata: dict[str, Any], variables: list[Any]) -> dict[str, Any]:
    """Make a model; the fields are those of contracts 3.3."""
    moment = time.time()
    model = {"id": model_id, "createdAt": int(moment), "updatedAt": int(moment), "description": "", "author": ""}
    model |= {"userId": "sandbox", "isDeleted": False, "registrationStatus": "created", "visibility": "public"}
    model |= {"sourceType": "standalone", "collaborators": [], "tagIds": [], **metadata}
    model |= {"variables": variables, "baselineDueAt": moment + sandbox.switches.job_seconds}
    sandbox.store.put("Model", model_id, model)
    return model


def _shown(sandbox: Sandbox, model: dict[str, Any], hidden: tuple[str, ...] = ()) -> dict[str, Any]:
    """The model as the API shows it, with how far it is (contracts 3.4): `created`, `training`, `prediction`."""
    first = sandbox.store.rows("SELECT MIN(at) FROM captures WHERE model_id = ?", model["id"])[0][0]
    is_live = first is not None and first + sandbox.switches.job_seconds <= time.time()
    status = "created" if time.time() < model["baselineDueAt"] else "prediction" if is_live else "training"
    shown = {name: value for name, value in model.items() if name not in ("variables", "baselineDueAt", *hidden)}
    return shown | {"ingestionStatus": status}


# Ground truth.


def register(sandbox: Sandbox, request: Request, model_id: str = "") -> Reply:
    """`PUT /model/{id}/register-dataset/ground_truth` (contracts 3.2), or POST to the endpoint that names the model inside.

    200 without a byte (contracts 3.2.1), or a refusal of 3.2.2; the file is read when the job's time comes.
    """
    shape = {"datasetDetails": DETAILS, "variables?": VARIABLES}
    body = request.json(shape if model_id else {"modelId": str, **shape})
    switches, details, variables = sandbox.switches, body["datasetDetails"], body.get("variables") or []
    model = sandbox.store.get("Model", model_id or body["modelId"])
    known = {each["name"] for each in model["variables"]}
    if again := [repr(each["name"]) for each in variables if each["name"] in known]:
        raise Refused(switches.variables_again_status, f"Variable(s) with name [{', '.join(again)}] is/are already configured")
    variables = model["variables"] + variables
    _check(sandbox, details, variables)
    truths = [each for each in variables if each["variableType"] == "ground_truth"]
    if len(truths) != 1:
        raise Refused(400, f"There should be exactly one ground truth variable, {len(truths) or 'none'} found.")
    if truths[0].get("forPredictionOutput") not in [each["name"] for each in variables if each["variableType"] == "prediction"]:
        raise Refused(400, f"forPredictionOutput of {truths[0]['name']} should name the prediction variable.")
    dataset = {"modelId": model["id"], "name": details["name"], "path": details["datasetConfig"]["path"]}
    compared = ("modelId", "name", "path") if switches.repeat_by == "both" else ("modelId", switches.repeat_by)
    if any(all(each[name] == dataset[name] for name in compared) for each in sandbox.store.all("Dataset")):
        raise Refused(switches.repeat_status, "Dataset already registered with the model.")
    sandbox.store.put("Model", model["id"], model | {"variables": variables})
    now, config = time.time(), details["datasetConfig"]
    dataset |= {"id": new_id(), "createdAt": now, "dueAt": now + switches.job_seconds, "outcome": None}
    dataset |= {"source": details["datasourceName"], "format": config["fileFormat"]}
    sandbox.store.put("Dataset", dataset["id"], dataset)
    return Reply(200)


def _check(sandbox: Sandbox, details: dict[str, Any], variables: list[dict[str, Any]]) -> None:
    """Check the data source, and how many variables of a type there are (contracts 4.1). Raises Refused."""
    if sandbox.store.get("Datasource", details["datasourceName"])["type"] != details["datasourceType"]:
        raise Refused(404, f"Datasource {details['datasourceName']} of type {details['datasourceType']} not found.")
    for kind in ("prediction", "timestamp", "row_identifier"):
        if sum(each["variableType"] == kind for each in variables) > 1:
            raise Refused(400, f"There can be only 1 {kind} variable for a model.")  # the words: contracts 3.2.2


def list_jobs(sandbox: Sandbox, request: Request, model_id: str) -> Any:
    """`POST /{id}/dataset-jobs` (contracts 3.4); what is unverified of it (contracts 15) is a switch or tolerated."""
    paging = {"order?": int, "sort?": str, "page?": int, "size?": int}
    filters = {"status?": [str], "job_type?": [str]}
    try:
        body = request.json({"start?": float, "end?": float, "search?": str, "pagination?": paging, "filters?": filters})
    except Refused as refused:
        raise Refused(500, *refused.messages) from refused  # contracts 3.1: 400 is not among its codes
    sandbox.store.get("Model", model_id)
    start, end = body.get("start", 0), body.get("end", time.time() + 1)
    page = {"order": 1, "page": 1, "size": 50, **(body.get("pagination") or {})}
    jobs = [_job(sandbox, each) for each in sandbox.store.all("Dataset") if each["modelId"] == model_id]
    jobs = [job for job in jobs if start <= job["created_at"] <= end and body.get("search", "") in job["dataset_name"]]
    for name, field in (("status", sandbox.switches.job_status_field), ("job_type", "job_type")):
        wanted = (body.get("filters") or {}).get(name)
        jobs = [job for job in jobs if not wanted or job[field] in wanted]
    first = (page["page"] - 1) * page["size"]
    return {"jobs": (jobs if page["order"] >= 0 else jobs[::-1])[first : first + page["size"]], "total": len(jobs)}


def _job(sandbox: Sandbox, dataset: dict[str, Any]) -> dict[str, Any]:
    """A job as the API shows it, where it stands by the clock."""
    waiting, running, done, failed = sandbox.switches.job_words
    outcome, first_third_ends = dataset["outcome"] or {}, dataset["createdAt"] + (dataset["dueAt"] - dataset["createdAt"]) / 3
    word = failed if "message" in outcome else done if outcome else waiting if time.time() < first_third_ends else running
    job = {"id": dataset["id"], "dataset_name": dataset["name"], "dataset_path": dataset["path"], "job_type": "ground_truth"}
    return job | {"created_at": int(dataset["createdAt"]), sandbox.switches.job_status_field: word, **outcome}


def run_due_jobs(sandbox: Sandbox) -> None:
    """Read each file whose time has come, and keep what came of it. The server calls this again and again."""
    statement = "SELECT id FROM documents WHERE kind = 'Dataset' AND json_extract(value, '$.outcome') IS NULL"
    for (dataset_id,) in [] if sandbox.switches.job_never_ends else sandbox.store.rows(statement):
        with contextlib.suppress(Refused):  # forgotten meanwhile
            dataset = sandbox.store.get("Dataset", dataset_id)
            if dataset["dueAt"] <= time.time():
                reason = sandbox.switches.job_fails
                outcome = {"message": reason} if reason else _read(sandbox, dataset)
                with sandbox.store.lock:
                    sandbox.store.put("Dataset", dataset_id, sandbox.store.get("Dataset", dataset_id) | {"outcome": outcome})


def _read(sandbox: Sandbox, dataset: dict[str, Any]) -> dict[str, Any]:
    """Read the registered file from the object store and join it to the captured predictions (contracts 5).

    Returns `rows`, `duplicate` (rows whose id came before in the file), and how many different ids are `matched` and
    `unmatched`; or `message`, why the file could not be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket = sandbox.store.get("Datasource", dataset["source"])["config"]["bucket"]
    place, count, seen = f"s3://{bucket}/{dataset['path']}", 0, set()
    try:
        if dataset["format"] != "csv":
            return {"message": f"{place}: the sandbox reads csv only."}
        variables = sandbox.store.get("Model", dataset["modelId"])["variables"]
        names = {"row_identifier": "event_id"} | {each["variableType"]: each["name"] for each in variables}
        client = object_store.client(sandbox.objects_url, **sandbox.identity["s3"]["monitor"])
        rows = csv.DictReader(codecs.getreader("utf-8")(client.get_object(Bucket=bucket, Key=dataset["path"])["Body"]))
        columns = [names["row_identifier"], names["ground_truth"]]
        if missing := [column for column in columns if column not in (rows.fieldnames or ())]:
            return {"message": f"{place}: [UNRESOLVED_COLUMN] {', '.join(missing)} cannot be resolved."}
        for count, row in enumerate(rows, 1):  # noqa: B007
            seen.add(row[columns[0]])
    except (BotoCoreError, ClientError, OSError, Refused) as error:
        return {"message": f"{place} could not be read: {error}"}
    except (UnicodeDecodeError, csv.Error) as error:
        return {"message": f"{place} is not CSV in UTF-8: {error}"}
    statement = "SELECT DISTINCT event_id FROM captures WHERE model_id = ? AND at >= ?"
    predicted = {row[0] for row in sandbox.store.rows(statement, dataset["modelId"], time.time() - MATCHING_SECONDS)}
    matched = len(seen & predicted)
    return {"rows": count, "duplicate": count - len(seen), "matched": matched, "unmatched": len(seen) - matched}


ROUTES: list[Route] = [
    ("POST", GROUND_TRUTH, register),
    ("PUT", f"{BASE}/model/([^/]+)/register-dataset/ground_truth", register),
    ("PUT", f"{BASE}/model", register_model),
    ("GET PATCH DELETE", f"{BASE}/model", handle_model),
    ("GET", f"{BASE}/models", list_models),
    ("GET", f"{BASE}/model/([^/]+)/variables/summary", lambda sandbox, _, key: sandbox.store.get("Model", key)["variables"]),
    ("GET", f"{BASE}/datasources", lambda sandbox, _: sandbox.store.all("Datasource")),
    ("POST", f"{BASE}/([^/]+)/dataset-jobs", list_jobs),
]
