"""The sandbox's model endpoint against contracts 6 and 7."""

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from sandbox.attach import ROOT

ROW = {
    "checking_account_A14": 1,
    "credit_history_A34": 0,
    "property_A121": 0,
    "checking_account_A13": 0,
    "other_installments_A143": 1,
    "debtors_guarantors_A103": 0,
    "savings_A65": 0,
    "age": 35,
    "employment_since_A73": 0,
    "savings_A61": 1,
}


SESSION = requests.Session()
SESSION.trust_env = False


def ask(sandbox: Any, row_id: str = "2026-01-01_0", **arguments: Any) -> requests.Response:
    """Ask for one prediction with the right token."""
    token = sandbox.env["MODEL_API_TOKEN"]
    data = ROW | {"customer_id": row_id} | arguments
    return SESSION.post(sandbox.model_url, json={"data": data}, auth=(token, token), timeout=10, allow_redirects=False)


def test_the_score_is_that_of_scikit_learn_fitted_to_the_sample_data(sandbox: Any) -> None:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    raw = pd.read_csv(ROOT / "data" / "german_credit.csv")
    dummies = pd.get_dummies(raw.drop(columns="credit"), dtype=int)[list(ROW)]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(dummies.to_numpy(), raw["credit"])
    expected = pipeline.predict_proba(dummies.to_numpy())[:, 1]

    for index in range(0, 1000, 20):
        result = ask(sandbox, f"row_{index}", **{name: int(value) for name, value in dummies.iloc[index].items()}).json()[
            "result"
        ]
        assert result["score"] == pytest.approx(expected[index], abs=1e-9)
        assert result["class"] == int(expected[index] >= 0.5)


def test_a_reply_has_the_parts_of_a_real_one(sandbox: Any) -> None:
    reply = ask(sandbox)

    body = reply.json()
    assert set(body) == {"model_time_in_ms", "release", "request_id", "result", "timing"}
    assert reply.headers["X-Request-ID"] == body["request_id"]
    assert body["release"] == {"harness_version": "0.1", "model_version_number": 1}
    sandbox.switch(release_version=2)
    assert ask(sandbox).json()["release"]["model_version_number"] == 2


def test_each_prediction_is_captured_in_dominos_record_form_with_the_id_as_event_id(sandbox: Any) -> None:
    before = datetime.now(UTC)
    result = ask(sandbox, "2026-01-01_7").json()["result"]
    ask(sandbox, "2026-01-01_7")

    first, second = sandbox.captured()
    assert first["event_id"] == second["event_id"] == "2026-01-01_7"
    assert first["predictions"] == {"credit": result["class"]}
    assert first["features"] == ROW
    assert before <= datetime.fromisoformat(first["timestamp"]) <= datetime.now(UTC)
    assert first["prediction_probability"] == pytest.approx([1 - result["score"], result["score"]])
    keys = (
        "predictions features metadata timestamp __domino_timestamp event_id prediction_probability sample_weight instance_id"
    )
    assert list(first) == keys.split()


@pytest.mark.parametrize("auth", [None, ("wrong", "wrong"), "key", "swapped"])
def test_only_the_model_access_token_as_user_and_password_opens_the_endpoint(sandbox: Any, auth: Any) -> None:
    if auth == "key":
        auth = (sandbox.env["DMM_API_KEY"],) * 2
    if auth == "swapped":
        auth = ("token", sandbox.env["MODEL_API_TOKEN"])

    reply = requests.post(sandbox.model_url, json={"data": ROW}, auth=auth, timeout=10)

    assert reply.status_code == 401
    assert sandbox.captured() == []


def test_another_models_id_and_another_method_are_refused(sandbox: Any) -> None:
    token = sandbox.env["MODEL_API_TOKEN"]
    url = f"{sandbox.url}/models/{'0' * 24}/latest/model"

    assert requests.post(url, json={"data": ROW}, auth=(token, token), timeout=10).status_code == 404
    assert requests.get(sandbox.model_url, auth=(token, token), timeout=10).status_code == 405


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
def test_wrong_arguments_are_refused_and_not_captured(sandbox: Any, change: dict[str, Any], status: int) -> None:
    assert ask(sandbox, **change).status_code == status
    assert sandbox.captured() == []


