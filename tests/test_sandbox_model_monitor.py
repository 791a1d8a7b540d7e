"""The sandbox's Model Monitor against contracts 3 to 5, under every setting of what they leave open."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from test_sandbox_endpoint import ask

TRUTH = {"name": "credit_GT", "variableType": "ground_truth", "valueType": "categorical", "forPredictionOutput": "credit"}
NONE_FOUND = "There should be exactly one ground truth variable, none found."
ALREADY = "Dataset already registered with the model."


def key(sandbox: Any) -> dict[str, str]:
    return {"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}


def call(sandbox: Any, method: str, path: str, **arguments: Any) -> requests.Response:
    """Call Model Monitor with the right key."""
    url = f"{sandbox.url}/model-monitor/v2/api{path}"
    return requests.request(method, url, timeout=10, allow_redirects=False, **({"headers": key(sandbox)} | arguments))


def body(name: str = "a.csv", path: str | None = None, variables: Any = None, source: str = "") -> dict[str, Any]:
    """The two forms of contracts 3.2."""
    details = {
        "name": name,
        "datasetType": "file",
        "datasetConfig": {"path": path or name, "fileFormat": "csv"},
        "datasourceName": source or "credit-monitoring",
        "datasourceType": "s3",
    }
    return {"datasetDetails": details} | ({"variables": variables} if variables is not None else {})


def register(sandbox: Any, *arguments: Any, **keywords: Any) -> requests.Response:
    path = f"/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth"
    return call(sandbox, "PUT", path, json=body(*arguments, **keywords))


def jobs(sandbox: Any, model_id: str = "", **query: Any) -> Any:
    return call(sandbox, "POST", f"/{model_id or sandbox.env['DMM_MODEL_ID']}/dataset-jobs", json=query).json()["jobs"]


def ended_job(
    sandbox: Any, model_id: str = "", field: str = "status", words: tuple[str, ...] = ("Done", "Failed")
) -> dict[str, Any]:
    """Wait for the newest job's end."""
    deadline = time.monotonic() + 20
    while (job := jobs(sandbox, model_id)[-1])[field] not in words:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return dict(job)


def ingestion_status(sandbox: Any, model_id: str, expected: str) -> None:
    """Wait until a model has come so far; later steps must not be seen before."""
    deadline, order = time.monotonic() + 20, ("created", "training", "prediction")
    while (status := call(sandbox, "GET", "/model", params={"model_id": model_id}).json()["ingestionStatus"]) != expected:
        assert time.monotonic() < deadline
        assert order.index(status) < order.index(expected)
        time.sleep(0.05)


