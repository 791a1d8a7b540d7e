"""Simulated limits by what they follow from, kept in a file: no limit is simulated twice."""

import hashlib
import json
from pathlib import Path
from typing import Self

import msgspec

from monitoring.files import write_atomically
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic, simulated_limit

_MAX_KEPT = 2_000


class Limits:
    """The limits that are known; others are simulated when asked for."""

    def __init__(self, known: dict[str, float] | None = None) -> None:
        self.known = dict(known or {})
        self._has_new = False

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the limits in a file; none where it is torn or missing, since it is a cache."""
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=dict[str, float]))
        except (OSError, ValueError):
            return cls()

    def get(
        self,
        statistic: Statistic,
        baseline: Array,
        class_rows: Array,
        rate: float,
        *,
        independent: bool,
    ) -> float:
        """Return the limit of `simulated_limit` for these arguments."""
        # Kept as the first version wrote it: another key would simulate every limit again.
        content = hashlib.sha256(repr(baseline.tolist()).encode()).hexdigest()[:16]
        rows = "-".join(map(str, class_rows))
        relation = "independent" if independent else "own"
        key = f"{statistic.__name__}/{content}/{rows}/{rate:.6g}/{relation}"
        if key not in self.known:
            self.known[key] = simulated_limit(
                statistic, baseline, class_rows, rate, independent=independent
            )
            self._has_new = True
        return self.known[key]

    def write(self, path: Path) -> None:
        """Store the limits where there are new ones, atomically; the oldest beyond 2,000 go."""
        if self._has_new:
            newest = list(self.known.items())[-_MAX_KEPT:]
            write_atomically(path, json.dumps(dict(newest), indent=0))