def test_a_missing_argument_and_a_body_that_is_no_call_are_bad_input(sandbox: Any) -> None:
    token = sandbox.env["MODEL_API_TOKEN"]
    for body in ('{"data": {"age": 3}}', "{", "[]", '{"rows": []}', '{"parameters": [1, 2]}'):
        assert requests.post(sandbox.model_url, data=body, auth=(token, token), timeout=10).status_code == 400, body

    positional = {"parameters": [*ROW.values(), "2026-01-01_1"]}
    assert requests.post(sandbox.model_url, json=positional, auth=(token, token), timeout=10).status_code == 200


@pytest.mark.parametrize("form", ["number", "string", "list", "nested_list"])
def test_result_comes_in_every_form(sandbox: Any, form: str) -> None:
    plain = ask(sandbox).json()["result"]
    sandbox.switch(result_form=form)

    row = [plain["class"], plain["score"]]
    expected = {"number": row[0], "string": str(row[0]), "list": row, "nested_list": [row]}
    assert ask(sandbox).json()["result"] == expected[form]


def test_odd_replies_hold_for_the_rows_named_and_no_other(sandbox: Any) -> None:
    def odd(reply: str) -> requests.Response:
        sandbox.switch(model_reply=reply, model_reply_rows=["odd"])
        assert ask(sandbox, "even").json()["result"]["class"] in (0, 1)
        return ask(sandbox, "odd")

    assert odd("html").text.startswith("<!doctype html>")
    assert odd("redirect").headers["Location"].startswith("http://localhost:")
    assert set(odd("error_in_200").json()["result"]) == {"error"}
    assert odd("impossible_class").json()["result"]["class"] not in (0, 1)
    assert len(odd("huge").content) > 2_000_000
    assert odd("unauthorized").status_code == 401
    with pytest.raises(requests.exceptions.JSONDecodeError):
        odd("broken_json").json()
    assert [record["event_id"] for record in sandbox.captured()].count("odd") == 3  # impossible, huge, broken


def test_swapped_labels_and_a_shifted_score_are_what_they_say(sandbox: Any) -> None:
    plain = ask(sandbox).json()["result"]
    sandbox.switch(swapped_labels=True)
    assert ask(sandbox).json()["result"] == {"score": pytest.approx(1 - plain["score"]), "class": 1 - plain["class"]}
    sandbox.switch(swapped_labels=False, score_shift=-0.1)
    assert ask(sandbox).json()["result"]["score"] == pytest.approx(plain["score"] - 0.1)
    sandbox.switch(score_shift=-1.0)
    assert ask(sandbox).json()["result"] == {"score": 0.0, "class": 0}


@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_failing_rows_and_their_kinds_depend_on_seed_and_row_alone(sandbox: Any, seed: int) -> None:
    rows = [f"row_{index}" for index in range(200)]

    def outcomes() -> list[str]:
        found = []
        for row in rows:
            try:
                found.append(str(ask(sandbox, row).status_code))
            except requests.exceptions.ConnectionError:
                found.append("drop")
        return found

    sandbox.switch(fail_share=0.2, seed=seed)
    first, again = outcomes(), outcomes()
    sandbox.switch(fail_share=0.2, seed=seed)
    repeated = outcomes()

    print(f"seed {seed}")
    assert repeated == first
    assert set(again) == {"200"}  # only first tries fail
    failed = [outcome for outcome in first if outcome != "200"]
    assert 17 <= len(failed) <= 65  # 40 expected, 4 standard deviations of a binomial are 23
    assert set(failed) == {"429", "502", "503", "504", "drop"}


