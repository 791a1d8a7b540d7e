"""What every test may use: `sandbox`, and `loop`, a user's set-up against it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.loop import ROOT, Loop
from tests.support.sandbox import RunningSandbox, start_sandbox, wait_until_gone


@pytest.fixture(scope="session")
def _session_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    lease, running = start_sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    lease.file.close()
    wait_until_gone(running.pid)


@pytest.fixture
def sandbox(_session_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The worker's sandbox as if new: default switches, nothing stored but objects."""
    _session_sandbox.reset()
    _session_sandbox.forget()
    yield _session_sandbox
    _session_sandbox.reset()


@pytest.fixture
def loop(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Loop]:
    """A fresh set-up with the shipped settings, small batches and short waits."""
    env = sandbox.environment(
        DOMINO_PROJECT_ID=uuid.uuid4().hex[:24], STATE_DIR="state", REPORT_DIR="reports"
    )
    settings = yaml.safe_load((ROOT / "config.yaml").read_text())
    loop = Loop(sandbox, tmp_path, env, settings)
    loop.configure(
        training_data=str(ROOT / "data" / "german_credit.csv"), scoring={"rows": [30, 40]}
    )
    yield loop
