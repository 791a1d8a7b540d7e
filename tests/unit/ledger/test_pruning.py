"""Old days that are removed: which, what of them, and that they are known as done ever after."""

import json
import logging
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.errors import LockedError, RefusedError, ServiceError
from monitoring.ledger import days, pruned, pruning
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace

MODEL = "credit-default"
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 10)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Workspace(tmp_path / "state" / MODEL, tmp_path / "reports" / MODEL), MODEL)


def store(ledger: Ledger, day: date, state: State) -> None:
    """Give a day a folder with a batch, and a page with its record."""
    ledger.entry(day).update(state=state)
    ledger.workspace.batch(day).write_text("x" * 1000)
    ledger.workspace.reports.mkdir(parents=True, exist_ok=True)
    ledger.workspace.page(day).write_text("<html>")
    ledger.workspace.record(day).write_text("{}")


@pytest.fixture
def ten_days(ledger: Ledger) -> Ledger:
    """Ten ingested days but the third, that was never ingested, and the fifth, given up."""
    states = {2: State.FAILED, 4: State.SKIPPED}
    for offset in range(10):
        store(ledger, FIRST + timedelta(days=offset), states.get(offset, State.INGESTED))
    return ledger


def prune(ledger: Ledger, before: date, *, dry_run: bool = False) -> list[pruning.Removed]:
    removed = []
    for day in pruning.old_days(ledger.workspace, before):
        with ledger.locked(day, dry_run=dry_run) as entry:
            if result := pruning.remove(entry, dry_run=dry_run):
                removed.append(result)
    return removed


@pytest.mark.parametrize("state", list(State))
def test_only_a_day_that_is_ingested_or_given_up_is_removed(ledger: Ledger, state: State) -> None:
    store(ledger, FIRST, state)

    removed = prune(ledger, LAST)

    is_done = state in (State.INGESTED, State.SKIPPED)
    assert bool(removed) == is_done
    assert ledger.workspace.day_folder(FIRST).exists() != is_done
    assert ledger.workspace.page(FIRST).exists() != is_done
    assert ledger.workspace.record(FIRST).exists()
    assert ledger.entry(FIRST).state is state


def test_only_older_days_are_removed_and_what_they_took_is_counted(ten_days: Ledger) -> None:
    ten_days.workspace.day_folder(FIRST).with_name(f"{FIRST}.1").mkdir()

    removed = prune(ten_days, date(2026, 1, 4))

    assert [result.day for result in removed] == [FIRST, date(2026, 1, 2)]
    assert (removed[0].folders, removed[0].pages) == (2, 1)
    assert 1000 < removed[1].size_bytes < 3000
    names = {path.name for path in ten_days.workspace.state.glob("2026-*")}
    assert names == {f"2026-01-{number:02}" for number in range(3, 11)}


def test_a_dry_run_lists_the_same_and_removes_nothing(ten_days: Ledger) -> None:
    folder = ten_days.workspace.state.parent.parent
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    would_be = prune(ten_days, LAST, dry_run=True)

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert would_be == prune(ten_days, LAST)


def test_a_removed_day_is_no_gap_though_older_days_remain(ten_days: Ledger) -> None:
    # The failed third day stays: from it on, gaps are looked for.
    prune(ten_days, LAST)

    assert ten_days.workspace.known_days() == [date(2026, 1, 3), LAST]
    assert days.missing(days.scan(ten_days.workspace, before=date(2026, 1, 13))) == [
        date(2026, 1, 11),
        date(2026, 1, 12),
    ]


def test_a_gap_among_removed_days_is_still_named(ledger: Ledger) -> None:
    for offset in (0, 2, 3):
        store(ledger, FIRST + timedelta(days=offset), State.INGESTED)

    prune(ledger, date(2026, 1, 4))

    assert days.missing(days.scan(ledger.workspace, before=date(2026, 1, 5))) == [date(2026, 1, 2)]


def test_the_list_of_removed_days_is_short_and_in_words_of_the_ledger(ten_days: Ledger) -> None:
    prune(ten_days, LAST)

    assert json.loads(ten_days.workspace.pruned.read_text()) == {
        "ingested": [
            ["2026-01-01", "2026-01-02"],
            ["2026-01-04", "2026-01-04"],
            ["2026-01-06", "2026-01-09"],
        ],
        "skipped": [["2026-01-05", "2026-01-05"]],
    }


def test_a_day_that_is_taken_up_again_counts_by_its_new_manifest(ten_days: Ledger) -> None:
    given_up = date(2026, 1, 5)
    prune(ten_days, LAST)

    entry = ten_days.entry(given_up)
    entry.take_up_again(dry_run=False)
    entry.update(state=State.GENERATED)
    assert ten_days.entry(given_up).state is State.GENERATED
    assert days.missing(days.scan(ten_days.workspace, before=LAST)) == [given_up]

    entry.update(state=State.INGESTED)
    prune(ten_days, LAST)
    assert pruned.read(ten_days.workspace)[given_up] is State.INGESTED


@pytest.mark.parametrize("removed_first", ["manifest.json", "batch.csv"])
def test_a_removal_that_was_killed_is_finished_by_the_next_one(
    ten_days: Ledger, removed_first: str
) -> None:
    # As killed after any step: the note, some file of the folder.
    workspace = ten_days.workspace
    pruned.add(workspace, FIRST, State.INGESTED)
    (workspace.day_folder(FIRST) / removed_first).unlink()
    assert ten_days.entry(FIRST).state is State.INGESTED

    removed = prune(ten_days, date(2026, 1, 2))

    assert [result.day for result in removed] == [FIRST]
    assert not workspace.day_folder(FIRST).exists()
    assert not workspace.page(FIRST).exists()


def test_a_day_that_another_run_works_on_is_left_alone(ten_days: Ledger) -> None:
    with ten_days.locked(FIRST), pytest.raises(LockedError):
        prune(ten_days, LAST)

    assert ten_days.workspace.day_folder(FIRST).exists()


def test_what_a_link_leads_to_stays(ten_days: Ledger, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("kept")
    (ten_days.workspace.state / f"{FIRST}.1").symlink_to(elsewhere)

    prune(ten_days, LAST)

    assert (elsewhere / "file").read_text() == "kept"


def test_a_torn_list_is_a_warning_for_the_night_and_stops_a_removal(
    ten_days: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    prune(ten_days, date(2026, 1, 2))
    ten_days.workspace.pruned.write_text('{"ingested": [["2026-')

    with caplog.at_level(logging.WARNING):
        assert ten_days.entry(FIRST).manifest is None
    assert "pruned.json: not a list of removed days" in caplog.text
    with pytest.raises(RefusedError, match=r"pruned\.json: not a list of removed days"):
        prune(ten_days, LAST)
    assert ten_days.workspace.day_folder(date(2026, 1, 2)).exists()


def test_a_folder_that_cannot_be_removed_is_named(
    ten_days: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    refuse: Callable[..., None] = deny
    monkeypatch.setattr("shutil.rmtree", refuse)

    with pytest.raises(ServiceError, match="2026-01-01: Permission denied"):
        prune(ten_days, LAST)
    assert ten_days.entry(FIRST).state is State.INGESTED
