"""Score, predicted class and accuracy against the first days of the release."""

import numpy as np
import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from tests.support.world import World, found


@pytest.mark.parametrize("seed", range(5))
def test_a_score_that_shifts_by_a_tenth_is_found_within_two_days_after_the_reference_days(
    population: Population, limits: Limits, seed: int
) -> None:
    world = World(population, limits, seed)
    assert not any(record.alerts for record in world.days(7))
    reported: set[tuple[str, str, str]] = set()
    texts = []
    for _ in range(2):
        batch = world.batch()
        record = world.evaluate(batch, population.answers(batch, shift=0.1))
        reported |= found(record)
        texts += [alert.text for alert in record.alerts if alert.subject == "score"]
    print(f"seed {seed}: {reported} {texts}")

    assert {("model", "score", "ks"), ("model", "score", "ks_window")} & reported
    assert "higher than in the first 7 days of this release (0." in texts[0]


def test_noisy_labels_are_found_as_a_fall_in_accuracy_and_only_then_is_retraining_advised(
    world: World,
) -> None:
    world.days(8)
    records = []
    for _ in range(7):
        batch = world.batch()
        answers = world.population.answers(batch)
        # of both classes, so that the class mix stays
        flipped = [batch.index[batch["credit"] == code][:30] for code in (0, 1)]
        for code in (0, 1):
            batch.loc[flipped[code], "credit"] = 1 - code
        records.append(world.evaluate(batch, answers))
    reported = [
        record for record in records if ("model", "model", "accuracy_drop") in found(record)
    ]

    assert reported
    assert reported[-1].advice == "retrain"
    assert any(
        "accuracy at the training mix fell from 0.7" in text for text in reported[-1].because
    )


def test_outcomes_that_turn_for_some_customers_are_found_within_seven_days(
    population: Population, limits: Limits
) -> None:
    """The model has not changed and its inputs have not: the over-45 behave differently now."""
    found_in, seeds = 0, range(12)
    for seed in seeds:
        world = World(population, limits, seed)
        world.days(7)
        reported: set[tuple[str, str, str]] = set()
        for _ in range(7):
            batch = world.batch()
            answers = population.answers(batch)
            is_older = batch["age"] > 45
            batch.loc[is_older, "credit"] = 1 - batch.loc[is_older, "credit"]
            reported |= found(world.evaluate(batch, answers))
        found_in += ("model", "model", "accuracy_drop") in reported
    print(f"seeds {list(seeds)}: found in {found_in} windows")

    assert found_in >= 5  # at four standard errors 29 % are found


def test_a_class_that_the_first_days_never_had_leaves_the_scores_uncompared(world: World) -> None:
    """Its share of the reference is unknown: that is no reason to fail the day."""
    alone = world.population.draw((0, 5), world.random)
    world.evaluate(alone)

    record = world.evaluate(world.population.draw((5, 5), np.random.default_rng(0)))

    assert record.performance.score_bins
    assert record.performance.score_bins.baseline is None
