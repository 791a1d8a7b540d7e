"""What the tests of checks and report share: a fitted model's population, and limits by size."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from benchmarks.population import Population
    from monitoring.checks.limits import Limits
    from tests.support.world import World


@pytest.fixture(scope="session")
def population() -> "Population":
    """The sample data with a fitted model; nobody changes it."""
    from benchmarks.population import Population

    return Population()


@pytest.fixture(scope="session")
def limits() -> "Limits":
    """Limits for the whole session: the same sizes come again and again."""
    from monitoring.checks.limits import Limits

    return Limits()


@pytest.fixture
def world(population: "Population", limits: "Limits") -> "World":
    """A model's days from the first one on."""
    from tests.support.world import World

    return World(population, limits)
