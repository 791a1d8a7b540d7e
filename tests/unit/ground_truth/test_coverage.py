"""How far a file's ids cover the rows that were scored here."""

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitoring.ground_truth.coverage import Coverage
from monitoring.ledger.workspace import Workspace

MODEL = "credit-default"


def a_day(folder: Path, day: str, rows: int, failed: tuple[int, ...] = (), **more: Any) -> None:
    path = folder / MODEL / day / "manifest.json"
    path.parent.mkdir(parents=True)
    failures = {f"{day}_{index}": "answered 500" for index in failed}
    state = {
        "day": day,
        "model": MODEL,
        "state": "uploaded",
        "rows": rows,
        "scored": rows - len(failed),
    }
    path.write_text(json.dumps(state | {"failures": failures} | more))


def covered(folder: Path, ids: list[str], duplicates: int = 0) -> dict[str, int]:
    coverage = Coverage(Workspace(folder / MODEL, folder / "reports"), date(2026, 6, 10))
    for row_id in ids:
        coverage.add(row_id)
    return coverage.counts(duplicates)


def test_a_file_is_joined_to_the_rows_that_were_scored(tmp_path: Path) -> None:
    a_day(tmp_path, "2026-03-01", 3)
    a_day(tmp_path, "2026-06-01", 4, failed=(1,))
    a_day(tmp_path, "2026-06-02", 5)
    a_day(tmp_path, "2026-06-03", 2)
    a_day(tmp_path, "2026-06-04", 9)

    ids = ["2026-06-01_0", "2026-06-01_3", "2026-06-03_1", "2026-06-03_1"]
    unknown = [
        "2026-06-01_1",
        "2026-06-01_4",
        "2026-06-01_00",
        "2026-06-01_-1",
        "2026-06-09_0",
        "elsewhere",
        "",
        "2026-06-01_²",
    ]

    # From the 1st to the 3rd: 3 + 5 + 2 scored rows; _1 of the 1st failed, so it has no prediction.
    expected = {"expected": 10, "matched": 3, "unknown": len(unknown), "duplicate": 1, "late": 0}
    assert covered(tmp_path, ids + unknown, duplicates=1) == expected


def test_rows_of_more_than_90_days_ago_are_late(tmp_path: Path) -> None:
    a_day(tmp_path, "2026-03-11", 2)
    a_day(tmp_path, "2026-03-12", 2)

    got = covered(tmp_path, ["2026-03-11_0", "2026-03-11_1", "2026-03-12_0"])

    assert got == {"expected": 4, "matched": 3, "unknown": 0, "duplicate": 0, "late": 2}


def test_a_day_that_was_not_scored_here_matches_nothing(tmp_path: Path) -> None:
    a_day(tmp_path, "2026-06-01", 4, scored=None)

    assert covered(tmp_path, ["2026-06-01_0"]) == {
        "expected": 0,
        "matched": 0,
        "unknown": 1,
        "duplicate": 0,
        "late": 0,
    }


def test_coverage_equals_a_plain_join_of_sets(tmp_path: Path) -> None:
    for _ in range(25):
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        draw = random.Random(seed)
        scored = {f"2026-06-0{day}": draw.randint(1, 30) for day in range(1, 6)}
        for day, rows in scored.items():
            a_day(tmp_path / str(seed), day, rows)
        ids = [
            f"2026-06-0{draw.randint(1, 7)}_{draw.randint(0, 35)}"
            for _ in range(draw.randint(1, 60))
        ]
        known = {f"{day}_{index}" for day, rows in scored.items() for index in range(rows)}
        touched = sorted(row_id[:10] for row_id in ids if row_id in known) or ["9", "0"]

        assert covered(tmp_path / str(seed), ids) == {
            "expected": sum(touched[0] <= row_id[:10] <= touched[-1] for row_id in known),
            "matched": len(known & set(ids)),
            "unknown": sum(row_id not in known for row_id in ids),
            "duplicate": 0,
            "late": 0,
        }


ODD_IDS = [
    "2026-03-01_" + "9" * 4301,
    "2026-03-01_" + "0" * 4301,
    "9" * 10_000,
    "2026-03-01_²",
    "2026-03-01_١",
    "2026-03-01_-1",
    "2026-03-01_1e3",
    "2026-03-01_0x1",
    "2026-03-01_ 1",
    "2026-03-01_1\n",
    "2026-03-01_\x00",
    "_",
    "__",
    "\ud7ff\ue000",
]


@pytest.mark.parametrize("row_id", ODD_IDS)
def test_an_id_that_is_none_of_ours_is_unknown(tmp_path: Path, row_id: str) -> None:
    a_day(tmp_path, "2026-03-01", 3)

    counts = covered(tmp_path, [row_id, "2026-03-01_1"])

    assert (counts["unknown"], counts["matched"]) == (1, 1)


@given(some.text())
def test_no_id_breaks_the_counting(row_id: str) -> None:
    coverage = Coverage(Workspace(Path("/nowhere"), Path("/nowhere")), date(2026, 6, 10))

    coverage.add(f"2026-03-01_{row_id}")

    assert coverage.counts(0)["unknown"] == 1
