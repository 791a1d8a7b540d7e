"""Simulated limits, kept in a file."""

import json
from pathlib import Path

import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from tests.support.world import World


def test_limits_are_simulated_once_and_read_from_the_file_after(
    population: Population, tmp_path: Path
) -> None:
    path = tmp_path / "limits.json"
    world = World(population, Limits.read(path))
    batch = world.batch()
    first = world.evaluate(batch)
    world.limits.write(path)
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(dict.fromkeys(kept, 9.0)))
    world.records, world.limits = [], Limits.read(path)

    assert len(kept) == 10
    assert {test.limit for test in world.evaluate(batch).drift} == {9.0}
    path.write_text("{torn")
    world.records, world.limits = [], Limits.read(path)
    assert world.evaluate(batch).drift == first.drift


def test_the_file_is_written_only_for_new_limits(population: Population, tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    world = World(population, Limits())
    batch = world.batch()
    world.evaluate(batch)
    known = Limits(world.limits.known)
    world.records, world.limits = [], known

    world.evaluate(batch)
    known.write(path)

    assert not path.exists()


@pytest.mark.parametrize(
    "content", ['{"a": -1}', '{"a": 1e999}', "[" * 5000, '{"a": "x"}', '{"a": 1', "\x00"]
)
def test_limits_that_were_altered_are_left_out_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    path = tmp_path / "limits.json"
    path.write_text(content)

    assert Limits.read(path).known == {}
    assert f"{path}: left out" in caplog.text


def test_limits_that_cannot_be_stored_fail_no_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "limits.json").mkdir()
    limits = Limits({"a": 1.0})
    limits._has_new = True

    limits.write(tmp_path / "limits.json")

    assert "simulated again" in caplog.text
