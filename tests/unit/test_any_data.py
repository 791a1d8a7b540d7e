"""What benchmarks/any_data.py says of its figures."""

from typing import Any

import pytest

from benchmarks.any_data import goals_of, table_row

TABLE: dict[str, Any] = {
    "name": "wine",
    "rows": 1780,
    "columns": 13,
    "numericals": 10,
    "classes": 3,
    "alarms": {},
    "seconds": 2.04,
    "peak_bytes": 300 * 2**20,
    "area": {"batch": 0.6, "bootstrap": 0.55, "smoten": 0.9, "smotenc": 0.7},
    "accuracy": 0.95,
    "accuracy_held_out": 0.97,
    "real": 0.05,
    "shifts_found": [f"column{index}" for index in range(9)],
}


def test_a_row_of_the_table_has_every_figure() -> None:
    assert table_row(TABLE) == (
        "| wine | 1,780 | 13 (10) | 3 | 0 | 2.0 | 300 | 0.60 | 0.55 | 0.90 | 0.70 | 0.950 | 0.970"
        " | 5.0% | 9 of 10 |"
    )
    refused = {**TABLE, "refused": "daily_scoring.py ended with 6:\nclass a"}
    assert table_row(refused).endswith("| 3 | refused: daily_scoring.py ended with 6: class a |")


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, None),
        ({"refused": "no batch"}, "11 of 12 tables work"),
        ({"alarms": {"2026-01-01": ["drift/a"], "2026-01-02": ["drift/a"]}}, "2 of 360 quiet days"),
        ({"real": 0.11}, "at most 11.0% of a table's rows"),
        ({"real": 0.11, "numericals": 6}, None),
        ({"area": {"batch": 0.68, "bootstrap": 0.55}}, None),  # one of twelve may
        ({"accuracy": 0.9}, None),
    ],
)
def test_a_goal_is_missed_by_what_one_of_twelve_tables_has(
    changes: dict[str, Any], missed: str | None
) -> None:
    goals = goals_of([{**TABLE, **changes}, *[TABLE] * 11])

    texts = [text for text, is_met in goals if not is_met]
    assert len(texts) == (missed is not None)
    assert missed is None or texts[0].startswith(missed)


def test_three_tables_of_twelve_with_a_large_area_miss_the_goal_and_are_named() -> None:
    large = {**TABLE, "name": "lending", "area": {"batch": 0.71, "bootstrap": 0.56}}

    missed = [text for text, is_met in goals_of([large] * 3 + [TABLE] * 9) if not is_met]

    assert len(missed) == 1
    assert missed[0].startswith("AUC at most 0.12 above the bootstrap's on 9 of 12")
    assert missed[0].endswith("not on: lending, lending, lending")
