"""The sandbox's page: what it shows, its buttons, and who may press them."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.control.buttons import BUTTONS, is_on, pressed
from sandbox.model_monitor.captured import Captured
from sandbox.model_monitor.drift import drift, drift_of_counts
from sandbox.store import Store
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
        on, held = pressed(button.name, Switches(), [])
        assert is_on(button, on)
        assert held == [button.name]
        assert not is_on(button, Switches())
        assert pressed(button.name, on, held) == (Switches(), [])
        assert pressed(button.name, on, []) == (Switches(), [])  # set from a shell


@pytest.mark.parametrize("released", ["first", "second"])
def test_two_buttons_of_the_same_switches_give_them_back_to_each_other(released: str) -> None:
    by_name = {button.name: button for group in BUTTONS.values() for button in group}
    pairs = [
        (first, second)
        for first, second in itertools.permutations(by_name, 2)
        if by_name[first].switches.keys() & by_name[second].switches.keys()
    ]
    assert ("flaky", "down") in pairs
    for first, second in pairs:
        switches, held = pressed(first, Switches(), [])
        switches, held = pressed(second, switches, held)
        assert is_on(by_name[second], switches)

        gone, left = (first, second) if released == "first" else (second, first)
        switches, held = pressed(gone, switches, held)

        assert switches == pressed(left, Switches(), [])[0]
        assert held == [left]


def test_a_refresh_reads_only_what_is_new_and_counts_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, captured = Store(tmp_path / "records.sqlite3"), Captured()

    def capture(event_id: str, **features: float) -> None:
        record = {"event_id": event_id, "timestamp": "2026-01-01T09:30:59", "features": features}
        store.add_capture("m", event_id, 0.0, record)

    capture("2026-01-01_0", **ROW)
    capture("2026-01-02_0", **ROW | {"age": 200})
    captured.update(store)
    read: list[int] = []
    captures_after = store.captures_after

    def noted(number: int) -> list[tuple[int, Any]]:
        read.append(number)
        return captures_after(number)

    monkeypatch.setattr(store, "captures_after", noted)
    capture("2026-01-02_1", **ROW)
    capture("theirs_1", colour=1.0)  # a model of the user's own
    captured.update(store)

    assert read == [2]
    assert (captured.total, captured.by_minute) == (4, {"2026-01-01T09:30": 4})
    assert list(captured.by_day) == ["2026-01-01", "2026-01-02"]
    known = [each for each in store.captures() if "age" in each["features"]]
    assert drift_of_counts(captured.overall()) == drift(known)
    assert drift_of_counts(captured.by_day["2026-01-02"]) == drift(known[1:])


def test_drift_without_a_difference_is_0_and_with_one_is_not() -> None:
    assert drift([]) == {}
    values = drift([{"features": ROW}, {"features": ROW | {"age": 200}}])
    assert values["age"] > 1
    assert json.dumps(values)
