"""The function to deploy: its arguments, its reply, and what it captures."""

import importlib.util
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from monitoring.dataset.schema import column_names
from tests.support.loop import ROOT
from tests.support.shipped import DATA, shipped_settings

ENDPOINT = ROOT / "examples" / "endpoint"


class StandIn:
    """domino_data_capture's client, as version 0.1.2 has it; it can't live with these packages."""

    records: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, feature_names: list[str], predict_names: list[str]) -> None:
        self.feature_names, self.predict_names = feature_names, predict_names

    def capturePrediction(  # noqa: N802
        self,
        feature_values: list[Any],
        prediction_values: list[Any],
        *,
        event_id: str,
        prediction_probability: list[float],
    ) -> None:
        record = {
            "features": dict(zip(self.feature_names, feature_values, strict=True)),
            "predictions": dict(zip(self.predict_names, prediction_values, strict=True)),
            "event_id": event_id,
            "prediction_probability": prediction_probability,
        }
        self.records.append(json.loads(json.dumps(record)))  # it takes no number of numpy


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as Domino would load it, beside its fitted model."""
    for path in ENDPOINT.glob("*.py"):
        shutil.copy(path, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "train.py"), str(DATA)], check=True)
    client = ModuleType("domino_data_capture.data_capture_client")
    client.DataCaptureClient = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "domino_data_capture", ModuleType("domino_data_capture"))
    monkeypatch.setitem(sys.modules, client.__name__, client)
    StandIn.records.clear()

    spec = importlib.util.spec_from_file_location("endpoint_model", tmp_path / "model.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_arguments_are_what_the_scripts_send(endpoint: ModuleType) -> None:
    schema = shipped_settings().schema

    assert list(inspect.signature(endpoint.predict).parameters) == [
        *column_names(schema),
        schema.key,
    ]
    assert column_names(schema) == endpoint.FEATURES
    assert schema.target.name == endpoint.TARGET
    assert (
        "FEATURES = "
        + (ENDPOINT / "model.py").read_text().partition("FEATURES = ")[2].partition("]")[0]
        in (ENDPOINT / "train.py").read_text()
    )


def test_it_answers_and_captures_under_the_customers_id(endpoint: ModuleType) -> None:
    values = dict.fromkeys(endpoint.FEATURES, 0) | {"age": 35, "checking_account_A14": 1}

    reply = endpoint.predict(**values, customer_id="2026-03-01_7")

    assert json.loads(json.dumps(reply)) == reply
    assert reply["class"] in (0, 1)
    assert reply["class"] == int(reply["score"] > 0.5)
    (record,) = StandIn.records
    assert record["event_id"] == "2026-03-01_7"
    assert record["predictions"] == {"credit": reply["class"]}
    assert record["features"] == values
    assert record["prediction_probability"][1] == reply["score"]
