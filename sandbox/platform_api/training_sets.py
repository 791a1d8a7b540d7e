"""TrainingSets and their versions, as the vendor's client calls them (contracts 8.4)."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import Refused, Request

META = {"*": ""}
ROLES = {"keyColumns": [str], "targetColumns": [str], "excludeColumns": [str]}
MONITORING = {"timestampColumns": [str], "categoricalColumns": [str], "ordinalColumns": [str]}
VERSION = {**ROLES, "monitoringMeta": MONITORING, "meta": META, "description?": str}
PAGE = {"offset": "0", "limit": "10000", "asc": "true"}


def create_version(sandbox: Sandbox, request: Request, name: str) -> Any:
    """Answer `POST /trainingset/{name}`: a new version, pending.

    The first one creates the set. No number is given twice.
    """
    body = request.json({"projectId?": str, "allColumns": [str], **VERSION})
    if not re.fullmatch("[-A-Za-z0-9_]+", name):  # contracts 8.3
        raise Refused(400, f"name: got {name!r}, expected letters, digits, - and _")
    _check_columns(body, body["allColumns"])

    training_set = _open_set(sandbox, name, body.get("projectId"))
    training_set["lastNumber"] += 1
    number = training_set["lastNumber"]
    version = _new_version(training_set, number) | {
        "allColumns": body["allColumns"],
        **_fields_given(body, VERSION),
    }
    sandbox.store.put("TrainingSet", name, training_set)
    sandbox.store.put("TrainingSetVersion", f"{name}/{number}", version)
    return version


def _open_set(sandbox: Sandbox, name: str, project_id: str | None) -> dict[str, Any]:
    """Return the set of a name, a new one where there is none.

    Raises Refused where it is another project's: names are unique in the deployment (8.3).
    """
    try:
        training_set: dict[str, Any] = sandbox.store.get("TrainingSet", name)
    except Refused:
        return {
            "id": new_id(),
            "projectId": project_id,
            "name": name,
            "creationTime": _now(),
            "meta": {},
            "lastNumber": 0,
        }
    if training_set["projectId"] != project_id:
        raise Refused(409, f"TrainingSet {name} belongs to another project.")
    return training_set


def _new_version(training_set: dict[str, Any], number: int) -> dict[str, Any]:
    version_id = new_id()
    below_mount = f"{training_set['id']}/{version_id}"
    return {
        "id": version_id,
        "trainingSetId": training_set["id"],
        "trainingSetName": training_set["name"],
        "number": number,
        # contracts 8.5: the server's own path, and the one below the client's mount point
        "path": f"/trainingset/{training_set['projectId']}/{below_mount}",
        "containerPath": below_mount,
        "creationTime": _now(),
        "pending": True,
    }


def handle_set(sandbox: Sandbox, request: Request, name: str) -> Any:
    """Answer GET, PUT and DELETE of a set; it is deleted only without versions (contracts 8.1)."""
    training_set = sandbox.store.get("TrainingSet", name)
    if request.method == "PUT":
        shape = {"meta": META, "description?": str}
        training_set |= _fields_given(request.json(shape), shape)
        sandbox.store.put("TrainingSet", name, training_set)
    if request.method == "DELETE":
        versions = sandbox.store.all("TrainingSetVersion")
        if any(version["trainingSetName"] == name for version in versions):
            raise Refused(409, f"TrainingSet {name} still has versions.")
        sandbox.store.delete("TrainingSet", name)
    return training_set


def handle_version(sandbox: Sandbox, request: Request, name: str, number: str) -> Any:
    """Answer GET, PUT and DELETE of a version; `pending: false` finishes it."""
    key = f"{name}/{number}"
    version = sandbox.store.get("TrainingSetVersion", key)
    if request.method == "PUT":
        shape = {**VERSION, "pending": bool}
        body = request.json(shape)
        _check_columns(body, version["allColumns"])
        version |= _fields_given(body, shape)
        sandbox.store.put("TrainingSetVersion", key, version)
    if request.method == "DELETE":
        sandbox.store.delete("TrainingSetVersion", key)
    return version


def find_sets(sandbox: Sandbox, request: Request) -> Any:
    """Answer `POST /trainingset/find`: the project's sets whose meta hold every pair asked for."""
    body = request.json({"projectId?": str, "meta": META})
    sets = _sets_with(sandbox, body.get("projectId"), body["meta"])
    return _page(request, sets)


def find_versions(sandbox: Sandbox, request: Request) -> Any:
    """Answer `POST /trainingset/version/find`: the same for versions, also by their set."""
    body = request.json(
        {"projectId?": str, "meta": META, "trainingSetName?": str, "trainingSetMeta": META}
    )
    sets = _sets_with(sandbox, body.get("projectId"), body["trainingSetMeta"])
    names = {training_set["name"] for training_set in sets}
    if body.get("trainingSetName"):
        names &= {body["trainingSetName"]}
    versions = [
        version
        for version in sandbox.store.all("TrainingSetVersion")
        if version["trainingSetName"] in names and _has_meta(version, body["meta"])
    ]
    return _page(request, versions)


def _sets_with(
    sandbox: Sandbox, project_id: str | None, meta: dict[str, str]
) -> list[dict[str, Any]]:
    return [
        training_set
        for training_set in sandbox.store.all("TrainingSet")
        if training_set["projectId"] == project_id and _has_meta(training_set, meta)
    ]


def _has_meta(item: dict[str, Any], meta: dict[str, str]) -> bool:
    return bool(meta.items() <= item["meta"].items())


def _page(request: Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items that the request's offset, limit and asc ask for."""
    query = {**PAGE, **request.query}
    offset, limit, ascending = query["offset"], query["limit"], query["asc"]
    if not (offset + limit).isdigit() or ascending not in ("true", "false"):
        raise Refused(400, f"offset, limit, asc: got {offset!r}, {limit!r}, {ascending!r}")
    if ascending == "false":
        items = items[::-1]
    return items[int(offset) : int(offset) + int(limit)]


def _check_columns(body: dict[str, Any], all_columns: Collection[str]) -> None:
    roles = [body[role] for role in ROLES] + list(body["monitoringMeta"].values())
    named = {column for columns in roles for column in columns}
    unknown = sorted(named - set(all_columns))
    if unknown:
        raise Refused(400, f"Columns that are not in allColumns: {', '.join(unknown)}.")


def _fields_given(body: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a shape; an optional one that is null is left out.

    The client's models want it so.
    """
    names = [name.removesuffix("?") for name in shape]
    return {name: body[name] for name in names if body.get(name) is not None}


def _now() -> str:
    return datetime.now(UTC).isoformat()
