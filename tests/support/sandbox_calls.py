"""Calls to the sandbox's services, as a client with the right keys makes them."""

from collections.abc import Sequence
from typing import Any

import requests

from tests.support.sandbox import RunningSandbox

BUCKET = "se-demo-data"
UNKNOWN_ID = "0" * 24
ROW = {
    "checking_account_A14": 1,
    "credit_history_A34": 0,
    "property_A121": 0,
    "checking_account_A13": 0,
    "other_installments_A143": 1,
    "debtors_guarantors_A103": 0,
    "savings_A65": 0,
    "age": 35,
    "employment_since_A73": 0,
    "savings_A61": 1,
}
"""The features of a row that the model takes."""

TRUTH = {
    "name": "credit_GT",
    "variableType": "ground_truth",
    "valueType": "categorical",
    "forPredictionOutput": "credit",
}
"""The variable that a model's first registration declares."""

TIMEOUT_SECONDS = 10
SESSION = requests.Session()
SESSION.trust_env = False


def predict(
    sandbox: RunningSandbox, row_id: str = "2026-01-01_0", **arguments: Any
) -> requests.Response:
    """Ask for one prediction; `arguments` replace those of ROW."""
    data = ROW | {"customer_id": row_id} | arguments
    return post_prediction(sandbox, json={"data": data})


def predicted(sandbox: RunningSandbox, row_id: str = "2026-01-01_0") -> Any:
    """Return the result of a prediction."""
    return predict(sandbox, row_id).json()["result"]


def post_prediction(sandbox: RunningSandbox, **options: Any) -> requests.Response:
    """Send a body to the endpoint, with the right token unless `options` name another."""
    token = sandbox.env["MODEL_API_TOKEN"]
    defaults: dict[str, Any] = {
        "auth": (token, token),
        "timeout": TIMEOUT_SECONDS,
        "allow_redirects": False,
    }
    return SESSION.post(sandbox.model_url, **(defaults | options))


def captured_ids(sandbox: RunningSandbox) -> list[str]:
    """Return the row id of each captured prediction, in order."""
    return [record["event_id"] for record in sandbox.captured()]


def dmm_key(sandbox: RunningSandbox) -> dict[str, str]:
    """Return the header with the API key."""
    return {"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}


def call_dmm(sandbox: RunningSandbox, method: str, path: str, **options: Any) -> requests.Response:
    """Call Model Monitor, with the right key unless `options` name other headers."""
    url = f"{sandbox.url}/model-monitor/v2/api{path}"
    defaults: dict[str, Any] = {
        "headers": dmm_key(sandbox),
        "timeout": TIMEOUT_SECONDS,
        "allow_redirects": False,
    }
    return requests.request(method, url, **(defaults | options))


def registration(
    name: str = "a.csv",
    path: str | None = None,
    *,
    variables: Sequence[Any] | None = None,
    source: str = "credit-monitoring",
) -> dict[str, Any]:
    """Return the body that registers a file, in the two forms of contracts 3.2."""
    details = {
        "name": name,
        "datasetType": "file",
        "datasetConfig": {"path": path or name, "fileFormat": "csv"},
        "datasourceName": source,
        "datasourceType": "s3",
    }
    body: dict[str, Any] = {"datasetDetails": details}
    if variables is not None:
        body["variables"] = variables
    return body


def register_path(sandbox: RunningSandbox) -> str:
    """Return the path that registers ground truth with the sandbox's own model."""
    return f"/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth"


def register(sandbox: RunningSandbox, *arguments: Any, **keywords: Any) -> requests.Response:
    """Register a file with the sandbox's own model; arguments: those of `registration`."""
    body = registration(*arguments, **keywords)
    return call_dmm(sandbox, "PUT", register_path(sandbox), json=body)


def dmm_jobs(sandbox: RunningSandbox, model_id: str = "", **query: Any) -> Any:
    """Return the jobs of a model, by default the sandbox's own."""
    model_id = model_id or sandbox.env["DMM_MODEL_ID"]
    return call_dmm(sandbox, "POST", f"/{model_id}/dataset-jobs", json=query).json()["jobs"]


def put_object(sandbox: RunningSandbox, key: str, content: str | bytes) -> None:
    """Put an object into the bucket."""
    data = content.encode() if isinstance(content, str) else content
    sandbox.s3_client().put_object(Bucket=BUCKET, Key=key, Body=data)
