"""Earlier days, as their records have them."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from monitoring.checks.history import read_previous
from monitoring.checks.record import to_json
from tests.support.world import FIRST, World


def test_earlier_records_are_read_back_and_bad_ones_left_out_with_a_warning(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for record in world.days(3):
        (tmp_path / f"{record.day}.json").write_bytes(to_json(record))
    (tmp_path / "2026-01-04.json").write_text('{"version": 99}')
    (tmp_path / "2026-01-05.json").write_text('{"version": 1, "day')
    (tmp_path / "2026-01-06.json").write_text("[]")
    (tmp_path / "2026-01-07.json").write_text('{"version": 1, "model": 3}')
    (tmp_path / "2026-01-08.json").write_text('{"version": 1, "x": ' + "[" * 100_000)
    (tmp_path / "history.csv").write_text("day\n")

    records = read_previous(tmp_path, date(2026, 1, 9))

    assert records == world.records
    notes = caplog.messages
    assert len(notes) == 5
    assert (
        "2026-01-04.json: left out; expected a record of version 1, got ValueError: version 99"
        in notes[0]
    )
    assert "at `$.model`" in notes[3]
    assert read_previous(tmp_path, date(2026, 1, 3)) == world.records[:2]


def test_the_reference_days_are_read_however_long_ago_they_were(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record = world.days(8)[-1]
    for number in range(50):
        day = str(FIRST + timedelta(days=number))
        copy = msgspec.structs.replace(record, day=day)
        (tmp_path / f"{day}.json").write_bytes(to_json(copy))

    records = read_previous(tmp_path, FIRST + timedelta(days=50))

    assert not caplog.messages
    assert len(records) == 37
    assert [record.day for record in records[:8]] == [
        *record.performance.reference.days,
        "2026-01-21",
    ]
