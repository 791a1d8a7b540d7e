"""Removing old days: their state folders and pages. What the checks go by stays."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from monitoring.files import disk_error
from monitoring.ledger import pruned
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace


class Removed(NamedTuple):
    """What was removed of a day; folders: its own, and those that --rerun kept."""

    day: date
    state: State
    folders: int
    pages: int
    size_bytes: int


def old_days(workspace: Workspace, before: date) -> list[date]:
    """Return the days before `before` that have a folder here, oldest first.

    Also those that a broken-off removal left something of.
    """
    left = [day for day in pruned.read(workspace) if any(_parts(workspace, day))]
    return sorted(day for day in {*workspace.known_days(), *left} if day < before)


def remove(entry: DayEntry, *, dry_run: bool) -> Removed | None:
    """Remove a day's folders and page, under its lock; None for one that must stay.

    Only a day that DMM has ingested or that was given up is removed. It is noted as removed first,
    so that it is known as done whenever the run is killed; the next removal takes what was left.
    Raises ServiceError where a file can't be removed.
    """
    if entry.state not in (State.INGESTED, State.SKIPPED):
        return None
    workspace, day, state = entry.workspace, entry.day, entry.known.state
    parts = list(_parts(workspace, day))
    page = workspace.page(day)
    result = Removed(
        day,
        state,
        folders=len(parts) - (page in parts),
        pages=int(page in parts),
        size_bytes=sum(_size_bytes(part) for part in parts),
    )
    if not dry_run:
        pruned.add(workspace, day, state)
        for part in parts:
            _remove(part)
    return result


def _parts(workspace: Workspace, day: date) -> Iterator[Path]:
    """Yield what there is of a day: folders, then its page. A link is somebody else's."""
    archived = sorted(workspace.state.glob(f"{day}.*"))
    for folder in (workspace.day_folder(day), *archived):
        if folder.is_dir() and not folder.is_symlink():
            yield folder
    if workspace.page(day).is_file():
        yield workspace.page(day)


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise disk_error(error, path) from None
