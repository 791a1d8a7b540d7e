"""A user's own model behind the endpoint: a scikit-learn file, or a model that runs elsewhere."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.wire import Refused

URL_SECONDS = 60.0
MAX_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """result: what the function returns. predicted, probabilities: what is captured of it."""

    result: Any
    predicted: Any
    probabilities: list[float] | None = None


@dataclass(frozen=True, slots=True)
class OwnModel:
    """The model, and the names that config.yaml has for it.

    features: the value type in DMM of each argument. answer: from the arguments of a call without
    the id; raises Refused.
    """

    id_argument: str
    target: str
    features: Mapping[str, str]
    answer: Callable[[Mapping[str, Any]], Answer]

    def read_arguments(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name; raises Refused with 400 where one is missing."""
        arguments = body.get("data")
        if not isinstance(arguments, dict):
            raise Refused(400, 'Expected {"data": {name: value}}.')
        missing = [name for name in (*self.features, self.id_argument) if name not in arguments]
        if missing:
            raise Refused(400, f"Missing: {', '.join(missing)}.")
        return arguments


def load(config: Path, *, file: Path | None, url: str | None) -> OwnModel:
    """Return the model in a joblib file, or behind an address that takes the endpoint's bodies.

    config: config.yaml, whose schema names the arguments. Raises ValueError where something can't
    be read.
    """
    try:
        data = yaml.safe_load(config.read_text(encoding="utf-8"))
        schema = data["schema"]
        features = {
            each.get("as") or each["name"]: (
                "numerical" if each["type"] == "numerical" else "categorical"
            )
            for each in schema["features"]
        }
        target, key = schema["target"]["name"], schema.get("key", "customer_id")
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config}: no schema can be read from it: {error!r}") from None

    model_api = data.get("model_api") or {}
    if url:
        answer = _of_address(url, model_api.get("prediction", "class"))
    else:
        answer = _of_file(Path(file or ""), features)
    return OwnModel(key, target, features, answer)


def _of_file(path: Path, features: Mapping[str, str]) -> Callable[[Mapping[str, Any]], Answer]:
    import joblib
    import numpy as np
    import pandas as pd

    def _one_value(value: Any, value_type: str | None) -> "pd.Series[Any]":
        # A missing category in a column of numbers would be none that the model knows.
        if value is None:
            return pd.Series([np.nan], dtype=object if value_type == "categorical" else float)
        return pd.Series([value])

    try:
        model = joblib.load(path)
    except Exception as error:  # unpickling may raise anything
        raise ValueError(f"{path}: no model can be loaded from it: {error!r}") from None
    columns = [str(name) for name in getattr(model, "feature_names_in_", list(features))]

    def answer(arguments: Mapping[str, Any]) -> Answer:
        missing = [name for name in columns if name not in arguments]
        if missing:
            raise Refused(400, f"The model takes {', '.join(missing)} too.")
        row = {name: _one_value(arguments[name], features.get(name)) for name in columns}
        try:
            frame = pd.DataFrame(row)
            predicted = np.asarray(model.predict(frame))[0]
            predicted = predicted.item() if isinstance(predicted, np.generic) else predicted
            if not hasattr(model, "predict_proba"):
                return Answer({"class": predicted}, predicted)
            shares = [float(share) for share in model.predict_proba(frame)[0]]
        except Exception as error:  # as an exception in a model's code does
            raise Refused(500, f"{type(error).__name__}: {error}"[:MAX_SHOWN]) from None
        labels = [str(label) for label in model.classes_]
        result = {
            "class": predicted,
            "score": shares[-1],
            "probabilities": dict(zip(labels, shares, strict=True)),
        }
        return Answer(result, predicted, shares)

    return answer


def _of_address(url: str, path: str) -> Callable[[Mapping[str, Any]], Answer]:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"--model-url: got {url!r}, expected an http:// or https:// address")

    def answer(arguments: Mapping[str, Any]) -> Answer:
        body = json.dumps({"data": arguments}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=URL_SECONDS) as reply:
                data = json.load(reply)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, f"{url}: {error.read()[:MAX_SHOWN]!r}") from None
        except (OSError, ValueError) as error:
            raise Refused(502, f"{url}: {error}"[:MAX_SHOWN]) from None
        result = data["result"] if isinstance(data, dict) and "result" in data else data
        return Answer(result, _at(result, path))

    return answer


def _at(result: Any, path: str) -> Any:
    """Return what is at a dotted path; what is not there is captured as null."""
    for part in path.split(".") if path else []:
        if isinstance(result, dict):
            result = result.get(part)
        elif isinstance(result, list) and part.isdigit() and int(part) < len(result):
            result = result[int(part)]
        else:
            return None
    return result
