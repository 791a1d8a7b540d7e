"""The sample of the training data: even over the file, exact in its counts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitoring.dataset import sample as samples
from monitoring.dataset import table_file
from monitoring.dataset.sample import draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.settings.model import Schema
from tests.support.shipped import DATA, shipped_settings


@pytest.fixture(scope="module")
def schema() -> Schema:
    return shipped_settings().schema


def test_rows_without_a_value_are_left_out_of_the_sample_and_of_its_class_mix(
    schema: Schema, tmp_path: Path
) -> None:
    frame = pd.read_csv(DATA, dtype=str)
    frame.loc[17, "age"] = None
    frame.loc[18, "savings"] = ""
    outcomes = frame.drop(index=[17, 18])["credit"].value_counts()
    frame.to_csv(tmp_path / "data.csv", index=False)

    drawn = draw_sample(TrainingRows(tmp_path / "data.csv", schema), np.random.default_rng(0))

    assert len(drawn.frame) == 998
    assert not {17, 18} & set(drawn.frame.index)
    assert drawn.class_rows == {0: outcomes["0"], 1: outcomes["1"]}


def test_the_sample_is_even_over_the_file_and_exact_in_its_class_counts(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 5000)
    monkeypatch.setattr(samples, "CLASS_ROWS", 400)
    path = tmp_path / "data.csv"
    pd.concat([pd.read_csv(DATA, dtype=str)] * 20).to_csv(path, index=False)

    places: list[int] = []
    for seed in range(20):
        drawn = draw_sample(TrainingRows(path, schema), np.random.default_rng(seed))
        assert drawn.frame["credit"].value_counts().to_dict() == {0: 400, 1: 400}
        assert drawn.class_rows == {0: 6000, 1: 14000}
        places += drawn.frame.index.tolist()

    # 16,000 places over 20,000 rows: a mean off by more than 4 standard errors
    # (5774 / sqrt(16000)) would be no even draw.
    assert abs(np.mean(places) - 9999.5) < 4 * 5774 / 16_000**0.5
