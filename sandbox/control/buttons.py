"""The faults that the page has a button for, each as the switches that it sets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.switches import Switches, changed


@dataclass(frozen=True, slots=True)
class Button:
    """A fault; pressing it again sets its switches back."""

    name: str
    title: str
    switches: Mapping[str, Any]


_ALWAYS = {"fail_share": 1.0, "fail_tries": 1000, "fail_kinds": ["503"]}

BUTTONS: Mapping[str, tuple[Button, ...]] = {
    "Endpoint": (
        Button("slow", "slow: 240 ms", {"latency_ms": 240}),
        Button("flaky", "one row in five fails once", {"fail_share": 0.2}),
        Button("down", "down (503)", _ALWAYS),
        Button("token", "token refused", {"model_reply": "unauthorized"}),
        Button("release", "next release", {"release_version": 2}),
    ),
    "Model": (
        Button("swapped", "labels swapped", {"swapped_labels": True}),
        Button("shifted", "scores +0.1", {"score_shift": 0.1}),
        Button("impossible", "an impossible class", {"model_reply": "impossible_class"}),
    ),
    "Model Monitor": (
        Button("key", "key refused", {"key_headers": []}),
        Button("hanging", "jobs never end", {"job_never_ends": True}),
        Button("failing", "jobs fail", {"job_fails": "no such column: credit_GT"}),
        Button("served", "groundTruth served", {"ground_truth_endpoint": "served"}),
    ),
}
RESET = "reset"


def is_on(button: Button, switches: Switches) -> bool:
    """Whether the switches are as the button sets them."""
    return changed(switches, button.switches) == switches


def pressed(name: str, switches: Switches, held: Sequence[str]) -> tuple[Switches, list[str]]:
    """Return the switches, and the buttons that are held, after a button was pressed.

    held: the names of those that were, the latest last. Buttons may set the same switches: the
    latest wins, and when it is released the one before it gets them back. Raises ValueError for an
    unknown one.
    """
    if name == RESET:
        return Switches(), []
    button = _named(name)
    if name not in held and not is_on(button, switches):
        return changed(switches, button.switches), [*held, name]

    others = [other for other in held if other != name]
    default = asdict(Switches())
    values = {key: _as_json(default[key]) for key in button.switches}
    for other in others:
        set_by_other = _named(other).switches
        values |= {key: set_by_other[key] for key in values.keys() & set_by_other.keys()}
    return changed(switches, values), others


def _named(name: str) -> Button:
    for group in BUTTONS.values():
        for button in group:
            if button.name == name:
                return button
    raise ValueError(f"button {name!r}: there is none of this name")


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
