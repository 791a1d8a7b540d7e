"""What to run where a script was started by a Python that is too old or lacks the packages.

Written for any Python 3.6 or newer: those that are too old must be able to read it.
"""

import sys
from pathlib import Path


def end(problem: str) -> None:
    """End the process with 2, after one line: the problem, and what to run."""
    sys.stderr.write(f"error: {problem}: {remedy()}\n")
    sys.exit(2)


def missing_package(error: ImportError) -> str:
    """Return what is wrong where an import failed for want of a package; "" where it is a bug."""
    package = (error.name or "").partition(".")[0]
    if not package or package == "monitoring":
        return ""
    return f"the package {package} is missing from Python at {sys.executable}: {remedy()}"


def remedy() -> str:
    """Return the command to run: by the .venv beside the script, else pip's."""
    folder = Path(sys.argv[0]).resolve().parent
    python = folder / ".venv" / "bin" / "python"
    if python.exists() and python != Path(sys.executable):
        return "run: " + " ".join([str(python), *sys.argv])
    is_new_enough = tuple(sys.version_info) >= (3, 11)
    interpreter = sys.executable if is_new_enough else "python3.11"
    return f"run: {interpreter} -m pip install -r {folder / 'requirements.txt'}"
