"""What is worth entering in DMM."""

from dataclasses import replace

import numpy as np

from monitoring.checks.thresholds import dmm_thresholds
from tests.support.world import World


def test_the_thresholds_for_dmm_are_passed_by_its_formula_as_rarely_as_requested(
    world: World,
) -> None:
    thresholds = dmm_thresholds(world.settings, world.baseline, 200)
    passed = 0
    for _ in range(400):
        batch = world.batch()
        for name, limit in thresholds.items():
            column = world.baseline.columns[name]
            if column.numbers is None:
                drawn = np.bincount(batch[name], minlength=2)
                base = column.counts.sum(axis=0)
            else:
                edges = column.numbers.edges
                drawn = np.histogram(batch[name], edges)[0]
                base = np.histogram(world.population.frame[name], edges)[0]
            actual, expected = (np.maximum(part / part.sum(), 1e-4) for part in (drawn, base))
            passed += ((actual - expected) * np.log(actual / expected)).sum() > limit
    print(f"seed 0: {passed} passed in 400 days, requested {400 * 0.01:g}; {thresholds}")

    assert set(thresholds) == set(world.baseline.columns)
    assert thresholds["age"] > thresholds["savings_A61"] > 0.02
    assert passed <= 12  # 4 expected; P(more than 12) < 0.001


def test_a_class_that_is_never_requested_has_its_thresholds_too(world: World) -> None:
    """Cells that only the other class fills are drawn for no batch, but DMM's baseline has them."""
    scoring = replace(world.settings.scoring, classes={0: 0.0, 1: 1.0})
    settings = replace(world.settings, scoring=scoring)
    frame = world.population.frame.copy()
    frame.loc[frame["credit"] == 0, "age"] += 100

    thresholds = dmm_thresholds(settings, world.population.baseline(frame), 200)

    assert set(thresholds) == set(world.baseline.columns)
