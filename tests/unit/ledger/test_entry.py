"""A day in the ledger when files are torn, foreign or gone, and questions about many days."""

import errno
import json
import logging
import os
from datetime import date
from pathlib import Path

import pytest

from monitoring.errors import RefusedError, ServiceError
from monitoring.files import write_atomically
from monitoring.ledger import days, lock
from monitoring.ledger.entry import Ledger
from monitoring.ledger.workspace import Workspace

DAY = date(2026, 3, 1)
MODEL = "credit-default"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Workspace(tmp_path / "state" / MODEL, tmp_path / "reports" / MODEL), MODEL)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b'{"day": "2026',
        b"\xff\xfe",
        b'{"day": "2020-01-01", "state": "scored"}',
        b'{"day": "2026-03-01", "model": "m", "state": "sored"}',
    ],
)
def test_a_manifest_that_cannot_be_read_is_reported_and_holds_up_no_other_day(
    ledger: Ledger, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    torn = ledger.workspace.manifest(DAY)
    write_atomically(torn, content)
    ledger.entry(date(2026, 3, 2)).update(state="scored")

    with caplog.at_level(logging.WARNING):
        waiting = days.awaiting_upload(days.scan(ledger.workspace, before=date(2026, 3, 3)))

    assert waiting == [date(2026, 3, 2)]
    assert f"{torn}: not a manifest of {DAY}" in caplog.text
    with pytest.raises(RefusedError, match="restore it, or move the folder away"):
        ledger.entry(DAY)


def test_a_registered_day_without_its_time_counts_as_overdue(ledger: Ledger) -> None:
    content = {"day": str(DAY), "model": MODEL, "state": "registered"}
    write_atomically(ledger.workspace.manifest(DAY), json.dumps(content))

    assert days.overdue(days.scan(ledger.workspace, before=date(2026, 3, 9))) == [DAY]


def test_a_change_of_state_notes_its_time_once(ledger: Ledger) -> None:
    entry = ledger.entry(DAY)
    entry.update(state="generated", rows=3)
    first = entry.known.times
    entry.update(state="generated", rows=4)

    assert entry.known.times == first
    assert list(entry.update(state="scored").times) == ["generated", "scored"]
    assert ledger.entry(DAY).manifest == entry.manifest


def test_a_lock_is_held_on_a_full_disk_too(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr(lock, "open_private", lambda path, flags: os.open("/dev/full", flags))

    with ledger.locked(DAY):
        pass


def test_a_file_system_without_locks_is_named_as_such(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    expected = r"gives no locks .* set state_dir"
    with pytest.raises(ServiceError, match=expected) as refused, ledger.locked(DAY):
        pass

    assert "free some space" not in str(refused.value)


def test_temporary_files_of_killed_runs_are_swept_under_the_lock(ledger: Ledger) -> None:
    workspace = ledger.workspace
    ledger.entry(DAY).update(state="scored")
    own = workspace.day_folder(DAY) / ".manifest.json.4711"
    old, young = workspace.state / ".limits.json.4711", workspace.state / ".alerts.json.4712"
    report = workspace.reports / ".history.csv.4711"
    workspace.reports.mkdir(parents=True)
    for path in (own, old, young, report):
        path.touch()
    for path in (old, report):
        os.utime(path, (0, 0))
    before = {path for path in workspace.state.iterdir() if not path.name.startswith(".")}

    with ledger.locked(DAY):
        assert not any(path.exists() for path in (own, old, report))
        assert young.exists()  # another day's run may be writing it
        assert before <= set(workspace.state.iterdir())
        assert workspace.manifest(DAY).exists()


def test_gaps_begin_with_the_first_day_that_was_begun_not_with_one_that_was_given_up(
    ledger: Ledger,
) -> None:
    ledger.entry(date(2026, 2, 20)).give_up()
    ledger.entry(DAY).update(state="uploaded")
    ledger.entry(date(2026, 3, 3)).update(state="generated")

    missing = days.missing(days.scan(ledger.workspace, before=date(2026, 3, 5)))

    assert missing == [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    assert days.missing(days.scan(ledger.workspace, before=DAY)) == []
