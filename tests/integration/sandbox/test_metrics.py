"""The sandbox's custom metrics and alerts (contracts 9), and the platform's version."""

from typing import Any

import pytest
import requests

from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import TIMEOUT_SECONDS, UNKNOWN_ID

VALUES = "/api/metricValues/v1"
ALERTS = "/api/metricAlerts/v1"


def post(sandbox: RunningSandbox, path: str, body: Any, **headers: str) -> requests.Response:
    """Post with the user's key, or with other headers."""
    key = {"X-Domino-Api-Key": sandbox.env["DOMINO_USER_API_KEY"]}
    url = f"{sandbox.url}{path}"
    return requests.post(url, json=body, headers=headers or key, timeout=TIMEOUT_SECONDS)


def read(sandbox: RunningSandbox, first: str, last: str) -> requests.Response:
    """Read the values of `rows_scored` between two timestamps."""
    url = f"{sandbox.url}{VALUES}/{sandbox.env['DMM_MODEL_ID']}/rows_scored"
    query = {
        "startingReferenceTimestampInclusive": first,
        "endingReferenceTimestampInclusive": last,
    }
    key = {"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}
    return requests.get(url, params=query, headers=key, timeout=TIMEOUT_SECONDS)


def metric(sandbox: RunningSandbox, **changes: Any) -> dict[str, Any]:
    """Return a metric value as the body has it."""
    value = {
        "modelMonitoringId": sandbox.env["DMM_MODEL_ID"],
        "metric": "rows_scored",
        "value": 120,
        "referenceTimestamp": "2026-01-01T00:00:00Z",
        "tags": [{"key": "batch", "value": "b1"}],
    }
    return value | changes


def test_custom_metrics_are_kept_and_read_back_between_two_instants(
    sandbox: RunningSandbox,
) -> None:
    values = [
        metric(sandbox),
        metric(sandbox, value=0.5, referenceTimestamp="2026-01-02T00:00:00+00:00"),
        metric(sandbox, metric="other"),
    ]
    assert post(sandbox, VALUES, {"newMetricValues": values}).status_code == 200

    both = read(sandbox, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").json()
    later = read(sandbox, "2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z").json()

    assert [value["value"] for value in both["metricValues"]] == [120, 0.5]
    assert both["metricValues"][0]["tags"] == [{"key": "batch", "value": "b1"}]
    assert set(both["metadata"]) == {"requestId", "notices"}
    assert [value["value"] for value in later["metricValues"]] == [0.5]
    assert read(sandbox, "yesterday", "2026-02-01T00:00:00Z").status_code == 400


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"value": "120"}, 400),
        ({"value": True}, 400),
        ({"value": None}, 400),
        ({"metric": ""}, 400),
        ({"referenceTimestamp": "2026-01-01"}, 400),
        ({"referenceTimestamp": "2026-01-01T00:00:00"}, 400),
        ({"referenceTimestamp": "2026-01-01T00:00:00+02:00"}, 400),
        ({"tags": [{"key": "a"}]}, 400),
        ({"modelMonitoringId": UNKNOWN_ID}, 404),
    ],
)
def test_one_wrong_metric_value_refuses_the_whole_request(
    sandbox: RunningSandbox, change: dict[str, Any], status: int
) -> None:
    values = [metric(sandbox), metric(sandbox, **change)]

    reply = post(sandbox, VALUES, {"newMetricValues": values})

    assert reply.status_code == status
    assert set(reply.json()) == {"requestId", "errors"}
    kept = read(sandbox, "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
    assert kept.json()["metricValues"] == []


def test_an_alert_needs_a_range_with_a_condition(sandbox: RunningSandbox) -> None:
    alert = {"modelMonitoringId": sandbox.env["DMM_MODEL_ID"], "metric": "accuracy", "value": 0.4}
    good = alert | {"targetRange": {"condition": "lessThan", "upperLimit": 0.5}}

    assert post(sandbox, ALERTS, good).status_code == 200
    for target_range in ({}, {"condition": "<"}, {"lowerLimit": 1}):
        wrong = alert | {"targetRange": target_range}
        assert post(sandbox, ALERTS, wrong).status_code == 400
    assert post(sandbox, ALERTS, alert).status_code == 400
    assert post(sandbox, ALERTS, alert, X="1").status_code == 401


def test_the_version_needs_no_key(sandbox: RunningSandbox) -> None:
    reply = requests.get(f"{sandbox.url}/version", timeout=TIMEOUT_SECONDS)

    assert reply.json()["version"] == "6.0.0"
