"""history.csv: a row for each number of each day."""

import csv
import json
from pathlib import Path

import msgspec
import pytest

from monitoring.checks.record import DayRecord, to_json
from monitoring.ledger.workspace import Workspace
from monitoring.report import history, report
from monitoring.report.metrics import history_rows
from tests.support.world import feature


def workspace_in(folder: Path) -> Workspace:
    return Workspace(folder / "state", folder)


def test_the_history_has_a_row_for_each_number_and_a_day_written_again_replaces_its_own(
    days: list[DayRecord], tmp_path: Path
) -> None:
    for number in (0, 2, 1, 2):
        page = report.write(workspace_in(tmp_path), days[number], days[:number])
    assert page == tmp_path / "2026-01-03.html"
    assert page.exists()

    with open(tmp_path / "history.csv", newline="") as file:
        header, *rows = csv.reader(file)

    assert header == ["day", "metric", "subject", "value", "limit"]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert len(rows) == len({tuple(row[:3]) for row in rows})
    assert len(rows) == sum(len(history_rows(days[number])) for number in (0, 1, 2))

    values = {tuple(row[:3]): (float(row[3]), row[4]) for row in rows}
    age = feature(days[2], "age")
    assert values["2026-01-03", "ks", "age"] == (age.value, str(age.limit))
    assert values["2026-01-03", "auc", "model"][0] == days[2].performance.metrics["auc"].value
    record = json.loads((tmp_path / "2026-01-03.json").read_text())
    assert record == json.loads(to_json(days[2]))


def test_a_history_that_was_torn_keeps_its_whole_rows(
    days: list[DayRecord], tmp_path: Path
) -> None:
    (tmp_path / "history.csv").write_text(
        "day,metric,subject,value,limit\n2025-12-31,auc,model,0.7,\n2025-12-31,acc"
    )

    report.write(workspace_in(tmp_path), days[0], [])

    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[:2] == ["day,metric,subject,value,limit", "2025-12-31,auc,model,0.7,"]
    assert not [line for line in lines if line.startswith("2025-12-31,acc")]


@pytest.mark.parametrize("odd", [b"\xa5", b"\x00", b'"', b"\r"])
def test_a_history_with_one_odd_byte_keeps_the_other_lines_and_is_named(
    days: list[DayRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture, odd: bytes
) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(
        b"day,metric,subject,value,limit\n2025-12-30,auc,model,0.7,\n"
        b"2025-12-31,auc" + odd + b",model,0.7\n"
    )

    report.write(workspace_in(tmp_path), days[0], [])

    text = path.read_bytes().decode()
    assert "2025-12-30,auc,model,0.7,\n" in text
    assert "2025-12-31" not in text
    assert f"{path}: " in caplog.text


def test_a_history_that_cannot_be_read_is_left_out_and_named(
    days: list[DayRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.csv"
    path.symlink_to(path)  # a loop

    report.write(workspace_in(tmp_path), days[0], [])

    assert f"{path}: left out" in caplog.text
    assert path.read_text().startswith("day,metric")


def test_a_line_end_of_another_script_does_not_tear_a_line(
    days: list[DayRecord], tmp_path: Path
) -> None:
    path, drill = tmp_path / "history.csv", 'age, "young"\u2028\x85half'
    history.write(path, msgspec.structs.replace(days[0], drills=[drill]))
    history.write(path, days[1])

    rows = list(history.read(path))

    assert {row.day for row in rows} == {days[0].day, days[1].day}
    assert [row.subject for row in rows if row.metric == "drill"] == [drill]
