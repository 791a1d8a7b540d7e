"""Running a command and measuring it; the sandbox that the scripts run against."""

import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks run as scripts: imports of the project come after this

if TYPE_CHECKING:
    from tests.support.sandbox import RunningSandbox

_KIB = 1 if sys.platform == "darwin" else 1024


class Measured(NamedTuple):
    """What a process took: from start to end, of the processors, and of memory at its most."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure(
    arguments: Sequence[str], env: Mapping[str, str] = os.environ, folder: Path = ROOT
) -> Measured:
    """Run Python with these arguments; raises CalledProcessError where it fails."""
    command = [sys.executable, *arguments]
    started = time.monotonic()
    process = subprocess.Popen(command, env=dict(env), cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB)


@contextlib.contextmanager
def running_sandbox() -> Iterator[tuple["RunningSandbox", Path]]:
    """Give a sandbox of its own and an empty folder; both are gone afterwards."""
    from tests.support.sandbox import start_sandbox

    with tempfile.TemporaryDirectory() as name:
        lease, sandbox = start_sandbox(Path(name) / "sandbox")
        try:
            yield sandbox, Path(name)
        finally:
            lease.file.close()


def machine() -> dict[str, str | int]:
    """Return what the figures depend on."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpus": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def table_row(*cells: object) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"
