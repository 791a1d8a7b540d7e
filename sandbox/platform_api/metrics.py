"""Custom metrics and alerts (contracts 9); alerts are kept, no mail is sent."""

import contextlib
from datetime import datetime, timedelta
from typing import Any

from sandbox.state import Sandbox
from sandbox.store import new_id
from sandbox.wire import Refused, Request

CONDITIONS = ("lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual", "between")
METRIC = {"modelMonitoringId": str, "metric": str, "value": float}
VALUE = {**METRIC, "referenceTimestamp": str, "tags?": [{"key": str, "value": str}]}
RANGE = {"condition": CONDITIONS, "lowerLimit?": float, "upperLimit?": float}
ALERT = {**METRIC, "targetRange": RANGE, "description?": str}


def add_values(sandbox: Sandbox, request: Request) -> Any:
    """Answer `POST /api/metricValues/v1`; every value is checked before any is kept."""
    values = request.json({"newMetricValues": [VALUE]})["newMetricValues"]
    for value in values:
        sandbox.store.get("Model", value["modelMonitoringId"])
        _parse_timestamp(value["referenceTimestamp"])
    for value in values:
        sandbox.store.put("metricValues", new_id(), value)
    return {"metadata": _metadata()}


def add_alert(sandbox: Sandbox, request: Request) -> Any:
    """Answer `POST /api/metricAlerts/v1`."""
    alert = request.json(ALERT)
    sandbox.store.get("Model", alert["modelMonitoringId"])
    sandbox.store.put("metricAlerts", new_id(), alert)
    return {"metadata": _metadata()}


def read_values(sandbox: Sandbox, request: Request, model_id: str, metric: str) -> Any:
    """Answer `GET /api/metricValues/v1/{model}/{metric}`: between two timestamps, inclusive."""
    first = _parse_timestamp(request.query.get("startingReferenceTimestampInclusive", ""))
    last = _parse_timestamp(request.query.get("endingReferenceTimestampInclusive", ""))
    values = [
        {
            "referenceTimestamp": value["referenceTimestamp"],
            "value": value["value"],
            "tags": value.get("tags", []),
        }
        for value in sandbox.store.all("metricValues")
        if (value["modelMonitoringId"], value["metric"]) == (model_id, metric)
        and first <= _parse_timestamp(value["referenceTimestamp"]) <= last
    ]
    return {"metadata": _metadata(), "metricValues": values}


def _metadata() -> dict[str, Any]:
    return {"requestId": new_id(), "notices": []}


def _parse_timestamp(timestamp: str) -> datetime:
    """Parse RFC 3339 in UTC. Raises Refused with 400."""
    with contextlib.suppress(ValueError):
        parsed = datetime.fromisoformat(timestamp)
        if parsed.utcoffset() == timedelta(0):
            return parsed
    raise Refused(400, f"Timestamp: got {timestamp!r}, expected RFC 3339 in UTC.")
