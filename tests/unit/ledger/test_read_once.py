"""Each manifest is parsed once a run, and again when it changes."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.errors import RefusedError
from monitoring.ledger import days, manifest
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace

FIRST = date(2026, 1, 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Workspace(tmp_path / "state" / "credit", tmp_path / "reports"), "credit")
    for number in range(10):
        ledger.entry(FIRST + timedelta(days=number)).update(state=State.SCORED)
    return ledger


def test_many_questions_parse_each_manifest_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[date] = []
    read = manifest.read

    def counted(path: Path, day: date) -> manifest.Manifest | None:
        parsed.append(day)
        return read(path, day)

    monkeypatch.setattr(manifest, "read", counted)
    before = FIRST + timedelta(days=10)

    for _ in range(3):
        assert len(days.awaiting_upload(days.scan(ledger.workspace, before))) == 10
        assert days.missing(days.scan(ledger.workspace, before)) == []
        assert days.failed(days.scan(ledger.workspace, before)) == []
        assert days.overdue(days.scan(ledger.workspace, before)) == []

    assert len(parsed) == 10


def test_what_changed_is_read_again(ledger: Ledger) -> None:
    before = FIRST + timedelta(days=10)
    assert len(days.awaiting_upload(days.scan(ledger.workspace, before))) == 10

    ledger.entry(FIRST).update(state=State.UPLOADED)

    assert FIRST not in days.awaiting_upload(days.scan(ledger.workspace, before))


def test_a_day_behind_a_link_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.workspace.day_folder(FIRST)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match="symbolic link"):
        days.known_of(ledger, FIRST)
