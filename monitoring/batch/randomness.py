"""The random numbers of a day: the same for the same seed, model and day, on any machine."""

import hashlib
from datetime import date

import numpy as np

from monitoring.settings.model import Settings


def generator(settings: Settings, day: date, purpose: str) -> np.random.Generator:
    """Return the generator of a day and purpose; each purpose has random numbers of its own."""
    text = f"{settings.scoring.seed}/{settings.model}/{day}/{purpose}"
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def row_count(settings: Settings, day: date) -> int:
    """Return the day's number of rows, drawn evenly from `scoring.rows`, both ends included."""
    low, high = settings.scoring.rows
    return int(generator(settings, day, "rows").integers(low, high, endpoint=True))
