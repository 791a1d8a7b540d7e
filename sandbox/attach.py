"""Finds or starts the server of a state folder, and keeps it alive while somebody uses it.

Two files of the folder carry the whole agreement, and the kernel releases both, however a process ends:
`server.json` is locked by the server while it lives and says where it is; `users.lock` is locked, shared, by each user.
The server ends at the moment when it gets `users.lock` for itself.
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

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / "var" / "sandbox"
START_SECONDS = 100.0
# What would lead a run past the sandbox, or send word of it into the real world. Most get a value that does no harm,
# because a .env beside the configuration fills in what the environment lacks.
REMOVED = ("DOMINO_API_PROXY",)
NEUTRAL = {"DOMINO_TOKEN_FILE": "", "ALERT_WEBHOOK_URL": "", "PING_URL": "", "AWS_PROFILE": "default"}
NEUTRAL |= {"AWS_SESSION_TOKEN": "", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}
NEUTRAL |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold on a running server. It ends when `file` is closed, so with this process or with what it becomes."""

    file: IO[str]
    pid: int
    objects: str
    variables: Mapping[str, str]


def attach(folder: Path) -> Lease:
    """Use the server of `folder`; start one unless one runs. Raises RuntimeError where it does not start, at the second try."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    users = _open(folder / "users.lock")
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while a server without users is ending
    starts, deadline = 0, time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and starts < 3:
        with _open(folder / "server.json") as state:
            if _take_lock(state):  # nobody serves; whoever gets the lock starts the server, which goes on holding it
                starts += 1
                state.truncate(0)
                if starts < 3:
                    _start(folder, state)
            with contextlib.suppress(ValueError, ProcessLookupError):  # nothing written yet: still starting; or just killed
                content = json.load(state)
                os.kill(content["pid"], 0)
                return Lease(users, **content)
        time.sleep(0.03)
    log = folder / "server.log"
    raise RuntimeError(f"the sandbox did not start; the end of {log}:\n{log.read_text()[-3000:]}")


def running(folder: Path) -> dict[str, Any] | None:
    """Say where the server of `folder` is; None where none runs."""
    with contextlib.suppress(FileNotFoundError, ValueError), (folder / "server.json").open("r+") as state:
        if not _take_lock(state):
            return dict(json.load(state))
    return None


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the sandbox's variables, and without what would lead past them."""
    return {name: value for name, value in os.environ.items() if name not in REMOVED} | dict(variables)


def user_variables(folder: Path, url: str, objects_url: str, identity: dict[str, Any], data_source: str) -> dict[str, str]:
    """Return the variables that a user of the real services would set, for the sandbox of `folder`."""
    (folder / "aws_config").write_text("[default]\n")
    (folder / "training_sets").mkdir(exist_ok=True)
    own = folder.relative_to(ROOT) if folder == DEFAULT_FOLDER else folder
    variables = dict.fromkeys(("DMM_URL", "DOMINO_API_HOST", "DOMINO_USER_HOST"), url) | NEUTRAL
    variables |= dict.fromkeys(("DMM_API_KEY", "DOMINO_USER_API_KEY"), identity["api_key"])  # contracts 2.2: one serves all
    variables |= dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), objects_url)
    variables |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(folder / "aws_config"))
    return variables | {
        "DOMINO_PROJECT_ID": identity["project_id"],
        "DOMINO_TRAINING_SET_PATH": str(folder / "training_sets"),
        "MODEL_API_URL": f"{url}/models/{identity['model_api_id']}/latest/model",
        "MODEL_API_TOKEN": identity["model_token"],
        "DMM_MODEL_ID": identity["dmm_model_id"],
        "DMM_DATA_SOURCE": data_source,
        "AWS_ACCESS_KEY_ID": identity["s3"]["writer"]["access_key"],
        "AWS_SECRET_ACCESS_KEY": identity["s3"]["writer"]["secret_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "STATE_DIR": str(own / "state"),
        "REPORT_DIR": str(own / "reports"),
    }


def _start(folder: Path, state: IO[str]) -> None:
    """Start the server in a session of its own: a Ctrl-C at the terminal is for the command, not for the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DOMINO_"))}
    kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": "*", "no_proxy": "*"}
    command = [sys.executable, "-m", "sandbox", "--dir", str(folder), "serve", str(state.fileno())]
    with (folder / "server.log").open("wb") as log:
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=kept,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[state.fileno()],
        )


def _open(path: Path) -> IO[str]:
    """Open a file, its user's alone, that may be new, for reading and writing."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _take_lock(file: IO[str]) -> bool:
    """Take the file's lock if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
