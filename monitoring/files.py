"""Writing files so that a crash leaves the old content or the new, and errors of the disk."""

import contextlib
import os
import re
import time
from pathlib import Path

from monitoring.errors import ServiceError

_TEMPORARY = re.compile(r"\..+\.\d+")
"""The names that write_atomically gives temporary files: `.NAME.PID`."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put the content (text as UTF-8) at the path, wholly or not at all, also over a crash.

    Temporary file, fsync, rename. Creates missing folders (0700); the file is 0600. Raises
    ServiceError where the disk is full or must not be written.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}")

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_synced(temporary, data)
        os.replace(temporary, path)
        _sync_folder(path.parent)  # the rename itself
    except OSError as error:
        raise disk_error(error, path) from None
    finally:
        with contextlib.suppress(OSError):  # gone where the rename succeeded
            temporary.unlink()


def sweep(folder: Path, older_than_seconds: float = 0.0) -> None:
    """Remove the temporary files that killed runs left in a folder.

    older_than_seconds: where other runs may be writing. Trouble is ignored: they are in nobody's
    way.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            is_left_over = _TEMPORARY.fullmatch(path.name) and path.is_file()
            if is_left_over and time.time() - path.lstat().st_mtime >= older_than_seconds:
                path.unlink()


def disk_error(error: OSError, path: Path | None = None) -> ServiceError:
    """Return the error for a disk that is full or must not be read or written.

    path: what to name where the error itself names no file.
    """
    where = path or error.filename or "a temporary file (its folder: TMPDIR)"
    return ServiceError(
        f"{where}: {error.strerror or error}; free some space or fix the folder's rights, then"
        " rerun: what was written is kept"
    )


def _write_synced(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
