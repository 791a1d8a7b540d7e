"""Own files that somebody altered: refused with file and remedy, or left out with a note."""

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitoring.errors import MonitoringError, RefusedError
from monitoring.ledger import manifest as manifests
from monitoring.ledger.answer import Answer
from monitoring.ledger.journal import Journal
from monitoring.ledger.manifest import Manifest, State
from tests.support import damage

DAY = date(2026, 3, 1)
SHA256 = "0" * 64


def line(**changes: Any) -> bytes:
    answer = Answer(0, 1, 0.5, 1.0, 1, None, None, "2026-03-01T00:00:00+00:00")
    content = {"batch": SHA256[:16], **msgspec.to_builtins(answer), **changes}
    return json.dumps(content).encode() + b"\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"prediction": 7, "score": 42},
        {"prediction": 7},
        {"prediction": "1"},
        {"prediction": None},
        {"score": 1.5},
        {"score": -0.1},
        {"latency_ms": 1e300},
        {"latency_ms": -1},
        {"attempts": 10**12},
        {"error": "no", "score": None},
        {"scored_at": "yesterday"},
        {"scored_at": "2026-03-01T00:00:00+00:00\n2026-03-01_1,0"},
        {"index": 2**70},
    ],
)
def test_an_altered_answer_is_refused_with_file_line_and_remedy(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_bytes(line() + line(**changes))

    with pytest.raises(RefusedError, match=r"scores\.jsonl:2: not an answer .*--rerun"):
        Journal(path, SHA256, 12, [0, 1])
    assert path.read_bytes() == line() + line(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": -1},
        {"rows": 10**18},
        {"scored": 13},
        {"scored": 12, "failed": 1},
        {"failures": {"x": "no"}},
        {"failures": {"2026-03-01_12": "no"}},
        {"failures": {"2026-03-01_" + "9" * 4301: "no"}},
        {"failures": {"2026-03-02_1": "no"}},
        {"times": {"uploaded": "yesterday"}},
        {"batch_sha256": "0", "rows": None},
        {"bucket": "no bucket", "object_key": "a"},
        {"duration_seconds": 1e300},
    ],
)
def test_an_altered_manifest_is_refused_with_file_and_remedy(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    known = Manifest(day=str(DAY), model="m", state=State.UPLOADED, rows=12, scored=12, failed=0)
    content = {**msgspec.to_builtins(known), **changes}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(content))

    with pytest.raises(RefusedError, match=r"manifest\.json: not a manifest of .*restore it"):
        manifests.read(path, DAY)


def test_no_damage_to_manifest_or_journal_ends_in_a_traceback(tmp_path: Path) -> None:
    seed = 12
    chance = random.Random(seed)
    known = Manifest(
        day=str(DAY), model="m", state=State.SCORED, rows=12, scored=11, failed=1,
        failures={"2026-03-01_3": "no"}, times={"scored": "2026-03-01T00:00:00+00:00"},
    )  # fmt: skip
    manifest = json.dumps(msgspec.to_builtins(known)).encode()
    path, journal = tmp_path / "manifest.json", tmp_path / "scores.jsonl"
    refused = 0
    for number in range(600):
        path.write_bytes(damage.damaged_json(manifest, chance))
        journal.write_bytes(line() + damage.damaged_json(line(index=1), chance) + b"\n" + line())
        for read in (
            lambda: manifests.read(path, DAY),
            lambda: Journal(journal, SHA256, 12, [0, 1]).close(),
        ):
            try:
                read()
            except MonitoringError as error:
                assert error.exit_code == 6, f"seed {seed}, case {number}: {error}"
                refused += 1
    assert refused > 600, f"seed {seed}"
