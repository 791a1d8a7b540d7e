"""Rows without a value: no batch has them, so the baseline must not count them either."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitoring.batch.generate import make_batch
from monitoring.batch.scored import ScoredBatch
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.dataset import counting, training_data
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.sample import draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.settings.model import Settings
from tests.support.shipped import DATA, shipped_settings

DAYS, ROWS = 9, 200
AFFECTED = "checking_account"  # its indicators are tested together


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Training data in which six of ten ages are missing where one level of another column is."""
    frame = pd.read_csv(DATA, dtype=str)
    is_affected = (frame["checking_account"] == "A14") & (frame.index % 5 < 3)
    frame["age"] = frame["age"].mask(is_affected)
    frame.to_csv(tmp_path / "train.csv", index=False)
    return replace(shipped_settings(), training_data=str(tmp_path / "train.csv"))


def baseline_of(settings: Settings, chunks: Callable[[], Iterable[pd.DataFrame]]) -> Baseline:
    return counting.build(
        settings.schema, chunks, source="training data", content_hash="", created_at=""
    )


def alarms_by_day(settings: Settings, baseline: Baseline) -> list[set[str]]:
    """Return what drifted on each of nine days, each by itself."""
    sample = draw_sample(
        TrainingRows(Path(settings.training_data), settings.schema), np.random.default_rng(0)
    )
    limits, alarms = Limits(), []
    for offset in range(DAYS):
        day = date(2026, 1, 1) + timedelta(days=offset)
        scored = ScoredBatch(day, make_batch(settings, sample, day, ROWS), {})
        inputs = DayInputs(settings=settings, scored=scored, baseline=baseline, limits=limits)
        drifted = [alert for alert in evaluate(inputs).alerts if alert.family == "drift"]
        alarms.append({alert.subject for alert in drifted})
    return alarms


def test_rows_left_out_for_a_missing_value_cause_no_drift_on_any_of_nine_days(
    settings: Settings,
) -> None:
    path = Path(settings.training_data)
    ours = baseline_of(settings, lambda: training_data.chunks(path, settings.schema))
    # As it was once: whoever had no age was counted all the same.
    counted_all = baseline_of(settings, lambda: training_data.chunks(DATA, settings.schema))

    assert alarms_by_day(settings, ours) == [set()] * DAYS
    # The same days against it: this is what the test would see.
    assert sum(AFFECTED in alarms for alarms in alarms_by_day(settings, counted_all)) >= DAYS - 1
