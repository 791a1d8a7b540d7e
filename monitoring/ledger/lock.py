"""One run at a time for a day."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from monitoring import clock
from monitoring.errors import LockedError
from monitoring.files import disk_error

_MAX_HOLDER_BYTES = 200


@contextlib.contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; the kernel releases it when the process ends, however it ends.

    what: what is locked, for the message. Raises LockedError where another run holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise disk_error(error, path) from None

    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(_MAX_HOLDER_BYTES).decode(errors="replace").strip() or "unknown"
            raise LockedError(
                f"{what}: another run holds {path} ({holder}); wait for it, nothing was done"
            ) from None
        except OSError as error:
            raise disk_error(error, path) from None

        # Naming the holder is a courtesy; a full disk is reported where it costs something.
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()}, since {clock.timestamp()}\n".encode())
        yield
