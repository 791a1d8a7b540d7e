"""The deployed model behind its HTTP endpoint, with the faults such an endpoint has, and prediction capture."""

import base64
import csv
import hashlib
import json
import math
import secrets
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from sandbox.store import Sandbox, new_id
from sandbox.wire import Refused, Reply, Request, Route, gateway_reply, json_reply

FEATURES: tuple[str, ...] = ("checking_account_A14", "credit_history_A34", "property_A121", "checking_account_A13")
FEATURES += ("other_installments_A143", "debtors_guarantors_A103", "savings_A65", "age", "employment_since_A73", "savings_A61")
TARGET, ID_ARGUMENT = "credit", "customer_id"
IMPOSSIBLE_CLASS = 7
HUGE_BYTES = 3_000_000
WRONG_TOKEN = "Wrong or missing model access token."


def load_model(data: Path, folder: Path) -> dict[str, Any]:
    """Fit a logistic regression to the sample data, or take what this folder fitted to the same bytes before.

    Importing scikit-learn takes most of a first start, and fitting the same data again would give the same numbers.
    Returns `weights` (one per feature of FEATURES) and `intercept` for the class 1.
    """
    path, digest = folder / "model.json", hashlib.sha256(data.read_bytes()).hexdigest()
    model: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if model.get("sha256") != digest:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        scaler, regression = make_pipeline(StandardScaler(), LogisticRegression()).fit(*read_training_rows(data))
        weights = regression.coef_[0] / scaler.scale_  # the scaling folded into the weights
        intercept = float(regression.intercept_[0] - weights @ scaler.mean_)
        model = {"sha256": digest, "weights": weights.tolist(), "intercept": intercept}
        path.write_text(json.dumps(model))
    return model


def read_training_rows(data: Path) -> tuple[list[list[float]], list[int]]:
    """Read the sample data as rows of FEATURES (an indicator `<column>_<code>` is 1 where the column has the code)."""
    with data.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    pairs = [name.rpartition("_")[::2] for name in FEATURES]
    values = [[float(row["age"] if code == "age" else row[column] == code) for column, code in pairs] for row in rows]
    return values, [int(row[TARGET]) for row in rows]


def guard(sandbox: Sandbox, request: Request) -> None:
    """Take the model access token: Basic, as user and password; Bearer where the call is asynchronous (contracts 2.2, 6)."""
    token = sandbox.identity["model_token"]
    basic = "Basic " + base64.b64encode(f"{token}:{token}".encode()).decode()
    expected = f"Bearer {token}" if request.path.startswith("/api/") else basic
    if request.headers.get("Authorization") != expected:
        raise Refused(401, WRONG_TOKEN)


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Contracts 15: an endpoint's error body is not known, so it is a switch."""
    if sandbox.switches.model_error_body == "json":
        headers = {"X-Request-ID": secrets.token_hex(8).upper(), **refused.headers}
        return json_reply(refused.status, {"errors": refused.messages, "request_id": headers["X-Request-ID"]}, headers)
    page = gateway_reply(str(refused.status), headers=refused.headers)
    return page if sandbox.switches.model_error_body == "html" else Reply(refused.status, headers=refused.headers)


def predict(sandbox: Sandbox, request: Request, model_api_id: str) -> Reply:
    """Answer `POST /models/{id}/latest/model` (contracts 6.1), and hold the answer until latency_ms have passed."""
    switches, arguments = sandbox.switches, _arguments(sandbox, model_api_id, request.json(dict))
    row_id = str(arguments[ID_ARGUMENT])
    with sandbox.store.lock:
        sandbox.tries[row_id] = sandbox.tries.get(row_id, 0) + 1
        hit = sandbox.tries[row_id] <= switches.fail_tries
    fault = ""
    if hit and _share(switches.seed, "fail", row_id) < switches.fail_share:
        fault = switches.fail_kinds[int(_share(switches.seed, "kind", row_id) * len(switches.fail_kinds))]
    if hit and _share(switches.seed, "slow", row_id) < switches.slow_share:
        time.sleep(switches.slow_seconds)
    if fault.isdigit():
        headers = {}
        if fault == "429" and switches.retry_after != "none":  # contracts 6.1, table
            later = datetime.now(UTC) + timedelta(seconds=switches.retry_after_seconds + 1)  # a date has whole seconds
            as_date = switches.retry_after == "date"
            headers["Retry-After"] = format_datetime(later, usegmt=True) if as_date else str(switches.retry_after_seconds)
        raise Refused(int(fault), "Try again later.", headers=headers)
    odd = switches.model_reply if not switches.model_reply_rows or row_id in switches.model_reply_rows else "normal"
    if odd == "unauthorized":
        raise Refused(401, WRONG_TOKEN)
    if odd in ("html", "redirect"):
        return gateway_reply(odd, sandbox.port)
    reply = Reply(0) if fault == "drop" else _run(sandbox, arguments, odd)
    time.sleep(max(0.0, request.received + switches.latency_ms / 1000.0 - time.monotonic()))
    return Reply(0) if fault == "lost" else reply


