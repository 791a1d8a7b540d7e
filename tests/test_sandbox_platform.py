"""The sandbox's platform API: the vendor's own client for TrainingSets (contracts 8), metrics and alerts (contracts 9)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import requests
from domino_data.training_sets import client, model

FRAME = pd.DataFrame({"customer_id": ["a", "b"], "age": [30, 41], "savings_A61": [0, 1], "credit": [1, 0]})
ROLES: dict[str, Any] = {"key_columns": ["customer_id"], "target_columns": ["credit"]}
MONITORING = {"categorical_columns": ["savings_A61", "credit"]}


@pytest.fixture(autouse=True)
def as_a_user(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the variables that the client reads."""
    for name in ("DOMINO_API_PROXY", "DOMINO_TOKEN_FILE", "DOMINO_USER_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in (
        "DOMINO_PROJECT_ID",
        "DOMINO_API_HOST",
        "DOMINO_USER_API_KEY",
        "DOMINO_TRAINING_SET_PATH",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.setenv(name, sandbox.env[name])
    yield


def create(name: str = "credit", **changes: Any) -> model.TrainingSetVersion:
    return client.create_training_set_version(
        name, FRAME, **({"monitoring_meta": model.MonitoringMeta(**MONITORING), **ROLES} | changes)
    )


def refused(function: Any, *arguments: Any) -> list[str]:
    """Call the client, expect its own exception, and return the server's messages."""
    with pytest.raises(client.ServerException) as caught:
        function(*arguments)
    assert isinstance(caught.value.server_msg, list), caught.value
    return caught.value.server_msg


def test_a_version_is_made_finished_and_read_back_equal(sandbox: Any) -> None:
    made = create(meta={"rows": "2", "note": ""}, description="first")

    assert (made.number, made.pending, made.description) == (1, False, "first")
    read = client.get_training_set_version("credit", 1)
    assert read == made
    assert (read.all_columns, read.key_columns, read.target_columns) == (list(FRAME.columns), ["customer_id"], ["credit"])
    assert read.monitoring_meta == model.MonitoringMeta(**MONITORING)
    assert read.meta == {"rows": "2", "note": ""}
    assert read.path.startswith(f"/trainingset/{sandbox.env['DOMINO_PROJECT_ID']}/")
    pd.testing.assert_frame_equal(read.load_raw_pandas(), FRAME)
    assert list(read.load_training_pandas().columns) == ["age", "savings_A61", "credit"]
    calls = [(call["method"], call["path"]) for call in sandbox.requests()][:2]
    assert calls == [("POST", "/trainingset/credit"), ("PUT", "/trainingset/credit/1")]


def test_numbers_go_up_and_are_never_given_twice() -> None:
    assert [create().number for _ in range(3)] == [1, 2, 3]
    assert client.delete_training_set_version("credit", 3) is True
    assert create().number == 4


def test_versions_are_listed_by_name_meta_order_and_page() -> None:
    for name, kind in (("one", "x"), ("one", "y"), ("two", "x")):
        create(name, meta={"kind": kind, "all": "1"})
    client.update_training_set(model.TrainingSet("two", "", description="second", meta={"team": "risk"}))

    def found(**query: Any) -> list[tuple[str, int]]:
        return [(each.training_set_name, each.number) for each in client.list_training_set_versions(**query)]

    assert found() == [("one", 1), ("one", 2), ("two", 1)]
    assert found(training_set_name="one") == [("one", 1), ("one", 2)]
    assert found(meta={"kind": "x"}) == [("one", 1), ("two", 1)]
    assert found(meta={"kind": "x", "all": "2"}) == []
    assert found(training_set_meta={"team": "risk"}) == [("two", 1)]
    assert found(asc=False) == [("two", 1), ("one", 2), ("one", 1)]
    assert found(offset=1, limit=1) == [("one", 2)]
    assert found(training_set_name="none") == []


def test_sets_are_read_listed_changed_and_deleted_only_without_versions(sandbox: Any) -> None:
    create("one")
    create("two")
    changed = client.update_training_set(model.TrainingSet("one", "", description="d", meta={"a": "b"}))

    assert (changed.description, changed.meta) == ("d", {"a": "b"})
    assert client.get_training_set("one") == changed
    assert changed.project_id == sandbox.env["DOMINO_PROJECT_ID"]
    assert [each.name for each in client.list_training_sets()] == ["one", "two"]
    assert [each.name for each in client.list_training_sets(meta={"a": "b"})] == ["one"]
    assert [each.name for each in client.list_training_sets(asc=False, limit=1)] == ["two"]
    assert "still has versions" in refused(client.delete_training_set, "one")[0]
    client.delete_training_set_version("one", 1)
    assert client.delete_training_set("one") is True
    assert [each.name for each in client.list_training_sets()] == ["two"]


def test_a_version_is_changed_and_wrong_columns_are_refused() -> None:
    version = create()
    version.meta, version.description = {"k": "v"}, "changed"

    assert client.update_training_set_version(version).meta == {"k": "v"}
    assert client.get_training_set_version("credit", 1).description == "changed"
    version.key_columns = ["nobody"]
    assert "nobody" in refused(client.update_training_set_version, version)[0]


def test_each_refusal_raises_the_clients_exception_with_the_servers_words(sandbox: Any, monkeypatch: Any) -> None:
    version = create()

    assert refused(client.get_training_set, "nobody") == ["TrainingSet nobody not found."]
    assert refused(client.delete_training_set, "nobody") == ["TrainingSet nobody not found."]
    assert refused(client.update_training_set, model.TrainingSet("nobody", "", meta={})) == ["TrainingSet nobody not found."]
    assert refused(client.get_training_set_version, "credit", 7) == ["TrainingSetVersion credit/7 not found."]
    assert refused(client.delete_training_set_version, "credit", 7) == ["TrainingSetVersion credit/7 not found."]
    version.number = 7
    assert refused(client.update_training_set_version, version) == ["TrainingSetVersion credit/7 not found."]
    assert "body.meta.rows" in refused(lambda: create(meta={"rows": 2}))[0]
    assert "body.description" in refused(lambda: create(description=5))[0]
    assert "meta" in refused(client.list_training_sets, {"a": 1})[0]
    monkeypatch.setenv("DOMINO_PROJECT_ID", "another")
    assert "another project" in refused(create)[0]
    monkeypatch.setenv("DOMINO_USER_API_KEY", "wrong")
    assert "credentials" in refused(client.list_training_sets)[0]
    statuses = [call["status"] for call in sandbox.requests()]
    assert {400, 401, 404, 409} <= set(statuses)


def test_a_name_and_a_column_that_the_client_refuses_never_reach_the_server(sandbox: Any) -> None:
    with pytest.raises(ValueError, match="bad TrainingSet name"):
        create("not a name")
    with pytest.raises(client.SchemaMismatchException):
        create(key_columns=["nobody"])

    assert sandbox.requests() == []


def test_inside_a_run_the_token_of_the_proxy_serves_instead_of_the_key(sandbox: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("DOMINO_USER_API_KEY")
    monkeypatch.setenv("DOMINO_API_PROXY", sandbox.url)

    assert create().number == 1

    first, second = sandbox.requests()[:2]
    assert (first["path"], first["status"]) == ("/access-token", 200)
    assert (second["headers"]["Authorization"], second["status"]) == ("Bearer ***", 200)
    token = requests.get(f"{sandbox.url}/access-token", timeout=10)
    assert token.headers["Content-Type"] == "text/plain"
    assert len(token.text.split(".")) == 3


def test_a_failing_create_makes_nothing_and_a_failing_finish_leaves_a_pending_version(sandbox: Any) -> None:
    sandbox.switch(training_set="fail_create")
    assert "fail_create" in refused(create)[0]
    assert client.list_training_set_versions() == []
    sandbox.switch(training_set="fail_finish")
    assert "fail_finish" in refused(create)[0]

    left = client.list_training_set_versions()
    assert [(each.number, each.pending) for each in left] == [(1, True)]
    sandbox.switch(training_set="served")
    assert create().number == 2


def test_a_server_that_says_nothing_holds_the_client_until_it_is_given_up(sandbox: Any) -> None:
    sandbox.switch(training_set="hang")
    code = "from domino_data.training_sets import client; client.list_training_sets()"
    with pytest.raises(subprocess.TimeoutExpired):  # an answer takes half a second with the client's import
        subprocess.run([sys.executable, "-c", code], env=os.environ, timeout=4, check=True)
    sandbox.switch(training_set="served")
    assert client.list_training_sets() == []


def post(sandbox: Any, path: str, body: Any, **headers: str) -> requests.Response:
    key = {"X-Domino-Api-Key": sandbox.env["DOMINO_USER_API_KEY"]}
    return requests.post(f"{sandbox.url}{path}", json=body, headers=headers or key, timeout=10)


def metric(sandbox: Any, **changes: Any) -> dict[str, Any]:
    value = {"modelMonitoringId": sandbox.env["DMM_MODEL_ID"], "metric": "rows_scored", "value": 120}
    return value | {"referenceTimestamp": "2026-01-01T00:00:00Z", "tags": [{"key": "batch", "value": "b1"}]} | changes


def test_custom_metrics_are_kept_and_read_back_between_two_instants(sandbox: Any) -> None:
    values = [
        metric(sandbox),
        metric(sandbox, value=0.5, referenceTimestamp="2026-01-02T00:00:00+00:00"),
        metric(sandbox, metric="other"),
    ]
    assert post(sandbox, "/api/metricValues/v1", {"newMetricValues": values}).status_code == 200

    def read(first: str, last: str) -> Any:
        query = {"startingReferenceTimestampInclusive": first, "endingReferenceTimestampInclusive": last}
        url = f"{sandbox.url}/api/metricValues/v1/{sandbox.env['DMM_MODEL_ID']}/rows_scored"
        return requests.get(url, params=query, headers={"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}, timeout=10)

    reply = read("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").json()
    assert [each["value"] for each in reply["metricValues"]] == [120, 0.5]
    assert reply["metricValues"][0]["tags"] == [{"key": "batch", "value": "b1"}]
    assert set(reply["metadata"]) == {"requestId", "notices"}
    assert [each["value"] for each in read("2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z").json()["metricValues"]] == [0.5]
    assert read("yesterday", "2026-02-01T00:00:00Z").status_code == 400


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
        ({"modelMonitoringId": "0" * 24}, 404),
    ],
)
def test_one_wrong_metric_value_refuses_the_whole_request(sandbox: Any, change: dict[str, Any], status: int) -> None:
    reply = post(sandbox, "/api/metricValues/v1", {"newMetricValues": [metric(sandbox), metric(sandbox, **change)]})

    assert reply.status_code == status
    assert set(reply.json()) == {"requestId", "errors"}
    query = {
        "startingReferenceTimestampInclusive": "2000-01-01T00:00:00Z",
        "endingReferenceTimestampInclusive": "2100-01-01T00:00:00Z",
    }
    url = f"{sandbox.url}/api/metricValues/v1/{sandbox.env['DMM_MODEL_ID']}/rows_scored"
    read = requests.get(url, params=query, headers={"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}, timeout=10)
    assert read.json()["metricValues"] == []


def test_an_alert_needs_a_range_with_a_condition(sandbox: Any) -> None:
    alert = {"modelMonitoringId": sandbox.env["DMM_MODEL_ID"], "metric": "accuracy", "value": 0.4}

    assert (
        post(sandbox, "/api/metricAlerts/v1", alert | {"targetRange": {"condition": "lessThan", "upperLimit": 0.5}}).status_code
        == 200
    )
    assert post(sandbox, "/api/metricAlerts/v1", alert).status_code == 400
    assert post(sandbox, "/api/metricAlerts/v1", alert | {"targetRange": {"condition": "<"}}).status_code == 400
    assert post(sandbox, "/api/metricAlerts/v1", alert | {"targetRange": {"lowerLimit": 1}}).status_code == 400
    assert post(sandbox, "/api/metricAlerts/v1", alert, X="1").status_code == 401


def test_the_version_needs_no_key(sandbox: Any) -> None:
    assert requests.get(f"{sandbox.url}/version", timeout=10).json()["version"] == "6.0.0"
