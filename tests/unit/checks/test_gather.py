"""What is made ready before the answers are there."""

import numpy as np

from benchmarks.population import Population
from monitoring.checks import gather
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from tests.support.world import FIRST, World, scored


def test_the_limits_of_every_feature_are_known_before_the_answers(population: Population) -> None:
    world = World(population, Limits())
    batch = world.batch(100)
    before = DayInputs(
        settings=world.settings,
        scored=scored(world.settings, FIRST, batch, []),
        baseline=world.baseline,
        limits=world.limits,
    )

    gather.make_limits(before)
    ahead = dict(world.limits.known)
    record = world.evaluate(batch)

    assert len(ahead) >= len(record.drift) > 5
    assert world.limits.known == ahead  # nothing was left to be made
    again = World(population, Limits()).evaluate(batch)
    assert [test.limit for test in again.drift] == [test.limit for test in record.drift]
    assert np.isfinite([test.limit for test in record.drift]).all()
