"""The vendor's TrainingSet client in its child process: time limit, tries, no trace of the key."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitoring.errors import CredentialsError, ServiceError
from monitoring.services.training_sets import TrainingSets
from monitoring.settings.model import Settings
from monitoring.training_set.content import read_content
from monitoring.training_set.description import description
from tests.support.loop import ROOT
from tests.support.sandbox import RunningSandbox
from tests.support.shipped import DATA, shipped_settings
from tests.support.training_sets import KEY, clients_of, environment, is_alive

LIST_VERSIONS = (
    "import os; from monitoring.services.training_sets import TrainingSets;"
    " TrainingSets('any', dict(os.environ)).versions()"
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The shipped settings, for a project of a fixed name."""
    return replace(shipped_settings(), project_id="project")


@pytest.fixture(scope="module")
def frame(settings: Settings) -> pd.DataFrame:
    return read_content(DATA, settings.schema)


@pytest.fixture
def training_sets(httpserver: HTTPServer, tmp_path: Path) -> TrainingSets:
    """A set at a plain server that answers what a test says."""
    (tmp_path / "mount").mkdir()
    return TrainingSets("any", environment(httpserver.url_for(""), tmp_path / "mount"))


def within(seconds: float, condition: Any) -> Any:
    """Return what the condition gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return result


@contextmanager
def listing_process(sandbox: RunningSandbox) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that lists the versions of a server that hangs; it is killed in the end."""
    sandbox.switch(training_set="hang")
    command = [sys.executable, "-c", LIST_VERSIONS]
    with subprocess.Popen(command, cwd=ROOT, env=sandbox.environment()) as process:
        try:
            yield process
        finally:
            process.kill()


# Against the sandbox.


def test_a_version_is_created_listed_and_read_back_equal_with_its_types(
    sandbox: RunningSandbox,
    settings: Settings,
    frame: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, variables = f"set-{uuid.uuid4().hex[:8]}", sandbox.environment()
    training_sets = TrainingSets(name, variables)
    meta = {"rows": "1000", "note": "ä=b, 'c'"}
    assert training_sets.versions() == []

    version = training_sets.create(frame, description(settings, meta))

    assert (version.number, version.pending, version.meta) == (1, False, meta)
    assert version.columns == list(frame.columns)
    assert training_sets.versions() == [version]
    calls = [call for call in sandbox.requests() if call["path"] == f"/trainingset/{name}"]
    body = calls[0]["body"].replace(", ", ",").replace(": ", ":")
    for word in ('"customer_id"', '"keyColumns":["customer_id"]', '"targetColumns":["credit"]'):
        assert word in body

    from domino_data.training_sets import client

    for variable, value in variables.items():
        if variable.startswith("DOMINO_"):
            monkeypatch.setenv(variable, value)
    stored = client.get_training_set_version(name, 1)
    categorical = set(frame.columns) - {"customer_id", "age"}
    assert set(stored.monitoring_meta.categorical_columns) == categorical
    stored_as = dict.fromkeys(frame.select_dtypes("int8"), "int64")
    expected = frame.reset_index(drop=True).astype(stored_as)
    pd.testing.assert_frame_equal(stored.load_raw_pandas(), expected)


def test_a_server_that_says_nothing_costs_no_more_than_the_limit(sandbox: RunningSandbox) -> None:
    sandbox.switch(training_set="hang")
    begin = time.monotonic()

    with pytest.raises(ServiceError, match="no whole answer within 3 s"):
        TrainingSets("any", sandbox.environment(), limit_seconds=3).versions()

    assert 3 <= time.monotonic() - begin < 7
    assert clients_of(os.getpid()) == {}


def test_the_key_is_in_no_command_line(sandbox: RunningSandbox) -> None:
    with listing_process(sandbox) as parent:
        lines = within(30, lambda: clients_of(parent.pid))

    assert len(lines) == 1
    assert sandbox.env["DOMINO_USER_API_KEY"] not in "".join(lines.values())


def test_the_client_ends_when_its_parent_is_killed(sandbox: RunningSandbox) -> None:
    with listing_process(sandbox) as parent:
        (client,) = within(30, lambda: clients_of(parent.pid))
        time.sleep(1.0)  # it is past its own start by now, or will find its parent gone
        os.kill(parent.pid, signal.SIGKILL)

    within(30, lambda: not is_alive(client))


def test_a_module_in_the_working_directory_does_not_pass_for_a_library(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "httpx.py").write_text("raise SystemExit('imported from the working directory')\n")
    monkeypatch.chdir(tmp_path)
    name = f"none-{uuid.uuid4().hex[:8]}"

    assert TrainingSets(name, sandbox.environment()).versions() == []


# Against a plain server that answers as it is set up to.


def test_listing_is_tried_again_while_the_failure_may_pass(
    httpserver: HTTPServer, training_sets: TrainingSets
) -> None:
    slow_down = Response('{"errors": ["slow down"]}', 429)
    answers = iter([Response("busy", 503), slow_down, Response("[]", 200)])
    request = httpserver.expect_request("/trainingset/version/find")
    request.respond_with_handler(lambda _: next(answers))

    assert training_sets.versions() == []
    assert next(answers, None) is None


def test_creating_is_tried_once(
    httpserver: HTTPServer, settings: Settings, frame: pd.DataFrame, training_sets: TrainingSets
) -> None:
    request = httpserver.expect_request("/trainingset/any")
    request.respond_with_json({"errors": ["out of luck"]}, status=500)

    with pytest.raises(ServiceError, match=r"answered 500: out of luck; .*left a version pending"):
        training_sets.create(frame, description(settings, {}))

    assert len(httpserver.log) == 1
    assert list(training_sets.mount.iterdir()) == []


def test_a_refused_key_is_a_credentials_error_that_names_its_variable_and_not_its_value(
    httpserver: HTTPServer, training_sets: TrainingSets
) -> None:
    request = httpserver.expect_request("/trainingset/version/find")
    request.respond_with_json({"errors": ["who are you?"]}, status=401)
    message = r"answered 401: who are you\?; check DOMINO_USER_API_KEY"

    with pytest.raises(CredentialsError, match=message) as caught:
        training_sets.versions()

    assert len(httpserver.log) == 1
    assert httpserver.log[0][0].headers["X-Domino-Api-Key"] == KEY
    assert KEY not in str(caught.value)


def test_nobody_listening_is_a_failure_for_now(
    settings: Settings, frame: pd.DataFrame, tmp_path: Path
) -> None:
    training_sets = TrainingSets("any", environment("http://127.0.0.1:9", tmp_path))

    with pytest.raises(ServiceError, match=r"http://127.0.0.1:9: .*run again later"):
        training_sets.create(frame, description(settings, {}))
