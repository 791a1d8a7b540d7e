"""A wrong interpreter: one line with what to run, 2, no traceback."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.loop import ROOT

SCRIPTS = ["daily_scoring.py", "gt_registration.py", "create_training_set.py"]
AS_PYTHON_3_9 = """
import runpy, sys
sys.version_info = (3, 9, 18, "final", 0)
sys.argv = [{script!r}, "--verbose"]
sys.path.insert(0, {folder!r})
runpy.run_path({script!r}, run_name="__main__")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The scripts as a user has them who has installed nothing."""
    shutil.copytree(ROOT / "monitoring", tmp_path / "monitoring")
    for name in (*SCRIPTS, "config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def add_virtual_environment(folder: Path) -> str:
    """Pretend that there is one; return its Python."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return str(python)


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_python_before_3_11_ends_with_one_line(folder: Path, script: str) -> None:
    code = AS_PYTHON_3_9.format(script=str(folder / script), folder=str(folder))

    without, python = run(sys.executable, "-c", code), add_virtual_environment(folder)
    ended = run(sys.executable, "-c", code)

    problem = f"error: Python 3.11 or newer is needed, this is 3.9.18 ({sys.executable}): run: "
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"{problem}{python} {folder / script} --verbose\n"
    assert without.stderr == f"{problem}python3.11 -m pip install -r {folder}/requirements.txt\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_missing_packages_end_with_one_line(folder: Path, script: str) -> None:
    # -S: without site-packages.
    command = (sys.executable, "-S", str(folder / script))

    without, python = run(*command), add_virtual_environment(folder)
    ended = run(*command)

    problem = f" is missing from Python at {sys.executable}: run: "
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("error: the package ")
    assert ended.stderr.endswith(f"{problem}{python} {folder / script}\n")
    pip = f"{sys.executable} -m pip install -r {folder}/requirements.txt\n"
    assert without.stderr.endswith(problem + pip)
