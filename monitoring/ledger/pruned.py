"""Days whose files were removed: `<state_dir>/<model>/pruned.json`, so that none becomes a gap."""

import json
import logging
from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from monitoring.errors import MonitoringError, RefusedError
from monitoring.files import disk_error, write_atomically
from monitoring.ledger import lock
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.text import day_ranges

log = logging.getLogger("monitoring")

Range = tuple[date, date]


class _Ranges(Struct, frozen=True):
    """First and last of each run of days, by the state that they were removed in."""

    ingested: list[Range] = []
    skipped: list[Range] = []


def read(workspace: Workspace) -> dict[date, State]:
    """Return the days that were removed, oldest first, with the state that they were in.

    None, with a warning, where the file can't be read: one odd byte must not stop the night.
    """
    try:
        return _read(workspace)
    except MonitoringError as error:
        log.warning("%s", error)
        return {}


def manifest_of(workspace: Workspace, model: str, day: date) -> Manifest | None:
    """Return what is still known of a day that was removed, None for any other."""
    state = read(workspace).get(day)
    return Manifest(day=str(day), model=model, state=state) if state else None


def add(workspace: Workspace, day: date, state: State) -> None:
    """Note that a day is about to be removed, in this state: ingested or given up.

    Atomic. Raises RefusedError where the file can't be read, LockedError where another run writes
    it, ServiceError where the disk is full or must not be written.
    """
    with lock.hold(workspace.pruned.with_name(".pruned.lock"), "removing days"):
        days = _read(workspace)
        if days.get(day) is state:
            return
        days[day] = state
        content = {
            each.value: day_ranges(sorted(day for day, known in days.items() if known is each))
            for each in (State.INGESTED, State.SKIPPED)
        }
        write_atomically(workspace.pruned, json.dumps(content, default=str, indent=1) + "\n")


def _read(workspace: Workspace) -> dict[date, State]:
    path = workspace.pruned
    try:
        ranges = msgspec.json.decode(path.read_bytes(), type=_Ranges)
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"{path}: not a list of removed days ({error}); restore it: without it these days look"
            " as if they had never been scored"
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None

    days = dict.fromkeys(_days_of(ranges.ingested), State.INGESTED)
    days |= dict.fromkeys(_days_of(ranges.skipped), State.SKIPPED)
    return dict(sorted(days.items()))


def _days_of(ranges: Iterable[Range]) -> Iterable[date]:
    for first, last in ranges:
        for offset in range((last - first).days + 1):
            yield first + timedelta(days=offset)