def _run(sandbox: Sandbox, arguments: dict[str, Any], odd: str) -> Reply:
    """Run the model's function, capture what it predicted, and wrap it as contracts 6.1 shows."""
    started, switches, model = time.perf_counter(), sandbox.switches, sandbox.model
    total = model["intercept"] + sum(map(float.__mul__, model["weights"], _values(arguments)))
    score = min(1.0, max(0.0, 1.0 / (1.0 + math.exp(-total)) + switches.score_shift))
    score = 1.0 - score if switches.swapped_labels else score
    predicted = IMPOSSIBLE_CLASS if odd == "impossible_class" else int(score >= 0.5)
    forms = {"object": {"score": score, "class": predicted}, "number": predicted, "string": str(predicted)}
    result = forms.get(switches.result_form, [predicted, score] if switches.result_form == "list" else [[predicted, score]])
    if odd == "error_in_200":  # contracts 6.1: the function may report its own failure
        result = {"error": "the feature store did not answer"}
    else:
        _capture(sandbox, arguments, predicted, score)
    timing = (time.perf_counter() - started) * 1000.0
    request_id = secrets.token_hex(8).upper()
    body = {"model_time_in_ms": int(timing), "request_id": request_id, "result": result, "timing": timing}
    body["release"] = {"harness_version": "0.1", "model_version_number": switches.release_version}
    if odd == "huge":
        body["padding"] = "x" * HUGE_BYTES
    reply = json_reply(200, body, {"X-Request-ID": request_id, "Domino-Server": "sandbox"})
    return Reply(200, reply.body[:-9], reply.content_type, reply.headers) if odd == "broken_json" else reply


def _capture(sandbox: Sandbox, arguments: dict[str, Any], predicted: int, score: float) -> None:
    """Keep the record that domino-data-capture writes (contracts 7), with the class as the prediction."""
    now, event_id = datetime.now(UTC), arguments[ID_ARGUMENT]
    features = {name: arguments[name] for name in FEATURES}
    record: dict[str, Any] = {"predictions": {TARGET: predicted}, "features": features, "metadata": None}
    record |= {"timestamp": now.isoformat(), "__domino_timestamp": now.isoformat(), "event_id": event_id}
    record |= {"prediction_probability": [1.0 - score, score], "sample_weight": None}
    record |= {"instance_id": sandbox.identity["model_version_id"]}
    statement = "INSERT INTO captures (model_id, event_id, at, record) VALUES (?, ?, ?, ?)"
    sandbox.store.rows(statement, sandbox.identity["dmm_model_id"], event_id, now.timestamp(), json.dumps(record))


def _arguments(sandbox: Sandbox, model_api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Turn a body into the function's arguments, by name or by place (contracts 6.1). Raises Refused with 404 or 400."""
    if model_api_id != sandbox.identity["model_api_id"]:
        raise Refused(404, "This model has no running version.")
    names = (*FEATURES, ID_ARGUMENT)
    arguments = body.get("data", body.get("parameters"))
    if isinstance(arguments, list) and "data" not in body and len(arguments) == len(names):
        arguments = dict(zip(names, arguments, strict=True))
    if not isinstance(arguments, dict) or set(arguments) != set(names):
        raise Refused(400, f'Expected {{"data": {{name: value}}}} with exactly the names {", ".join(names)}.')
    return arguments


def _values(arguments: dict[str, Any]) -> list[float]:
    """Return the values in the order of FEATURES. Raises Refused with 500, as an exception in the model code does."""
    fits = {name: type(arguments[name]) is int and arguments[name] in (0, 1) for name in FEATURES}  # never true or 1.0
    fits["age"] = type(arguments["age"]) in (int, float) and 0 <= arguments["age"] <= 150
    fits[ID_ARGUMENT] = isinstance(arguments[ID_ARGUMENT], str) and arguments[ID_ARGUMENT] != ""
    if wrong := [f"{name}={arguments[name]!r}" for name, fit in fits.items() if not fit]:
        raise Refused(500, f"Failed to enforce schema: {', '.join(wrong)}.")
    return [float(arguments[name]) for name in FEATURES]


def _share(seed: int, purpose: str, row_id: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{purpose}:{row_id}".encode(), digest_size=8).digest(), "big") / 2**64


def predict_later(sandbox: Sandbox, request: Request, model_api_id: str) -> Any:
    """Take an asynchronous prediction: `POST /api/modelApis/async/v1/{id}` (contracts 6.2)."""
    arguments = _arguments(sandbox, model_api_id, {"data": request.json({"parameters": dict})["parameters"]})
    try:
        reply = {"status": "succeeded", "result": json.loads(_run(sandbox, arguments, "normal").body)["result"]}
    except Refused as refused:
        reply = {"status": "failed", "errors": refused.messages}
    prediction_id = new_id()
    sandbox.store.put("prediction", prediction_id, {"reply": reply, "dueAt": time.time() + sandbox.switches.job_seconds})
    return {"asyncPredictionId": prediction_id}


def predicted_later(sandbox: Sandbox, request: Request, model_api_id: str, prediction_id: str) -> Any:
    """Say how an asynchronous prediction stands."""
    waiting = sandbox.store.get("prediction", prediction_id)
    return waiting["reply"] if time.time() >= waiting["dueAt"] else {"status": "queued"}


ROUTES: list[Route] = [
    ("POST", "/models/([^/]+)/latest/model", predict),
    ("POST", "/api/modelApis/async/v1/([^/]+)", predict_later),
    ("GET", "/api/modelApis/async/v1/([^/]+)/([^/]+)", predicted_later),
]
