"""Numbers as people read them."""

import pytest

from monitoring.report.format import format_value, short
from monitoring.report.metrics import Unit
from monitoring.text import format_number, format_size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.12345, "0.123"),
        (1234567.0, "1,234,567"),
        (35.1, "35.1"),
        (-2, "-2"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(None, "unknown"), (0, "0 bytes"), (12_345, "12.3 kB"), (3_200_000_000, "3.2 GB")],
)
def test_sizes_are_written_for_people(size_bytes: int | None, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.COUNT, "0.5"),
        (Unit.SHARE, "50 %"),
        (Unit.SCORE, "0.500"),
        (Unit.LOSS, "0.500"),
        (Unit.MILLISECONDS, "0.5 ms"),
        (Unit.BYTES, "0.5 bytes"),
    ],
)
def test_a_value_is_written_with_its_unit_and_what_is_undefined_as_a_dash(
    unit: Unit, text: str
) -> None:
    assert format_value(0.5, unit) == text
    assert format_value(None, unit) == "–"
    assert short(None) == "–"
