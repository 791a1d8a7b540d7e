"""monitoring/ground_truth.py: what one streaming pass finds, how a file covers the scored days, the names of repeats."""

import csv
import hashlib
import io
import json
import random
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring import config, ground_truth
from monitoring.config import Settings
from monitoring.ground_truth import Checked, Coverage, check
from monitoring.model_api import Answer

ROOT = Path(__file__).resolve().parent.parent
HEADER = "event_id,credit_GT,prediction,score,scored_at\n"
WHERE = "s3://se-demo-data/a.csv"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    return config.load(folder / "config.yaml", unused=["project_id", "model_api", "model_monitor"])[0]


def checked(shipped: Settings, text: str | bytes, **metadata: str) -> Checked:
    return check(shipped, io.BytesIO(text if isinstance(text, bytes) else text.encode()), WHERE, metadata)


def answer(index: int, error: str | None = None) -> Answer:
    return Answer(index, index % 2, 0.1 + 0.2, 4.0, 1, None, None, "2026-03-01T10:00:00.000+00:00", error)


def test_the_file_that_is_written_is_sound(shipped: Settings) -> None:
    file = io.BytesIO()
    answers = {0: answer(0), 1: answer(1, "answered 500"), 2: answer(2)}

    assert ground_truth.write(shipped, file, [("d_0", 1), ("d_1", 0), ("d_2", 0), ("d_3", 1)], answers) == 2

    text = file.getvalue()
    assert text.decode().splitlines() == [
        HEADER.strip(),
        "d_0,1,0,0.30000000000000004,2026-03-01T10:00:00.000+00:00",
        "d_2,0,0,0.30000000000000004,2026-03-01T10:00:00.000+00:00",
    ]
    sha256 = hashlib.sha256(text).hexdigest()
    assert checked(shipped, text, rows="2", sha256=sha256) == Checked(2, sha256, 0, ())


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("a,0,0,0.5,t\nb,7,0,0.5,t\n", ":3: credit_GT: got '7', expected one of 0, 1"),
        ("a,0,0,0.5,t\nb,,0,0.5,t\n", ":3: credit_GT: got '', expected one of 0, 1"),
        ("a,1.0,0,0.5,t\nb,True,0,0.5,t\n", ":2: credit_GT: got '1.0', expected one of 0, 1 (2 such rows)"),
        ("a,0,0,0.5,t\n,1,0,0.5,t\n", ":3: event_id: empty, expected an id"),
        ("a,0,0,0.5,t\nb,0,0,0.5,t\na,0,0,0.5,t\na,1,0,0.5,t\n", ":5: id 'a' stands on line 2 already (2 such rows)"),
        ("a,0,0,0.5,t\nb,0\n", ":3: got 2 fields, expected 5 as in the header"),
        ("a,0,0,0.5,t\n\n", ":3: got 0 fields, expected 5 as in the header"),
        ('a,0,0,0.5,t\n"b,0,0,0.5,t\n', ":3: not CSV: unexpected end of data"),
        ("", ": no rows, expected at least one below the header"),
        ("a,0,0,0.5,t\nb" + "b" * 200_000 + ",0,0,0.5,t\n", ":3: not CSV: field larger than field limit (131072)"),
        ("a,0,0,0.5,t\n" + "b," * 600_000 + "\n", ":2: not CSV: a line is longer than 1,000,000 characters"),
    ],
)
def test_a_faulty_row_is_named_with_its_line_and_what_was_expected(shipped: Settings, rows: str, problem: str) -> None:
    got = checked(shipped, HEADER + rows)

    assert got.problems == (WHERE + problem,)


def test_each_kind_of_fault_is_told_once(shipped: Settings) -> None:
    got = checked(shipped, HEADER + "a,0,0,0.5,t\n" + "b,2,0,0.5,t\n" * 3 + ",3,0,0.5,t\n" * 2)

    assert got.duplicates == 2
    assert [problem.removeprefix(f"{WHERE}:") for problem in got.problems] == [
        "3: credit_GT: got '2', expected one of 0, 1 (5 such rows)",
        "6: event_id: empty, expected an id (2 such rows)",
        "5: id 'b' stands on line 3 already (2 such rows)",
    ]


@pytest.mark.parametrize(
    "header", ["id,credit_GT\n", "event_id,label\n", "event_id,event_id,credit_GT\n", "\ufeffevent_id,credit_GT\n"]
)
def test_a_header_without_the_two_columns_is_refused(shipped: Settings, header: str) -> None:
    (problem,) = checked(shipped, header + "a,0\n").problems

    assert "expected event_id and credit_GT once each" in problem


@pytest.mark.parametrize("content", [b"", HEADER.encode() + b"a,0,\xff,0.5,t\n"])
def test_an_empty_or_a_foreign_file_is_refused(shipped: Settings, content: bytes) -> None:
    assert checked(shipped, content).problems


def test_the_metadata_are_compared_where_there_are_any(shipped: Settings) -> None:
    text = HEADER + "a,0,0,0.5,t\n"
    sha256 = hashlib.sha256(text.encode()).hexdigest()

    assert checked(shipped, text).problems == ()
    assert checked(shipped, text, rows="1", sha256=sha256).problems == ()
    (cut,) = checked(shipped, text, rows="2", sha256=sha256).problems
    assert "rows: got 1, the object's metadata say 2" in cut
    (changed,) = checked(shipped, text, rows="1", sha256="0" * 64).problems
    assert f"sha256: got {sha256}" in changed


