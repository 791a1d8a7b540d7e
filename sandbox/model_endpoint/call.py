"""The arguments of a prediction call, and their values."""

from typing import Any

from sandbox.model_endpoint.model import FEATURES
from sandbox.wire import Refused

ID_ARGUMENT = "customer_id"
ARGUMENT_NAMES = (*FEATURES, ID_ARGUMENT)
MAX_AGE = 150


def read_arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the function, by name.

    They come by name, or by place in a list (contracts 6.1). Raises Refused with 400.
    """
    arguments = body.get("data", body.get("parameters"))
    may_be_list = "data" not in body
    if may_be_list and isinstance(arguments, list) and len(arguments) == len(ARGUMENT_NAMES):
        return dict(zip(ARGUMENT_NAMES, arguments, strict=True))
    if not isinstance(arguments, dict) or set(arguments) != set(ARGUMENT_NAMES):
        names = ", ".join(ARGUMENT_NAMES)
        raise Refused(400, f'Expected {{"data": {{name: value}}}} with exactly the names {names}.')
    return arguments


def feature_values(arguments: dict[str, Any]) -> list[float]:
    """Return the values in the order of FEATURES.

    Raises Refused with 500, as an exception in the model's code does.
    """
    wrong = [name for name in ARGUMENT_NAMES if not _is_valid(name, arguments[name])]
    if wrong:
        shown = ", ".join(f"{name}={arguments[name]!r}" for name in wrong)
        raise Refused(500, f"Failed to enforce schema: {shown}.")
    return [float(arguments[name]) for name in FEATURES]


def _is_valid(name: str, value: Any) -> bool:
    if name == ID_ARGUMENT:
        return isinstance(value, str) and value != ""
    if name == "age":
        return type(value) in (int, float) and 0 <= value <= MAX_AGE
    return type(value) is int and value in (0, 1)  # neither True nor 1.0
