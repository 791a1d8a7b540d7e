"""The batch's file reads back equal; what the endpoint gets of a row."""

import dataclasses
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitoring.batch import batch as batches
from monitoring.batch.generate import make_batch
from monitoring.dataset.sample import Sample
from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Schema, Settings, Target
from tests.support.shipped import with_scoring

DAY = date(2026, 3, 1)


def test_the_kept_batch_reads_back_equal_and_a_changed_one_is_refused(
    settings: Settings, sample: Sample, tmp_path: Path
) -> None:
    batch = make_batch(settings, sample, DAY, 40)
    path = tmp_path / "batch.csv"
    path.write_bytes(batches.to_csv(batch.frame, settings.schema, DAY))

    again = batches.read(path, settings.schema, batch.sha256, ["a drill"])

    assert list(again.request_bodies(DAY)) == list(batch.request_bodies(DAY))
    assert (again.sha256, again.drills) == (batch.sha256, ["a drill"])
    path.write_bytes(path.read_bytes().replace(b"_7,", b"_8,", 1))
    with pytest.raises(RefusedError, match="changed since the day was begun"):
        batches.read(path, settings.schema, batch.sha256, [])


def test_a_request_has_the_ten_features_and_the_id_with_whole_numbers(
    settings: Settings, sample: Sample
) -> None:
    batch = make_batch(settings, sample, DAY, 40)

    index, body = list(batch.request_bodies(DAY))[39]

    data = json.loads(body)["data"]
    assert index == 39
    assert data.pop("customer_id") == "2026-03-01_39"
    assert list(data) == [feature.name for feature in settings.schema.features]
    assert all(isinstance(value, int) for value in data.values())


def test_a_kept_batch_reads_back_to_the_last_digit_with_huge_numbers_and_a_class_named_na(
    settings: Settings, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)  # some draws lose a bin to the vote
    amounts = random.uniform(0, 1, 400) * 10.0 ** random.integers(-20, 20, 400)
    huge = 1e19 * random.integers(1, 9, 400)
    frame = pd.DataFrame({"amount": amounts, "huge": huge, "good": ["NA", "ok"] * 200})
    sample = Sample(frame, random.random(400), {"NA": 200, "ok": 200})
    features = [Feature("amount", "numerical"), Feature("huge", "numerical")]
    schema = Schema(Target("good", ["NA", "ok"], "ok"), features)
    settings = dataclasses.replace(settings, schema=schema)
    settings = with_scoring(settings, neighbors=1, classes="training")

    batch = make_batch(settings, sample, DAY, 300)
    path = tmp_path / "batch.csv"
    path.write_bytes(batches.to_csv(batch.frame, schema, DAY))
    kept = batches.read(path, schema, batch.sha256, [])

    assert batch.frame["huge"].isin(frame["huge"]).all()
    assert list(kept.request_bodies(DAY)) == list(batch.request_bodies(DAY))
    assert kept.labels.tolist() == batch.labels.tolist()
