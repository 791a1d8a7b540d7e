"""The shapes of JSON values, and how a value differs from one."""

from collections.abc import Mapping
from typing import Any


def problems(value: Any, shape: Any, where: str) -> list[str]:
    """Return a text for every difference between a JSON value and a shape; where: names the value.

    A shape is
    - a type: a float may be whole, a text is not empty;
    - "": any text;
    - a tuple: one of the values in it;
    - [shape]: a list;
    - {name: shape}: an object; a "name?" may be absent, null or empty; other names are ignored;
    - {"*": shape}: an object with any names.
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        fields = _expected_fields(value, shape)
        return [
            problem
            for name, field_shape in fields.items()
            for problem in problems(value.get(name), field_shape, f"{where}.{name}")
        ]
    if isinstance(shape, list) and isinstance(value, list):
        return [problem for item in value for problem in problems(item, shape[0], f"{where}[]")]
    if isinstance(shape, tuple):
        allowed = ", ".join(map(str, shape))
        return [] if value in shape else [f"{where}: got {value!r}, expected one of {allowed}"]

    expected = shape if isinstance(shape, type) else type(shape)
    if _has_type(value, expected) and (value != "" or shape == ""):
        return []
    return [f"{where}: got {value!r}, expected {expected.__name__}"]


def _expected_fields(value: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape of each field that must fit."""
    if "*" in shape:
        return dict.fromkeys(value, shape["*"])
    return {
        name.removesuffix("?"): field_shape
        for name, field_shape in shape.items()
        if not name.endswith("?") or value.get(name[:-1])
    }


def _has_type(value: Any, expected: type) -> bool:
    # By `type`: True is no int here.
    return type(value) is expected or (expected is float and type(value) is int)
