"""What an answer of the model's endpoint says, for each form of answer."""

import json
from typing import Any

import pytest

from monitoring.services.exchange import Reply
from monitoring.services.model_reply import Prediction, UnusableReplyError, parse_reply
from monitoring.settings.model import ModelApi, Target
from monitoring.settings.rules import Label

RISK = Target("risk", ["low", "middle", "high"], "high")
CREDIT = Target("credit", [0, 1], 1)


def parse(result: Any, target: Target, **settings: Any) -> Prediction:
    body = json.dumps({"result": result}).encode()
    reply = Reply(200, {}, body, "http://model", latency_ms=1.0)
    return parse_reply(reply, ModelApi(**settings), target)


def refusal(result: Any, target: Target, **settings: Any) -> str:
    with pytest.raises(UnusableReplyError) as raised:
        parse(result, target, **settings)
    return str(raised.value)


@pytest.mark.parametrize(
    ("classes", "value"),
    [
        (["no", "yes"], "yes"),
        ([False, True], True),
        ([0.5, 1.5], 1.5),
        ([0, 1], 1),
        ([0, 1], 1.0),
        (["0", "1"], "1"),
    ],
)
def test_a_class_of_any_kind_is_read_as_the_configured_one(
    classes: list[Label], value: Label
) -> None:
    prediction = parse(value, Target("y", classes, classes[1]), prediction="", probability=None)

    assert prediction.value is classes[1]


@pytest.mark.parametrize(
    ("classes", "value"),
    [
        ([False, True], 1),
        ([False, True], "true"),
        ([0, 1], True),
        ([0, 1], "1"),
        (["0", "1"], 1),
        ([0.5, 1.5], 1),
        ([0, 1], None),
        ([0, 1], [1]),
    ],
)
def test_a_class_of_another_kind_is_none(classes: list[Label], value: Any) -> None:
    target = Target("y", classes, classes[1])

    assert "as the class, got" in refusal(value, target, prediction="", probability=None)


@pytest.mark.parametrize(
    "shares",
    [
        {"low": 0.2, "middle": 0.5, "high": 0.3},
        {"high": 0.3, "low": 0.2, "middle": 0.5, "other": "x"},
        [0.2, 0.5, 0.3],
        [0.201, 0.501, 0.301],
    ],
)
def test_of_probabilities_the_largest_is_the_class_and_the_score_is_that_of_the_positive_one(
    shares: Any,
) -> None:
    prediction = parse({"shares": shares}, RISK, probabilities="shares")

    assert prediction.value == "middle"
    assert prediction.score == pytest.approx(0.3, abs=0.002)


def test_of_equal_probabilities_the_first_class_counts() -> None:
    assert parse([0.4, 0.2, 0.4], RISK, probabilities="").value == "low"


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ([0, 1], ["0", "1"]),
        ([0, 1], ["0.0", "1.0"]),
        ([False, True], ["false", "true"]),
        ([False, True], ["False", "True"]),
        ([0.5, 1.0], ["0.5", "1"]),
        ([0.5, 1.0], ["0.5", "1.0"]),
    ],
)
def test_the_names_of_probabilities_may_be_spelt_as_json_or_python_do(
    classes: list[Label], names: list[str]
) -> None:
    shares = dict(zip(names, [0.25, 0.75], strict=True))

    prediction = parse(shares, Target("y", classes, classes[0]), probabilities="")

    assert (prediction.value, prediction.score) == (classes[1], 0.25)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"low": 0.2, "high": 0.8}, "expected a probability of class 'middle', got"),
        ([0.2, 0.8], "a list of 3 in the order of ['low', 'middle', 'high'], got [0.2, 0.8]"),
        ([0.2, 0.5, "0.3"], "expected a probability from 0 to 1, got '0.3'"),
        ([0.2, 1.5, 0.3], "expected a probability from 0 to 1, got '1.5'"),
        ([0.2, 0.5, 0.9], "expected probabilities whose sum is 1, got [0.2, 0.5, 0.9]"),
        ([True, 0, 0], "expected a probability from 0 to 1, got 'True'"),
        (0.5, "expected probabilities by class"),
        (None, "expected probabilities by class"),
    ],
)
def test_what_are_no_probabilities_is_no_prediction(shares: Any, message: str) -> None:
    assert message in refusal({"shares": shares}, RISK, probabilities="shares")


@pytest.mark.parametrize(("score", "value"), [(0.29, 0), (0.3, 1), (0.31, 1), (0, 0), (1, 1)])
def test_a_threshold_on_the_probability_gives_the_class(score: float, value: int) -> None:
    prediction = parse({"score": score}, CREDIT, threshold=0.3)

    assert (prediction.value, prediction.score) == (value, score)


def test_below_the_threshold_is_the_other_class_wherever_it_is_in_the_list() -> None:
    flipped = Target("credit", [1, 0], 1)

    assert parse({"score": 0.2}, flipped, threshold=0.5).value == 0
    assert parse({"score": 0.8}, flipped, threshold=0.5).value == 1
