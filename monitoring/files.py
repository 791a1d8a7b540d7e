"""Writing files so that a crash leaves the old content or the new, and errors of the disk."""

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from monitoring.errors import MonitoringError, RefusedError, ServiceError

_PRIVATE_FOLDER, _PRIVATE_FILE, _PUBLIC_FILE = 0o700, 0o600, 0o666

_TEMPORARY = re.compile(r"\..+\.\d+")
"""The names that write_atomically gives temporary files: `.NAME.PID`."""


def write_atomically(path: Path, content: str | bytes, *, private: bool = True) -> None:
    """Put the content (text as UTF-8) at the path, as `atomic_file` does."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_file(path, private=private) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path, *, private: bool = True) -> Iterator[BinaryIO]:
    """Give a file whose content is at the path afterwards, wholly or not at all, also over a crash.

    Temporary file, fsync, rename. Creates missing folders. private: folders are 0700 and the file
    0600 under any umask; else both follow the umask. Raises ServiceError where the disk is full or
    must not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if private:
            create_private_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _new_file(temporary, private=private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
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


def names_in(folder: Path) -> list[str]:
    """Return the names of what is in a folder, none where it can't be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def exists(path: str) -> bool:
    """Whether there is something at a path; as text, which of a thousand is ten times as fast."""
    return os.access(path, os.F_OK)


def size_of(folder: str | os.PathLike[str]) -> int:
    """Return the bytes of all files below a folder; links to folders are not followed."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            # Another run has just renamed it, or it is not ours to look at.
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(entry.path)
                elif entry.is_file():
                    total += entry.stat().st_size
    return total


def create_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each 0700 under any umask; raises OSError."""
    if folder.is_dir():
        return
    create_private_folder(folder.parent)
    with contextlib.suppress(FileExistsError):  # another run was faster
        folder.mkdir(mode=_PRIVATE_FOLDER)
        folder.chmod(_PRIVATE_FOLDER)


def open_private(path: Path, flags: int) -> int:
    """Open a file, created 0600 under any umask, and return its descriptor.

    Raises RefusedError where it is a symbolic link, ServiceError where the disk is full or must not
    be written.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, _PRIVATE_FILE)
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, _PRIVATE_FILE)
        return descriptor
    except OSError as error:
        raise _open_error(error, path) from None


def refuse_links_out(root: Path, paths: Iterable[Path]) -> None:
    """Raise RefusedError where a symbolic link leads one of the paths out of the root.

    The root itself may be a link: it is where somebody wants it.
    """
    for path in paths:
        try:
            is_inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # a link to itself
            is_inside = False
        if not is_inside:
            raise RefusedError(
                f"{path}: a symbolic link leads out of {root}; state is never kept behind one:"
                " remove the link, or let the state_dir setting name the folder itself"
            )


def _open_error(error: OSError, path: Path) -> MonitoringError:
    if error.errno == errno.ELOOP:
        return RefusedError(f"{path}: is a symbolic link, expected a file: remove it, then rerun")
    return disk_error(error, path)


def disk_error(error: OSError, path: Path | None = None) -> ServiceError:
    """Return the error for a disk that is full or must not be read or written.

    path: what to name where the error itself names no file.
    """
    where = path or error.filename or "a temporary file (its folder: TMPDIR)"
    return ServiceError(
        f"{where}: {error.strerror or error}; free some space or fix the folder's rights, then"
        " rerun: what was written is kept"
    )


def _new_file(path: Path, *, private: bool) -> BinaryIO:
    mode = _PRIVATE_FILE if private else _PUBLIC_FILE
    path.unlink(missing_ok=True)  # left by a process of this number that was killed
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    if private:
        os.fchmod(descriptor, mode)
    return open(descriptor, "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
