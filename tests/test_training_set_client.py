"""The vendor's TrainingSet client in its child process: time limit, tries, what each failure means, no trace of the key."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitoring import config, training_set, training_set_client
from monitoring.config import Settings
from monitoring.errors import ConfigError, CredentialsError, ServiceError
from monitoring.training_set_client import environment_for

ROOT = Path(__file__).resolve().parent.parent
KEY = "key-that-nobody-may-see"


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The shipped settings, for a project of a fixed name."""
    loaded = config.load(ROOT / "config.yaml", ["project_id", "model_api", "model_monitor"])[0]
    return changed(loaded, project_id="project")


@pytest.fixture(scope="module")
def frame(settings: Settings) -> pd.DataFrame:
    return training_set.content(ROOT / "data" / "german_credit.csv", settings.schema)


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


def changed(settings: Settings, **values: Any) -> Settings:
    return dataclasses.replace(settings, **values)


def environment(url: str, mount: Path) -> dict[str, str]:
    """A user's environment for a server on loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOMINO_")}
    own = {"DOMINO_API_HOST": url, "DOMINO_USER_API_KEY": KEY, "DOMINO_TRAINING_SET_PATH": str(mount)}
    return kept | own | {"DOMINO_PROJECT_ID": "project"}


def clients_of(parent: int) -> dict[int, str]:
    """Command lines of the client processes that a process has, by their id."""
    listing = ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="]
    listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 2) for line in listed.splitlines()]
    return {int(pid): args for pid, ppid, args in found if int(ppid) == parent and "training_set_client" in args}


def alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def within(seconds: float, condition: Any) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return found


# What the client is told.


def test_every_variable_that_a_call_needs_is_named_when_it_is_missing(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        environment_for(changed(settings, project_id=""), {}, writes=True)

    for name in ("DOMINO_API_HOST", "DOMINO_USER_HOST", "DOMINO_API_PROXY", "DOMINO_USER_API_KEY", "DOMINO_PROJECT_ID"):
        assert name in str(caught.value)
    assert f"DOMINO_TRAINING_SET_PATH: {training_set_client.DEFAULT_MOUNT} (its default) is no folder" in str(caught.value)


def test_a_mount_that_is_missing_is_refused_for_making_and_no_matter_for_listing(settings: Settings, tmp_path: Path) -> None:
    told = environment("http://127.0.0.1:1", tmp_path / "nowhere")

    with pytest.raises(ConfigError, match=r"DOMINO_TRAINING_SET_PATH: .*nowhere is no folder"):
        environment_for(settings, told, writes=True)
    environment_for(settings, told, writes=False)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"DOMINO_USER_HOST": "https://user.test/"}, "https://user.test"),
        ({"DOMINO_API_HOST": "https://api.test", "DOMINO_USER_HOST": "https://user.test"}, "https://api.test"),
        ({"DOMINO_API_HOST": "", "DOMINO_USER_HOST": "https://user.test"}, "https://user.test"),
        ({"DOMINO_API_PROXY": "http://localhost:8899", "DOMINO_USER_API_KEY": ""}, "http://localhost:8899"),
    ],
)
def test_the_host_is_the_first_that_is_set_and_not_empty(
    settings: Settings, mount: Path, given: dict[str, str], seen: str
) -> None:
    told = {"DOMINO_USER_API_KEY": KEY, "DOMINO_TRAINING_SET_PATH": str(mount), "DOMINO_TOKEN_FILE": "", "OTHER": "", **given}

    made = environment_for(settings, told, writes=True)

    assert made["DOMINO_API_HOST"] == seen
    assert made["DOMINO_PROJECT_ID"] == "project"
    assert "" not in [value for name, value in made.items() if name.startswith("DOMINO_")]
    assert made["OTHER"] == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("domino.test", "expected an http:// or https:// address"),
        ("ftp://domino.test", "expected an http:// or https:// address"),
        ("https://someone:secret-word@domino.test", "expected one without"),
        ("http://nucleus-frontend.domino-platform:80", "got plain http to nucleus-frontend.domino-platform"),
    ],
)
def test_an_address_that_would_harm_is_refused(settings: Settings, mount: Path, host: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"DOMINO_API_HOST: .*{expected}") as caught:
        environment_for(settings, environment(host, mount), writes=True)

    assert "secret-word" not in str(caught.value)


def test_a_host_may_be_allowed_plain_http(settings: Settings, mount: Path) -> None:
    allowed = changed(settings, allow_plain_http=["nucleus-frontend"])

    assert environment_for(allowed, environment("http://nucleus-frontend", mount), writes=True)


# What the child does, against the sandbox and the real client.


def test_a_version_is_made_listed_and_read_back_equal_with_its_types(
    sandbox: Any, settings: Settings, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, told = f"set-{uuid.uuid4().hex[:8]}", sandbox.environment()
    meta = {"rows": "1000", "note": "ä=b, 'c'"}
    assert training_set_client.versions(told, name) == []

    made = training_set_client.create(told, name, frame, training_set.description(settings, meta))

    assert (made.number, made.pending, made.meta) == (1, False, meta)
    assert made.columns == list(frame.columns)
    assert training_set_client.versions(told, name) == [made]
    body = next(call for call in sandbox.requests() if call["path"] == f"/trainingset/{name}")["body"]
    for word in ('"customer_id"', '"keyColumns":["customer_id"]', '"targetColumns":["credit"]'):
        assert word in body.replace(", ", ",").replace(": ", ":")

    from domino_data.training_sets import client

    for variable, value in told.items():
        if variable.startswith("DOMINO_"):
            monkeypatch.setenv(variable, value)
    version = client.get_training_set_version(name, 1)
    assert set(version.monitoring_meta.categorical_columns) == set(frame.columns) - {"customer_id", "age"}
    pd.testing.assert_frame_equal(version.load_raw_pandas(), frame.reset_index(drop=True))


def test_a_server_that_says_nothing_costs_no_more_than_the_limit(sandbox: Any) -> None:
    sandbox.switch(training_set="hang")
    begin = time.monotonic()

    with pytest.raises(ServiceError, match="no whole answer within 3 s"):
        training_set_client.versions(sandbox.environment(), "any", limit_seconds=3)

    assert 3 <= time.monotonic() - begin < 7
    assert clients_of(os.getpid()) == {}


def test_the_key_is_in_no_command_line(sandbox: Any) -> None:
    sandbox.switch(training_set="hang")
    code = "import os; from monitoring import training_set_client as c; c.versions(dict(os.environ), 'any')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=sandbox.environment()) as parent:
        try:
            lines = within(30, lambda: clients_of(parent.pid))
        finally:
            parent.kill()

    assert len(lines) == 1
    assert sandbox.env["DOMINO_USER_API_KEY"] not in "".join(lines.values())


def test_the_client_ends_when_its_parent_is_killed(sandbox: Any) -> None:
    sandbox.switch(training_set="hang")
    code = "import os; from monitoring import training_set_client as c; c.versions(dict(os.environ), 'any')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=sandbox.environment()) as parent:
        (client,) = within(30, lambda: clients_of(parent.pid))
        time.sleep(1.0)  # it is past its own start by now, or will find its parent gone
        os.kill(parent.pid, signal.SIGKILL)

    within(30, lambda: not alive(client))


def test_a_module_in_the_working_directory_does_not_pass_for_a_library(
    sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "httpx.py").write_text("raise SystemExit('imported from the working directory')\n")
    monkeypatch.chdir(tmp_path)

    assert training_set_client.versions(sandbox.environment(), f"none-{uuid.uuid4().hex[:8]}") == []


# What its failures mean. The server is a plain one that answers what it is told to.


def test_listing_is_tried_again_while_the_failure_may_pass(httpserver: HTTPServer, settings: Settings, mount: Path) -> None:
    answers = iter([Response("busy", 503), Response('{"errors": ["slow down"]}', 429), Response("[]", 200)])
    httpserver.expect_request("/trainingset/version/find").respond_with_handler(lambda request: next(answers))

    assert training_set_client.versions(environment(httpserver.url_for(""), mount), "any") == []
    assert next(answers, None) is None


def test_making_is_tried_once(httpserver: HTTPServer, settings: Settings, frame: pd.DataFrame, mount: Path) -> None:
    httpserver.expect_request("/trainingset/any").respond_with_json({"errors": ["out of luck"]}, status=500)

    with pytest.raises(ServiceError, match=r"answered 500: out of luck; .*left a version pending"):
        training_set_client.create(
            environment(httpserver.url_for(""), mount), "any", frame, training_set.description(settings, {})
        )

    assert len(httpserver.log) == 1
    assert list(mount.iterdir()) == []


def test_a_refused_key_is_a_credentials_error_that_names_its_variable_and_not_its_value(
    httpserver: HTTPServer, mount: Path
) -> None:
    httpserver.expect_request("/trainingset/version/find").respond_with_json({"errors": ["who are you?"]}, status=401)

    with pytest.raises(CredentialsError, match=r"answered 401: who are you\?; mend DOMINO_USER_API_KEY") as caught:
        training_set_client.versions(environment(httpserver.url_for(""), mount), "any")

    assert len(httpserver.log) == 1
    assert httpserver.log[0][0].headers["X-Domino-Api-Key"] == KEY
    assert KEY not in str(caught.value)


def test_nobody_listening_is_a_failure_for_now(settings: Settings, frame: pd.DataFrame, mount: Path) -> None:
    with pytest.raises(ServiceError, match=r"http://127.0.0.1:9: .*run again later"):
        training_set_client.create(
            environment("http://127.0.0.1:9", mount), "any", frame, training_set.description(settings, {})
        )


@pytest.fixture
def kind_of(httpserver: HTTPServer, mount: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make the real client meet an answer, in this process (a child for each would take a second), and judge its exception."""

    def ask(answer: Response, variables: Mapping[str, str] | None = None, **arguments: Any) -> tuple[str, str]:
        httpserver.expect_request("/trainingset/any").respond_with_response(answer)
        for name, value in (environment(httpserver.url_for(""), mount) | dict(variables or {})).items():
            monkeypatch.setenv(name, value)
        tiny = pd.DataFrame({"id": ["a"], "age": [1]})
        call = {"training_set_name": "any", "df": tiny, "monitoring_meta": {}} | arguments
        try:
            training_set_client._call("create_training_set_version", call)
        except Exception as error:
            told = training_set_client._failure(error)
            return told["kind"], told["text"]
        raise AssertionError("the client took the answer")

    yield ask


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Response('{"errors": ["bad column"]}', 400), "refused", "answered 400: bad column"),
        (Response('{"errors": "bad column"}', 400), "refused", "answered 400: bad column"),
        (Response("<html>", 403), "credentials", "answered 403; mend DOMINO_USER_API_KEY"),
        (Response("", 404), "refused", "answered 404"),
        (Response('{"errors": ["other project"]}', 409), "refused", "answered 409: other project"),
        (Response("", 408), "service", "answered 408"),
        (Response("", 502), "service", "answered 502"),
        (Response("", 520), "service", "answered 520"),  # no code of the standard library's: the client itself stumbles
        (Response("", 302, {"Location": "https://login.test/?next=x"}), "refused", "answered 302, a redirect to login.test"),
        (Response("<html>log in</html>", 200), "refused", "answered 200 with something else than a TrainingSet"),
        (Response('{"number": 1}', 200), "refused", "answered 200 with something else than a TrainingSet"),
        (Response("[1]", 200), "refused", "answered 200 with something else than a TrainingSet"),
    ],
)
def test_each_answer_means_one_error_of_ours(kind_of: Any, answer: Response, kind: str, text: str) -> None:
    found = kind_of(answer)

    assert found[0] == kind
    assert found[1].startswith(text)
    assert "Traceback" not in found[1]