def test_two_seeds_hit_different_rows(sandbox: Any) -> None:
    hit = []
    for seed in (1, 2):
        sandbox.switch(fail_share=0.5, fail_kinds=["503"], seed=seed)
        hit.append([row for row in map(str, range(40)) if ask(sandbox, row).status_code == 503])

    assert hit[0] != hit[1]


def test_a_row_fails_as_often_as_told(sandbox: Any) -> None:
    sandbox.switch(fail_share=1.0, fail_tries=2, fail_kinds=["503"])

    assert [ask(sandbox, "a").status_code for _ in range(4)] == [503, 503, 200, 200]
    assert len(sandbox.captured()) == 2


def test_retry_after_comes_in_seconds_as_a_date_or_not_at_all(sandbox: Any) -> None:
    sandbox.switch(fail_share=1.0, fail_kinds=["429"], retry_after_seconds=3)
    assert ask(sandbox, "a").headers["Retry-After"] == "3"
    sandbox.switch(retry_after="date")
    waited = (parsedate_to_datetime(ask(sandbox, "a").headers["Retry-After"]) - datetime.now(UTC)).total_seconds()
    assert 2 <= waited <= 4
    sandbox.switch(retry_after="none")
    assert "Retry-After" not in ask(sandbox, "a").headers


def test_a_dropped_connection_captures_nothing_a_lost_answer_does(sandbox: Any) -> None:
    sandbox.switch(fail_share=1.0, fail_kinds=["drop"])
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(sandbox, "a")
    assert sandbox.captured() == []
    sandbox.switch(fail_kinds=["lost"])
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(sandbox, "a")
    assert [record["event_id"] for record in sandbox.captured()] == ["a"]
    assert [call["status"] for call in sandbox.requests()] == ["dropped", "dropped"]


def test_an_answer_is_held_until_its_latency_has_passed(sandbox: Any) -> None:
    def seconds(row: str) -> float:
        started = time.perf_counter()
        assert ask(sandbox, row).status_code == 200
        return time.perf_counter() - started

    sandbox.switch(latency_ms=150)
    assert 0.15 <= seconds("a") < 1.0
    sandbox.switch(latency_ms=0, slow_share=1.0, slow_seconds=0.4)
    assert seconds("a") >= 0.4
    assert seconds("a") < 0.4  # the first try only


@pytest.mark.parametrize(("kind", "content_type"), [("json", "application/json"), ("html", "text/html"), ("empty", "")])
def test_error_bodies_come_as_json_as_a_page_and_empty(sandbox: Any, kind: str, content_type: str) -> None:
    sandbox.switch(model_error_body=kind, fail_share=1.0, fail_kinds=["429"])

    reply = ask(sandbox)

    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == "1"
    assert reply.headers.get("Content-Type", "").partition(";")[0] == content_type
    assert (reply.content == b"") == (kind == "empty")


def test_an_asynchronous_prediction_is_queued_and_then_there(sandbox: Any) -> None:
    sandbox.switch(job_seconds=0.5)
    url = f"{sandbox.url}/api/modelApis/async/v1/{sandbox.model_url.split('/')[4]}"
    bearer = {"Authorization": f"Bearer {sandbox.env['MODEL_API_TOKEN']}"}
    body = {"parameters": ROW | {"customer_id": "a"}}

    def ended(prediction_id: str) -> Any:
        deadline = time.monotonic() + 20
        while (reply := requests.get(f"{url}/{prediction_id}", headers=bearer, timeout=10).json()) == {"status": "queued"}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return reply

    assert requests.post(url, json=body, timeout=10).status_code == 401
    prediction_id = requests.post(url, json=body, headers=bearer, timeout=10).json()["asyncPredictionId"]
    assert requests.get(f"{url}/{prediction_id}", headers=bearer, timeout=10).json() == {"status": "queued"}
    assert ended(prediction_id) == {"status": "succeeded", "result": ask(sandbox).json()["result"]}
    broken = {"parameters": ROW | {"customer_id": "a", "age": "old"}}
    failed = ended(requests.post(url, json=broken, headers=bearer, timeout=10).json()["asyncPredictionId"])
    assert failed["status"] == "failed"
    assert "age" in failed["errors"][0]
    assert requests.get(f"{url}/{'0' * 24}", headers=bearer, timeout=10).status_code == 404


