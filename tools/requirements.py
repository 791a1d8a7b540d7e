"""The requirements files: what is pinned in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILES = ("requirements.txt", "sandbox/requirements.txt", "requirements-dev.txt")
NEEDED_BY_OTHERS = "# Needed by those above"
"""The line after which a file has what its own packages need."""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==([^ ;#]+)(.*)$")


class Pin(NamedTuple):
    """A pinned package; rest: its marker and comment, as the line has them."""

    name: str
    version: str
    rest: str


def pins(path: Path) -> Iterator[Pin]:
    """Yield the packages that a file pins, in its order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _PIN.match(line)
        if match:
            yield Pin(match[1], match[2], match[3])


def all_pins() -> dict[str, Pin]:
    """Return the packages of every file by name, sorted."""
    every = {pin.name.lower(): pin for name in FILES for pin in pins(ROOT / name)}
    return dict(sorted(every.items()))
