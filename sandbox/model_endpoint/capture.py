"""Prediction capture: the record that domino-data-capture writes (contracts 7)."""

from datetime import UTC, datetime
from typing import Any

from sandbox.model_endpoint.call import ID_ARGUMENT
from sandbox.model_endpoint.model import FEATURES, TARGET
from sandbox.state import Sandbox


def capture(sandbox: Sandbox, arguments: dict[str, Any], predicted: int, score: float) -> None:
    """Keep the record of a prediction, with the class as the prediction."""
    keep(
        sandbox,
        event_id=arguments[ID_ARGUMENT],
        features={name: arguments[name] for name in FEATURES},
        predictions={TARGET: predicted},
        probabilities=[1.0 - score, score],
    )


def keep(
    sandbox: Sandbox,
    *,
    event_id: str,
    features: dict[str, Any],
    predictions: dict[str, Any],
    probabilities: list[float] | None,
) -> None:
    """Keep the record of any model's prediction."""
    identity = sandbox.identity
    now = datetime.now(UTC)
    record = {
        "predictions": predictions,
        "features": features,
        "metadata": None,
        "timestamp": now.isoformat(),
        "__domino_timestamp": now.isoformat(),
        "event_id": event_id,
        "prediction_probability": probabilities,
        "sample_weight": None,
        "instance_id": identity.model_version_id,
    }
    sandbox.store.add_capture(identity.dmm_model_id, event_id, now.timestamp(), record)
