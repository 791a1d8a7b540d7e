"""One run at a time for a day."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from monitoring import clock
from monitoring.errors import LockedError, ServiceError
from monitoring.files import create_private_folder, disk_error, open_private

_MAX_HOLDER_BYTES = 200
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What flock says on network file systems without locks."""


@contextlib.contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; the kernel releases it when the process ends, however it ends.

    what: what is locked, for the message. Raises LockedError where another run holds it.
    """
    try:
        create_private_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path) from None
    file = open(open_private(path, os.O_RDWR), "r+b", buffering=0)

    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(_MAX_HOLDER_BYTES).decode(errors="replace").strip() or "unknown"
            raise LockedError(
                f"{what}: another run holds {path} ({holder}); wait for it, nothing was done"
            ) from None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise ServiceError(
                    f"{path}: this file system gives no locks ({error.strerror}), so two runs could"
                    " work on one day at once: set state_dir (STATE_DIR) to a local disk, or have"
                    " the share mounted with locks; nothing was done"
                ) from None
            raise disk_error(error, path) from None

        # Naming the holder is a courtesy; a full disk is reported where it costs something.
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()}, since {clock.timestamp()}\n".encode())
        yield
