"""Limits by what they follow from, kept in a file: none is computed twice."""

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Annotated, Self

import msgspec
import numpy as np
from msgspec import Meta

from monitoring.errors import ServiceError
from monitoring.files import write_atomically
from monitoring.statistics import bridges
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic, ks_limit, psi_limit
from monitoring.statistics.shift import psi

log = logging.getLogger("monitoring")

_MAX_KEPT = 20_000
_DIGITS = 16
_Limit = Annotated[float, Meta(ge=0, le=1e9)]

# Limits under keys without it were simulated from fewer draws: they are not taken over.
_VERSION = "2"


class Limits:
    """The limits that are known; others are computed when asked for."""

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
        """Return the limit of `psi_limit` or, for any other statistic, `ks_limit`."""
        rows = "-".join(map(str, class_rows))
        relation = "independent" if independent else "own"
        name = f"{statistic.__name__}/{_content(baseline)}/{rows}/{rate:.6g}/{relation}"
        key = f"{_VERSION}/{name}"
        if key not in self.known:
            if statistic is psi:
                limit = psi_limit(baseline, class_rows, rate, independent=independent)
            else:
                limit = ks_limit(
                    baseline, class_rows, rate, independent=independent, table=self._bridge_table
                )
            if math.isnan(limit):  # no number that the file could hold
                return limit
            self._add(key, limit)
        return self.known[key]

    def write(self, path: Path) -> None:
        """Store the limits where there are new ones, atomically; the oldest beyond 20,000 go.

        Where they can't be stored, a warning: the next day computes them again.
        """
        if not self._has_new:
            return
        newest = list(self.known.items())[-_MAX_KEPT:]
        try:
            write_atomically(path, json.dumps(dict(newest), indent=0))
        except ServiceError as error:
            log.warning("%s; the limits are computed again the next time", error)

    def _bridge_table(self, shares: Array) -> Array:
        """Return a baseline's table (angles, 5), whose numbers are kept one by one."""
        shape = (len(bridges.ANGLES), len(bridges.TAILS) + 1)
        name = f"{_VERSION}/bridges/{_content(shares)}"
        keys = [f"{name}/{place}" for place in range(shape[0] * shape[1])]
        if not all(key in self.known for key in keys):
            weights = [np.array([np.cos(angle), np.sin(angle)]) for angle in bridges.ANGLES]
            table = bridges.quantiles(shares, weights)
            for key, value in zip(keys, table.ravel(), strict=True):
                self._add(key, float(value))
        return np.array([self.known[key] for key in keys]).reshape(shape)

    def _add(self, key: str, value: float) -> None:
        self.known[key] = value
        self._has_new = True


def _content(counts: Array) -> str:
    return hashlib.sha256(repr(counts.tolist()).encode()).hexdigest()[:_DIGITS]
