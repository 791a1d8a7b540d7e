"""The columns that are used everywhere: features, their groups, the target, the ids of rows."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from monitoring.settings.model import Feature, Schema

_HASH_DIGITS = 16


def column_names(schema: Schema) -> list[str]:
    """Return the names of the features, in order: what the endpoint gets beside the key."""
    return [feature.name for feature in schema.features]


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


def level(feature: Feature) -> str:
    """Return the value of the group's column for which the feature `<group>_<level>` is 1."""
    return feature.name.removeprefix(f"{feature.group}_")


def schema_hash(schema: Schema) -> str:
    """Return 16 hex digits that change when a column or the target's meaning changes.

    A name, a type, a group, the key, the target's classes.
    """
    text = json.dumps(dataclasses.asdict(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def event_id(day: date, index: int) -> str:
    """Return the id of a day's row: `YYYY-MM-DD_index`, index from 0."""
    return f"{day.isoformat()}_{index}"


def request_body(schema: Schema, row: Mapping[str, Any], row_id: str) -> str:
    """Return the JSON that the endpoint gets for a row (contracts 6.1); whole numbers are whole."""
    data: dict[str, object] = {name: _number(row[name]) for name in column_names(schema)}
    data[schema.key] = row_id
    return json.dumps({"data": data}, separators=(",", ":"), allow_nan=False)


def _number(value: Any) -> int | float:
    number = float(value)
    if math.isfinite(number) and number == int(number):
        return int(number)
    return number
