"""The captured predictions, counted: the page asks every two seconds, and there may be many."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.model_endpoint.model import FEATURES
from sandbox.store import Store

Counts = Mapping[str, Counter[float]]
"""How often each value of each feature came."""


def no_counts() -> dict[str, Counter[float]]:
    """Return counts of no prediction."""
    return {name: Counter() for name in FEATURES}


@dataclass(slots=True)
class Captured:
    """What was captured so far.

    by_minute: of UTC, "2026-01-31T09:30". by_day: the features of each day that event ids name; a
    model of the user's own has others, which are not counted.
    """

    total: int = 0
    by_minute: Counter[str] = field(default_factory=Counter)
    by_day: dict[str, dict[str, Counter[float]]] = field(default_factory=dict)
    _last_number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, store: Store) -> None:
        """Count what the store got since the last time."""
        with self._lock:
            for number, capture in store.captures_after(self._last_number):
                self._last_number = number
                self.total += 1
                self.by_minute[capture["timestamp"][:16]] += 1
                features = capture["features"]
                if features.keys() >= set(FEATURES):
                    day = capture["event_id"].rpartition("_")[0]
                    counts = self.by_day.setdefault(day, no_counts())
                    for name in FEATURES:
                        counts[name][features[name]] += 1

    def overall(self) -> Counts:
        """Return the counts of all days together."""
        overall = no_counts()
        for counts in self.by_day.values():
            for name, values in counts.items():
                overall[name].update(values)
        return overall
