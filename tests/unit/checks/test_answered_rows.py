"""The answers of earlier days, as they are in state."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks.population import Population, shipped_settings
from monitoring.batch.batch import Batch, to_csv
from monitoring.batch.scored import ScoredBatch
from monitoring.checks.answered_rows import AnsweredRows, read_earlier
from monitoring.dataset.schema import schema_hash
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.journal import Journal
from monitoring.ledger.workspace import Workspace
from monitoring.settings.model import Settings
from tests.support.world import changed

URL = "http://model.test/predict"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shipped = shipped_settings()
    return replace(
        shipped,
        state_dir=tmp_path,
        report_dir=tmp_path / "reports",
        model_api=replace(shipped.model_api, url=URL),
    )


def stored_day(
    settings: Settings, population: Population, number: int, **manifest: Any
) -> ScoredBatch:
    """Put a scored day into state, as a run leaves it, and return it."""
    day, workspace = date(2026, 1, number), Workspace.of(settings)
    frame = population.draw((20, 20), np.random.default_rng(number))
    frame["age"] = frame["age"] + 0.1 / 3  # with digits that a CSV may lose
    workspace.day_folder(day).mkdir(parents=True)
    content = to_csv(frame, settings.schema, day)
    workspace.batch(day).write_bytes(content)
    known = {
        "state": "uploaded",
        "rows": len(frame),
        "batch_sha256": sha256(content),
        "schema_hash": schema_hash(settings.schema),
        "model_url": URL,
        **manifest,
    }
    DayEntry(workspace, settings.model, day).update(**known)

    journal = Journal(workspace.journal(day), known["batch_sha256"], len(frame))
    answers = changed(population.answers(frame), scored_at="2026-01-01T05:00:00Z")
    for answer in answers:
        journal.append(answer)
    journal.close()
    batch = Batch(frame, settings.schema, sha256="", drills=[])
    return ScoredBatch(day, batch, {answer.index: answer for answer in answers})


def sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def entry(settings: Settings, number: int) -> DayEntry:
    return DayEntry(Workspace.of(settings), settings.model, date(2026, 1, number))


def test_the_answers_in_state_are_those_of_the_day_that_was_scored(
    settings: Settings, population: Population
) -> None:
    scored = stored_day(settings, population, 1)
    expected = AnsweredRows.of(scored, settings.schema)

    (read,) = read_earlier(settings, entry(settings, 2))

    assert read.day == "2026-01-01"
    for kept, original in zip(read[1:], expected[1:], strict=True):
        assert np.array_equal(kept, original)


def test_days_of_another_endpoint_or_schema_and_torn_ones_are_left_out(
    settings: Settings, population: Population
) -> None:
    for number in range(1, 6):
        stored_day(settings, population, number)
    stored_day(settings, population, 6, model_url="http://other.test")
    stored_day(settings, population, 7, schema_hash="another")
    workspace = Workspace.of(settings)
    workspace.batch(date(2026, 1, 2)).unlink()
    workspace.batch(date(2026, 1, 3)).write_text("torn")
    workspace.journal(date(2026, 1, 4)).write_text('{"batch": 3}\n')
    workspace.manifest(date(2026, 1, 5)).write_text("{")

    read = read_earlier(settings, entry(settings, 8))

    assert [rows.day for rows in read] == ["2026-01-01"]


def test_the_last_days_before_the_day_are_read_oldest_first(
    settings: Settings, population: Population
) -> None:
    for number in range(1, 11):
        stored_day(settings, population, number)

    read = read_earlier(settings, entry(settings, 10))

    assert [rows.day[-2:] for rows in read] == ["03", "04", "05", "06", "07", "08", "09"]


def test_the_same_input_has_the_same_key_whatever_its_type(population: Population) -> None:
    settings = population.settings
    frame = population.draw((5, 5), np.random.default_rng(0))
    answers = population.answers(frame)
    keys = []
    for kind in ("int64", "float64", "int8"):
        batch = Batch(frame.astype(dict.fromkeys(population.names, kind)), settings.schema, "", [])
        scored = ScoredBatch(date(2026, 1, 1), batch, dict(enumerate(answers)))
        keys.append(AnsweredRows.of(scored, settings.schema).keys)
    renamed = {
        index: msgspec.structs.replace(answer, release="2") for index, answer in enumerate(answers)
    }
    other = AnsweredRows.of(ScoredBatch(date(2026, 1, 1), batch, renamed), settings.schema).keys

    assert np.array_equal(keys[0], keys[1])
    assert np.array_equal(keys[0], keys[2])
    assert not np.isin(keys[0], other).any()
