"""The sandbox's Model Monitor against contracts 3 to 5, under every setting of its switches."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import (
    BUCKET,
    TIMEOUT_SECONDS,
    TRUTH,
    UNKNOWN_ID,
    call_dmm,
    dmm_jobs,
    dmm_key,
    predict,
    put_object,
    register,
    register_path,
    registration,
)

NONE_FOUND = "There should be exactly one ground truth variable, none found."
TWO_FOUND = "There should be exactly one ground truth variable, 2 found."
CONFIGURED = "Variable(s) with name ['credit_GT'] is/are already configured"
REGISTERED = "Dataset already registered with the model."
PREDICTION = {"name": "credit", "variableType": "prediction", "valueType": "categorical"}
GROUND_TRUTH = "/api/modelMonitor/v2/groundTruth"


def finished_job(
    sandbox: RunningSandbox,
    model_id: str = "",
    *,
    field: str = "status",
    words: tuple[str, ...] = ("Done", "Failed"),
) -> dict[str, Any]:
    """Return the newest job when it has ended."""
    deadline = time.monotonic() + 20
    while (job := dmm_jobs(sandbox, model_id)[-1])[field] not in words:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return dict(job)


def read_model(sandbox: RunningSandbox, model_id: str) -> requests.Response:
    return call_dmm(sandbox, "GET", "/model", params={"model_id": model_id})


def wait_for_ingestion(sandbox: RunningSandbox, model_id: str, expected: str) -> None:
    """Wait until a model is so far; later steps must not be seen before."""
    order = ("created", "training", "prediction")
    deadline = time.monotonic() + 20
    while (status := read_model(sandbox, model_id).json()["ingestionStatus"]) != expected:
        assert time.monotonic() < deadline
        assert order.index(status) < order.index(expected)
        time.sleep(0.05)


def put_model(
    sandbox: RunningSandbox, variables: list[dict[str, Any]], **metadata: str
) -> requests.Response:
    """Register a model."""
    defaults = {"name": "m", "modelType": "classification", "version": "1"}
    body = registration(variables=variables) | {"modelMetadata": defaults | metadata}
    return call_dmm(sandbox, "PUT", "/model", json=body)


# Registering ground truth.


def test_the_first_registration_declares_the_variable_the_later_ones_do_not(
    sandbox: RunningSandbox,
) -> None:
    refused = register(sandbox)
    assert (refused.status_code, refused.json()) == (400, [NONE_FOUND])

    accepted = register(sandbox, variables=[TRUTH])
    assert (accepted.status_code, accepted.content) == (200, b"")

    again = register(sandbox, "b.csv", variables=[TRUTH])
    assert (again.status_code, again.json()) == (400, [CONFIGURED])
    assert register(sandbox, "b.csv").status_code == 200

    other = register(sandbox, "c.csv", variables=[TRUTH | {"name": "other"}])
    assert (other.status_code, other.json()) == (400, [TWO_FOUND])


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("repeat_by", ["name", "path", "both"])
def test_a_repeat_is_recognised_by_name_path_or_both(
    sandbox: RunningSandbox, repeat_by: str, status: int
) -> None:
    sandbox.switch(repeat_by=repeat_by, repeat_status=status, variables_again_status=status)
    same_name = status if repeat_by == "name" else 200
    same_path = status if repeat_by == "path" else 200
    assert register(sandbox, "a.csv", variables=[TRUTH]).status_code == 200

    same = register(sandbox, "a.csv")
    assert (same.status_code, same.json()) == (status, [REGISTERED])
    assert register(sandbox, "a.csv", variables=[TRUTH]).status_code == status
    assert register(sandbox, "a.csv", "other/path.csv").status_code == same_name
    assert register(sandbox, "other", "a.csv").status_code == same_path
    assert register(sandbox, "new.csv").status_code == 200


@pytest.mark.parametrize("shape", ["array", "string", "message", "errors"])
def test_a_refusal_comes_in_each_shape_that_was_seen(sandbox: RunningSandbox, shape: str) -> None:
    sandbox.switch(error_shape=shape)

    expected = {
        "array": [NONE_FOUND],
        "string": NONE_FOUND,
        "message": {"message": NONE_FOUND},
        "errors": {"errors": [NONE_FOUND]},
    }
    assert register(sandbox).json() == expected[shape]


def test_of_equal_registrations_at_once_one_is_taken_and_the_others_are_repeats(
    sandbox: RunningSandbox,
) -> None:
    register(sandbox, "first.csv", variables=[TRUTH])
    url = f"{sandbox.url}/model-monitor/v2/api{register_path(sandbox)}"
    headers = dmm_key(sandbox)
    sessions = [requests.Session() for _ in range(8)]
    together = threading.Barrier(8)

    def race(session: requests.Session, name: str) -> int:
        together.wait()
        body = registration(name)
        reply = session.put(url, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
        return int(reply.status_code)

    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            statuses = pool.map(race, sessions, [f"race_{number}.csv"] * 8)
            assert sorted(statuses) == [200] + [400] * 7


ROW_ID = {"name": "id", "variableType": "row_identifier", "valueType": "string"}
KNOWN_FEATURE = {"name": "age", "variableType": "feature", "valueType": "numerical"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ([TRUTH | {"forPredictionOutput": "credit_GT"}], "forPredictionOutput"),
        ([TRUTH | {"forPredictionOutput": ""}], "forPredictionOutput"),
        ([TRUTH, TRUTH | {"name": "b"}], "exactly one ground truth variable, 2 found"),
        ([TRUTH, ROW_ID], "can be only 1 row_identifier"),
        ([TRUTH, KNOWN_FEATURE], "already configured"),
        ([TRUTH | {"variableType": "label"}], "variableType"),
        ([TRUTH | {"valueType": "int"}], "valueType"),
        (["credit_GT"], "variables"),
    ],
)
def test_wrong_variables_are_refused_and_nothing_is_registered(
    sandbox: RunningSandbox, variables: Any, words: str
) -> None:
    reply = register(sandbox, variables=variables)

    assert reply.status_code == 400
    assert words in reply.json()[0]
    assert dmm_jobs(sandbox) == []
    assert register(sandbox, variables=[TRUTH]).status_code == 200


def test_unknown_model_and_unknown_data_source_are_404_and_say_which(
    sandbox: RunningSandbox,
) -> None:
    path = f"/model/{UNKNOWN_ID}/register-dataset/ground_truth"
    model = call_dmm(sandbox, "PUT", path, json=registration(variables=[TRUTH]))
    source = register(sandbox, source="se-demo-data", variables=[TRUTH])

    assert (model.status_code, model.json()) == (404, [f"Model {UNKNOWN_ID} not found."])
    assert (source.status_code, source.json()) == (404, ["Datasource se-demo-data not found."])
    known = call_dmm(sandbox, "GET", "/datasources")
    sources = [(each["name"], each["config"]["bucket"]) for each in known.json()]
    assert sources == [("credit-monitoring", BUCKET)]
    assert "secret" not in known.text


@pytest.mark.parametrize(
    "missing", ["name", "datasetType", "datasetConfig", "datasourceName", "datasourceType"]
)
def test_every_field_of_dataset_details_is_needed(sandbox: RunningSandbox, missing: str) -> None:
    incomplete = registration(variables=[TRUTH])
    del incomplete["datasetDetails"][missing]

    reply = call_dmm(sandbox, "PUT", register_path(sandbox), json=incomplete)

    assert reply.status_code == 400
    assert missing in reply.json()[0]


def test_registering_is_put_never_post(sandbox: RunningSandbox) -> None:
    reply = call_dmm(sandbox, "POST", register_path(sandbox), json=registration())

    assert reply.status_code == 405
    assert "json" not in reply.headers["Content-Type"]


# The API key.


def test_which_headers_carry_the_key_is_a_switch(sandbox: RunningSandbox) -> None:
    value = sandbox.env["DMM_API_KEY"]
    headers = {
        "X-Domino-Api-Key": {"X-Domino-Api-Key": value},
        "X-DMM-API-KEY": {"X-DMM-API-KEY": value},
        "Bearer": {"Authorization": f"Bearer {value}"},
    }

    for allowed in headers:
        sandbox.switch(key_headers=[allowed])
        for name, sent in headers.items():
            status = call_dmm(sandbox, "GET", "/datasources", headers=sent).status_code
            assert status == (200 if name == allowed else 403), (allowed, name)
    assert call_dmm(sandbox, "GET", "/datasources", headers={}).status_code == 403


@pytest.mark.parametrize(
    ("kind", "status"), [("403", 403), ("401", 401), ("html", 200), ("redirect", 302)]
)
def test_what_a_wrong_key_gets_is_a_switch(sandbox: RunningSandbox, kind: str, status: int) -> None:
    sandbox.switch(key_refusal=kind)

    reply = call_dmm(sandbox, "PUT", register_path(sandbox), headers={})

    assert reply.status_code == status
    assert ("json" in reply.headers["Content-Type"]) == kind.isdigit()


# The other endpoint for ground truth.


def post_ground_truth(
    sandbox: RunningSandbox, body: dict[str, Any], **options: Any
) -> requests.Response:
    url = f"{sandbox.url}{GROUND_TRUTH}"
    defaults: dict[str, Any] = {"headers": dmm_key(sandbox), "timeout": TIMEOUT_SECONDS}
    return requests.post(url, json=body, **(defaults | options))


@pytest.mark.parametrize("served", ["401", "403", "404", "405", "html", "redirect"])
def test_an_endpoint_that_is_not_served_answers_as_a_web_server_without_json(
    sandbox: RunningSandbox, served: str
) -> None:
    if served != "404":  # the default
        sandbox.switch(ground_truth_endpoint=served)

    reply = post_ground_truth(sandbox, registration(), allow_redirects=False)

    assert str(reply.status_code) == {"html": "200", "redirect": "302"}.get(served, served)
    assert "json" not in reply.headers["Content-Type"]


def test_a_client_that_follows_the_redirect_is_seen_to_carry_its_key(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(ground_truth_endpoint="redirect")

    post_ground_truth(sandbox, registration())

    second = sandbox.requests()[1]
    assert second["headers"]["Host"].startswith("localhost:")
    assert "X-Domino-Api-Key" in second["headers"]


def test_the_ground_truth_endpoint_takes_the_same_body_and_the_models_id(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(ground_truth_endpoint="served")
    model = {"modelId": sandbox.env["DMM_MODEL_ID"]}
    unknown = {"modelId": UNKNOWN_ID}

    assert post_ground_truth(sandbox, registration() | model, headers={}).status_code == 403
    assert post_ground_truth(sandbox, registration()).status_code == 400
    assert post_ground_truth(sandbox, registration() | unknown).status_code == 404
    assert post_ground_truth(sandbox, registration() | model).json() == [NONE_FOUND]

    first = post_ground_truth(sandbox, registration(variables=[TRUTH]) | model)
    assert (first.status_code, first.content) == (200, b"")
    assert register(sandbox).json() == [REGISTERED]  # both endpoints see one register


# The jobs that read the files.


def test_a_job_moves_and_joins_the_file_to_the_captured_predictions(
    sandbox: RunningSandbox,
) -> None:
    for row in ("d_0", "d_1", "d_2", "d_2"):
        predict(sandbox, row)
    put_object(
        sandbox, "join.csv", "event_id,credit_GT,extra\nd_0,1,x\nd_1,0,x\nd_1,1,x\nd_9,1,x\n"
    )
    sandbox.switch(job_seconds=1.2)
    assert register(sandbox, "join.csv", variables=[TRUTH]).status_code == 200

    words: list[str] = []
    deadline = time.monotonic() + 10
    while "Done" not in words:
        assert time.monotonic() < deadline, words
        words.append(dmm_jobs(sandbox)[0]["status"])
        time.sleep(0.05)

    assert list(dict.fromkeys(words)) == ["Queued", "Running", "Done"]
    job = dmm_jobs(sandbox)[0]
    assert (job["rows"], job["matched"], job["unmatched"], job["duplicate"]) == (4, 2, 1, 1)
    assert (job["dataset_path"], job["job_type"]) == ("join.csv", "ground_truth")
    assert abs(job["created_at"] - time.time()) < 20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "NoSuchKey"),
        ("customer_id,credit_GT\na,1\n", "event_id cannot be resolved"),
        ("event_id,label\na,1\n", "credit_GT cannot be resolved"),
        ("", "event_id, credit_GT cannot be resolved"),
        (b"event_id,credit_GT\n\xff\xfe,1\n", "not CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_or_joined_fails_its_job_with_the_reason(
    sandbox: RunningSandbox, content: str | bytes | None, words: str
) -> None:
    sandbox.switch(job_seconds=0.1)
    sandbox.s3_client().delete_object(Bucket=BUCKET, Key="bad.csv")
    if content is not None:
        put_object(sandbox, "bad.csv", content)
    assert register(sandbox, "bad.csv", variables=[TRUTH]).status_code == 200

    job = finished_job(sandbox)

    assert job["status"] == "Failed"
    assert words in job["message"]
    assert f"s3://{BUCKET}/bad.csv" in job["message"]


def test_a_row_identifier_of_its_own_is_the_column_that_is_joined(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(job_seconds=0.1)
    row_id = {"name": "row", "variableType": "row_identifier", "valueType": "string"}
    model_id = put_model(sandbox, [row_id, PREDICTION]).json()["id"]
    put_object(sandbox, "own.csv", "row,credit_GT\na,1\n")
    path = f"/model/{model_id}/register-dataset/ground_truth"
    body = registration("own.csv", variables=[TRUTH])
    assert call_dmm(sandbox, "PUT", path, json=body).status_code == 200

    job = finished_job(sandbox, model_id)

    assert (job["status"], job["rows"], job["unmatched"]) == ("Done", 1, 1)


def test_a_job_fails_or_never_ends_by_switch_and_its_words_are_switches(
    sandbox: RunningSandbox,
) -> None:
    ends = ("OK", "ERROR")
    put_object(sandbox, "a.csv", "event_id,credit_GT\n")
    sandbox.switch(job_seconds=0.1, job_never_ends=True)
    sandbox.switch(job_status_field="state", job_words=["w", "r", *ends])
    register(sandbox, variables=[TRUTH])
    time.sleep(1.0)  # ten times the job's own time
    assert dmm_jobs(sandbox)[0]["state"] == "r"
    assert "status" not in dmm_jobs(sandbox)[0]

    sandbox.switch(job_never_ends=False, job_fails="the moon")
    assert finished_job(sandbox, field="state", words=ends)["message"] == "the moon"

    sandbox.switch(job_fails="")
    register(sandbox, "b.csv", "a.csv")
    finished_job(sandbox, field="state", words=ends)
    assert [job["state"] for job in dmm_jobs(sandbox)] == ["ERROR", "OK"]


def test_jobs_are_filtered_ordered_and_cut_into_pages(sandbox: RunningSandbox) -> None:
    register(sandbox, "a.csv", variables=[TRUTH])
    for name in ("b.csv", "c.csv"):
        register(sandbox, name)

    def names(**query: Any) -> list[str]:
        return [job["dataset_name"] for job in dmm_jobs(sandbox, **query)]

    def status(model_id: str, query: dict[str, Any]) -> int:
        return call_dmm(sandbox, "POST", f"/{model_id}/dataset-jobs", json=query).status_code

    newest_two = {"order": -1, "sort": "created_at", "page": 1, "size": 2}
    assert names() == ["a.csv", "b.csv", "c.csv"]
    assert names(pagination=newest_two) == ["c.csv", "b.csv"]
    assert names(pagination={"order": 1, "page": 2, "size": 2}) == ["c.csv"]
    assert names(search="b", filters={"status": [], "job_type": ["ground_truth"]}) == ["b.csv"]
    assert names(filters={"job_type": ["prediction"]}) == []
    assert names(filters={"status": ["Failed"]}) == []
    assert names(start=0, end=1000) == []
    assert status(UNKNOWN_ID, {}) == 404
    assert status(sandbox.env["DMM_MODEL_ID"], {"filters": 1}) == 500


# Models.


def test_a_models_ingestion_goes_from_created_to_training_to_prediction(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(job_seconds=0.4)
    own = sandbox.env["DMM_MODEL_ID"]
    model = put_model(sandbox, [KNOWN_FEATURE], sourceType="domino_workbench").json()
    assert model["ingestionStatus"] == "created"
    wait_for_ingestion(sandbox, model["id"], "training")
    time.sleep(0.5)
    wait_for_ingestion(sandbox, model["id"], "training")  # it has no predictions

    wait_for_ingestion(sandbox, own, "training")
    predict(sandbox)
    wait_for_ingestion(sandbox, own, "prediction")
    details = read_model(sandbox, own).json()["sourceDetails"]
    assert details["workbenchModelId"] == sandbox.model_url.split("/")[4]


def test_models_are_read_changed_listed_and_deleted_as_the_vendors_code_does(
    sandbox: RunningSandbox,
) -> None:
    own = sandbox.env["DMM_MODEL_ID"]
    metadata = {"name": "credit-risk", "description": "", "author": "someone"}
    model = put_model(sandbox, [PREDICTION], **metadata).json()
    model_id = model["id"]
    fields = (
        "id createdAt updatedAt name description modelType author version userId isDeleted"
        " ingestionStatus registrationStatus sourceType visibility collaborators tagIds"
    )
    assert set(model) == set(fields.split())

    misspelled = call_dmm(sandbox, "GET", "/model", params={"modelId": model_id})
    assert misspelled.status_code == 500
    assert read_model(sandbox, UNKNOWN_ID).status_code == 404

    changes = {"modelMetadata": {"version": "2"}}
    query = {"model_id": model_id}
    changed = call_dmm(sandbox, "PATCH", "/model", params=query, json=changes).json()
    assert (changed["version"], changed["name"]) == ("2", "credit-risk")
    summary = call_dmm(sandbox, "GET", f"/model/{model_id}/variables/summary")
    assert summary.json() == [PREDICTION]

    assert call_dmm(sandbox, "GET", "/models").status_code == 400
    pages = {"pageNumber": 0, "pageSize": 50, "numberOfLastChecksToFetch": 1}
    listed = call_dmm(sandbox, "GET", "/models", params=pages).json()
    assert [item["id"] for item in listed["modelDashboardItems"]] == [own, model_id]
    assert (listed["classificationModelCount"], listed["regressionModelCount"]) == (2, 0)
    assert "sourceDetails" not in listed["modelDashboardItems"][0]
    second_page = pages | {"pageNumber": 1, "pageSize": 2}
    empty = call_dmm(sandbox, "GET", "/models", params=second_page).json()
    assert empty["modelDashboardItems"] == []

    running = call_dmm(sandbox, "DELETE", "/model", params={"model_id": own})
    assert running.status_code == 409
    assert call_dmm(sandbox, "DELETE", "/model", params=query).status_code == 200
    assert read_model(sandbox, model_id).status_code == 404


def test_a_model_behind_an_endpoint_is_registered_with_features_only(
    sandbox: RunningSandbox,
) -> None:
    reply = put_model(sandbox, [PREDICTION], sourceType="domino_workbench")

    assert reply.status_code == 400
    assert reply.json() == ["Variable credit not allowed for registration"]
