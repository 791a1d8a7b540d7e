"""A running sandbox as the tests see it, and starting one."""

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import attach, variables


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox with a folder of its own. Every address is on loopback."""

    env: Mapping[str, str] = field(repr=False)
    folder: Path
    objects: str
    pid: int
    s3_identities: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def url(self) -> str:
        """Address of DMM and of the platform."""
        return self.env["DMM_URL"]

    @property
    def model_url(self) -> str:
        """Address of the prediction call."""
        return self.env["MODEL_API_URL"]

    @property
    def s3(self) -> str:
        """The S3 endpoint."""
        return self.env["AWS_ENDPOINT_URL_S3"]

    @property
    def state_dir(self) -> Path:
        """The state folder that `env` names; a test that writes days sets its own STATE_DIR."""
        return Path(self.env["STATE_DIR"])

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment for a child process: this one's, the sandbox's, then `changes`."""
        return variables.child_environment(self.env) | changes

    def switch(self, **switches: Any) -> None:
        """Set switches (docs/sandbox.md); a wrong one fails the test.

        They are reset before and after each test.
        """
        self._call("POST", "/_sandbox/switches", switches)

    def requests(self) -> list[dict[str, Any]]:
        """Every request since the test began.

        Each with method, path, headers (secrets masked), body, at, status (or "dropped").
        """
        recorded: list[dict[str, Any]] = self._call("GET", "/_sandbox/requests")
        return recorded

    def clear_requests(self) -> None:
        """Forget the requests."""
        self._call("DELETE", "/_sandbox/requests")

    def captured(self) -> list[dict[str, Any]]:
        """Every captured prediction since the test began, repeats included.

        In Domino's record form.
        """
        records: list[dict[str, Any]] = self._call("GET", "/_sandbox/records")
        return records

    def forget(self) -> None:
        """Forget all that was stored but objects.

        Captures, models, registrations, training sets, metrics.
        """
        self._call("DELETE", "/_sandbox/records")

    def reset(self) -> None:
        """Set every switch back and forget the requests."""
        self._call("DELETE", "/_sandbox/switches")
        self.clear_requests()

    def s3_client(self, identity: str = "writer") -> Any:
        """A boto3 client with the keys of writer, monitor (DMM's), write_only or read_only."""
        from sandbox.object_store import client

        keys = self.s3_identities[identity]
        return client(self.s3, keys["access_key"], keys["secret_key"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            content = reply.read()
        return json.loads(content) if content else None


def start_sandbox(folder: Path) -> tuple[attach.Lease, RunningSandbox]:
    """Start or join the sandbox of a folder; it ends when the lease's file is closed."""
    lease = attach.attach(folder)
    identities = json.loads((folder / "identity.json").read_text())["s3"]
    return lease, RunningSandbox(lease.variables, folder, lease.objects, lease.pid, identities)


def wait_until_gone(pid: int, seconds: float = 10.0) -> None:
    """Wait until a process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            # Where it is this process's child, it stays until it is asked for.
            os.waitpid(pid, os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} still runs after {seconds} s")