def put(sandbox: Any, name: str, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    sandbox.s3_client().put_object(Bucket="se-demo-data", Key=name, Body=data)


def test_the_first_registration_declares_the_variable_the_later_ones_do_not(sandbox: Any) -> None:
    refused = register(sandbox)
    assert (refused.status_code, refused.json()) == (400, [NONE_FOUND])

    accepted = register(sandbox, variables=[TRUTH])
    assert (accepted.status_code, accepted.content) == (200, b"")
    again = register(sandbox, "b.csv", variables=[TRUTH])
    assert (again.status_code, again.json()) == (400, ["Variable(s) with name ['credit_GT'] is/are already configured"])
    assert register(sandbox, "b.csv").status_code == 200
    other = register(sandbox, "c.csv", variables=[TRUTH | {"name": "other"}])
    assert (other.status_code, other.json()) == (400, ["There should be exactly one ground truth variable, 2 found."])


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("judged_by", ["name", "path", "both"])
def test_a_repeat_is_judged_by_name_path_or_both(sandbox: Any, judged_by: str, status: int) -> None:
    sandbox.switch(repeat_by=judged_by, repeat_status=status, variables_again_status=status)
    assert register(sandbox, "a.csv", variables=[TRUTH]).status_code == 200

    same = register(sandbox, "a.csv")
    assert (same.status_code, same.json()) == (status, [ALREADY])
    assert register(sandbox, "a.csv", variables=[TRUTH]).status_code == status
    assert register(sandbox, "a.csv", "other/path.csv").status_code == (status if judged_by == "name" else 200)
    assert register(sandbox, "other", "a.csv").status_code == (status if judged_by == "path" else 200)
    assert register(sandbox, "new.csv").status_code == 200


@pytest.mark.parametrize("shape", ["array", "string", "message", "errors"])
def test_a_refusal_comes_in_each_shape_that_was_seen(sandbox: Any, shape: str) -> None:
    sandbox.switch(error_shape=shape)

    expected = {
        "array": [NONE_FOUND],
        "string": NONE_FOUND,
        "message": {"message": NONE_FOUND},
        "errors": {"errors": [NONE_FOUND]},
    }
    assert register(sandbox).json() == expected[shape]


def test_of_equal_registrations_at_once_one_is_taken_and_the_others_are_repeats(sandbox: Any) -> None:
    register(sandbox, "first.csv", variables=[TRUTH])
    url = f"{sandbox.url}/model-monitor/v2/api/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth"
    sessions, together = [requests.Session() for _ in range(8)], threading.Barrier(8)

    def race(session: requests.Session, name: str) -> int:
        together.wait()
        return int(session.put(url, json=body(name), headers=key(sandbox), timeout=10).status_code)

    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            statuses = pool.map(race, sessions, [f"race_{number}.csv"] * 8)
            assert sorted(statuses) == [200] + [400] * 7


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ([TRUTH | {"forPredictionOutput": "credit_GT"}], "forPredictionOutput"),
        ([{**TRUTH, "forPredictionOutput": ""}], "forPredictionOutput"),
        ([TRUTH, TRUTH | {"name": "b"}], "exactly one ground truth variable, 2 found"),
        ([TRUTH, {"name": "id", "variableType": "row_identifier", "valueType": "string"}], "can be only 1 row_identifier"),
        ([TRUTH, {"name": "age", "variableType": "feature", "valueType": "numerical"}], "already configured"),
        ([TRUTH | {"variableType": "label"}], "variableType"),
        ([TRUTH | {"valueType": "int"}], "valueType"),
        (["credit_GT"], "variables"),
    ],
)
def test_wrong_variables_are_refused_and_nothing_is_registered(sandbox: Any, variables: Any, words: str) -> None:
    reply = register(sandbox, variables=variables)

    assert reply.status_code == 400
    assert words in reply.json()[0]
    assert jobs(sandbox) == []
    assert register(sandbox, variables=[TRUTH]).status_code == 200


def test_unknown_model_and_unknown_data_source_are_404_and_say_which(sandbox: Any) -> None:
    path = f"/model/{'0' * 24}/register-dataset/ground_truth"
    model = call(sandbox, "PUT", path, json=body(variables=[TRUTH]))
    source = register(sandbox, source="se-demo-data", variables=[TRUTH])

    assert (model.status_code, model.json()) == (404, [f"Model {'0' * 24} not found."])
    assert (source.status_code, source.json()) == (404, ["Datasource se-demo-data not found."])
    known = call(sandbox, "GET", "/datasources")
    assert [(each["name"], each["config"]["bucket"]) for each in known.json()] == [("credit-monitoring", "se-demo-data")]
    assert "secret" not in known.text


@pytest.mark.parametrize("missing", ["name", "datasetType", "datasetConfig", "datasourceName", "datasourceType"])
def test_every_field_of_dataset_details_is_needed(sandbox: Any, missing: str) -> None:
    incomplete = body(variables=[TRUTH])
    del incomplete["datasetDetails"][missing]
    path = f"/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth"

    reply = call(sandbox, "PUT", path, json=incomplete)

    assert reply.status_code == 400
    assert missing in reply.json()[0]


def test_registering_is_put_never_post(sandbox: Any) -> None:
    reply = call(sandbox, "POST", f"/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth", json=body())

    assert reply.status_code == 405
    assert "json" not in reply.headers["Content-Type"]


