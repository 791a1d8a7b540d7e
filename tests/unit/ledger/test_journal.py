"""The journal when lines are torn, altered or foreign."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitoring.errors import RefusedError
from monitoring.ledger.answer import Answer
from monitoring.ledger.journal import Journal

SHA256 = "0" * 64


def answer(index: int, **changes: Any) -> Answer:
    scored = Answer(index, 1, 0.5, 1.0, 1, None, None, "2026-03-01T00:00:00+00:00")
    return msgspec.structs.replace(scored, **changes)


def line(answer: Answer, **changes: Any) -> bytes:
    content = {"batch": SHA256[:16], **msgspec.to_builtins(answer), **changes}
    return msgspec.json.encode(content) + b"\n"


def journal_of(folder: Path, *lines: bytes) -> Path:
    path = folder / "scores.jsonl"
    path.write_bytes(b"".join(lines))
    return path


@pytest.mark.parametrize("index", [12, -1, "3", True, 3.5])
def test_an_answer_to_a_row_that_the_batch_does_not_have_is_refused_with_its_line(
    tmp_path: Path, index: Any
) -> None:
    path = journal_of(tmp_path, line(answer(0)), line(answer(1), index=index))

    with pytest.raises(RefusedError, match=r"scores.jsonl:2: .*(expected 0 to 11|Expected `int`)"):
        Journal(path, SHA256, 12)


def test_of_several_answers_to_a_row_the_last_counts_and_a_torn_last_line_is_cut_off(
    tmp_path: Path,
) -> None:
    failed = answer(0, prediction=None, score=None, error="503", is_retryable=True)
    path = journal_of(tmp_path, line(failed), line(answer(1)), line(answer(0)))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"batch": "00')

    journal = Journal(path, SHA256, 12)
    journal.append(answer(2))
    journal.close()

    assert journal.answers[0].error is None
    assert sorted(journal.answers) == [0, 1, 2]
    assert path.read_bytes().startswith(whole)
    assert len(path.read_text().splitlines()) == 4


def test_the_keys_on_disk_are_those_of_the_first_version(tmp_path: Path) -> None:
    path = journal_of(tmp_path)
    journal = Journal(path, SHA256, 12)
    journal.append(answer(0, is_retryable=True, error="503", attempt_errors=("503",)))
    journal.close()

    assert msgspec.json.decode(path.read_bytes()) == {
        "batch": "0" * 16,
        "index": 0,
        "prediction": 1,
        "score": 0.5,
        "latency_ms": 1.0,
        "attempts": 1,
        "release": None,
        "request_id": None,
        "scored_at": "2026-03-01T00:00:00+00:00",
        "error": "503",
        "passing": True,
        "faults": ["503"],
    }
