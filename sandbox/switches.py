"""What is unverified about Domino, and what can go wrong, as settings.

A test or a person changes them while the sandbox runs.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sandbox.shapes import problems

# "lost": the connection is dropped after the model ran and captured.
Fault = Literal["429", "502", "503", "504", "drop", "lost"]
KeyHeader = Literal["X-Domino-Api-Key", "X-DMM-API-KEY", "Bearer"]
OddReply = Literal[
    "normal",
    "html",
    "redirect",
    "error_in_200",
    "impossible_class",
    "huge",
    "broken_json",
    "unauthorized",
]


@dataclass(frozen=True, slots=True)
class Switches:
    """Every switch with its default.

    Shares are of rows, chosen by a hash of `seed` and the row's id.
    """

    # The model endpoint (contracts 6.1, 15).
    seed: int = 0
    latency_ms: float = 0.0  # a reply is held until so long after its request
    slow_share: float = 0.0
    slow_seconds: float = 3.0
    fail_share: float = 0.0
    fail_tries: int = 1  # how many tries of such a row fail; slow rows are slow as often
    fail_kinds: tuple[Fault, ...] = ("429", "502", "503", "504", "drop")
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    retry_after_seconds: int = 1
    model_reply: OddReply = "normal"
    model_reply_rows: tuple[str, ...] = ()  # the rows it holds for; none means every row
    model_error_body: Literal["json", "html", "empty"] = "json"
    result_form: Literal["object", "number", "string", "list", "nested_list"] = "object"
    swapped_labels: bool = False
    score_shift: float = 0.0
    release_version: int = 1

    # Model Monitor (contracts 3.7, 15).
    ground_truth_endpoint: Literal["served", "401", "403", "404", "405", "html", "redirect"] = "404"
    key_headers: tuple[KeyHeader, ...] = ("X-Domino-Api-Key",)
    key_refusal: Literal["403", "401", "html", "redirect"] = "403"
    error_shape: Literal["array", "string", "message", "errors"] = "array"
    variables_again_status: Literal[400, 409] = 400
    repeat_status: Literal[400, 409] = 400
    repeat_by: Literal["name", "path", "both"] = "name"
    jobs_endpoint: Literal["served", "404"] = "served"
    job_seconds: float = 2.0
    job_status_field: Literal["status", "state"] = "status"
    job_words: tuple[str, str, str, str] = ("Queued", "Running", "Done", "Failed")
    job_fails: str = ""  # the reason; empty: a job ends by what it reads
    job_never_ends: bool = False

    # TrainingSets (contracts 8.6).
    training_set: Literal["served", "hang", "fail_create", "fail_finish"] = "served"


def _shape_of(hint: Any) -> Any:
    """Return the shape (see `shapes`) of a switch's type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) is tuple:
        return [_shape_of(get_args(hint)[0])]
    return "" if hint is str else hint


SHAPES: Mapping[str, Any] = {
    name: _shape_of(hint) for name, hint in get_type_hints(Switches).items()
}
"""The shape of each switch's value, by name."""


def changed(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """Return the switches with changes made, given by name as JSON values.

    Raises ValueError naming each unknown switch and each wrong value.
    """
    wrong = _wrong_changes(changes)
    if wrong:
        raise ValueError("; ".join(wrong))
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()
    }
    return replace(switches, **values)


def _wrong_changes(changes: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name, value in changes.items():
        if name in SHAPES:
            wrong += problems(value, SHAPES[name], name)
        else:
            nearest = difflib.get_close_matches(name, SHAPES, 1)
            wrong.append(f"{name}: no such switch, nearest: {nearest}")
    words = changes.get("job_words")
    if isinstance(words, list) and len(words) != 4:
        wrong.append("job_words: expected four words: waiting, running, done, failed")
    return wrong
