"""What can go wrong with the sandbox's model endpoint: every fault is a switch."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import captured_ids, predict, predicted


def test_odd_replies_hold_for_the_rows_named_and_no_other(sandbox: RunningSandbox) -> None:
    def odd(reply: str) -> requests.Response:
        sandbox.switch(model_reply=reply, model_reply_rows=["odd"])
        assert predicted(sandbox, "even")["class"] in (0, 1)
        return predict(sandbox, "odd")

    assert odd("html").text.startswith("<!doctype html>")
    assert odd("redirect").headers["Location"].startswith("http://localhost:")
    assert set(odd("error_in_200").json()["result"]) == {"error"}
    assert odd("impossible_class").json()["result"]["class"] not in (0, 1)
    assert len(odd("huge").content) > 2_000_000
    assert odd("unauthorized").status_code == 401
    with pytest.raises(requests.exceptions.JSONDecodeError):
        odd("broken_json").json()
    assert captured_ids(sandbox).count("odd") == 3  # impossible, huge, broken


def test_swapped_labels_and_a_shifted_score_are_what_they_say(sandbox: RunningSandbox) -> None:
    plain = predicted(sandbox)

    sandbox.switch(swapped_labels=True)
    swapped = predicted(sandbox)
    assert swapped["score"] == pytest.approx(1 - plain["score"])
    assert swapped["class"] == 1 - plain["class"]

    sandbox.switch(swapped_labels=False, score_shift=-0.1)
    assert predicted(sandbox)["score"] == pytest.approx(plain["score"] - 0.1)
    sandbox.switch(score_shift=-1.0)
    assert predicted(sandbox) == {"score": 0.0, "class": 0}


def outcome(sandbox: RunningSandbox, row_id: str) -> str:
    """Return the status that a row gets, or "drop"."""
    try:
        return str(predict(sandbox, row_id).status_code)
    except requests.exceptions.ConnectionError:
        return "drop"


@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_failing_rows_and_their_kinds_depend_on_seed_and_row_alone(
    sandbox: RunningSandbox, seed: int
) -> None:
    rows = [f"row_{index}" for index in range(200)]

    sandbox.switch(fail_share=0.2, seed=seed)
    first = [outcome(sandbox, row) for row in rows]
    again = [outcome(sandbox, row) for row in rows]
    sandbox.switch(fail_share=0.2, seed=seed)
    repeated = [outcome(sandbox, row) for row in rows]

    print(f"seed {seed}")
    assert repeated == first
    assert set(again) == {"200"}  # only first tries fail
    failed = [result for result in first if result != "200"]
    assert 17 <= len(failed) <= 65  # 40 expected, 4 standard deviations of a binomial are 23
    assert set(failed) == {"429", "502", "503", "504", "drop"}


def test_two_seeds_hit_different_rows(sandbox: RunningSandbox) -> None:
    def failing_rows(seed: int) -> list[int]:
        sandbox.switch(fail_share=0.5, fail_kinds=["503"], seed=seed)
        return [row for row in range(40) if predict(sandbox, str(row)).status_code == 503]

    assert failing_rows(1) != failing_rows(2)


def test_a_row_fails_as_often_as_the_switch_says(sandbox: RunningSandbox) -> None:
    sandbox.switch(fail_share=1.0, fail_tries=2, fail_kinds=["503"])

    statuses = [predict(sandbox, "a").status_code for _ in range(4)]

    assert statuses == [503, 503, 200, 200]
    assert len(sandbox.captured()) == 2


def test_retry_after_comes_in_seconds_as_a_date_or_not_at_all(sandbox: RunningSandbox) -> None:
    sandbox.switch(fail_share=1.0, fail_kinds=["429"], retry_after_seconds=3)
    assert predict(sandbox, "a").headers["Retry-After"] == "3"

    sandbox.switch(retry_after="date")
    at = parsedate_to_datetime(predict(sandbox, "a").headers["Retry-After"])
    assert 2 <= (at - datetime.now(UTC)).total_seconds() <= 4

    sandbox.switch(retry_after="none")
    assert "Retry-After" not in predict(sandbox, "a").headers


def test_a_dropped_connection_captures_nothing_a_lost_reply_does(sandbox: RunningSandbox) -> None:
    sandbox.switch(fail_share=1.0, fail_kinds=["drop"])
    assert outcome(sandbox, "a") == "drop"
    assert sandbox.captured() == []

    sandbox.switch(fail_kinds=["lost"])
    assert outcome(sandbox, "a") == "drop"
    assert captured_ids(sandbox) == ["a"]
    assert [call["status"] for call in sandbox.requests()] == ["dropped", "dropped"]


def test_a_reply_is_held_until_its_latency_has_passed(sandbox: RunningSandbox) -> None:
    def seconds(row: str) -> float:
        started = time.perf_counter()
        assert predict(sandbox, row).status_code == 200
        return time.perf_counter() - started

    sandbox.switch(latency_ms=150)
    assert 0.15 <= seconds("a") < 1.0

    sandbox.switch(latency_ms=0, slow_share=1.0, slow_seconds=0.4)
    assert seconds("a") >= 0.4
    assert seconds("a") < 0.4  # the first try only


@pytest.mark.parametrize(
    ("kind", "content_type"), [("json", "application/json"), ("html", "text/html"), ("empty", "")]
)
def test_error_bodies_come_as_json_as_a_page_and_empty(
    sandbox: RunningSandbox, kind: str, content_type: str
) -> None:
    sandbox.switch(model_error_body=kind, fail_share=1.0, fail_kinds=["429"])

    reply = predict(sandbox)

    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == "1"
    assert reply.headers.get("Content-Type", "").partition(";")[0] == content_type
    assert (reply.content == b"") == (kind == "empty")
