"""The object store: a real S3 server as a child process that ends with its parent."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import seaweedfs
from sandbox.identity import Identity
from sandbox.paths import OBJECTS_LOG
from sandbox.ports import free_port

BUCKET = "se-demo-data"
PROBE = ".sandbox-ready"
START_SECONDS, PROBE_SECONDS = 40.0, 1.0
LOG_CHARACTERS = 2000
PR_SET_PDEATHSIG = 1


class ObjectStore:
    """The S3 server of a state folder: SeaweedFS, or moto's server where that does not exist."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        """Start the server; `wait_until_ready` must follow.

        Must be called in a thread that lives as long as the process: on Linux the server is killed
        when that thread ends, however it ends. Ports that were used before are used again while
        they are free; new ones are written into `identity`.
        """
        self._folder, self._identity = folder, identity
        _end_left_behind(folder, identity)
        for name in seaweedfs.PORTS:
            identity.ports[name] = free_port(identity.ports.get(name))

        weed = seaweedfs.program()
        self.kind = "seaweedfs" if weed else "moto"
        self.url = f"http://127.0.0.1:{identity.ports['s3']}"
        if weed:
            command = seaweedfs.command(weed, folder, identity, BUCKET)
        else:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1"]
            command += ["-p", str(identity.ports["s3"])]
        self._process = _start(folder, command)

    def wait_until_ready(self) -> None:
        """Wait until an object can be written and read. Raises RuntimeError if it can't be."""
        # boto3 takes half a second: the server starts in the meantime.
        from botocore.exceptions import BotoCoreError, ClientError

        keys = self._identity.s3["writer"]
        # A write that comes before the volumes are known to their master waits for up to 20 s: it
        # is given up and sent again.
        writer = client(self.url, keys.access_key, keys.secret_key, read_seconds=PROBE_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self.has_ended():
            with contextlib.suppress(BotoCoreError, ClientError, OSError, ValueError):
                if self.kind == "moto":
                    writer.create_bucket(Bucket=BUCKET)
                _check_objects(writer)
                return
            time.sleep(0.03)
        log = (self._folder / OBJECTS_LOG).read_text()
        raise RuntimeError(f"the object store did not start: {log[-LOG_CHARACTERS:]}")

    def has_ended(self) -> bool:
        """Whether the server exited."""
        return self._process.poll() is not None

    def end(self) -> None:
        """End the server at once.

        What it has acknowledged is on disk, and asking it to end takes 2 s.
        """
        self._process.kill()
        self._process.wait()
        _end_left_behind(self._folder, self._identity)


def client(url: str, access_key: str, secret_key: str, read_seconds: float = 30) -> Any:
    """Return an S3 client that tries once and waits a short while."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=read_seconds)
    session = boto3.Session(access_key, secret_key, region_name="us-east-1")
    return session.client("s3", endpoint_url=url, config=config)


def _check_objects(writer: Any) -> None:
    """Write, read and delete an object, and read those that exist."""
    writer.put_object(Bucket=BUCKET, Key=PROBE, Body=b"ready")
    writer.get_object(Bucket=BUCKET, Key=PROBE)
    writer.delete_object(Bucket=BUCKET, Key=PROBE)
    # After a restart the volumes come back one by one, and until then their objects answer 500.
    for item in writer.list_objects_v2(Bucket=BUCKET, MaxKeys=50).get("Contents", []):
        writer.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].close()


def _start(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / OBJECTS_LOG).open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=seaweedfs.environment(),
            # Safe here: this process has one thread so far.
            preexec_fn=_die_with_parent(),  # noqa: PLW1509
        )
    started = {"pid": process.pid, "command": " ".join(command)}
    _pid_file(folder).write_text(json.dumps(started))
    return process


def _die_with_parent() -> Callable[[], None] | None:
    """Return what a child must call to be killed when its parent ends; None but on Linux."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def call() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    return call


def _end_left_behind(folder: Path, identity: Identity) -> None:
    """End what the last server left, where the system did not end it with its parent."""
    path = _pid_file(folder)
    if path.exists():
        started = json.loads(path.read_text())
        # The number may be another process's by now: only the very command that was started here
        # is ours to end.
        if _command_of(started["pid"]) == started["command"]:
            os.kill(started["pid"], signal.SIGKILL)
        path.unlink()
    seaweedfs.remove_sockets(identity)


def _command_of(pid: int) -> str:
    """Return the command that a process was started with, "" where there is none."""
    if sys.platform == "linux":  # where a small image has no ps
        path = Path(f"/proc/{pid}/cmdline")
        return path.read_text().replace("\0", " ").strip() if path.exists() else ""
    show = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(show, capture_output=True, text=True, check=False).stdout.strip()


def _pid_file(folder: Path) -> Path:
    return folder / "objects.pid"
