"""The sandbox's TrainingSets, called by the vendor's own client (contracts 8)."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import requests
from domino_data.training_sets import client, model

from tests.support.sandbox import RunningSandbox

FRAME = pd.DataFrame(
    {"customer_id": ["a", "b"], "age": [30, 41], "savings_A61": [0, 1], "credit": [1, 0]}
)
ROLES: dict[str, Any] = {"key_columns": ["customer_id"], "target_columns": ["credit"]}
MONITORING = {"categorical_columns": ["savings_A61", "credit"]}


@pytest.fixture(autouse=True)
def as_a_user(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
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


def create(name: str = "credit", **changes: Any) -> model.TrainingSetVersion:
    arguments = {"monitoring_meta": model.MonitoringMeta(**MONITORING), **ROLES} | changes
    return client.create_training_set_version(name, FRAME, **arguments)


def refusal(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> list[str]:
    """Call the client, expect its own exception, and return the server's messages."""
    with pytest.raises(client.ServerException) as caught:
        call(*arguments, **keywords)
    assert isinstance(caught.value.server_msg, list), caught.value
    return caught.value.server_msg


def test_a_version_is_created_finished_and_read_back_equal(sandbox: RunningSandbox) -> None:
    created = create(meta={"rows": "2", "note": ""}, description="first")

    assert (created.number, created.pending, created.description) == (1, False, "first")
    read = client.get_training_set_version("credit", 1)
    assert read == created
    assert read.all_columns == list(FRAME.columns)
    assert (read.key_columns, read.target_columns) == (["customer_id"], ["credit"])
    assert read.monitoring_meta == model.MonitoringMeta(**MONITORING)
    assert read.meta == {"rows": "2", "note": ""}
    assert read.path is not None
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
    second = model.TrainingSet("two", "", description="second", meta={"team": "risk"})
    client.update_training_set(second)

    def listed(**query: Any) -> list[tuple[str, int]]:
        versions = client.list_training_set_versions(**query)
        return [(version.training_set_name, version.number) for version in versions]

    assert listed() == [("one", 1), ("one", 2), ("two", 1)]
    assert listed(training_set_name="one") == [("one", 1), ("one", 2)]
    assert listed(meta={"kind": "x"}) == [("one", 1), ("two", 1)]
    assert listed(meta={"kind": "x", "all": "2"}) == []
    assert listed(training_set_meta={"team": "risk"}) == [("two", 1)]
    assert listed(asc=False) == [("two", 1), ("one", 2), ("one", 1)]
    assert listed(offset=1, limit=1) == [("one", 2)]
    assert listed(training_set_name="none") == []


def test_sets_are_read_listed_changed_and_deleted_only_without_versions(
    sandbox: RunningSandbox,
) -> None:
    create("one")
    create("two")

    def listed(**query: Any) -> list[str]:
        return [training_set.name for training_set in client.list_training_sets(**query)]

    changed = client.update_training_set(
        model.TrainingSet("one", "", description="d", meta={"a": "b"})
    )

    assert (changed.description, changed.meta) == ("d", {"a": "b"})
    assert client.get_training_set("one") == changed
    assert changed.project_id == sandbox.env["DOMINO_PROJECT_ID"]
    assert listed() == ["one", "two"]
    assert listed(meta={"a": "b"}) == ["one"]
    assert listed(asc=False, limit=1) == ["two"]
    assert "still has versions" in refusal(client.delete_training_set, "one")[0]
    client.delete_training_set_version("one", 1)
    assert client.delete_training_set("one") is True
    assert listed() == ["two"]


def test_a_version_is_changed_and_wrong_columns_are_refusal() -> None:
    version = create()
    version.meta, version.description = {"k": "v"}, "changed"

    assert client.update_training_set_version(version).meta == {"k": "v"}
    assert client.get_training_set_version("credit", 1).description == "changed"
    version.key_columns = ["nobody"]
    assert "nobody" in refusal(client.update_training_set_version, version)[0]


def test_each_refusal_raises_the_clients_exception_with_the_servers_words(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = create()
    no_set = ["TrainingSet nobody not found."]
    no_version = ["TrainingSetVersion credit/7 not found."]
    nobody = model.TrainingSet("nobody", "", meta={})

    assert refusal(client.get_training_set, "nobody") == no_set
    assert refusal(client.delete_training_set, "nobody") == no_set
    assert refusal(client.update_training_set, nobody) == no_set
    assert refusal(client.get_training_set_version, "credit", 7) == no_version
    assert refusal(client.delete_training_set_version, "credit", 7) == no_version
    version.number = 7
    assert refusal(client.update_training_set_version, version) == no_version

    assert "body.meta.rows" in refusal(create, meta={"rows": 2})[0]
    assert "body.description" in refusal(create, description=5)[0]
    assert "meta" in refusal(client.list_training_sets, {"a": 1})[0]
    monkeypatch.setenv("DOMINO_PROJECT_ID", "another")
    assert "another project" in refusal(create)[0]
    monkeypatch.setenv("DOMINO_USER_API_KEY", "wrong")
    assert "credentials" in refusal(client.list_training_sets)[0]
    statuses = [call["status"] for call in sandbox.requests()]
    assert {400, 401, 404, 409} <= set(statuses)


def test_a_name_and_a_column_that_the_client_refuses_never_reach_the_server(
    sandbox: RunningSandbox,
) -> None:
    with pytest.raises(ValueError, match="bad TrainingSet name"):
        create("not a name")
    with pytest.raises(client.SchemaMismatchException):
        create(key_columns=["nobody"])

    assert sandbox.requests() == []


def test_inside_a_run_the_token_of_the_proxy_serves_instead_of_the_key(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOMINO_USER_API_KEY")
    monkeypatch.setenv("DOMINO_API_PROXY", sandbox.url)

    assert create().number == 1

    first, second = sandbox.requests()[:2]
    assert (first["path"], first["status"]) == ("/access-token", 200)
    assert (second["headers"]["Authorization"], second["status"]) == ("Bearer ***", 200)
    token = requests.get(f"{sandbox.url}/access-token", timeout=10)
    assert token.headers["Content-Type"] == "text/plain"
    assert len(token.text.split(".")) == 3


def test_a_failing_create_leaves_nothing_and_a_failing_finish_leaves_a_pending_version(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(training_set="fail_create")
    assert "fail_create" in refusal(create)[0]
    assert client.list_training_set_versions() == []
    sandbox.switch(training_set="fail_finish")
    assert "fail_finish" in refusal(create)[0]

    left = client.list_training_set_versions()
    assert [(each.number, each.pending) for each in left] == [(1, True)]
    sandbox.switch(training_set="served")
    assert create().number == 2


def test_a_server_that_says_nothing_holds_the_client_until_it_is_given_up(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(training_set="hang")
    code = "from domino_data.training_sets import client; client.list_training_sets()"
    # An answer takes half a second with the client's import.
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", code], env=os.environ, timeout=4, check=True)
    sandbox.switch(training_set="served")
    assert client.list_training_sets() == []
