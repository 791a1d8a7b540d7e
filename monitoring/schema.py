"""The columns that are used everywhere: features, their groups, the target, the ids of a day's rows."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitoring.config import Feature, Schema


def column_names(schema: "Schema") -> list[str]:
    """Return the names of the features in the order of the configuration: what the endpoint gets beside the key."""
    return [feature.name for feature in schema.features]


def groups(schema: "Schema") -> dict[str, list["Feature"]]:
    """Return the categorical features by group, in the order of the configuration: of one group at most one is 1."""
    found: dict[str, list[Feature]] = {}
    for feature in schema.features:
        if feature.type == "categorical":
            found.setdefault(feature.group or feature.name, []).append(feature)
    return found


def numericals(schema: "Schema") -> list[str]:
    """Return the names of the numerical features."""
    return [feature.name for feature in schema.features if feature.type == "numerical"]


def level(feature: "Feature") -> str:
    """Return the value of the source column for which a categorical feature `<group>_<level>` is 1."""
    return feature.name.removeprefix(f"{feature.group}_")


def schema_hash(schema: "Schema") -> str:
    """Return 16 hex digits that change when a column's name, type or group, the key, or the target's meaning does."""
    text = json.dumps(dataclasses.asdict(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def event_id(day: str, index: int) -> str:
    """Return the id of a day's row: `YYYY-MM-DD_index`, index from 0."""
    return f"{day}_{index}"


def request_body(schema: "Schema", row: Mapping[str, Any], row_id: str) -> str:
    """Return the JSON text that the model endpoint gets for one row (contracts 6.1): whole numbers stay whole."""
    data: dict[str, object] = {name: _number(row[name]) for name in column_names(schema)}
    data[schema.key] = row_id
    return json.dumps({"data": data}, separators=(",", ":"), allow_nan=False)


def _number(value: Any) -> int | float:
    number = float(value)
    if math.isfinite(number) and number == int(number):
        return int(number)
    return number
