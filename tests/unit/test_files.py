"""Atomic writes that are interrupted; whose files they are; links."""

import os
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from monitoring.errors import RefusedError
from monitoring.files import open_private, write_atomically
from monitoring.ledger import lock
from monitoring.ledger.entry import Ledger
from monitoring.ledger.workspace import Workspace


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    write_atomically(path, "old")

    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")

    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
    assert path.read_text() == "old"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_state_is_its_owners_alone_under_any_umask_its_parents_too(
    tmp_path: Path, umask: int
) -> None:
    path = tmp_path / "a" / "b" / "c" / "manifest.json"

    write_atomically(path, "{}")
    os.close(open_private(path.with_name("scores.jsonl"), os.O_WRONLY))
    with lock.hold(tmp_path / "d" / "e" / ".lock", "the day"):
        pass

    folders = [path.parent, *list(path.parents)[1:3], tmp_path / "d", tmp_path / "d" / "e"]
    assert {mode(folder) for folder in folders} == {0o700}
    files = [path, path.with_name("scores.jsonl"), tmp_path / "d" / "e" / ".lock"]
    assert {mode(file) for file in files} == {0o600}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_reports_follow_the_umask(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "reports" / "model" / "day.html"
    before = os.umask(mask)
    try:
        write_atomically(path, "<html>", private=False)
    finally:
        os.umask(before)

    assert mode(path) == 0o666 & ~mask
    assert {mode(folder) for folder in (path.parent, path.parent.parent)} == {0o777 & ~mask}


def test_a_temporary_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    (tmp_path / f".manifest.json.{os.getpid()}").symlink_to(outside)

    write_atomically(tmp_path / "manifest.json", "ours")

    assert outside.read_text() == "theirs"
    assert (tmp_path / "manifest.json").read_text() == "ours"


@pytest.mark.parametrize("name", [".2026-03-01.lock", "scores.jsonl"])
def test_a_file_of_the_state_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    (tmp_path / name).symlink_to(outside)

    with pytest.raises(RefusedError, match="is a symbolic link"):
        open_private(tmp_path / name, os.O_RDWR)

    assert outside.read_text() == "theirs"


@pytest.mark.parametrize("link", ["model", "model/2026-03-01", "model/2026-03-01/batch.csv"])
def test_state_behind_a_link_that_leads_out_of_its_folder_is_refused(
    tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    path = tmp_path / "state" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)
    ledger = Ledger(Workspace(tmp_path / "state" / "model", tmp_path / "reports"), "model")

    with pytest.raises(RefusedError, match="a symbolic link leads out of"):
        ledger.entry(date(2026, 3, 1))


def test_the_state_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "mount")
    ledger = Ledger(Workspace(tmp_path / "state" / "model", tmp_path / "reports"), "model")

    assert ledger.entry(date(2026, 3, 1)).state is None
