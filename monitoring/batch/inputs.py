"""The settings that shape a day's rows or their meaning, and how they changed since it began."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from monitoring.dataset.schema import schema_hash
from monitoring.settings.model import Settings


def batch_inputs(
    settings: Settings, day: date, training_sha256: str, source_sha256: str | None = None
) -> dict[str, Any]:
    """Return the settings that shape the day's rows, as plain JSON values by name.

    source_sha256: of `scoring.source`, None where there is none.
    """
    scoring, model_api = settings.scoring, settings.model_api
    classes: Any = scoring.classes
    if not isinstance(classes, str):
        classes = {str(name): share for name, share in classes.items()}
    drills = [
        [drill.feature, drill.shift, drill.share, str(drill.from_day)]
        for drill in scoring.drift
        if drill.from_day <= day
    ]
    return {
        "schema": schema_hash(settings.schema),
        "training_data": training_sha256,
        "seed": scoring.seed,
        "rows": list(scoring.rows),
        "classes": classes,
        "neighbors": scoring.neighbors,
        "reference_rows": scoring.reference_rows,
        "label_noise": scoring.label_noise,
        "drift": drills,
        "prediction": model_api.prediction,
        "probability": model_api.probability,
        # None for what is not set, as in manifests of before there were these settings.
        "threshold": model_api.threshold,
        "probabilities": model_api.probabilities,
        "source": source_sha256,
        "generator": None if scoring.generator == "smoten" else scoring.generator,
        "arguments": model_api.arguments or None,
        "model_api.url": model_api.url,
    }


def changed_inputs(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs from the day's beginning, as text."""
    return [
        f"{name}: {then.get(name)!r} then, {value!r} now"
        for name, value in now.items()
        if then.get(name) != value
    ]
