"""The sandbox's model endpoint against contracts 6 and 7."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
import requests
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.support.loop import ROOT
from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import (
    ROW,
    SESSION,
    TIMEOUT_SECONDS,
    UNKNOWN_ID,
    captured_ids,
    post_prediction,
    predict,
    predicted,
)


def test_the_score_is_that_of_scikit_learn_fitted_to_the_sample_data(
    sandbox: RunningSandbox,
) -> None:
    raw = pd.read_csv(ROOT / "data" / "german_credit.csv")
    indicators = pd.get_dummies(raw.drop(columns="credit"), dtype=int)[list(ROW)]
    rows = indicators.to_numpy()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, raw["credit"])
    expected = pipeline.predict_proba(rows)[:, 1]

    for index in range(0, 1000, 20):
        arguments = dict(zip(ROW, map(int, rows[index]), strict=True))
        result = predict(sandbox, f"row_{index}", **arguments).json()["result"]
        assert result["score"] == pytest.approx(expected[index], abs=1e-9)
        assert result["class"] == int(expected[index] >= 0.5)


def test_a_reply_has_the_parts_of_a_real_one(sandbox: RunningSandbox) -> None:
    reply = predict(sandbox)

    body = reply.json()
    assert set(body) == {"model_time_in_ms", "release", "request_id", "result", "timing"}
    assert reply.headers["X-Request-ID"] == body["request_id"]
    assert body["release"] == {"harness_version": "0.1", "model_version_number": 1}

    sandbox.switch(release_version=2)
    assert predict(sandbox).json()["release"]["model_version_number"] == 2


def test_each_prediction_is_captured_in_dominos_record_form_with_the_id_as_event_id(
    sandbox: RunningSandbox,
) -> None:
    before = datetime.now(UTC)
    result = predicted(sandbox, "2026-01-01_7")
    predict(sandbox, "2026-01-01_7")

    first, second = sandbox.captured()

    assert first["event_id"] == second["event_id"] == "2026-01-01_7"
    assert first["predictions"] == {"credit": result["class"]}
    assert first["features"] == ROW
    assert before <= datetime.fromisoformat(first["timestamp"]) <= datetime.now(UTC)
    expected = [1 - result["score"], result["score"]]
    assert first["prediction_probability"] == pytest.approx(expected)
    assert list(first) == [
        "predictions",
        "features",
        "metadata",
        "timestamp",
        "__domino_timestamp",
        "event_id",
        "prediction_probability",
        "sample_weight",
        "instance_id",
    ]


@pytest.mark.parametrize("auth", [None, ("wrong", "wrong"), "key", "swapped"])
def test_only_the_model_access_token_as_user_and_password_opens_the_endpoint(
    sandbox: RunningSandbox, auth: Any
) -> None:
    if auth == "key":
        auth = (sandbox.env["DMM_API_KEY"],) * 2
    if auth == "swapped":
        auth = ("token", sandbox.env["MODEL_API_TOKEN"])

    reply = post_prediction(sandbox, json={"data": ROW}, auth=auth)

    assert reply.status_code == 401
    assert sandbox.captured() == []


def test_another_models_id_and_another_method_are_refused(sandbox: RunningSandbox) -> None:
    token = sandbox.env["MODEL_API_TOKEN"]
    other = f"{sandbox.url}/models/{UNKNOWN_ID}/latest/model"
    options: dict[str, Any] = {"auth": (token, token), "timeout": TIMEOUT_SECONDS}

    assert SESSION.post(other, json={"data": ROW}, **options).status_code == 404
    assert SESSION.get(sandbox.model_url, **options).status_code == 405


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"unknown": 1}, 400),
        ({"age": None}, 500),
        ({"age": "35"}, 500),
        ({"age": True}, 500),
        ({"age": -1}, 500),
        ({"savings_A61": 1.0}, 500),
        ({"savings_A61": True}, 500),
        ({"savings_A61": 2}, 500),
        ({"customer_id": 5}, 500),
        ({"customer_id": ""}, 500),
    ],
)
def test_wrong_arguments_are_refused_and_not_captured(
    sandbox: RunningSandbox, change: dict[str, Any], status: int
) -> None:
    body = {"data": ROW | {"customer_id": "2026-01-01_0"} | change}

    assert post_prediction(sandbox, json=body).status_code == status
    assert sandbox.captured() == []


def test_a_missing_argument_and_a_body_that_is_no_call_are_bad_input(
    sandbox: RunningSandbox,
) -> None:
    wrong = ('{"data": {"age": 3}}', "{", "[]", '{"rows": []}', '{"parameters": [1, 2]}')
    for body in wrong:
        assert post_prediction(sandbox, data=body).status_code == 400, body

    by_place = {"parameters": [*ROW.values(), "2026-01-01_1"]}
    assert post_prediction(sandbox, json=by_place).status_code == 200


@pytest.mark.parametrize("form", ["number", "string", "list", "nested_list"])
def test_the_result_comes_in_every_form(sandbox: RunningSandbox, form: str) -> None:
    plain = predicted(sandbox)
    sandbox.switch(result_form=form)

    row = [plain["class"], plain["score"]]
    expected = {"number": row[0], "string": str(row[0]), "list": row, "nested_list": [row]}
    assert predicted(sandbox) == expected[form]


def test_an_asynchronous_prediction_is_queued_and_then_there(sandbox: RunningSandbox) -> None:
    sandbox.switch(job_seconds=0.5)
    url = f"{sandbox.url}/api/modelApis/async/v1/{sandbox.model_url.split('/')[4]}"
    bearer = {"Authorization": f"Bearer {sandbox.env['MODEL_API_TOKEN']}"}
    good = {"parameters": ROW | {"customer_id": "a"}}
    broken = {"parameters": ROW | {"customer_id": "a", "age": "old"}}
    queued = {"status": "queued"}

    def start(body: dict[str, Any]) -> str:
        reply = SESSION.post(url, json=body, headers=bearer, timeout=TIMEOUT_SECONDS)
        return str(reply.json()["asyncPredictionId"])

    def read(prediction_id: str) -> requests.Response:
        return SESSION.get(f"{url}/{prediction_id}", headers=bearer, timeout=TIMEOUT_SECONDS)

    def outcome(prediction_id: str) -> Any:
        deadline = time.monotonic() + 20
        while (reply := read(prediction_id).json()) == queued:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return reply

    assert SESSION.post(url, json=good, timeout=TIMEOUT_SECONDS).status_code == 401
    prediction_id = start(good)
    assert read(prediction_id).json() == queued
    assert outcome(prediction_id) == {"status": "succeeded", "result": predicted(sandbox)}

    failed = outcome(start(broken))
    assert failed["status"] == "failed"
    assert "age" in failed["errors"][0]
    assert read(UNKNOWN_ID).status_code == 404


def test_sixteen_clients_get_more_than_300_rows_a_second_and_each_row_is_captured_once(
    sandbox: RunningSandbox,
) -> None:
    token = sandbox.env["MODEL_API_TOKEN"]
    own = threading.local()
    rows = 600

    def score(index: int) -> int:
        if not hasattr(own, "session"):
            own.session = requests.Session()
            own.session.trust_env = False
            own.session.auth = (token, token)
        body = {"data": ROW | {"customer_id": f"r_{index}"}}
        reply = own.session.post(sandbox.model_url, json=body, timeout=TIMEOUT_SECONDS)
        return int(reply.status_code)

    with ThreadPoolExecutor(16) as pool:
        started = time.perf_counter()
        statuses = list(pool.map(score, range(rows)))
        rows_per_second = rows / (time.perf_counter() - started)

    print(f"{rows_per_second:.0f} rows/s")
    assert statuses == [200] * rows
    assert rows_per_second > 300
    assert sorted(captured_ids(sandbox)) == sorted(f"r_{index}" for index in range(rows))
