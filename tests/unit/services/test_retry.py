"""The waits between tries, and the budget that they come from."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from monitoring.errors import RefusedError, TransientError
from monitoring.services.retry import Budget, delay_seconds, retry_after_seconds, with_retries


@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 5, 6, 100, 5000])
def test_waits_double_from_half_a_second_to_eight_and_are_jittered(attempt: int) -> None:
    longest = min(8.0, 0.5 * 2 ** min(attempt - 1, 10))
    waits = [delay_seconds(attempt) for _ in range(300)]

    assert longest / 2 <= min(waits) < longest * 0.6
    assert longest * 0.9 < max(waits) <= longest


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("7", 7), (" 7 ", 7), ("9" * 400, float("inf"))]
)
def test_a_retry_after_in_seconds_is_taken_as_given(text: str, seconds: float) -> None:
    assert retry_after_seconds(text) == seconds


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_retry_after_may_be_a_date_and_is_in_gmt(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True).replace(
            "GMT", zone
        )
        seconds = retry_after_seconds(at)
        assert seconds is not None
        assert 28 < seconds <= 30
        assert retry_after_seconds("Mon, 01 Jan 0001 00:00:00") == 0
        assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "²",
        "1e3",
        "Wed, 99 Oct 2015 99:28:00 GMT",
    ],
)
def test_a_retry_after_of_no_known_form_gives_our_own_wait(text: str) -> None:
    assert retry_after_seconds(text) is None
    assert 0 <= delay_seconds(1, retry_after_seconds(text)) <= 0.5


def test_a_named_wait_is_taken_as_given() -> None:
    assert delay_seconds(1, 7.0) == 7.0


def test_a_budget_waits_only_while_time_is_left_and_nobody_stops_it() -> None:
    budget = Budget(time.monotonic() + 5)
    assert budget.wait(0.01)
    assert not budget.wait(6)

    threading.Timer(0.1, budget.stop.set).start()
    begin = time.monotonic()
    assert not budget.wait(3)
    assert time.monotonic() - begin < 1


class Failing:
    """Fails so many times with an error, then returns "done"."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.calls = times, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def transient(retry_after_seconds: float | None = 0.0) -> TransientError:
    return TransientError("busy", kind="503", retry_after_seconds=retry_after_seconds)


def test_only_a_transient_error_is_tried_again_and_each_is_reported() -> None:
    failing, errors = Failing(2, transient()), list[TransientError]()

    result = with_retries(failing, attempts=3, budget=Budget.lasting(5), on_failure=errors.append)

    assert (result, failing.calls, len(errors)) == ("done", 3, 2)
    refused = Failing(1, RefusedError("no"))
    with pytest.raises(RefusedError):
        with_retries(refused, attempts=3, budget=Budget.lasting(5))
    assert refused.calls == 1


def test_the_last_failure_is_raised_when_tries_or_time_are_used_up() -> None:
    failing = Failing(9, transient())
    with pytest.raises(TransientError, match="busy"):
        with_retries(failing, attempts=4, budget=Budget.lasting(5))
    assert failing.calls == 4

    late = Failing(9, transient(retry_after_seconds=60))
    with pytest.raises(TransientError, match="busy"):
        with_retries(late, attempts=4, budget=Budget.lasting(5))
    assert late.calls == 1
