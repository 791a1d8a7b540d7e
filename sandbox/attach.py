"""Finds or starts the server of a state folder, and keeps it alive while somebody uses it.

Two files of the folder carry the whole agreement, and the kernel releases both, however a process
ends: `server.json` is locked by the server while it lives and says where it is; `users.lock` is
locked, shared, by each user. The server ends at the moment when it gets `users.lock` for itself.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sandbox.paths import ROOT, SERVER_FILE, SERVER_LOG, USERS_FILE

START_SECONDS = 100.0
MAX_STARTS = 2
LOG_CHARACTERS = 3000


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold on a running server.

    It ends when `file` is closed, so with this process or with what it becomes. objects: what
    serves S3, "seaweedfs" or "moto". variables: what a user sets in the environment. is_joined: it
    was running already.
    """

    file: IO[str]
    pid: int
    objects: str
    variables: Mapping[str, str]
    is_joined: bool = False


def attach(folder: Path) -> Lease:
    """Use the server of a state folder; start one unless one runs.

    Raises RuntimeError where it does not start, after the second try.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    users = _open(folder / USERS_FILE)
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while a server without users is ending

    starts = 0
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with _open(folder / SERVER_FILE) as server_file:
            if _take_lock(server_file):
                # Nobody serves; who gets the lock starts the server, which goes on holding it.
                server_file.truncate(0)
                if starts == MAX_STARTS:
                    break
                starts += 1
                _start(folder, server_file)
            server = _running_server(server_file)
            if server is not None:
                return Lease(users, **server, is_joined=starts == 0)
        time.sleep(0.03)

    log = folder / SERVER_LOG
    end_of_log = log.read_text()[-LOG_CHARACTERS:]
    raise RuntimeError(f"the sandbox did not start; the end of {log}:\n{end_of_log}")


def running(folder: Path) -> dict[str, Any] | None:
    """Return where the server of a state folder is; None where none runs."""
    with (
        contextlib.suppress(FileNotFoundError, ValueError),
        (folder / SERVER_FILE).open("r+") as server_file,
    ):
        if not _take_lock(server_file):
            return dict(json.load(server_file))
    return None


def _running_server(server_file: IO[str]) -> dict[str, Any] | None:
    """Return what a server has written; None while it starts, and where it was just killed."""
    with contextlib.suppress(ValueError, ProcessLookupError):
        content: dict[str, Any] = json.load(server_file)
        os.kill(content["pid"], 0)
        return content
    return None


def _start(folder: Path, server_file: IO[str]) -> None:
    """Start the server in a session of its own: a Ctrl-C is for the command, not for the server."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "DOMINO_"))
    }
    own = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
    descriptor = server_file.fileno()
    command = [sys.executable, "-m", "sandbox", "--dir", str(folder), "serve", str(descriptor)]
    with (folder / SERVER_LOG).open("wb") as log:
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=kept | own,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[descriptor],
        )


def _open(path: Path) -> IO[str]:
    """Open a file that may be new, its user's alone, for reading and writing."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _take_lock(file: IO[str]) -> bool:
    """Take the file's lock if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
