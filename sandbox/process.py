"""The server process: starts the parts, and ends with its last user."""

import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox import identity as identities
from sandbox.model_choice import THE_SANDBOX_S, ModelChoice
from sandbox.model_endpoint import model as credit_model
from sandbox.model_endpoint import own_model as own_models
from sandbox.model_monitor.jobs import run_due_jobs
from sandbox.model_monitor.models import DATA_SOURCE, register_first_model
from sandbox.object_store import ObjectStore
from sandbox.paths import OBJECTS_LOG, USERS_FILE
from sandbox.ports import free_port
from sandbox.server import Server
from sandbox.state import Sandbox
from sandbox.store import Store
from sandbox.variables import user_variables

JOB_SECONDS = 0.2
"""How often due jobs are looked for."""


def serve(folder: Path, server_file: int, own: ModelChoice = THE_SANDBOX_S) -> int:
    """Run the sandbox of a state folder until nobody uses it any more, or SIGTERM.

    Returns the exit code. server_file: the descriptor of the open, locked file that says where
    the sandbox is (see `attach`). Must run in the main thread: the object store ends with the
    thread that started it. own: the user's model, if it is to run behind the endpoint.
    """
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    identity = identities.load(folder)
    identity.ports["http"] = free_port(identity.ports.get("http"))
    objects = ObjectStore(folder, identity)
    try:
        sandbox = _prepare(folder, identity, objects, own)
        threading.Thread(target=Server(sandbox).serve_forever, daemon=True).start()
        threading.Thread(target=_wait_for_last_user, args=(folder, ended), daemon=True).start()
        _announce(folder, sandbox, server_file, own)
        return _run_jobs(sandbox, objects, ended)
    finally:
        # Whoever comes while this process ends must not take it for a running one.
        os.ftruncate(server_file, 0)
        objects.end()


def _prepare(
    folder: Path, identity: identities.Identity, objects: ObjectStore, own: ModelChoice
) -> Sandbox:
    own_model = None
    if own.is_made:
        own_model = own_models.load(own.config, file=own.file, url=own.url)
    # While the object store starts.
    model = credit_model.load(credit_model.TRAINING_DATA, folder)
    objects.wait_until_ready()
    identities.save(folder, identity)
    store = Store(folder / "records.sqlite3")
    sandbox = Sandbox(identity, store, model, identity.ports["http"], objects.url, objects.kind)
    sandbox.own_model = own_model
    register_first_model(sandbox)
    return sandbox


def _announce(folder: Path, sandbox: Sandbox, server_file: int, own: ModelChoice) -> None:
    """Write where the sandbox is; from now on it counts as running."""
    content = {
        "pid": os.getpid(),
        "objects": sandbox.objects_kind,
        "model": own.flags(),
        "variables": user_variables(
            folder, sandbox.url, sandbox.objects_url, sandbox.identity, DATA_SOURCE
        ),
    }
    os.pwrite(server_file, json.dumps(content).encode(), 0)


def _run_jobs(sandbox: Sandbox, objects: ObjectStore, ended: threading.Event) -> int:
    while not ended.wait(JOB_SECONDS):
        run_due_jobs(sandbox)
        if objects.has_ended():
            print(f"the object store exited; see {OBJECTS_LOG}", file=sys.stderr, flush=True)
            return 1
    return 0


def _wait_for_last_user(folder: Path, ended: threading.Event) -> None:
    """Set `ended` when nobody uses the sandbox any more.

    Users hold the file locked together; who gets it alone knows that they are gone, killed ones
    too.
    """
    with (folder / USERS_FILE).open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        ended.set()
        threading.Event().wait()  # whoever comes now waits for the lock until this process ended
