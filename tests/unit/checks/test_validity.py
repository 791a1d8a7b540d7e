"""Records and baselines that somebody altered: left out with a note, or refused."""

import random
from datetime import date
from pathlib import Path

import pytest

from monitoring.checks.history import read_previous
from monitoring.checks.record import to_json
from monitoring.checks.validity import fitting
from monitoring.dataset import baseline as baselines
from monitoring.errors import RefusedError
from tests.support import damage
from tests.support.world import World

SEED, CASES = 12, 60


def test_no_damage_to_a_record_breaks_the_next_day(world: World, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for record in world.days(3):
        (tmp_path / f"{record.day}.json").write_bytes(to_json(record))
    path = tmp_path / f"{world.records[1].day}.json"
    whole, frame = path.read_bytes(), world.batch()

    for _ in range(CASES):
        path.write_bytes(damage.damaged_json(whole, chance))
        world.records = fitting(read_previous(tmp_path, date(2026, 1, 4)), world.baseline)
        world.evaluate(frame)


@pytest.mark.parametrize("cases", [300])
def test_no_damage_to_a_baseline_ends_in_a_traceback(world: World, cases: int) -> None:
    chance = random.Random(SEED)
    content, frame = baselines.to_json(world.baseline).encode(), world.batch()

    refused = 0
    for number in range(cases):
        text = damage.damaged_json(content, chance).decode("utf-8", "replace")
        try:
            baseline = baselines.from_json(text, Path("baseline.json"))
            if number % 10 == 0:
                world.evaluate(frame, baseline=baseline)
        except RefusedError as error:
            refused += 1
            assert "baseline" in str(error)
    assert refused > cases / 2