def test_which_headers_carry_the_key_is_a_switch(sandbox: Any) -> None:
    value = sandbox.env["DMM_API_KEY"]
    headers = {"X-Domino-Api-Key": value, "X-DMM-API-KEY": value, "Bearer": f"Bearer {value}"}
    for allowed in headers:
        sandbox.switch(key_headers=[allowed])
        for name, content in headers.items():
            sent = {"Authorization": content} if name == "Bearer" else {name: content}
            status = call(sandbox, "GET", "/datasources", headers=sent).status_code
            assert status == (200 if name == allowed else 403), (allowed, name)
    assert call(sandbox, "GET", "/datasources", headers={}).status_code == 403


@pytest.mark.parametrize(("kind", "status"), [("403", 403), ("401", 401), ("html", 200), ("redirect", 302)])
def test_what_a_wrong_key_gets_is_a_switch(sandbox: Any, kind: str, status: int) -> None:
    sandbox.switch(key_refusal=kind)

    reply = call(sandbox, "PUT", f"/model/{sandbox.env['DMM_MODEL_ID']}/register-dataset/ground_truth", headers={})

    assert reply.status_code == status
    assert ("json" in reply.headers["Content-Type"]) == kind.isdigit()


@pytest.mark.parametrize("served", ["401", "403", "404", "405", "html", "redirect"])
def test_an_endpoint_that_is_not_served_answers_as_a_web_server_without_json(sandbox: Any, served: str) -> None:
    if served != "404":  # the default
        sandbox.switch(ground_truth_endpoint=served)

    url = f"{sandbox.url}/api/modelMonitor/v2/groundTruth"
    reply = requests.post(url, json=body(), headers=key(sandbox), timeout=10, allow_redirects=False)

    assert str(reply.status_code) == {"html": "200", "redirect": "302"}.get(served, served)
    assert "json" not in reply.headers["Content-Type"]


def test_a_client_that_follows_the_redirect_is_seen_to_carry_its_key(sandbox: Any) -> None:
    sandbox.switch(ground_truth_endpoint="redirect")

    requests.post(f"{sandbox.url}/api/modelMonitor/v2/groundTruth", json=body(), headers=key(sandbox), timeout=10)

    second = sandbox.requests()[1]
    assert second["headers"]["Host"].startswith("localhost:")
    assert "X-Domino-Api-Key" in second["headers"]


def test_the_ground_truth_endpoint_takes_the_same_body_and_the_models_id(sandbox: Any) -> None:
    sandbox.switch(ground_truth_endpoint="served")
    url, model = f"{sandbox.url}/api/modelMonitor/v2/groundTruth", {"modelId": sandbox.env["DMM_MODEL_ID"]}

    def post(content: dict[str, Any], headers: Any = None) -> requests.Response:
        return requests.post(url, json=content, headers=key(sandbox) if headers is None else headers, timeout=10)

    assert post(body() | model, headers={}).status_code == 403
    assert post(body()).status_code == 400
    assert post(body() | {"modelId": "0" * 24}).status_code == 404
    assert post(body() | model).json() == [NONE_FOUND]
    first = post(body(variables=[TRUTH]) | model)
    assert (first.status_code, first.content) == (200, b"")
    assert register(sandbox).json() == [ALREADY]  # both endpoints see one register


