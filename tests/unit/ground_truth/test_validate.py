"""What one pass over a ground truth file finds; the file that we write has no problems."""

import csv
import hashlib
import io
import subprocess
import sys
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from monitoring.batch.batch import Batch
from monitoring.batch.scored import ScoredBatch
from monitoring.ground_truth import file as ground_truth_file
from monitoring.ground_truth.validate import CheckedFile, check_file
from monitoring.ledger.answer import Answer
from monitoring.settings import loader
from monitoring.settings.model import Feature, Schema, Settings, Target
from tests.support.loop import ROOT

HEADER = "event_id,credit_GT,prediction,score,scored_at\n"
WHERE = "s3://se-demo-data/a.csv"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    unused = ["project_id", "model_api", "model_monitor"]
    return loader.load(folder / "config.yaml", unused)[0]


def checked(shipped: Settings, text: str | bytes, **metadata: str) -> CheckedFile:
    return check_file(
        shipped, io.BytesIO(text if isinstance(text, bytes) else text.encode()), WHERE, metadata
    )


def answer(index: int, error: str | None = None) -> Answer:
    at = "2026-03-01T10:00:00.000+00:00"
    return Answer(index, index % 2, 0.1 + 0.2, 4.0, 1, None, None, at, error)


def test_the_file_that_is_written_is_sound(shipped: Settings) -> None:
    file = io.BytesIO()
    answers = {0: answer(0), 1: answer(1, "answered 500"), 2: answer(2)}

    batch = Batch(pd.DataFrame({"credit": [1, 0, 0, 1]}), shipped.schema, "", [])
    scored = ScoredBatch(date(2026, 3, 1), batch, answers)

    assert ground_truth_file.write(shipped.ground_truth, file, scored) == 2

    text = file.getvalue()
    assert text.decode().splitlines() == [
        HEADER.strip(),
        "2026-03-01_0,1,0,0.30000000000000004,2026-03-01T10:00:00.000+00:00",
        "2026-03-01_2,0,0,0.30000000000000004,2026-03-01T10:00:00.000+00:00",
    ]
    sha256 = hashlib.sha256(text).hexdigest()
    assert checked(shipped, text, rows="2", sha256=sha256) == CheckedFile(2, sha256, 0, ())


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("a,0,0,0.5,t\nb,7,0,0.5,t\n", ":3: credit_GT: got '7', expected one of 0, 1"),
        ("a,0,0,0.5,t\nb,,0,0.5,t\n", ":3: credit_GT: got '', expected one of 0, 1"),
        (
            "a,1.0,0,0.5,t\nb,True,0,0.5,t\n",
            ":2: credit_GT: got '1.0', expected one of 0, 1 (2 such rows)",
        ),
        ("a,0,0,0.5,t\n,1,0,0.5,t\n", ":3: event_id: empty, expected an id"),
        (
            "a,0,0,0.5,t\nb,0,0,0.5,t\na,0,0,0.5,t\na,1,0,0.5,t\n",
            ":5: id 'a' is on line 2 already (2 such rows)",
        ),
        ("a,0,0,0.5,t\nb,0\n", ":3: got 2 fields, expected 5 as in the header"),
        ("a,0,0,0.5,t\n\n", ":3: got 0 fields, expected 5 as in the header"),
        ('a,0,0,0.5,t\n"b,0,0,0.5,t\n', ":3: not CSV: unexpected end of data"),
        ("", ": no rows, expected at least one below the header"),
        (
            "a,0,0,0.5,t\nb" + "b" * 200_000 + ",0,0,0.5,t\n",
            ":3: not CSV: field larger than field limit (131072)",
        ),
        (
            "a,0,0,0.5,t\n" + "b," * 600_000 + "\n",
            ":2: not CSV: a line is longer than 1,000,000 characters",
        ),
    ],
)
def test_a_faulty_row_is_named_with_its_line_and_what_was_expected(
    shipped: Settings, rows: str, problem: str
) -> None:
    got = checked(shipped, HEADER + rows)

    assert got.problems == (WHERE + problem,)


def test_each_kind_of_fault_is_told_once(shipped: Settings) -> None:
    got = checked(shipped, HEADER + "a,0,0,0.5,t\n" + "b,2,0,0.5,t\n" * 3 + ",3,0,0.5,t\n" * 2)

    assert got.duplicates == 2
    assert [problem.removeprefix(f"{WHERE}:") for problem in got.problems] == [
        "3: credit_GT: got '2', expected one of 0, 1 (5 such rows)",
        "6: event_id: empty, expected an id (2 such rows)",
        "5: id 'b' is on line 3 already (2 such rows)",
    ]


@pytest.mark.parametrize(
    "header",
    [
        "id,credit_GT\n",
        "event_id,label\n",
        "event_id,event_id,credit_GT\n",
        "\ufeffevent_id,credit_GT\n",
    ],
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
    ids=some.lists(
        some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), max_size=30
    ),
    ending=some.sampled_from(["\n", "\r\n"]),
)
def test_any_text_may_be_an_id_and_repeats_are_counted_exactly(ids: list[str], ending: str) -> None:
    schema = Schema(Target("credit", [0, 1], 1), [Feature("age", "numerical")])
    text = io.StringIO(newline="")
    # All quoted: Python's writer leaves a lone carriage return bare, which RFC 4180 does not allow.
    writer = csv.writer(text, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow(["credit_GT", "event_id"])
    writer.writerows([index % 2, row_id] for index, row_id in enumerate(ids))

    got = checked(Settings(schema=schema), text.getvalue())

    assert got.duplicates == len(ids) - len(set(ids))
    assert got.rows == len(ids)
    assert bool(got.problems) == (got.duplicates > 0 or not ids)


MEMORY = """
import io, resource, sys
sys.path.insert(0, sys.argv[1])
from monitoring.ground_truth.validate import check_file
from monitoring.settings.model import Feature, Schema, Settings, Target

class Rows(io.RawIOBase):
    def __init__(self, count): self.left, self.kept = count, b"event_id,credit_GT\\n"
    def read(self, size=-1):
        while self.left and len(self.kept) < size:
            self.left -= 1
            self.kept += b"%032x,0\\n" % (self.left * 2654435761 % 2**32)
        out, self.kept = self.kept[:size], self.kept[size:]
        return out

settings = Settings(schema=Schema(Target("credit", [0, 1], 1), [Feature("age", "numerical")]))
got = check_file(settings, Rows(int(sys.argv[2])), "a.csv", {})
assert (got.rows, got.problems) == (int(sys.argv[2]), ()), got
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
"""


def test_memory_does_not_grow_with_the_rows() -> None:
    peaks = {}
    for rows in (10_000, 400_000):
        command = [sys.executable, "-c", MEMORY, str(ROOT), str(rows)]
        peaks[rows] = int(
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        )

    # Kept in memory, the ids alone would be 400,000 x (32 + 49) bytes: 32 MB.
    assert peaks[400_000] - peaks[10_000] < 6e6, peaks
