"""Ground truth files made elsewhere that DMM has accepted, each as `files/<hash>.json`."""

import hashlib
import json
import logging
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from monitoring import clock
from monitoring.errors import RefusedError, ServiceError
from monitoring.files import disk_error, write_atomically
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace

log = logging.getLogger("monitoring")


class FileEntry(Struct, frozen=True, kw_only=True):
    """What is known of a file that was registered by its address.

    times: when each state was reached (RFC 3339, UTC). reason: why DMM failed to ingest it.
    """

    uri: str
    state: State
    times: dict[str, str] = {}
    rows: int | None = None
    sha256: str | None = None
    etag: str | None = None
    dmm_host: str | None = None
    dmm_model_id: str | None = None
    reason: str | None = None

    def age_days(self, today: date) -> int:
        """How long ago the state was reached."""
        return (today - date.fromisoformat(self.times[self.state][:10])).days


def read_all(workspace: Workspace) -> list[FileEntry]:
    """Return what is known of every such file, by address; one that can't be read is logged."""
    entries = []
    for path in sorted(workspace.file_entries.glob("*.json")):
        try:
            entries.append(_read(path))
        except (RefusedError, ServiceError) as error:
            log.warning("%s", error)
    return sorted(entries, key=lambda entry: entry.uri)


def find(workspace: Workspace, uri: str) -> FileEntry | None:
    """Return what is known of a file, None where nothing is; raises as `read_all` logs."""
    path = _path(workspace, uri)
    return _read(path) if path.exists() else None


def write(workspace: Workspace, entry: FileEntry) -> None:
    """Store what is known of a file, with the time of its state; atomic.

    Raises ServiceError where the disk is full.
    """
    times = {**entry.times, entry.state.value: clock.timestamp()}
    content = msgspec.to_builtins(msgspec.structs.replace(entry, times=times))
    write_atomically(_path(workspace, entry.uri), json.dumps(content, indent=1) + "\n")


def _path(workspace: Workspace, uri: str) -> Path:
    return workspace.file_entries / f"{hashlib.sha256(uri.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> FileEntry:
    try:
        entry = msgspec.json.decode(path.read_bytes(), type=FileEntry)
        date.fromisoformat(entry.times.get(entry.state, "none of this state")[:10])
        return entry
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"{path}: not what is known of a registered file ({error}); restore it, or move it away"
            " and register the file again"
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None
