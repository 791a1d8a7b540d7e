"""Questions about many days, answered from the ledger."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from monitoring.errors import RefusedError, ServiceError
from monitoring.ledger import manifest, pruned
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.plan import MATCHED_DAYS
from monitoring.ledger.workspace import Workspace
from monitoring.text import day_flags, day_ranges, format_count, format_days

log = logging.getLogger("monitoring")

_SHOWN_COMMANDS = 5
_OVERDUE_AFTER = timedelta(days=2)  # contracts 5: DMM reads files about once a day


_read: dict[Path, tuple[tuple[int, int, int], Manifest]] = {}


def read_once(path: Path, day: date) -> Manifest | None:
    """Return a day's manifest as manifest.read does, but each content is parsed only once.

    A run has several questions about all days. What another run wrote meanwhile is noticed.
    """
    try:
        state = path.stat()
    except OSError:
        return manifest.read(path, day)
    version = state.st_ino, state.st_size, state.st_mtime_ns
    if path not in _read or _read[path][0] != version:
        known = manifest.read(path, day)
        if known is None:
            return None
        _read[path] = version, known
    return _read[path][1]


def known_of(ledger: Ledger, day: date) -> Manifest | None:
    """Return what is known of a day; raises RefusedError as Ledger.entry does."""
    path = ledger.workspace.manifest(day)
    is_link = path.is_symlink() or path.parent.is_symlink()
    known = None if is_link else read_once(path, day)
    return known or ledger.entry(day).manifest  # which knows removed days, and where a link leads


def awaiting_upload(workspace: Workspace, before: date) -> list[date]:
    """Return the earlier days in state `scored`: their file is still to be uploaded."""
    known = _manifests_before(workspace, before)
    return [day for day, manifest in known if manifest.state == State.SCORED]


def missing(workspace: Workspace, before: date) -> list[date]:
    """Return the days without a file since the first that was begun: no trace, or half scored.

    A day that was given up, or whose manifest can't be read, is not among them.
    """
    removed = {day: state for day, state in pruned.read(workspace).items() if day < before}
    states = {day: manifest.state for day, manifest in _manifests_before(workspace, before)}
    states = {**removed, **states}
    known = sorted({*workspace.known_days(), *removed})
    begun = [day for day in known if states.get(day) != State.SKIPPED]
    if not begun:
        return []
    has_file = {day for day in known if states.get(day) != State.GENERATED}
    days = [begun[0] + timedelta(days=offset) for offset in range((before - begun[0]).days)]
    return [day for day in days if day not in has_file]


def missing_text(days: Sequence[date]) -> str:
    """Return what to know of missing days, with the commands that score them or give them up."""
    commands = [f"daily_scoring.py {day_flags(*range)};" for range in day_ranges(days)]
    if len(commands) > _SHOWN_COMMANDS:
        commands = [*commands[:_SHOWN_COMMANDS], "and so on;"]
    return (
        f"not scored: {format_days(days)} ({format_count(len(days), 'day')}); score them:"
        f" {' '.join(commands)} or give them up: add --skip"
    )


def failed(workspace: Workspace, before: date) -> list[date]:
    """Return the days whose ingestion failed, of those that DMM matches."""
    oldest = before - timedelta(days=MATCHED_DAYS)
    return [
        day
        for day, manifest in _manifests_before(workspace, before)
        if manifest.state == State.FAILED and day >= oldest
    ]


def overdue(workspace: Workspace, before: date) -> list[date]:
    """Return the days that DMM accepted two days or more ago and is not known to have ingested."""
    latest = str(before - _OVERDUE_AFTER)
    return [
        day
        for day, manifest in _manifests_before(workspace, before)
        if manifest.state == State.REGISTERED
        and manifest.times.get("registered", "")[:10] <= latest
    ]


def _manifests_before(workspace: Workspace, before: date) -> Iterator[tuple[date, Manifest]]:
    for day in workspace.known_days():
        if day >= before:
            break
        try:
            known = read_once(workspace.manifest(day), day)
        except (RefusedError, ServiceError) as error:
            log.warning("%s", error)  # one bad day must not stop the others
            continue
        if known:
            yield day, known
