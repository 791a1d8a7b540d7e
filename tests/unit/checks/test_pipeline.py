"""The run itself and the days around it."""

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from monitoring.checks.record import PipelineRecord
from tests.support.world import World, found


def test_missing_days_overdue_days_and_a_full_store_are_findings(
    population: Population, limits: Limits
) -> None:
    world = World(population, limits, storage_bytes_above=1000)
    quiet = PipelineRecord(duration_seconds=2.0, storage_bytes=1000, storage_objects=3)
    loud = PipelineRecord(
        days_missing=["2025-12-30"],
        days_overdue=["2025-12-28"],
        storage_bytes=1001,
        storage_objects=4,
    )

    assert not world.evaluate(pipeline=quiet).alerts
    assert {metric for _, _, metric in found(world.evaluate(pipeline=loud))} == {
        "days_missing",
        "days_overdue",
        "storage_bytes",
    }
    assert not world.evaluate(pipeline=PipelineRecord()).alerts  # unknown is not full
