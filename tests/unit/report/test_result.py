"""The JSON object of a day."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from monitoring.checks.record import DayRecord
from monitoring.ledger import manifest
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.report import report
from monitoring.report.result import day_result

NOTHING: dict[str, Any] = {
    "state": None,
    "rows": None,
    "scored": None,
    "failed": None,
    "retried": None,
    "ground_truth_uri": None,
    "report": None,
    "latency_ms": None,
    "availability": None,
    "releases": [],
    "alerts": [],
    "ongoing": [],
    "advice": None,
    "because": [],
}


def test_a_day_with_a_report_is_its_manifest_and_its_record(
    days: list[DayRecord], tmp_path: Path
) -> None:
    workspace, record = Workspace(tmp_path / "state", tmp_path / "reports"), days[9]
    day = date.fromisoformat(record.day)
    page = report.write(workspace, record, days[:9])
    known = Manifest(
        day=record.day,
        model="credit-default",
        state=State.UPLOADED,
        rows=200,
        bucket="b",
        object_key="k.csv",
        report=str(page),
    )
    manifest.write(workspace.manifest(day), known)

    result = json.loads(json.dumps(day_result(workspace, day), allow_nan=False))

    assert list(result) == ["day", *NOTHING]
    assert (result["state"], result["rows"]) == ("uploaded", 200)
    assert result["ground_truth_uri"] == "s3://b/k.csv"
    assert result["report"] == str(page)
    assert list(result["latency_ms"]) == ["p50", "p95", "p99", "max"]
    assert result["availability"] == 1
    (alert,) = result["alerts"]
    assert list(alert) == ["family", "subject", "metric", "value", "limit", "side", "text"]
    assert (result["advice"], result["because"]) == ("look", [alert["text"]])


def test_a_day_that_is_unknown_or_torn_has_nothing(tmp_path: Path) -> None:
    workspace, day = Workspace(tmp_path / "state", tmp_path / "reports"), date(2026, 1, 10)
    assert day_result(workspace, day) == {"day": "2026-01-10", **NOTHING}

    workspace.manifest(day).parent.mkdir(parents=True)
    workspace.manifest(day).write_text("{torn")
    assert day_result(workspace, day) == {"day": "2026-01-10", **NOTHING}


def test_a_torn_record_leaves_what_the_manifest_knows(tmp_path: Path) -> None:
    workspace, day = Workspace(tmp_path / "state", tmp_path / "reports"), date(2026, 1, 10)
    known = Manifest(day=str(day), model="m", state=State.UPLOADED, rows=200, report="page")
    manifest.write(workspace.manifest(day), known)
    workspace.reports.mkdir()
    workspace.record(day).write_text('{"version": 1, "day')

    result = day_result(workspace, day)

    assert result == {
        "day": str(day),
        **NOTHING,
        "state": "uploaded",
        "rows": 200,
        "report": "page",
    }
