"""What the sandbox keeps to itself: files, secrets, the rights of S3 identities, the network."""

import json
import shutil
import stat
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.object_store import client
from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import BUCKET, SESSION, TIMEOUT_SECONDS, put_object
from tests.support.sandbox_processes import pids_of


def test_its_files_are_its_users_alone_and_no_process_shows_a_secret(
    sandbox: RunningSandbox,
) -> None:
    names = ("DMM_API_KEY", "MODEL_API_TOKEN", "AWS_SECRET_ACCESS_KEY")
    listing = ["ps", "-ww", "-eo", "command="]
    shown = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    log = (sandbox.folder / "server.log").read_text()

    assert stat.S_IMODE(sandbox.folder.stat().st_mode) == 0o700
    for path in sandbox.folder.rglob("*.json"):
        assert not path.stat().st_mode & 0o077, path
    assert str(sandbox.folder) in shown
    for name in names:
        assert sandbox.env[name] not in shown
        assert sandbox.env[name] not in log


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "list": ("list_objects_v2", {}),
    "read": ("get_object", {"Key": "rights"}),
    "head": ("head_object", {"Key": "rights"}),
    "write": ("put_object", {"Key": "rights", "Body": b"x"}),
    "elsewhere": ("put_object", {"Key": "rights", "Body": b"x", "Bucket": "other"}),
}


def allowed_calls(sandbox: RunningSandbox, identity: str) -> list[str]:
    """Return which of CALLS an identity may make; the others are refused with 403."""
    store = sandbox.s3_client(identity)
    allowed = []
    for name, (method, arguments) in CALLS.items():
        try:
            getattr(store, method)(**({"Bucket": BUCKET} | arguments))
            allowed.append(name)
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return allowed


def test_each_s3_identity_may_do_what_its_name_says_and_no_more(sandbox: RunningSandbox) -> None:
    if sandbox.objects != "seaweedfs":
        pytest.skip("moto's server takes any key for everything")
    put_object(sandbox, "rights", "x")

    assert allowed_calls(sandbox, "writer") == ["list", "read", "head", "write"]
    assert allowed_calls(sandbox, "monitor") == ["read", "head"]
    assert allowed_calls(sandbox, "read_only") == ["list", "read", "head"]
    assert allowed_calls(sandbox, "write_only") == ["write"]
    access_key = sandbox.s3_identities["writer"]["access_key"]
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(sandbox.s3, access_key, "wrong").get_object(Bucket=BUCKET, Key="rights")


def test_everything_listens_on_loopback_only(sandbox: RunningSandbox) -> None:
    if shutil.which("ss") is None:
        pytest.skip("this machine has no ss")
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False)
    if shown.returncode:
        pytest.skip("ss can't list the sockets of this machine")

    pids = pids_of(sandbox.folder)
    lines = shown.stdout.splitlines()
    own = [line.split()[3] for line in lines if any(f"pid={pid}," in line for pid in pids)]
    assert len(own) >= 6
    assert [address for address in own if not address.startswith("127.0.0.1:")] == []


def test_the_object_stores_other_ports_take_nothing_without_a_key(sandbox: RunningSandbox) -> None:
    if sandbox.objects != "seaweedfs":
        pytest.skip("moto's server has no other ports")
    put_object(sandbox, "kept", "kept")
    ports = json.loads((sandbox.folder / "identity.json").read_text())["ports"]
    attempts = [
        ("filer", "PUT", f"/buckets/{BUCKET}/foreign"),
        ("filer", "DELETE", f"/buckets/{BUCKET}/kept"),
        ("filer", "GET", f"/buckets/{BUCKET}/kept"),
        ("master", "POST", "/submit"),
        ("master", "GET", "/dir/assign"),
        ("master", "GET", "/vol/grow?count=1"),
        ("master", "GET", f"/col/delete?collection={BUCKET}"),
        ("volume", "POST", "/1,01637037d6"),
        ("volume", "DELETE", "/1,01637037d6"),
        ("admin", "POST", "/api/s3/buckets"),
    ]

    for name, method, path in attempts:
        url = f"http://127.0.0.1:{ports[name]}{path}"
        reply = SESSION.request(method, url, files={"file": b"x"}, timeout=TIMEOUT_SECONDS)
        assert reply.status_code in (401, 403, 404), (name, method, path, reply.text)
    stored = sandbox.s3_client().get_object(Bucket=BUCKET, Key="kept")["Body"].read()
    assert stored == b"kept"
