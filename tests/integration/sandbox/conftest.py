"""What the tests of the sandbox's processes share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loop import wait_for
from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_processes import processes_of


@pytest.fixture
def folder(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Path]:
    """A state folder of its own, with a fitted model; at the end nothing may run there."""
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(sandbox.folder / "model.json", own)
    yield own
    wait_for(lambda: not processes_of(own))
