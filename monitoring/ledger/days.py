"""Questions about many days, answered from the ledger."""

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

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


class EarlierDays(NamedTuple):
    """The days before one, as the ledger has them, oldest first.

    states: None where the manifest can't be read; also of days whose folder was removed.
    """

    before: date
    states: dict[date, State | None]
    manifests: dict[date, Manifest]


def scan(workspace: Workspace, before: date) -> EarlierDays:
    """Return what the ledger knows of the days before one.

    A manifest that can't be read is a warning: one bad day must not stop the others.
    """
    states: dict[date, State | None] = {}
    states |= {day: state for day, state in pruned.read(workspace).items() if day < before}
    manifests = {}
    for day in workspace.known_days():
        if day >= before:
            break
        states[day] = None
        try:
            known = read_once(workspace.manifest(day), day)
        except (RefusedError, ServiceError) as error:
            log.warning("%s", error)
            continue
        if known:
            manifests[day], states[day] = known, known.state
    return EarlierDays(before, dict(sorted(states.items())), manifests)


def awaiting_upload(earlier: EarlierDays) -> list[date]:
    """Return the days in state `scored`: their file is still to be uploaded."""
    return [day for day, state in earlier.states.items() if state == State.SCORED]


def missing(earlier: EarlierDays) -> list[date]:
    """Return the days without a file since the first that was begun: no trace, or half scored.

    A day that was given up, or whose manifest can't be read, is not among them.
    """
    states = earlier.states
    first = next((day for day, state in states.items() if state != State.SKIPPED), earlier.before)
    has_file = {day for day, state in states.items() if state != State.GENERATED}
    days = [first + timedelta(days=offset) for offset in range((earlier.before - first).days)]
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


def failed(earlier: EarlierDays) -> list[date]:
    """Return the days whose ingestion failed, of those that DMM matches."""
    oldest = earlier.before - timedelta(days=MATCHED_DAYS)
    states = earlier.states.items()
    return [day for day, state in states if state == State.FAILED and day >= oldest]


def overdue(earlier: EarlierDays) -> list[date]:
    """Return the days that DMM accepted two days or more ago and is not known to have ingested."""
    latest = str(earlier.before - _OVERDUE_AFTER)
    return [
        day
        for day, manifest in earlier.manifests.items()
        if manifest.state == State.REGISTERED
        and manifest.times.get("registered", "")[:10] <= latest
    ]