def test_what_the_client_refuses_itself_is_refused(kind_of: Any) -> None:
    assert kind_of(Response("", 500), training_set_name="a b") == ("refused", "bad TrainingSet name 'a b'")
    kind, text = kind_of(Response("", 500), key_columns=["absent"])
    assert (kind, text) == ("refused", "DataFrame missing columns: {'absent'}")


def test_a_disk_that_refuses_is_a_failure_for_now(kind_of: Any, mount: Path) -> None:
    (mount / "taken").write_text("a file stands where the folder should be")
    version = {
        "id": "1", "trainingSetId": "2", "trainingSetName": "any", "number": 1, "creationTime": "2026-01-01T00:00:00Z",
        "path": "/p", "containerPath": "taken/below", "keyColumns": [], "targetColumns": [], "excludeColumns": [],
        "allColumns": ["id", "age"], "monitoringMeta": {"timestampColumns": [], "categoricalColumns": [], "ordinalColumns": []},
        "meta": {}, "pending": True,
    }  # fmt: skip
    kind, text = kind_of(Response(json.dumps(version), 200))

    assert kind == "service"
    assert "taken" in text
    assert "DOMINO_TRAINING_SET_PATH" in text


def test_an_untrusted_certificate_names_the_variable_to_mend() -> None:
    import httpx

    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")

    assert training_set_client._failure(error)["kind"] == "refused"
    assert "REQUESTS_CA_BUNDLE" in training_set_client._failure(error)["text"]


def test_the_bundle_that_requests_knows_is_handed_to_the_client(settings: Settings, mount: Path) -> None:
    told = environment("https://domino.test", mount) | {"REQUESTS_CA_BUNDLE": "/ours.pem"}
    told.pop("SSL_CERT_FILE", None)

    assert environment_for(settings, told, writes=True)["SSL_CERT_FILE"] == "/ours.pem"


def test_a_fault_that_nobody_foresaw_is_told_with_its_traceback() -> None:
    try:
        raise ZeroDivisionError("unforeseen")
    except ZeroDivisionError as error:
        told = training_set_client._failure(error)

    assert told["kind"] == "bug"
    assert told["text"].startswith("Traceback (most recent call last):")
    assert told["text"].rstrip().endswith("ZeroDivisionError: unforeseen")
