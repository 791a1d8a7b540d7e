"""Same input, same answer, through the script: a model that changes without a word."""

import itertools
import json
from typing import Any

import pytest

from tests.support.loop import Loop
from tests.support.relay import Answer, Exchange, Relay

SCORING = "daily_scoring.py"
DAYS = [f"2026-03-0{number}" for number in range(1, 7)]


def alerts(result: dict[str, Any]) -> list[str]:
    """Return the texts of the day's alerts about the model's answers to repeated inputs."""
    return [alert["text"] for alert in result["alerts"] if is_of_repeats(alert["metric"])]


def is_of_repeats(metric: str) -> bool:
    return metric in ("changed_answers", "unrepeatable")


@pytest.fixture
def busy(loop: Loop) -> Loop:
    """A set-up whose days are large enough for inputs that come twice within a day."""
    loop.configure(scoring={"rows": [150, 150]})
    return loop


def test_another_score_under_an_unchanged_release_is_an_alert_on_the_first_day_only(
    busy: Loop,
) -> None:
    for day in DAYS[:2]:
        assert alerts(busy.result(SCORING, "--date", day)) == []

    busy.sandbox.switch(score_shift=0.1)
    (text,) = alerts(busy.result(SCORING, "--date", DAYS[2]))
    print(text)

    assert "got another score, by up to 0.1" in text
    assert "though the release did not change" in text
    report = (busy.folder / "reports" / "credit-default" / f"{DAYS[2]}.html").read_text()
    assert "got another score" in report
    # The days before the change are compared no more.
    assert alerts(busy.result(SCORING, "--date", DAYS[3])) == []
    # Another release may answer otherwise.
    busy.sandbox.switch(score_shift=-0.1, release_version=2)
    assert alerts(busy.result(SCORING, "--date", DAYS[4])) == []


def test_a_noisy_model_is_reported_once_as_such_and_then_no_more(busy: Loop) -> None:
    number = itertools.count()

    def with_noise(exchange: Exchange) -> None:
        answer = exchange.forward()
        body = json.loads(answer.body)
        noise = 0.001 * (next(number) % 97)
        body["result"]["score"] = min(1.0, body["result"]["score"] + noise)
        exchange.send(Answer(answer.status, json.dumps(body).encode(), answer.headers))

    texts = []
    with Relay(busy.sandbox.url) as relay:
        url = busy.env["MODEL_API_URL"].replace(busy.sandbox.url, relay.url)
        relay.break_next(with_noise, method="POST", times=10_000)
        for day in DAYS[:4]:
            texts.append(alerts(busy.result(SCORING, "--date", day, MODEL_API_URL=url)))
    print(texts)

    reported = [text for day in texts for text in day]
    assert len(reported) == 1
    assert "the model does not repeat itself" in reported[0]
    assert texts[0] == reported
