"""Domino's metrics and metric alerts, against a server on loopback."""

import json
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitoring.checks.alert import Family, Side
from monitoring.settings.model import Settings
from tests.integration.alerts.conftest import Logged
from tests.support.alerts import alert, deliver, record, with_domino

VALUES, ALERTS = "/api/metricValues/v1", "/api/metricAlerts/v1"


def test_domino_gets_the_days_metrics_and_the_alerts_that_have_a_number(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    bodies: dict[str, list[Any]] = {VALUES: [], ALERTS: []}

    def keep(request: Request) -> Response:
        if request.headers.get("X-Domino-Api-Key") != "key-1234":
            return Response(json.dumps({"message": "no"}), status=401)
        bodies[request.path].append(request.get_json())
        return Response("{}", status=200)

    for path in bodies:
        httpserver.expect_request(path, method="POST").respond_with_handler(keep)
    unnumbered = alert("release", value=None, limit=None, metric="release_changed")
    low = alert(
        "endpoint",
        value=0.9,
        limit=0.98,
        metric="availability",
        side=Side.BELOW,
        family=Family.ENDPOINT,
    )

    day = record("2026-01-10", low, unnumbered, alert())
    deliver(with_domino(settings, httpserver.url_for("")), day, tmp_path)

    assert logged() == [("INFO", "domino: the metrics and 3 alerts sent")]
    (sent,) = bodies[VALUES]
    values = sent["newMetricValues"]
    assert {
        "modelMonitoringId": "abc123",
        "metric": "latency_p95_ms",
        "value": 31.5,
        "referenceTimestamp": "2026-01-10T00:00:00Z",
    } in values
    names = {value["metric"] for value in values}
    assert {"rows", "availability", "auc", "ks.age", "psi_dmm.age"} <= names
    assert "duration_seconds.pipeline" in names
    assert all(isinstance(value["value"], int | float) for value in values)
    assert [(body["metric"], body["value"], body["targetRange"]) for body in bodies[ALERTS]] == [
        ("availability.endpoint", 0.9, {"condition": "greaterThanEqual", "lowerLimit": 0.98}),
        ("ks.age", 0.24, {"condition": "lessThanEqual", "upperLimit": 0.17}),
    ]
    assert bodies[ALERTS][1]["description"] == "age: KS 0.24, limit 0.17"


def test_domino_gets_the_metrics_of_a_quiet_day_too(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    httpserver.expect_request(VALUES, method="POST").respond_with_json({})

    deliver(with_domino(settings, httpserver.url_for("")), record(), tmp_path)

    assert logged() == [("INFO", "domino: the metrics and 0 alerts sent")]
    assert len(httpserver.log) == 1


def test_domino_gets_the_key_as_bearer_where_its_header_is_authorization(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """As registration sends it (contracts 2.2)."""
    httpserver.expect_request(VALUES, method="POST").respond_with_json({})

    url = httpserver.url_for("")
    deliver(with_domino(settings, url, api_key_header="Authorization"), record(), tmp_path)

    assert httpserver.log[0][0].headers["Authorization"] == "Bearer key-1234"


def test_a_refused_key_at_domino_is_a_warning(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    httpserver.expect_request(VALUES).respond_with_json({"message": "Forbidden"}, status=403)

    day = record("2026-01-10", alert())
    deliver(with_domino(settings, httpserver.url_for("")), day, tmp_path)

    assert logged() == [
        (
            "WARNING",
            "domino: the metrics and 1 alert could not be sent: answered 403; the next run tries"
            " again",
        )
    ]


def test_an_address_that_can_not_serve_dmm_is_a_warning(
    settings: Settings, tmp_path: Path, logged: Logged
) -> None:
    inside = with_domino(settings, "http://nucleus-frontend.domino-platform:80")
    deliver(inside, record(), tmp_path)

    ((level, text),) = logged()
    assert level == "WARNING"
    assert "expected the external one" in text
