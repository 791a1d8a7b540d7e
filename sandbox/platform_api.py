"""The platform's own API: TrainingSets as the vendor's client calls them, custom metrics and alerts, version."""

import contextlib
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.store import Sandbox, new_id
from sandbox.wire import Refused, Reply, Request, Route, json_reply

META = {"*": ""}
ROLES = {"keyColumns": [str], "targetColumns": [str], "excludeColumns": [str]}
MONITORING = {"timestampColumns": [str], "categoricalColumns": [str], "ordinalColumns": [str]}
VERSION = {**ROLES, "monitoringMeta": MONITORING, "meta": META, "description?": str}
CONDITIONS = ("lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual", "between")
METRIC = {"modelMonitoringId": str, "metric": str, "value": float}
VALUE = {**METRIC, "referenceTimestamp": str, "tags?": [{"key": str, "value": str}]}
ALERT = {**METRIC, "targetRange": {"condition": CONDITIONS, "lowerLimit?": float, "upperLimit?": float}, "description?": str}


def guard(sandbox: Sandbox, request: Request) -> Reply | None:
    """Take the user's API key or the run's token (contracts 2.2), and let TrainingSets fail by switch (contracts 8.6)."""
    keys = {"X-Domino-Api-Key": sandbox.identity["api_key"], "Authorization": f"Bearer {sandbox.identity['access_token']}"}
    is_open = request.path in ("/version", "/access-token")  # contracts 2.1, 2.2: neither asks for a key
    if not is_open and not any(request.headers.get(name) == value for name, value in keys.items()):
        raise Refused(401, "Missing or wrong credentials: expected X-Domino-Api-Key or Authorization: Bearer.")
    if not request.path.startswith("/trainingset/") or sandbox.switches.training_set == "served":
        return None
    if sandbox.switches.training_set == "hang":
        while sandbox.switches.training_set == "hang":
            time.sleep(0.05)
        return Reply(0)
    failing = {"POST": "fail_create", "PUT": "fail_finish"}.get(request.method)
    if sandbox.switches.training_set == failing and not request.path.endswith("/find"):
        raise Refused(500, f"The sandbox's switch training_set stands at {failing}.")
    return None


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Contracts 8.3, 9: the vendor's client reads the field `errors`."""
    return json_reply(refused.status, {"requestId": new_id(), "errors": refused.messages})


# TrainingSets (contracts 8.4).


def create_version(sandbox: Sandbox, request: Request, name: str) -> Any:
    """`POST /trainingset/{name}`: a new version, pending; the first one makes the set. No number is given twice."""
    body = request.json({"projectId?": str, "allColumns": [str], **VERSION})
    if not re.fullmatch("[-A-Za-z0-9_]+", name):  # contracts 8.3
        raise Refused(400, f"name: got {name!r}, expected letters, digits, - and _")
    _check_columns(body, body["allColumns"])
    project_id, now = body.get("projectId"), datetime.now(UTC).isoformat()
    found = {"id": new_id(), "projectId": project_id, "name": name, "creationTime": now, "meta": {}, "lastNumber": 0}
    with contextlib.suppress(Refused):
        found = sandbox.store.get("TrainingSet", name)
    if found["projectId"] != project_id:  # contracts 8.3: names are unique across the deployment
        raise Refused(409, f"TrainingSet {name} belongs to another project.")
    found["lastNumber"] += 1
    version = {"id": new_id(), "trainingSetId": found["id"], "trainingSetName": name, "number": found["lastNumber"]}
    # contracts 8.5: the server's own path, and the one below the client's mount point
    version |= {"path": f"/trainingset/{project_id}/{found['id']}/{version['id']}", "creationTime": now, "pending": True}
    version |= {"containerPath": f"{found['id']}/{version['id']}", "allColumns": body["allColumns"], **_given(body, VERSION)}
    sandbox.store.put("TrainingSet", name, found)
    sandbox.store.put("TrainingSetVersion", f"{name}/{found['lastNumber']}", version)
    return version


def handle(sandbox: Sandbox, request: Request, name: str, number: str = "") -> Any:
    """GET, PUT and DELETE of a set (deleted only without versions, contracts 8.1) or a version (`pending: false` ends it)."""
    kind, key = ("TrainingSetVersion", f"{name}/{number}") if number else ("TrainingSet", name)
    found = sandbox.store.get(kind, key)
    if request.method == "PUT":
        shape = {**VERSION, "pending": bool} if number else {"meta": META, "description?": str}
        body = request.json(shape)
        if number:
            _check_columns(body, found["allColumns"])
        found |= _given(body, shape)
        sandbox.store.put(kind, key, found)
    if request.method == "DELETE":
        if not number and any(each["trainingSetName"] == name for each in sandbox.store.all("TrainingSetVersion")):
            raise Refused(409, f"TrainingSet {name} still has versions.")
        sandbox.store.delete(kind, key)
    return found


