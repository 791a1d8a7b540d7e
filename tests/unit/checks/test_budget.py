"""How the false alarms of a day are shared out."""

import pytest
import scipy.stats

from monitoring.checks.budget import Budget


@pytest.mark.parametrize("allowed", [0.01, 0.2, 0.0001])
def test_the_parts_add_up_to_the_setting(allowed: float) -> None:
    budget = Budget.of(allowed, variables=12)

    assert 12 * budget.variable + budget.no_skill + budget.accuracy_drop == pytest.approx(allowed)
    errors = budget.accuracy_drop_errors
    assert scipy.stats.norm.sf(errors) == pytest.approx(budget.accuracy_drop)


def test_accuracy_may_fall_by_three_standard_errors_at_one_percent_a_day() -> None:
    assert Budget.of(0.01, variables=3).accuracy_drop_errors == pytest.approx(3.0, abs=0.001)
