"""How right the model is: what is an alert from the first day on."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.population import Population
from monitoring.checks import performance
from monitoring.checks.counts import Classes, ScoredRows
from monitoring.checks.limits import Limits
from monitoring.checks.record import Reference
from monitoring.checks.reference import ReleaseDays
from monitoring.statistics.no_skill import chance_of_no_skill
from monitoring.statistics.performance import Predictions
from tests.support.world import World, changed, found, names


@pytest.mark.parametrize("with_score", [True, False])
@pytest.mark.parametrize("rows", [100, 300])
def test_swapped_labels_are_found_on_the_first_day(
    world: World, rows: int, with_score: bool
) -> None:
    batch = world.batch(rows)
    answers = world.population.answers(batch, swapped=True)
    if not with_score:
        answers = changed(answers, score=None)
        model_api = replace(world.settings.model_api, probability=None)
        world.settings = replace(world.settings, model_api=model_api)

    record = world.evaluate(batch, answers)

    assert ("model", "model", "balanced_accuracy") in found(record)
    assert (("model", "model", "auc") in found(record)) is with_score
    assert "swapped" in record.because[0]
    assert record.advice == "look"


@pytest.mark.parametrize("rows", [100, 2001])
def test_a_model_without_skill_stays_within_the_budget(
    population: Population, limits: Limits, rows: int
) -> None:
    """Narrow scores without skill: at 2,001 rows 4 of 20 such days were called swapped."""
    random, alarms, days = np.random.default_rng(rows), 0, 400
    world = World(population, limits)
    classes = Classes.of(world.settings.schema, world.baseline)
    release = ReleaseDays(
        Reference(release="1", days=[], days_needed=7, is_complete=False), *[[]] * 3
    )
    for _ in range(days):
        actual = random.permutation(np.arange(rows) % 2)
        score = random.uniform(0.504, 0.506, rows)
        predictions = Predictions(actual, (score > np.median(score)).astype(int), score)
        scored = ScoredRows(np.arange(rows), predictions, rows, np.bincount(actual))
        checks = world.settings.checks
        _, alerts = performance.check(checks, classes, scored, release, no_skill_rate=0.001)
        alarms += bool(alerts)
    print(f"seed {rows}: {alarms} of {days} days")

    assert alarms <= 5  # 0.4 expected at most; P(more than 5) < 0.001


def test_a_low_accuracy_is_reported_only_when_its_interval_is_wholly_below_the_limit(
    population: Population, limits: Limits
) -> None:
    sure = World(population, limits, accuracy_below=0.8).days(2)
    unsure = World(population, limits, accuracy_below=0.68).days(2)

    reported = [names([*record.alerts, *record.ongoing]) for record in sure + unsure]
    assert [("model", "model", "accuracy") in one for one in reported] == [True, True, False, False]
    assert ("model", "model", "accuracy_window") in found(sure[1])
    assert sure[1].advice == "retrain"


def test_thirty_rows_show_swapped_labels_on_one_day_in_five(population: Population) -> None:
    """At the budget's rate; of more rows nearly every day (above)."""
    random = np.random.default_rng(0)
    rate, hits = 0.01 * 0.1 / 2, 0
    for _ in range(1000):
        frame = population.draw((15, 15), random)
        answers = population.answers(frame, swapped=True)
        score = np.array([answer.score for answer in answers], float)
        predicted = (score > 0.5).astype(int)
        predictions = Predictions(frame["credit"].to_numpy(), predicted, score)
        hits += min(chance_of_no_skill(predictions, 1, 2).values()) <= rate
    print(f"seed 0: found on {hits} of 1,000 days")

    assert hits > 210  # the normal rank-sum test finds fewer
