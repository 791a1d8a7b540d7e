"""Records of ten days: the ninth with failed rows, the last with a drill."""

import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord, PipelineRecord
from tests.support.world import World, failing

HOSTILE = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="session")
def days(population: Population, limits: Limits) -> list[DayRecord]:
    """The records; nobody changes the list."""
    world = World(population, limits)
    pipeline = PipelineRecord(
        duration_seconds=3.0, storage_bytes=12_345_678, storage_objects=9, state_bytes=900
    )
    for _ in range(8):
        world.evaluate(pipeline=pipeline)

    frame = world.batch()
    answers = failing(
        population.answers(frame),
        range(3),
        error=f"answered 500: {HOSTILE}",
        request_id=HOSTILE,
    )
    world.evaluate(frame, answers, pipeline=pipeline)

    frame = world.batch()
    frame.loc[:99, "age"] += 10
    world.evaluate(frame, drills=[f"age +10 {HOSTILE}"], pipeline=pipeline)
    return world.records
