"""The columns that are used everywhere: features, their groups, the target, the ids of rows."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from monitoring.settings.model import Feature, Schema
from monitoring.settings.rules import Label

_HASH_DIGITS = 16
_LATER_SETTINGS = ("as_name", "nullable")


def column_names(schema: Schema) -> list[str]:
    """Return the names of the features, in order."""
    return [feature.name for feature in schema.features]


def endpoint_name(feature: Feature) -> str:
    """Return the name by which the endpoint gets the feature, and captures it."""
    return feature.as_name or feature.name


def groups(schema: Schema) -> dict[str, list[Feature]]:
    """Return the categorical features by group, in order: of one group at most one is 1."""
    by_group: dict[str, list[Feature]] = {}
    for feature in schema.features:
        if feature.type == "categorical":
            by_group.setdefault(feature.group or feature.name, []).append(feature)
    return by_group


def numericals(schema: Schema) -> list[str]:
    """Return the names of the numerical features."""
    return [feature.name for feature in schema.features if feature.type == "numerical"]


def nominals(schema: Schema) -> list[str]:
    """Return the names of the nominal features."""
    return [feature.name for feature in schema.features if feature.type == "nominal"]


def level(feature: Feature) -> str:
    """Return the value of the group's column for which the feature `<group>_<level>` is 1."""
    return feature.name.removeprefix(f"{feature.group}_")


def schema_hash(schema: Schema) -> str:
    """Return 16 hex digits that change when a column or the target's meaning changes.

    A name, a type, a group, the key, the target's classes.
    """
    content = dataclasses.asdict(schema)
    for feature in content["features"]:
        # It is in manifests of before there were these settings: without them it stays the same.
        for name in _LATER_SETTINGS:
            if not feature[name]:
                del feature[name]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def event_id(day: date, index: int) -> str:
    """Return the id of a day's row: `YYYY-MM-DD_index`, index from 0."""
    return f"{day.isoformat()}_{index}"


def label_text(label: Label) -> str:
    """Return a class as a CSV has it: booleans as JSON and Spark write them."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def request_body(
    schema: Schema, row: Mapping[str, Any], row_id: str, arguments: Mapping[str, Any] | None = None
) -> str:
    """Return the JSON that the endpoint gets for a row (contracts 6.1); whole numbers are whole.

    row: by the features' names. arguments: constants that are sent with each row.
    """
    data: dict[str, object] = {
        endpoint_name(feature): _sent_value(feature, row[feature.name])
        for feature in schema.features
    }
    data.update(arguments or {})
    data[schema.key] = row_id
    return json.dumps({"data": data}, separators=(",", ":"), allow_nan=False)


def _sent_value(feature: Feature, value: Any) -> Label | None:
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    if feature.nullable and is_missing:
        return None
    if feature.type == "nominal" and isinstance(value, str | bool):
        return value
    number = float(value)
    if math.isfinite(number) and number == int(number):
        return int(number)
    return number