@settings(max_examples=60, deadline=None)
@given(
    ids=some.lists(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), max_size=30),
    ending=some.sampled_from(["\n", "\r\n"]),
)
def test_any_text_may_be_an_id_and_repeats_are_counted_exactly(ids: list[str], ending: str) -> None:
    schema = config.Schema(config.Target("credit", [0, 1], 1), [config.Feature("age", "numerical")])
    text = io.StringIO(newline="")
    # All quoted: Python's writer leaves a lone carriage return bare, which RFC 4180 does not allow.
    writer = csv.writer(text, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow(["credit_GT", "event_id"])
    writer.writerows([index % 2, row_id] for index, row_id in enumerate(ids))

    got = checked(config.Settings(schema=schema), text.getvalue())

    assert got.duplicates == len(ids) - len(set(ids))
    assert got.rows == len(ids)
    assert bool(got.problems) == (got.duplicates > 0 or not ids)


MEMORY = """
import io, resource, sys
sys.path.insert(0, sys.argv[1])
from monitoring import config, ground_truth

class Rows(io.RawIOBase):
    def __init__(self, count): self.left, self.kept = count, b"event_id,credit_GT\\n"
    def read(self, size=-1):
        while self.left and len(self.kept) < size:
            self.left -= 1
            self.kept += b"%032x,0\\n" % (self.left * 2654435761 % 2**32)
        out, self.kept = self.kept[:size], self.kept[size:]
        return out

settings = config.Settings(schema=config.Schema(config.Target("credit", [0, 1], 1), [config.Feature("age", "numerical")]))
got = ground_truth.check(settings, Rows(int(sys.argv[2])), "a.csv", {})
assert (got.rows, got.problems) == (int(sys.argv[2]), ()), got
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def test_memory_does_not_grow_with_the_rows() -> None:
    peaks = {}
    for rows in (10_000, 400_000):
        command = [sys.executable, "-c", MEMORY, str(ROOT), str(rows)]
        peaks[rows] = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    # Kept in memory, the ids alone would be 400,000 x (32 + 49) bytes: 32 MB.
    assert peaks[400_000] - peaks[10_000] < 6e6, peaks


# Coverage.


def a_day(shipped: Settings, folder: Path, day: str, rows: int, failed: tuple[int, ...] = (), **more: Any) -> None:
    path = folder / shipped.model / day / "manifest.json"
    path.parent.mkdir(parents=True)
    failures = {f"{day}_{index}": "answered 500" for index in failed}
    state = {"day": day, "model": shipped.model, "state": "uploaded", "rows": rows, "scored": rows - len(failed)}
    path.write_text(json.dumps(state | {"failures": failures} | more))


def covered(shipped: Settings, folder: Path, ids: list[str], duplicates: int = 0) -> dict[str, int]:
    loaded = config.Settings(schema=shipped.schema, state_dir=folder)
    coverage = Coverage(loaded, date(2026, 6, 10))
    for row_id in ids:
        coverage.note(row_id)
    return coverage.counts(duplicates)


def test_a_file_is_joined_to_the_rows_that_were_scored(shipped: Settings, tmp_path: Path) -> None:
    a_day(shipped, tmp_path, "2026-03-01", 3)
    a_day(shipped, tmp_path, "2026-06-01", 4, failed=(1,))
    a_day(shipped, tmp_path, "2026-06-02", 5)
    a_day(shipped, tmp_path, "2026-06-03", 2)
    a_day(shipped, tmp_path, "2026-06-04", 9)

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
    assert covered(shipped, tmp_path, ids + unknown, duplicates=1) == expected


def test_rows_of_more_than_90_days_ago_are_late(shipped: Settings, tmp_path: Path) -> None:
    a_day(shipped, tmp_path, "2026-03-11", 2)
    a_day(shipped, tmp_path, "2026-03-12", 2)

    got = covered(shipped, tmp_path, ["2026-03-11_0", "2026-03-11_1", "2026-03-12_0"])

    assert got == {"expected": 4, "matched": 3, "unknown": 0, "duplicate": 0, "late": 2}


def test_a_day_that_was_not_scored_here_matches_nothing(shipped: Settings, tmp_path: Path) -> None:
    a_day(shipped, tmp_path, "2026-06-01", 4, scored=None)

    assert covered(shipped, tmp_path, ["2026-06-01_0"]) == {
        "expected": 0, "matched": 0, "unknown": 1, "duplicate": 0, "late": 0,
    }  # fmt: skip


def test_coverage_equals_a_plain_join_of_sets(shipped: Settings, tmp_path: Path) -> None:
    for _ in range(25):
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        draw = random.Random(seed)
        scored = {f"2026-06-0{day}": draw.randint(1, 30) for day in range(1, 6)}
        for day, rows in scored.items():
            a_day(shipped, tmp_path / str(seed), day, rows)
        ids = [f"2026-06-0{draw.randint(1, 7)}_{draw.randint(0, 35)}" for _ in range(draw.randint(1, 60))]
        known = {f"{day}_{index}" for day, rows in scored.items() for index in range(rows)}
        touched = sorted(row_id[:10] for row_id in ids if row_id in known) or ["9", "0"]

        assert covered(shipped, tmp_path / str(seed), ids) == {
            "expected": sum(touched[0] <= row_id[:10] <= touched[-1] for row_id in known),
            "matched": len(known & set(ids)),
            "unknown": sum(row_id not in known for row_id in ids),
            "duplicate": 0,
            "late": 0,
        }


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
    assert ground_truth.next_key(key) == expected
