"""Small frames and the baselines that are counted from them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from monitoring.dataset import counting
from monitoring.dataset.baseline import Baseline
from monitoring.settings.model import Feature, Schema, Target

SCHEMA = Schema(
    target=Target(name="outcome", classes=[0, 1], positive=1),
    features=[Feature(name="flag", type="categorical"), Feature(name="amount", type="numerical")],
    key="id",
)


def build(*frames: pd.DataFrame, schema: Schema = SCHEMA) -> Baseline:
    """Return the baseline of version 2 of "set", counted from chunks."""
    baseline = counting.build(
        schema,
        lambda: frames,
        source="set",
        content_hash="abc",
        created_at="2026-01-01T00:00:00+00:00",
    )
    return replace(baseline, number=2)


def frame_of(amounts: Any) -> pd.DataFrame:
    """Return a row for each amount, with drawn flags and outcomes; both outcomes occur."""
    random = np.random.default_rng(0)
    rows = len(amounts)
    flags = random.integers(0, 2, rows)
    outcomes = np.concatenate([[0, 1], random.integers(0, 2, rows)])[:rows]
    return pd.DataFrame({"flag": flags, "amount": amounts, "outcome": outcomes})
