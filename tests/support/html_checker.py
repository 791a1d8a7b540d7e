"""The Nu HTML Checker (vnu), where it is installed: it needs Java, so it is no requirement."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

JAR = "VNU_JAR"
"""The variable that names its jar: of the npm package vnu-jar, build/dist/vnu.jar."""


def html_errors(pages: Iterable[Path]) -> list[str]:
    """Return what the checker finds, warnings too; the test is skipped where it is missing."""
    jar, java = os.environ.get(JAR), shutil.which("java")
    if not (jar and java):
        pytest.skip(f"no Nu HTML Checker here: it needs Java, and {JAR} to name vnu.jar")
    command = [java, "-jar", jar, "--exit-zero-always", *map(str, pages)]
    checked = subprocess.run(command, check=True, capture_output=True, text=True)
    return checked.stderr.splitlines()
