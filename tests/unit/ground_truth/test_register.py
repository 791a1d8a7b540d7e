"""The names under which the rows of a failed file are registered again."""

import pytest

from monitoring.ground_truth.register import next_key


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.csv", "a.r2.csv"),
        ("p/a_2026-03-01.csv", "p/a_2026-03-01.r2.csv"),
        ("a.r2.csv", "a.r3.csv"),
        ("a.r9.csv", "a.r10.csv"),
        ("v1.2/a", "v1.2/a.r2"),
        ("v1.2/a.r2", "v1.2/a.r3"),
    ],
)
def test_the_next_name_of_a_failed_file_counts_up(key: str, expected: str) -> None:
    assert next_key(key) == expected