def find(sandbox: Sandbox, request: Request, versions: str) -> Any:
    """`POST /trainingset/find` and `/trainingset/version/find`: the project's, whose meta hold every pair asked for."""
    shape = {"projectId?": str, "meta": META}
    body = request.json({**shape, "trainingSetName?": str, "trainingSetMeta": META} if versions else shape)
    query = {"offset": "0", "limit": "10000", "asc": "true", **request.query}
    if not (query["offset"] + query["limit"]).isdigit() or query["asc"] not in ("true", "false"):
        raise Refused(400, f"offset, limit, asc: got {query['offset']!r}, {query['limit']!r}, {query['asc']!r}")
    found = [each for each in sandbox.store.all("TrainingSet") if each["projectId"] == body.get("projectId")]
    if versions:
        sets = {each["name"] for each in found if body["trainingSetMeta"].items() <= each["meta"].items()}
        sets &= {body.get("trainingSetName") or name for name in sets}
        found = [each for each in sandbox.store.all("TrainingSetVersion") if each["trainingSetName"] in sets]
    found = [each for each in found if body["meta"].items() <= each["meta"].items()]
    first, oldest_first = int(query["offset"]), query["asc"] == "true"
    return (found if oldest_first else found[::-1])[first : first + int(query["limit"])]


def _check_columns(body: dict[str, Any], all_columns: list[str]) -> None:
    named = [body[role] for role in ROLES] + list(body["monitoringMeta"].values())
    if unknown := sorted({column for columns in named for column in columns} - set(all_columns)):
        raise Refused(400, f"Columns that are not in allColumns: {', '.join(unknown)}.")


def _given(body: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """Take the fields of a shape; an optional one that is null stays away, as the client's models want it."""
    return {name.rstrip("?"): body[name.rstrip("?")] for name in shape if body.get(name.rstrip("?")) is not None}


# Custom metrics and alerts (contracts 9).


def keep_metrics(sandbox: Sandbox, request: Request, kind: str) -> Any:
    """`POST /api/metricValues/v1`, each value checked before any is kept, and `/api/metricAlerts/v1`, which sends no mail."""
    kept = request.json({"newMetricValues": [VALUE]})["newMetricValues"] if kind == "Values" else [request.json(ALERT)]
    for each in kept:
        sandbox.store.get("Model", each["modelMonitoringId"])
        _instant(each.get("referenceTimestamp", "2000-01-01T00:00:00Z"))
    for each in kept:
        sandbox.store.put(f"metric{kind}", new_id(), each)
    return {"metadata": {"requestId": new_id(), "notices": []}}


def read_metrics(sandbox: Sandbox, request: Request, model_id: str, metric: str) -> Any:
    """`GET /api/metricValues/v1/{model}/{metric}` between two timestamps, both included."""
    first, last = (_instant(request.query.get(f"{end}ReferenceTimestampInclusive", "")) for end in ("starting", "ending"))
    values = [
        {"referenceTimestamp": each["referenceTimestamp"], "value": each["value"], "tags": each.get("tags", [])}
        for each in sandbox.store.all("metricValues")
        if (each["modelMonitoringId"], each["metric"]) == (model_id, metric)
        and first <= _instant(each["referenceTimestamp"]) <= last
    ]
    return {"metadata": {"requestId": new_id(), "notices": []}, "metricValues": values}


def _instant(timestamp: str) -> datetime:
    """Parse RFC 3339 in UTC. Raises Refused with 400."""
    with contextlib.suppress(ValueError):
        instant = datetime.fromisoformat(timestamp)
        if instant.utcoffset() == timedelta(0):
            return instant
    raise Refused(400, f"Timestamp: got {timestamp!r}, expected RFC 3339 in UTC.")


ROUTES: list[Route] = [
    ("GET", "/version", lambda sandbox, request: {"version": "6.0.0", "buildId": "sandbox"}),  # contracts 2.1
    ("GET", "/access-token", lambda sandbox, request: Reply(200, sandbox.identity["access_token"].encode(), "text/plain")),
    ("POST", "/trainingset/(version/)?find", find),
    ("POST", "/trainingset/([^/]+)", create_version),
    ("GET PUT DELETE", "/trainingset/([^/]+)(?:/([0-9]+))?", handle),
    ("POST", "/api/metric(Values|Alerts)/v1", keep_metrics),
    ("GET", "/api/metricValues/v1/([^/]+)/([^/]+)", read_metrics),
]
