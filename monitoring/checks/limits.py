"""Simulated limits by what they follow from, kept in a file: no limit is simulated twice."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from monitoring.errors import ServiceError
from monitoring.files import write_atomically
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic, simulated_limit

log = logging.getLogger("monitoring")

_MAX_KEPT = 2_000
_Limit = Annotated[float, Meta(ge=0, le=1e9)]


class Limits:
    """The limits that are known; others are simulated when asked for."""

    def __init__(self, known: dict[str, float] | None = None) -> None:
        self.known = dict(known or {})
        self._has_new = False

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the limits in a file; none where it is missing, or altered (logged): a cache."""
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=dict[str, _Limit]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s: left out, the limits are simulated again: %s", path, error)
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
        """Store the limits where there are new ones, atomically; the oldest beyond 2,000 go.

        Where they can't be stored, a warning: the next day simulates them again.
        """
        if not self._has_new:
            return
        newest = list(self.known.items())[-_MAX_KEPT:]
        try:
            write_atomically(path, json.dumps(dict(newest), indent=0))
        except ServiceError as error:
            log.warning("%s; the limits are simulated again the next time", error)
