"""How the endpoint answered."""

import msgspec
import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from monitoring.checks.record import FailedRow
from tests.support.world import World, failing, found


def test_failures_and_retries_lower_the_availability(world: World) -> None:
    batch = world.batch(100)
    answers = failing(
        world.population.answers(batch), [3, 7], attempts=5, attempt_errors=("503",) * 5
    )
    answers[10] = msgspec.structs.replace(
        answers[10], attempts=3, attempt_errors=("timeout", "429")
    )

    record = world.evaluate(batch, answers)
    endpoint = record.endpoint

    assert endpoint.availability == pytest.approx(98 / 110)
    assert endpoint.attempt_errors == {"503": 10, "timeout": 1, "429": 1}
    assert (endpoint.scored, endpoint.failed, endpoint.retried) == (98, 2, 3)
    assert endpoint.failures[0] == FailedRow("2026-01-01_3", "answered 500", None)
    (alert,) = record.alerts
    assert (
        "12 of 110 requests brought no usable answer (10 x 503, 1 x timeout, 1 x 429);"
        " availability 89.1 %, limit 98 %" in alert.text
    )


def test_latencies_are_numpys_percentiles_of_the_scored_rows(
    population: Population, limits: Limits
) -> None:
    world = World(population, limits, latency_p95_ms_above=30)
    batch = world.batch(100)
    answers = [
        msgspec.structs.replace(answer, latency_ms=float(answer.index))
        for answer in population.answers(batch)
    ]

    record = world.evaluate(batch, answers, seconds=4.0)

    assert record.endpoint.latency_ms == pytest.approx(
        {"p50": 49.5, "p95": 94.05, "p99": 98.01, "max": 99.0}
    )
    assert record.endpoint.rows_per_second == 25
    assert found(record) == {("endpoint", "endpoint", "latency_p95_ms")}