def test_a_job_moves_and_joins_the_file_to_the_captured_predictions(sandbox: Any) -> None:
    for row in ("d_0", "d_1", "d_2", "d_2"):
        ask(sandbox, row)
    put(sandbox, "join.csv", "event_id,credit_GT,extra\nd_0,1,x\nd_1,0,x\nd_1,1,x\nd_9,1,x\n")
    sandbox.switch(job_seconds=1.2)
    assert register(sandbox, "join.csv", variables=[TRUTH]).status_code == 200

    words, deadline = [], time.monotonic() + 10
    while "Done" not in words:
        assert time.monotonic() < deadline, words
        words += [jobs(sandbox)[0]["status"]]
        time.sleep(0.05)

    assert list(dict.fromkeys(words)) == ["Queued", "Running", "Done"]
    job = jobs(sandbox)[0]
    assert (job["rows"], job["matched"], job["unmatched"], job["duplicate"]) == (4, 2, 1, 1)
    assert (job["dataset_path"], job["job_type"]) == ("join.csv", "ground_truth")
    assert abs(job["created_at"] - time.time()) < 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "NoSuchKey"),
        ("customer_id,credit_GT\na,1\n", "event_id cannot be resolved"),
        ("event_id,label\na,1\n", "credit_GT cannot be resolved"),
        ("", "event_id, credit_GT cannot be resolved"),
        (b"event_id,credit_GT\n\xff\xfe,1\n", "not CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_or_joined_fails_its_job_with_the_reason(sandbox: Any, text: Any, words: str) -> None:
    sandbox.switch(job_seconds=0.1)
    sandbox.s3_client().delete_object(Bucket="se-demo-data", Key="bad.csv")
    if text is not None:
        put(sandbox, "bad.csv", text)
    assert register(sandbox, "bad.csv", variables=[TRUTH]).status_code == 200

    job = ended_job(sandbox)

    assert job["status"] == "Failed"
    assert words in job["message"]
    assert "s3://se-demo-data/bad.csv" in job["message"]


def test_a_row_identifier_of_its_own_is_the_column_that_is_joined(sandbox: Any) -> None:
    sandbox.switch(job_seconds=0.1)
    variables = [
        {"name": "row", "variableType": "row_identifier", "valueType": "string"},
        {"name": "credit", "variableType": "prediction", "valueType": "categorical"},
    ]
    model = {"modelMetadata": {"name": "m", "modelType": "classification", "version": "1"}, "variables": variables}
    model_id = call(sandbox, "PUT", "/model", json=body() | model).json()["id"]
    put(sandbox, "own.csv", "row,credit_GT\na,1\n")
    path = f"/model/{model_id}/register-dataset/ground_truth"
    assert call(sandbox, "PUT", path, json=body("own.csv", variables=[TRUTH])).status_code == 200

    job = ended_job(sandbox, model_id)
    assert (job["status"], job["rows"], job["unmatched"]) == ("Done", 1, 1)


def test_a_job_fails_or_never_ends_by_switch_and_its_words_are_switches(sandbox: Any) -> None:
    put(sandbox, "a.csv", "event_id,credit_GT\n")
    sandbox.switch(job_seconds=0.1, job_never_ends=True, job_status_field="state", job_words=["w", "r", "OK", "ERROR"])
    register(sandbox, variables=[TRUTH])
    time.sleep(1.0)  # ten times the job's own time
    assert jobs(sandbox)[0]["state"] == "r"
    assert "status" not in jobs(sandbox)[0]
    sandbox.switch(job_never_ends=False, job_fails="the moon")
    assert ended_job(sandbox, field="state", words=("OK", "ERROR"))["message"] == "the moon"
    sandbox.switch(job_fails="")
    register(sandbox, "b.csv", "a.csv")
    ended_job(sandbox, field="state", words=("OK", "ERROR"))
    assert [job["state"] for job in jobs(sandbox)] == ["ERROR", "OK"]


def test_jobs_are_filtered_ordered_and_cut_into_pages(sandbox: Any) -> None:
    register(sandbox, "a.csv", variables=[TRUTH])
    for name in ("b.csv", "c.csv"):
        register(sandbox, name)

    def names(**query: Any) -> list[str]:
        return [job["dataset_name"] for job in jobs(sandbox, **query)]

    assert names() == ["a.csv", "b.csv", "c.csv"]
    assert names(pagination={"order": -1, "sort": "created_at", "page": 1, "size": 2}) == ["c.csv", "b.csv"]
    assert names(pagination={"order": 1, "page": 2, "size": 2}) == ["c.csv"]
    assert names(search="b", filters={"status": [], "job_type": ["ground_truth"]}) == ["b.csv"]
    assert names(filters={"job_type": ["prediction"]}) == []
    assert names(filters={"status": ["Failed"]}) == []
    assert names(start=0, end=1000) == []
    assert call(sandbox, "POST", f"/{'0' * 24}/dataset-jobs", json={}).status_code == 404
    assert call(sandbox, "POST", f"/{sandbox.env['DMM_MODEL_ID']}/dataset-jobs", json={"filters": 1}).status_code == 500


def test_a_models_ingestion_goes_from_created_to_training_to_prediction(sandbox: Any) -> None:
    sandbox.switch(job_seconds=0.4)
    metadata = {"name": "n", "modelType": "classification", "version": "1", "sourceType": "domino_workbench"}
    feature = {"name": "age", "variableType": "feature", "valueType": "numerical"}
    made = call(sandbox, "PUT", "/model", json=body() | {"modelMetadata": metadata, "variables": [feature]}).json()
    assert made["ingestionStatus"] == "created"
    ingestion_status(sandbox, made["id"], "training")
    time.sleep(0.5)
    ingestion_status(sandbox, made["id"], "training")  # it has no predictions

    ingestion_status(sandbox, sandbox.env["DMM_MODEL_ID"], "training")
    ask(sandbox)
    ingestion_status(sandbox, sandbox.env["DMM_MODEL_ID"], "prediction")
    own = call(sandbox, "GET", "/model", params={"model_id": sandbox.env["DMM_MODEL_ID"]}).json()
    assert own["sourceDetails"]["workbenchModelId"] == sandbox.model_url.split("/")[4]


def test_models_are_read_changed_listed_and_deleted_as_the_vendors_code_does(sandbox: Any) -> None:
    metadata = {"name": "credit-risk", "modelType": "classification", "version": "1", "description": "", "author": "someone"}
    variables = [{"name": "credit", "variableType": "prediction", "valueType": "categorical"}]
    made = call(sandbox, "PUT", "/model", json=body() | {"modelMetadata": metadata, "variables": variables}).json()
    fields = "id createdAt updatedAt name description modelType author version userId isDeleted ingestionStatus"
    fields += " registrationStatus sourceType visibility collaborators tagIds"
    assert set(made) == set(fields.split())
    own, its_own = {"model_id": sandbox.env["DMM_MODEL_ID"]}, {"model_id": made["id"]}

    assert call(sandbox, "GET", "/model", params={"modelId": made["id"]}).status_code == 500
    assert call(sandbox, "GET", "/model", params={"model_id": "0" * 24}).status_code == 404
    changed = call(sandbox, "PATCH", "/model", params=its_own, json={"modelMetadata": {"version": "2"}}).json()
    assert (changed["version"], changed["name"]) == ("2", "credit-risk")
    assert call(sandbox, "GET", f"/model/{made['id']}/variables/summary").json() == variables
    assert call(sandbox, "GET", "/models").status_code == 400
    pages = {"pageNumber": 0, "pageSize": 50, "numberOfLastChecksToFetch": 1}
    listed = call(sandbox, "GET", "/models", params=pages).json()
    assert [item["id"] for item in listed["modelDashboardItems"]] == [own["model_id"], made["id"]]
    assert (listed["classificationModelCount"], listed["regressionModelCount"]) == (2, 0)
    assert "sourceDetails" not in listed["modelDashboardItems"][0]
    assert call(sandbox, "GET", "/models", params=pages | {"pageNumber": 1, "pageSize": 2}).json()["modelDashboardItems"] == []
    assert call(sandbox, "DELETE", "/model", params=own).status_code == 409
    assert call(sandbox, "DELETE", "/model", params=its_own).status_code == 200
    assert call(sandbox, "GET", "/model", params=its_own).status_code == 404


def test_a_model_behind_an_endpoint_is_registered_with_features_only(sandbox: Any) -> None:
    metadata = {"name": "n", "modelType": "classification", "version": "1", "sourceType": "domino_workbench"}
    variables = [{"name": "credit", "variableType": "prediction", "valueType": "categorical"}]

    reply = call(sandbox, "PUT", "/model", json=body() | {"modelMetadata": metadata, "variables": variables})

    assert (reply.status_code, reply.json()) == (400, ["Variable credit not allowed for registration"])
