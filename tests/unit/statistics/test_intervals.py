"""The interval of a share, against SciPy."""

import math

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.statistics.intervals import wilson


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 500), some.integers(1, 500))
def test_the_wilson_interval_is_that_of_scipy(hits: int, more: int) -> None:
    oracle = scipy.stats.binomtest(hits, hits + more).proportion_ci(method="wilson")

    assert wilson(hits, hits + more) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_no_rows_have_no_interval() -> None:
    assert all(map(math.isnan, wilson(0, 0)))
