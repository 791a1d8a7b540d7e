"""What a failure of the vendor's client means: each is one error of ours.

The real client meets the answers in this process; a child for each would take a second.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitoring.services import training_sets_child
from tests.support.training_sets import environment

NOT_A_SET = "answered 200 with something else than a TrainingSet"

KindOf = Callable[..., tuple[str, str]]


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def kind_of(httpserver: HTTPServer, mount: Path, monkeypatch: pytest.MonkeyPatch) -> KindOf:
    """Return what makes the client meet an answer, and returns what its exception means."""

    def meet(answer: Response, **arguments: Any) -> tuple[str, str]:
        httpserver.expect_request("/trainingset/any").respond_with_response(answer)
        for name, value in environment(httpserver.url_for(""), mount).items():
            monkeypatch.setenv(name, value)
        frame = pd.DataFrame({"id": ["a"], "age": [1]})
        call = {"training_set_name": "any", "df": frame, "monitoring_meta": {}} | arguments
        try:
            training_sets_child._call("create_training_set_version", call)
        except Exception as error:
            failure = training_sets_child._failure(error)
            return failure["kind"], failure["text"]
        raise AssertionError("the client took the answer")

    return meet


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Response('{"errors": ["bad column"]}', 400), "refused", "answered 400: bad column"),
        (Response('{"errors": "bad column"}', 400), "refused", "answered 400: bad column"),
        (Response("<html>", 403), "credentials", "answered 403; check DOMINO_USER_API_KEY"),
        (Response("", 404), "refused", "answered 404"),
        (Response('{"errors": ["other project"]}', 409), "refused", "answered 409: other project"),
        (Response("", 408), "service", "answered 408"),
        (Response("", 502), "service", "answered 502"),
        # No code of the standard library's: the client itself stumbles.
        (Response("", 520), "service", "answered 520"),
        (
            Response("", 302, {"Location": "https://login.test/?next=x"}),
            "refused",
            "answered 302, a redirect to login.test",
        ),
        (Response("<html>log in</html>", 200), "refused", NOT_A_SET),
        (Response('{"number": 1}', 200), "refused", NOT_A_SET),
        (Response("[1]", 200), "refused", NOT_A_SET),
    ],
)
def test_each_answer_means_one_error_of_ours(
    kind_of: KindOf, answer: Response, kind: str, text: str
) -> None:
    actual_kind, actual_text = kind_of(answer)

    assert actual_kind == kind
    assert actual_text.startswith(text)
    assert "Traceback" not in actual_text


def test_what_the_client_refuses_itself_is_refused(kind_of: KindOf) -> None:
    wrong_name = kind_of(Response("", 500), training_set_name="a b")
    wrong_key = kind_of(Response("", 500), key_columns=["absent"])

    assert wrong_name == ("refused", "bad TrainingSet name 'a b'")
    assert wrong_key == ("refused", "DataFrame missing columns: {'absent'}")


def test_a_disk_that_refuses_is_a_failure_for_now(kind_of: KindOf, mount: Path) -> None:
    (mount / "taken").write_text("a file where the folder should be")
    column_lists = ["keyColumns", "targetColumns", "excludeColumns"]
    meta_lists = ["timestampColumns", "categoricalColumns", "ordinalColumns"]
    version = {
        "id": "1",
        "trainingSetId": "2",
        "trainingSetName": "any",
        "number": 1,
        "creationTime": "2026-01-01T00:00:00Z",
        "path": "/p",
        "containerPath": "taken/below",
        "allColumns": ["id", "age"],
        "monitoringMeta": {name: [] for name in meta_lists},
        "meta": {},
        "pending": True,
        **{name: [] for name in column_lists},
    }

    kind, text = kind_of(Response(json.dumps(version), 200))

    assert kind == "service"
    assert "taken" in text
    assert "DOMINO_TRAINING_SET_PATH" in text


def test_an_untrusted_certificate_names_the_variable_to_set() -> None:
    error = httpx.ConnectError(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    )

    failure = training_sets_child._failure(error)

    assert failure["kind"] == "refused"
    assert "REQUESTS_CA_BUNDLE" in failure["text"]


def test_a_fault_that_nobody_foresaw_comes_with_its_traceback() -> None:
    try:
        raise ZeroDivisionError("unforeseen")
    except ZeroDivisionError as error:
        failure = training_sets_child._failure(error)

    assert failure["kind"] == "bug"
    assert failure["text"].startswith("Traceback (most recent call last):")
    assert failure["text"].rstrip().endswith("ZeroDivisionError: unforeseen")
