"""What is shown of a feature beside its test."""

import numpy as np

from monitoring.checks.summary import of_group


def test_of_two_levels_the_drilled_one_is_named() -> None:
    """The shares of two levels move alike: the alert of a drill is to name what it shifts."""
    names = ["sex_male", "sex_female"]
    base, rows = np.array([[60, 40, 0], [55, 45, 0]]), np.array([[30, 70, 0], [25, 75, 0]])

    assert of_group("sex", names, rows, base).largest_change == "sex_male"
    for name in names:
        shown = of_group("sex", names, rows, base, {name})
        assert shown.largest_change == name
        assert shown.shown == f"share of {name}"
    # A drill explains no larger change than its own.
    mixed = np.array([[30, 50, 20], [25, 55, 20]])
    assert of_group("sex", names, mixed, base, {"sex_female"}).largest_change == "sex_male"
