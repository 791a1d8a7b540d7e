"""The sandbox's page: what it shows, its buttons, and who may press them."""

import json

import pytest
import requests

from sandbox.control.buttons import BUTTONS, is_on, pressed
from sandbox.model_monitor.drift import drift
from sandbox.switches import Switches
from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import ROW, SESSION, TIMEOUT_SECONDS, predict


def press(sandbox: RunningSandbox, button: str, **headers: str) -> requests.Response:
    return SESSION.post(
        f"{sandbox.url}/_sandbox/press",
        data={"button": button},
        headers=headers,
        timeout=TIMEOUT_SECONDS,
    )


def test_the_page_shows_what_was_captured_and_asked_for(sandbox: RunningSandbox) -> None:
    for number in range(3):
        predict(sandbox, f"2026-01-01_{number}")
    SESSION.get(f"{sandbox.url}/nowhere", timeout=TIMEOUT_SECONDS)

    page = SESSION.get(sandbox.url, timeout=TIMEOUT_SECONDS).text

    assert "<b>3</b>predictions captured" in page
    assert "Model endpoint: 3 × 200" in page
    assert "/nowhere" in page
    assert "2026-01-01" in page  # the day of the drift


def test_a_button_changes_what_the_next_call_gets_and_pressing_it_again_sets_it_back(
    sandbox: RunningSandbox,
) -> None:
    own = {"Origin": sandbox.url}
    assert press(sandbox, "token", **own).status_code == 200  # after the redirect
    assert predict(sandbox).status_code == 401
    pressed_button = 'value="token" aria-pressed="true"'
    assert pressed_button in SESSION.get(sandbox.url, timeout=TIMEOUT_SECONDS).text

    press(sandbox, "token", **own)

    assert predict(sandbox).status_code == 200
    press(sandbox, "swapped")
    press(sandbox, "reset")
    assert pressed_button not in SESSION.get(sandbox.url, timeout=TIMEOUT_SECONDS).text
    assert press(sandbox, "nonsense").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},  # a name that its owner lets lead here
    ],
)
def test_other_pages_and_names_may_neither_read_nor_press(
    sandbox: RunningSandbox, headers: dict[str, str]
) -> None:
    before = SESSION.get(f"{sandbox.url}/_sandbox/switches", timeout=TIMEOUT_SECONDS).json()

    assert press(sandbox, "down", **headers).status_code in (403, 421)
    page = SESSION.get(sandbox.url, headers=headers, timeout=TIMEOUT_SECONDS)

    assert page.status_code in (403, 421)
    after = SESSION.get(f"{sandbox.url}/_sandbox/switches", timeout=TIMEOUT_SECONDS).json()
    assert after == before


def test_every_button_sets_and_unsets_its_switches() -> None:
    buttons = [button for group in BUTTONS.values() for button in group]
    assert len(buttons) == 12
    for button in buttons:
        on = pressed(button.name, Switches())
        assert is_on(button, on)
        assert not is_on(button, Switches())
        assert pressed(button.name, on) == Switches()


def test_drift_without_a_difference_is_0_and_with_one_is_not() -> None:
    assert drift([]) == {}
    values = drift([{"features": ROW}, {"features": ROW | {"age": 200}}])
    assert values["age"] > 1
    assert json.dumps(values)
