"""The sandbox as processes: its commands, and which of its processes still run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.loop import ROOT

TIMEOUT_SECONDS = 60


def processes_of(folder: Path) -> list[str]:
    """Return the pid, state and command of every living process whose command names the folder."""
    listing = ["ps", "-ww", "-eo", "pid=,stat=,command="]
    shown = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    lines = [line for line in shown.splitlines() if str(folder) in line]
    return [line for line in lines if not line.split()[1].startswith("Z")]


def pids_of(folder: Path) -> list[int]:
    """Return the pid of every living process whose command names the folder."""
    return [int(line.split()[0]) for line in processes_of(folder)]


def command(folder: Path, *arguments: str) -> list[str]:
    """Return a command of the sandbox of a folder."""
    return [sys.executable, "-m", "sandbox", "--dir", str(folder), *arguments]


def run_command(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end and return what it printed."""
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        **options,
    )


def start_command(command: list[str], **options: Any) -> "subprocess.Popen[str]":
    """Start a command in the project's folder; its stdout is a pipe."""
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


def script_command(folder: Path, code: str, *arguments: str) -> list[str]:
    """Return the command that runs a script with this code; the script is beside the folder."""
    script = folder.parent / "script.py"
    script.write_text(code)
    return command(folder, "run", str(script), *arguments)


def run_script(
    folder: Path, code: str, *arguments: str, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a script with this code on the sandbox of a folder."""
    return run_command(script_command(folder, code, *arguments), **options)


def start_script(folder: Path, code: str) -> "subprocess.Popen[str]":
    """Start a script and wait until it prints "ready".

    In a process group of its own, as a shell does it.
    """
    process = start_command(script_command(folder, code), start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
