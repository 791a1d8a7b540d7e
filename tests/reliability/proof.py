"""Which form of the proof runs, with which seed, and what each part of it counts.

RELIABILITY=long: the long form (`make prove`); anything else is the short one, a sample of each
matrix. RELIABILITY_SEED: another seed. RELIABILITY_RESULTS: the folder for results.
"""

import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.support.loop import ROOT

LONG = os.environ.get("RELIABILITY") == "long"
SEED = int(os.environ.get("RELIABILITY_SEED", "12"))
RESULTS = Path(os.environ.get("RELIABILITY_RESULTS", ROOT / "var" / "reliability"))

_SHOWN_BROKEN = 20

Value = TypeVar("Value")


def by_form(short: Value, long: Value) -> Value:
    """Return what belongs to the form that runs."""
    return long if LONG else short


class Part:
    """One row of the table: what was counted, and each promise with how often it was broken.

    with Part("death", "daily_scoring.py, KILL") as part: counts into it; leaving it stores the
    result as JSON and fails where a promise was broken.
    """

    def __init__(self, matrix: str, name: str) -> None:
        self.matrix, self.name = matrix, name
        self.counts: Counter[str] = Counter()
        self.promises: Counter[str] = Counter()
        self.broken: list[str] = []
        self.chance = random.Random(f"{SEED} {matrix} {name}")
        self._began = time.monotonic()

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count, which appears even where it stays 0."""
        self.counts[what] += number

    def promise(self, what: str, broken: int | bool, where: object = "") -> None:
        """Count how often a promise was broken; `where`: for whoever has to find out why."""
        self.promises[what] += int(broken)
        if broken and len(self.broken) < _SHOWN_BROKEN:
            self.broken.append(f"{what}: {where}")

    def __enter__(self) -> Self:
        print(f"{self.matrix}, {self.name}: seed {SEED}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.promise("ended early", True, repr(error)[:2000])
        self._write()
        if error is None:
            assert not self.broken, "\n".join([f"seed {SEED}", *self.broken])

    def _write(self) -> None:
        content = {
            "matrix": self.matrix,
            "part": self.name,
            "form": by_form("short", "long"),
            "seed": SEED,
            "seconds": round(time.monotonic() - self._began, 1),
            "counts": dict(self.counts),
            "promises": dict(self.promises),
            "broken": self.broken,
        }
        RESULTS.mkdir(parents=True, exist_ok=True)
        stem = "".join(sign if sign.isalnum() else "-" for sign in f"{self.matrix}-{self.name}")
        path = RESULTS / f"{stem}.json"
        path.write_text(json.dumps(content, indent=1) + "\n")
