"""What is worth entering in DMM."""

from dataclasses import replace

import numpy as np
import scipy.stats

from monitoring.checks.thresholds import dmm_thresholds
from tests.support.world import World


def test_the_thresholds_for_dmm_are_passed_by_its_formula_as_rarely_as_requested(
    world: World,
) -> None:
    thresholds = dmm_thresholds(world.settings, world.baseline, (200, 200))
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

    thresholds = dmm_thresholds(settings, world.population.baseline(frame), (200, 200))

    assert set(thresholds) == set(world.baseline.columns)


def test_days_of_a_drawn_number_of_rows_exceed_the_thresholds_as_rarely_as_requested(
    world: World,
) -> None:
    """Thresholds for the middle of 100 to 300 rows are exceeded on 3.7 % of such days."""
    days, rates = 1500, {}
    for rows in ((100, 300), (200, 200)):
        thresholds = dmm_thresholds(world.settings, world.baseline, rows)
        rates[rows] = sum(
            exceeds(world, thresholds, int(number))
            for number in np.random.default_rng(1).integers(100, 301, days)
        )
    print(f"seed 1: days that exceed, of {days}: {rates}")

    most = scipy.stats.binom.isf(0.001, days, 0.01)
    assert rates[100, 300] <= most
    assert rates[200, 200] > most


def exceeds(world: World, thresholds: dict[str, float], rows: int) -> bool:
    """Whether some feature of a quiet day exceeds its threshold by DMM's formula."""
    batch = world.batch(rows - rows % 2)
    for name, limit in thresholds.items():
        column = world.baseline.columns[name]
        values = batch[name].to_numpy(float)
        if column.numbers is None:
            drawn, base = np.bincount(values.astype(int), minlength=2), column.counts.sum(axis=0)
        else:
            edges = column.numbers.edges
            drawn = np.histogram(values, edges)[0]
            base = np.histogram(world.population.frame[name], edges)[0]
        actual, expected = (np.maximum(part / part.sum(), 1e-4) for part in (drawn, base))
        if ((actual - expected) * np.log(actual / expected)).sum() > limit:
            return True
    return False