def test_sixteen_clients_get_more_than_300_rows_a_second_and_each_row_is_captured_once(sandbox: Any) -> None:
    token, sessions = sandbox.env["MODEL_API_TOKEN"], threading.local()

    def one(index: int) -> int:
        session = sessions.__dict__.setdefault("session", requests.Session())
        session.trust_env = False
        body = {"data": ROW | {"customer_id": f"r_{index}"}}
        return int(session.post(sandbox.model_url, json=body, auth=(token, token), timeout=10).status_code)

    with ThreadPoolExecutor(16) as pool:
        started = time.perf_counter()
        statuses = list(pool.map(one, range(600)))
        seconds = time.perf_counter() - started

    print(f"{600 / seconds:.0f} rows/s")
    assert statuses == [200] * 600
    assert 600 / seconds > 300
    assert sorted(record["event_id"] for record in sandbox.captured()) == sorted(f"r_{index}" for index in range(600))


def test_every_request_is_recorded_raw_and_secrets_are_masked(sandbox: Any) -> None:
    ask(sandbox)
    requests.get(f"{sandbox.url}/nowhere?a=b", headers={"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"]}, timeout=10)

    first, second = sandbox.requests()
    assert (first["method"], first["status"]) == ("POST", 200)
    assert json.loads(first["body"])["data"]["customer_id"] == "2026-01-01_0"
    assert first["headers"]["Authorization"] == "Basic ***"
    assert (second["path"], second["status"], second["headers"]["X-Domino-Api-Key"]) == ("/nowhere?a=b", 404, "***")
    everything = json.dumps(sandbox.requests())
    assert sandbox.env["DMM_API_KEY"] not in everything
    assert sandbox.env["MODEL_API_TOKEN"] not in everything


def test_an_unknown_switch_and_a_wrong_value_are_refused_and_change_nothing(sandbox: Any) -> None:
    url = f"{sandbox.url}/_sandbox/switches"
    before = requests.get(url, timeout=10).json()
    wrong = {
        "latncy_ms": 1,
        "fail_share": "much",
        "repeat_by": "colour",
        "fail_kinds": ["418"],
        "job_words": ["a"],
        "seed": True,
    }

    for name, value in wrong.items():
        reply = requests.post(url, json={name: value, "latency_ms": 5}, timeout=10)
        assert reply.status_code == 400
        assert name in reply.text
    assert "latency_ms" in requests.post(url, json={"latncy_ms": 1}, timeout=10).text
    assert requests.get(url, timeout=10).json() == before


def test_the_page_escapes_what_clients_send_and_other_pages_may_send_nothing(sandbox: Any) -> None:
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) as raw:  # no client would send it so
        raw.sendall(b"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 404")

    page = requests.get(sandbox.url, timeout=10)

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "credit-default" in page.text
    foreign = {"Origin": "http://evil.example"}
    assert requests.delete(f"{sandbox.url}/_sandbox/records", headers=foreign, timeout=10).status_code == 403


def test_every_switch_stands_in_the_docs_with_its_default(sandbox: Any) -> None:
    switches = requests.get(f"{sandbox.url}/_sandbox/switches", timeout=10).json()
    rows = [line for line in (ROOT / "docs" / "sandbox.md").read_text().splitlines() if line.startswith("| `")]
    documented = {}
    for row in rows:
        names, defaults = (re.findall(r"`([^`]+)`", cell) for cell in row.split("|")[1:3])
        documented |= dict(zip(names, defaults, strict=False))

    assert {name: json.dumps(default) for name, default in switches.items()} == {
        name: default for name, default in documented.items() if not name.startswith(("/", "POST", "GET"))
    }
