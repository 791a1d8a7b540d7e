"""A copy of the working tree, where a page's commands can do no harm."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.check_docs.pages import ROOT

_STAMPS = ("run", "test")


@contextlib.contextmanager
def working_copy() -> Iterator[Path]:
    """Give a folder with every file of the working tree; its .venv is this Python's."""
    with tempfile.TemporaryDirectory(prefix="check-docs-") as name:
        folder = Path(name).resolve() / "monitoring-scripts"
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, folder / path)
        _link_environment(folder / ".venv")
        yield folder


def _link_environment(target: Path) -> None:
    """Make the packages of this Python those of the copy; make takes them for installed."""
    target.mkdir()
    for each in Path(sys.prefix).iterdir():
        if each.name not in _STAMPS:
            (target / each.name).symlink_to(each)
    for stamp in _STAMPS:
        (target / stamp).touch()


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a shell in the copy: none that lead a run elsewhere."""
    ours = ("DOMINO_", "MODEL_", "DMM_", "AWS_", "STATE_DIR", "REPORT_DIR", "COVERAGE", "MAKE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{folder}/.venv/bin:{os.environ.get('PATH', '')}"
    ours_now = {"PATH": path, "HOME": str(folder.parent), "MAKEFLAGS": "", "NO_COLOR": "1"}
    # The copy has the packages of this Python: none of its commands may change them.
    return kept | ours_now | {"PIP_DRY_RUN": "1"}
