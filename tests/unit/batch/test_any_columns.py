"""Batches of nominal features, and of features whose values may be missing."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.batch import batch as batches
from monitoring.batch.batch import Batch
from monitoring.batch.generate import make_batch
from monitoring.batch.scored import ScoredBatch
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.record import DayRecord
from monitoring.dataset import counting, training_data
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.sample import Sample, draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Feature, Schema, Settings, Target

DAY = date(2026, 3, 1)
ROWS = 200
FEATURES = [
    Feature("color_red", "categorical", "color", nullable=True),
    Feature("color_blue", "categorical", "color", nullable=True),
    Feature("region", "nominal", nullable=True),
    Feature("zone", "nominal"),
    Feature("member", "nominal"),
    Feature("income", "numerical", nullable=True),
    Feature("age", "numerical"),
]
SCHEMA = Schema(Target("good", ["no", "yes"], "yes"), FEATURES)


def source(rows: int = 1200) -> pd.DataFrame:
    """Return rows whose missing values go with the class, of every kind of column."""
    random = np.random.default_rng(7)
    print("seed 7")
    good = random.choice(["no", "yes"], rows, p=[0.4, 0.6])
    frame = pd.DataFrame(
        {
            "color": random.choice(["red", "blue", "green"], rows),
            "region": random.choice(["1", "NA", "true", '"x"', "north"], rows),
            "zone": random.choice([1, 2, 30], rows, p=[0.5, 0.3, 0.2]),
            "member": random.choice([True, False], rows),
            "income": random.normal(3000, 500, rows).round(),
            "age": random.integers(18, 80, rows),
            "good": good,
        }
    )
    lacks = random.random((rows, 3)) < np.where(good == "no", 0.3, 0.1)[:, None]
    for place, name in enumerate(["color", "region", "income"]):
        frame[name] = frame[name].mask(lacks[:, place])
    return frame


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "data.parquet"
    source().to_parquet(path)
    return path


@pytest.fixture(scope="module")
def sample(path: Path) -> Sample:
    return draw_sample(TrainingRows(path, SCHEMA), np.random.default_rng(0))


@pytest.fixture(scope="module")
def baseline(path: Path) -> Baseline:
    return counting.build(
        SCHEMA,
        lambda: training_data.chunks(path, SCHEMA),
        source="training data",
        content_hash="0" * 64,
        created_at="2026-01-01T00:00:00Z",
    )


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return replace(settings, schema=SCHEMA)


def sent(batch: Batch) -> pd.DataFrame:
    """Return what the endpoint gets, as the values of JSON."""
    bodies = [json.loads(body)["data"] for _, body in batch.request_bodies(DAY)]
    return pd.DataFrame(bodies, dtype=object)


def test_every_value_is_sent_as_what_it_is_in_the_training_data(
    own: Settings, sample: Sample
) -> None:
    rows = sent(make_batch(own, sample, DAY, 400))

    assert set(rows["region"]) == {"1", "NA", "true", '"x"', "north", None}
    assert set(rows["zone"]) == {1, 2, 30}
    assert {type(value) for value in rows["zone"]} == {int}
    assert {type(value) for value in rows["member"]} == {bool}
    assert {type(value) for value in rows["income"]} == {int, type(None)}
    assert {type(value) for value in rows["age"]} == {int}
    pairs = set(zip(rows["color_red"], rows["color_blue"], strict=True))
    assert pairs == {(1, 0), (0, 1), (0, 0), (None, None)}


def test_the_kept_batch_sends_the_same_rows(own: Settings, sample: Sample, tmp_path: Path) -> None:
    batch = make_batch(own, sample, DAY, 400)
    path = tmp_path / "batch.csv"
    path.write_bytes(batches.to_csv(batch.frame, SCHEMA, DAY))

    kept = batches.read(path, SCHEMA, batch.sha256, [])

    assert list(kept.request_bodies(DAY)) == list(batch.request_bodies(DAY))
    assert batches.to_csv(kept.frame, SCHEMA, DAY) == path.read_bytes()


def test_missing_values_have_their_share_in_each_class(own: Settings, sample: Sample) -> None:
    frames = [
        make_batch(own, sample, DAY + timedelta(days=number), 400).frame for number in range(10)
    ]
    together = pd.concat(frames)
    whole = source()

    for name, column in {"color_red": "color", "region": "region", "income": "income"}.items():
        for label in ("no", "yes"):
            share = together.loc[together["good"] == label, name].isna().mean()
            expected = whole.loc[whole["good"] == label, column].isna().mean()
            # 2,000 draws of a class: 4 standard errors are 4.1 points at a share of 0.3.
            assert abs(share - expected) < 0.041, (name, label)


def record_of(own: Settings, baseline: Baseline, day: date, frame: pd.DataFrame) -> DayRecord:
    answers = {
        index: Answer(
            index=index,
            prediction=label,
            score=0.5,
            latency_ms=1.0,
            attempts=1,
            release="1",
            request_id=None,
            scored_at="2026-01-01T00:00:00Z",
        )
        for index, label in enumerate(frame["good"])
    }
    scored = ScoredBatch(day, Batch(frame, SCHEMA, "", []), answers)
    return evaluate(DayInputs(settings=own, scored=scored, baseline=baseline))


def alarms(record: DayRecord) -> set[tuple[str, str]]:
    return {
        (alert.subject, alert.metric)
        for alert in record.alerts
        if alert.family.value in ("drift", "quality")
    }


def test_quiet_days_raise_no_alarm(own: Settings, sample: Sample, baseline: Baseline) -> None:
    days = [DAY + timedelta(days=number) for number in range(10)]

    raised = [
        alarms(record_of(own, baseline, day, make_batch(own, sample, day, ROWS).frame))
        for day in days
    ]

    # At 1 % a day, more than one of ten days has a chance of 0.4 %.
    assert sum(map(bool, raised)) <= 1, raised


@pytest.mark.parametrize(
    ("column", "value", "alarm"),
    [
        ("region", None, ("region", "psi")),
        ("income", np.nan, ("income", "ks")),
        ("zone", 30, ("zone", "psi")),
        ("zone", 99, ("zone", "unseen")),
    ],
)
def test_more_missing_values_another_mix_and_a_level_never_seen_are_noticed(
    own: Settings, sample: Sample, baseline: Baseline, column: str, value: Any, alarm: Any
) -> None:
    frame = make_batch(own, sample, DAY, ROWS).frame
    frame[column] = frame[column].astype(object)
    frame.loc[: ROWS // 2, column] = value

    assert alarm in alarms(record_of(own, baseline, DAY, frame))
