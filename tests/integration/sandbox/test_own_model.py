"""A user's own model behind the sandbox's endpoint, and the loop with it."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sandbox.model_endpoint import own_model
from sandbox.wire import Refused
from tests.support.loop import ROOT

SCHEMA = {
    "key": "client",
    "target": {"name": "plan", "classes": ["basic", "plus", "top"], "positive": "top"},
    "features": [
        {"name": "color", "type": "nominal", "nullable": True},
        {"name": "size", "type": "numerical", "as": "size_cm"},
    ],
}


def rows(count: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(5)
    size = random.normal(10, 3, count).round(1)
    noisy = size + random.normal(0, 2, count)
    plan = np.where(noisy < 8, "basic", np.where(noisy < 12, "plus", "top"))
    color = pd.Series(random.choice(["red", "NA", "blue"], count)).mask(random.random(count) < 0.1)
    return pd.DataFrame({"color": color, "size": size, "plan": plan})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a model fitted to them, and config.yaml."""
    folder, data = tmp_path_factory.mktemp("own"), rows()
    data.to_csv(folder / "data.csv", index=False)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["color"]), remainder="passthrough"
    )
    features = data[["color", "size"]].rename(columns={"size": "size_cm"})
    model = make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(features, data["plan"])
    joblib.dump(model, folder / "model.joblib")
    config: dict[str, Any] = {
        "model": "plans",
        "training_data": "data.csv",
        "schema": SCHEMA,
        "scoring": {"rows": [60, 60]},
        "model_api": {"probabilities": "probabilities", "arguments": {"channel": "batch"}},
        "training_set": {"name": "plans-training"},
        "ground_truth": {"label_column": "plan_GT"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture
def model(folder: Path) -> own_model.OwnModel:
    return own_model.load(folder / "config.yaml", file=folder / "model.joblib", url=None)


def test_a_file_of_scikit_learn_answers_with_class_and_probabilities(
    model: own_model.OwnModel, folder: Path
) -> None:
    fitted = joblib.load(folder / "model.joblib")

    for color in ("red", "NA", None):
        arguments = model.read_arguments(
            {"data": {"color": color, "size_cm": 12.5, "channel": "batch", "client": "1"}}
        )
        answer = model.answer(arguments)
        frame = pd.DataFrame({"color": pd.Series([color], dtype=object), "size_cm": [12.5]})
        expected = fitted.predict_proba(frame.fillna({"color": np.nan}))[0]
        assert answer.result["class"] == answer.predicted == fitted.classes_[expected.argmax()]
        assert list(answer.result["probabilities"]) == ["basic", "plus", "top"]
        assert answer.probabilities == pytest.approx(expected.tolist())


def test_a_call_without_an_argument_and_a_value_that_the_model_refuses_are_refused(
    model: own_model.OwnModel,
) -> None:
    with pytest.raises(Refused) as missing:
        model.read_arguments({"data": {"color": "red", "client": "1"}})
    with pytest.raises(Refused) as wrong:
        model.answer({"color": "red", "size_cm": "large"})

    assert (missing.value.status, missing.value.messages) == (400, ["Missing: size_cm."])
    assert wrong.value.status == 500


@pytest.mark.parametrize(
    ("content", "message"),
    [("not a model", "no model can be loaded"), (None, "no model can be loaded")],
)
def test_what_is_no_model_is_named(folder: Path, content: str | None, message: str) -> None:
    path = folder / "other.joblib"
    path.unlink(missing_ok=True)
    if content:
        path.write_text(content)

    with pytest.raises(ValueError, match=message):
        own_model.load(folder / "config.yaml", file=path, url=None)
    with pytest.raises(ValueError, match="no schema can be read"):
        own_model.load(folder / "none.yaml", file=folder / "model.joblib", url=None)


@contextlib.contextmanager
def served(reply: Any, status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """Serve one reply to every request; give the address and the bodies received."""
    bodies: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", bodies
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_model_that_runs_elsewhere_gets_the_body_and_its_result_is_passed_on(
    folder: Path, *, wrapped: bool
) -> None:
    result = {"class": "top", "probabilities": [0.1, 0.2, 0.7]}
    with served({"result": result} if wrapped else result) as (url, bodies):
        model = own_model.load(folder / "config.yaml", file=None, url=url)
        answer = model.answer({"color": "red", "size_cm": 3})

    assert (answer.result, answer.predicted) == (result, "top")
    assert bodies == [{"data": {"color": "red", "size_cm": 3}}]


def test_a_model_elsewhere_that_fails_or_is_gone_fails_as_an_endpoint_does(folder: Path) -> None:
    with served({"error": "no"}, status=422) as (url, _):
        model = own_model.load(folder / "config.yaml", file=None, url=url)
        with pytest.raises(Refused) as refused:
            model.answer({})
    with pytest.raises(Refused) as gone:
        model.answer({})

    assert (refused.value.status, gone.value.status) == (422, 502)


def test_the_whole_loop_runs_with_a_users_own_model(folder: Path, tmp_path: Path) -> None:
    config = str(folder / "config.yaml")
    own = ["--model", str(folder / "model.joblib"), "--config", config]
    command = [sys.executable, "-m", "sandbox", "--dir", str(tmp_path), *own, "run"]

    def run(script: str, *arguments: str) -> str:
        ended = subprocess.run(
            [*command, script, "--config", config, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    created = run("create_training_set.py")
    scored = json.loads(run("daily_scoring.py", "--json"))
    registered = run("gt_registration.py", "--wait", "60")

    assert "plans-training version 1 created: 300 rows, 4 columns" in created
    assert (scored["rows"], scored["scored"]) == (60, 60)
    assert "60 rows, ingested by DMM" in registered
