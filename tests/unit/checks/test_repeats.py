"""Same input, same answer: what is found on the first day, and what never is."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from monitoring.ledger.answer import Answer
from tests.support.world import World, changed, found

CHANGED = ("model", "model", "changed_answers")
UNREPEATABLE = ("model", "model", "unrepeatable")


@pytest.fixture
def world(population: Population, limits: Limits) -> World:
    world = World(population, limits)
    world.compares_answers = True
    return world


def calibrated_anew(score: float) -> float:
    """Return a score of the same order: no other row is ranked first, hardly a class changes."""
    return score**1.05 / (score**1.05 + (1 - score) ** 1.05)


def noisy(random: np.random.Generator) -> Callable[[float], float]:
    """Return what adds noise to a score, as a network with dropout has it."""
    return lambda score: float(np.clip(score + random.normal(0, 0.02), 0, 1))


def with_scores(answers: Sequence[Answer], change: Callable[[float], float]) -> list[Answer]:
    return [
        msgspec.structs.replace(answer, score=change(answer.score or 0.0)) for answer in answers
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("days", [1, 3, 8])
@pytest.mark.parametrize("fault", ["shifted", "calibrated anew"])
def test_a_changed_model_is_found_on_the_first_day_with_reference_days_or_without(
    population: Population, limits: Limits, fault: str, days: int, seed: int
) -> None:
    world = World(population, limits, seed)
    world.compares_answers = True
    assert not any(CHANGED in found(record) for record in world.days(days))
    batch = world.batch()
    answers = population.answers(batch, shift=0.1 if fault == "shifted" else 0.0)
    if fault != "shifted":
        answers = with_scores(answers, calibrated_anew)

    record = world.evaluate(batch, answers)
    repeats = record.repeats
    print(f"seed {seed}, {days} days: {repeats}")

    assert CHANGED in found(record)
    (text,) = [alert.text for alert in record.alerts if alert.metric == "changed_answers"]
    assert repeats
    assert f"model: {repeats.earlier_changed} of {repeats.earlier} repeated inputs got" in text
    assert "though the release did not change" in text
    if fault == "shifted":
        assert "another score, by up to 0.1" in text


def test_a_model_that_repeats_itself_never_alarms_and_a_change_is_reported_once(
    population: Population, limits: Limits
) -> None:
    for seed in range(3):
        world = World(population, limits, seed)
        world.compares_answers = True
        quiet = world.days(12)
        shifted = []
        for _ in range(5):
            batch = world.batch()
            shifted.append(world.evaluate(batch, population.answers(batch, shift=0.05)))
        print(f"seed {seed}: {[record.repeats for record in quiet[-2:]]}")

        assert not any(CHANGED in found(record) for record in quiet)
        assert all(record.repeats and record.repeats.repeats_itself for record in quiet)
        assert [CHANGED in found(record) for record in shifted] == [True, *[False] * 4]


def test_another_release_may_answer_otherwise(world: World) -> None:
    world.days(3)
    batch = world.batch()
    newer = changed(world.population.answers(batch, shift=0.1), release="2")

    assert CHANGED not in found(world.evaluate(batch, newer))


def test_an_endpoint_that_names_no_release_is_compared_too(world: World) -> None:
    for _ in range(2):
        batch = world.batch()
        world.evaluate(batch, changed(world.population.answers(batch), release=None))
    batch = world.batch()
    shifted = changed(world.population.answers(batch, shift=0.1), release=None)

    record = world.evaluate(batch, shifted)

    assert CHANGED in found(record)
    assert "though no other release was named" in record.alerts[0].text


def test_a_model_that_does_not_repeat_itself_is_reported_once_and_then_left_alone(
    world: World,
) -> None:
    records = []
    for seed in range(9):
        batch = world.batch()
        answers = with_scores(world.population.answers(batch), noisy(np.random.default_rng(seed)))
        records.append(world.evaluate(batch, answers))

    assert [UNREPEATABLE in found(record) for record in records] == [True, *[False] * 8]
    assert not any(CHANGED in found(record) for record in records)
    assert records[-1].repeats
    assert records[-1].repeats.repeats_itself is False
    # Such a day is a sound one: it serves as a reference.
    assert records[-1].performance.reference.days[0] == "2026-01-01"


def test_a_change_within_the_day_is_a_change_where_the_model_repeated_itself_before(
    world: World,
) -> None:
    world.days(2)
    batch = world.batch()
    before, after = (world.population.answers(batch, shift=shift) for shift in (0.0, 0.1))

    record = world.evaluate(batch, [*before[:100], *after[100:]])

    assert CHANGED in found(record)
    assert UNREPEATABLE not in found(record)


def test_the_last_digits_of_a_score_are_no_change(world: World) -> None:
    world.days(2)
    batch = world.batch()
    answers = with_scores(world.population.answers(batch), lambda score: score + 1e-7)

    assert not world.evaluate(batch, answers).alerts


def test_a_model_without_scores_is_compared_by_its_classes(world: World) -> None:
    for _ in range(2):
        batch = world.batch()
        world.evaluate(batch, changed(world.population.answers(batch), score=None))
    batch = world.batch()
    answers = [
        msgspec.structs.replace(answer, score=None, prediction=1)
        for answer in world.population.answers(batch)
    ]

    (text,) = [
        alert.text
        for alert in world.evaluate(batch, answers).alerts
        if alert.metric == "changed_answers"
    ]

    assert "repeated inputs got another class, though" in text


def test_inputs_that_never_repeat_say_nothing(world: World) -> None:
    def distinct(seed: int) -> None:
        batch = world.batch()
        batch["age"] = batch["age"] + np.random.default_rng(seed).random(len(batch))
        world.evaluate(batch, world.population.answers(batch, shift=0.1 * (seed % 2)))

    for seed in range(3):
        distinct(seed)

    assert not any(CHANGED in found(record) for record in world.records)
    repeats = world.records[-1].repeats
    assert repeats
    assert (repeats.same_day, repeats.earlier, repeats.repeats_itself) == (0, 0, None)
