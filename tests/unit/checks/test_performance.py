"""How right the model is: what is an alert from the first day on."""

from dataclasses import replace

import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
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


def test_a_low_accuracy_is_reported_only_when_its_interval_is_wholly_below_the_limit(
    population: Population, limits: Limits
) -> None:
    sure = World(population, limits, accuracy_below=0.8).days(2)
    unsure = World(population, limits, accuracy_below=0.68).days(2)

    reported = [names([*record.alerts, *record.ongoing]) for record in sure + unsure]
    assert [("model", "model", "accuracy") in one for one in reported] == [True, True, False, False]
    assert ("model", "model", "accuracy_window") in found(sure[1])
    assert sure[1].advice == "retrain"
