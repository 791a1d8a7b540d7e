"""The day's batch: quiet by itself, repeatable, possible, and refused where it can't be made."""

import dataclasses
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring import batch, config, training_data
from monitoring.config import Drill, Feature, Settings
from monitoring.errors import RefusedError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return config.load(ROOT / "config.yaml", ["project_id", "model_api", "model_monitor"])[0]


@pytest.fixture(scope="module")
def sample(settings: Settings) -> training_data.Sample:
    return training_data.sample(Path(settings.training_data), settings.schema, np.random.default_rng(0))


def scoring(settings: Settings, **changes: Any) -> Settings:
    return dataclasses.replace(settings, scoring=dataclasses.replace(settings.scoring, **changes))


def test_quiet_days_stay_quiet_and_vary(settings: Settings) -> None:
    """Limits by SciPy (tests/quiet_limits.py); `benchmarks/batch_choice.py` has the same for 20 seeds and every choice."""
    import batch_choice

    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    figures = batch_choice.measure(settings, 60, seed=seed)

    assert figures["alarms"] <= 4  # 60 days at 0.5 %: more in 1 of 10,000 runs
    assert figures["pooled_psi"] <= 0.01
    assert figures["age_off"] <= 0.5
    assert figures["distinct"] >= 0.75
    assert figures["real"] <= 0.60


def test_without_raking_at_five_neighbors_the_same_measure_alarms(settings: Settings) -> None:
    """The measure above can fail: this is what it says of SMOTEN left to itself."""
    import batch_choice

    figures = batch_choice.measure(settings, 10, neighbors=5, raking=False)

    assert figures["alarms"] >= 1 or figures["pooled_psi"] > 0.01


def test_no_row_is_impossible_and_each_class_has_its_share(settings: Settings, sample: training_data.Sample) -> None:
    frame = batch.make(settings, sample, DAY, 301).frame

    assert (frame["checking_account_A13"] + frame["checking_account_A14"]).max() == 1
    assert (frame["savings_A61"] + frame["savings_A65"]).max() == 1
    assert set(np.unique(frame.drop(columns=["age", "credit"]))) == {0, 1}
    assert frame["age"].isin(sample.frame["age"]).all()
    assert sorted(frame["credit"].value_counts()) == [150, 151]


@pytest.mark.parametrize(
    ("mix", "expected"),
    [("balanced", [50, 50]), ("training", [30, 70]), ({0: 0.255, 1: 0.745}, [26, 74]), ({0: 0.0, 1: 1.0}, [0, 100])],
)
def test_classes_come_as_asked(settings: Settings, sample: training_data.Sample, mix: Any, expected: list[int]) -> None:
    frame = batch.make(scoring(settings, classes=mix), sample, DAY, 100).frame

    counts = [int((frame["credit"] == value).sum()) for value in (0, 1)]
    assert sum(counts) == 100
    assert all(abs(count - wanted) <= 1 for count, wanted in zip(counts, expected, strict=True))


def test_a_day_is_repeatable_and_another_day_or_seed_or_model_differs(settings: Settings, sample: training_data.Sample) -> None:
    first = batch.make(settings, sample, DAY, 40)

    assert batch.make(settings, sample, DAY, 40).sha256 == first.sha256
    assert batch.make(settings, sample, date(2026, 3, 2), 40).sha256 != first.sha256
    assert batch.make(scoring(settings, seed=1), sample, DAY, 40).sha256 != first.sha256
    assert batch.make(dataclasses.replace(settings, model="other"), sample, DAY, 40).sha256 != first.sha256


def test_rows_per_day_are_drawn_over_the_whole_range_and_kept(settings: Settings) -> None:
    few = scoring(settings, rows=(3, 5))
    counts = [batch.row_count(few, date.fromordinal(739_000 + offset)) for offset in range(300)]

    assert set(counts) == {3, 4, 5}
    assert all(70 < counts.count(value) < 130 for value in (3, 4, 5))
    assert counts[0] == batch.row_count(few, date.fromordinal(739_000))


def test_label_noise_flips_its_share_of_outcomes_and_no_feature(settings: Settings, sample: training_data.Sample) -> None:
    plain = batch.make(settings, sample, DAY, 200).frame
    noisy = batch.make(scoring(settings, label_noise=0.1), sample, DAY, 200).frame

    assert (plain["credit"] != noisy["credit"]).sum() == 20
    pd.testing.assert_frame_equal(plain.drop(columns="credit"), noisy.drop(columns="credit"))


def test_a_drill_shifts_its_share_from_its_day_on_and_is_told(settings: Settings, sample: training_data.Sample) -> None:
    plain = batch.make(settings, sample, DAY, 200).frame
    drill = Drill(feature="age", shift=10, share=0.5, from_day=DAY)
    drilled = batch.make(scoring(settings, drift=[drill]), sample, DAY, 200)
    before = batch.make(scoring(settings, drift=[drill]), sample, date(2026, 2, 28), 200)

    moved = drilled.frame["age"] - plain["age"]
    assert sorted(moved.unique()) == [0, 10]
    assert (moved == 10).sum() == 100
    assert drilled.drills == ["age +10 for 50% of the rows since 2026-03-01"]
    assert before.drills == []


def test_a_drill_of_a_level_keeps_its_group_possible(settings: Settings, sample: training_data.Sample) -> None:
    drill = Drill(feature="savings_A65", shift=1, share=0.5, from_day=DAY)
    frame = batch.make(scoring(settings, drift=[drill]), sample, DAY, 200).frame

    assert frame["savings_A65"].sum() >= 100
    assert (frame["savings_A61"] + frame["savings_A65"]).max() == 1


def test_a_class_too_small_for_the_neighbors_is_refused_by_name(settings: Settings, sample: training_data.Sample) -> None:
    few = sample.frame.drop(sample.frame.index[sample.frame["credit"] == 0][3:])
    small = training_data.Sample(few, sample.order[few.index], {0: 3, 1: 700})

    with pytest.raises(RefusedError, match=r"class 0 has 3 training rows, scoring.neighbors 3 needs 4"):
        batch.make(settings, small, DAY, 40)


def test_a_level_that_the_neighbors_vote_away_comes_back_with_fewer(settings: Settings, sample: training_data.Sample) -> None:
    """At five neighbors no row of class 0 keeps debtors_guarantors_A103, which 3 % of its customers have."""
    frame = batch.make(scoring(settings, neighbors=5, classes={0: 1.0, 1: 0.0}), sample, DAY, 600).frame

    assert 5 <= frame["debtors_guarantors_A103"].sum() <= 40


def test_a_level_without_synthetic_rows_is_refused_by_name() -> None:
    made, targets = np.zeros((50, 1), dtype=int), np.array([[0]] * 95 + [[1]] * 5)

    with pytest.raises(RefusedError, match=r"no synthetic row of class 1 has level 1, though 5.0%"):
        batch.raking_weights(made, targets, lambda column, code: f"level {code}", 1)


def test_raking_gives_every_code_its_share() -> None:
    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    targets = np.column_stack([random.choice(3, 500, p=[0.6, 0.3, 0.1]), random.choice(2, 500, p=[0.8, 0.2])])
    made = np.column_stack([random.choice(3, 3000), random.choice(2, 3000)])

    weights = batch.raking_weights(made, targets, lambda column, code: "", 1)

    for column in range(2):
        expected = np.bincount(targets[:, column]) / 500
        np.testing.assert_allclose(np.bincount(made[:, column], weights), expected, atol=1e-6)


def test_the_kept_batch_reads_back_equal_and_a_changed_one_is_refused(
    settings: Settings, sample: training_data.Sample, tmp_path: Path
) -> None:
    made = batch.make(settings, sample, DAY, 40)
    path = tmp_path / "batch.csv"
    path.write_bytes(batch.to_csv(made.frame, settings.schema, DAY))

    again = batch.read(path, settings.schema, made.sha256)
    assert list(batch.request_rows(again.frame, settings.schema, DAY)) == list(
        batch.request_rows(made.frame, settings.schema, DAY)
    )
    path.write_bytes(path.read_bytes().replace(b"_7,", b"_8,", 1))
    with pytest.raises(RefusedError, match="changed since the day was begun"):
        batch.read(path, settings.schema, made.sha256)


def test_a_request_has_the_ten_features_and_the_id_with_whole_numbers(settings: Settings, sample: training_data.Sample) -> None:
    made = batch.make(settings, sample, DAY, 40)
    index, body = list(batch.request_rows(made.frame, settings.schema, DAY))[39]

    import json

    data = json.loads(body)["data"]
    assert index == 39
    assert data.pop("customer_id") == "2026-03-01_39"
    assert list(data) == [feature.name for feature in settings.schema.features]
    assert all(isinstance(value, int) for value in data.values())


def test_one_hot_data_and_source_columns_give_the_same_batch(
    settings: Settings, sample: training_data.Sample, tmp_path: Path
) -> None:
    sample.frame.to_parquet(tmp_path / "onehot.parquet")

    same = training_data.sample(tmp_path / "onehot.parquet", settings.schema, np.random.default_rng(0))

    assert batch.make(settings, same, DAY, 60).sha256 == batch.make(settings, sample, DAY, 60).sha256


def test_a_single_indicator_and_several_numericals_work(settings: Settings, tmp_path: Path) -> None:
    features = [
        Feature(name="telephone_A192", type="categorical", group="telephone"),
        Feature(name="age", type="numerical"),
        Feature(name="credit_amount", type="numerical"),
    ]
    other = dataclasses.replace(settings, schema=dataclasses.replace(settings.schema, features=features))
    drawn = training_data.sample(Path(settings.training_data), other.schema, np.random.default_rng(0))

    frame = batch.make(other, drawn, DAY, 50).frame

    assert list(frame.columns) == ["telephone_A192", "age", "credit_amount", "credit"]
    assert frame["credit_amount"].nunique() > 30


def test_a_kept_batch_reads_back_to_the_last_digit_with_huge_numbers_and_a_class_named_na(tmp_path: Path) -> None:
    random = np.random.default_rng(1)  # some draws lose a bin to the vote
    schema = config.Schema(
        config.Target("good", ["NA", "ok"], "ok"), [Feature("amount", "numerical"), Feature("huge", "numerical")]
    )
    amounts = random.uniform(0, 1, 400) * 10.0 ** random.integers(-20, 20, 400)
    frame = pd.DataFrame({"amount": amounts, "huge": 1e19 * random.integers(1, 9, 400), "good": ["NA", "ok"] * 200})
    settings = config.load(ROOT / "config.yaml", ["project_id", "model_api", "model_monitor"])[0]
    scoring = dataclasses.replace(settings.scoring, neighbors=1, classes="training")
    settings = dataclasses.replace(settings, schema=schema, scoring=scoring)
    made = batch.make(settings, training_data.Sample(frame, random.random(400), {"NA": 200, "ok": 200}), DAY, 300)
    (tmp_path / "batch.csv").write_bytes(batch.to_csv(made.frame, schema, DAY))

    kept = batch.read(tmp_path / "batch.csv", schema, made.sha256)

    assert made.frame["huge"].isin(frame["huge"]).all()
    assert list(batch.request_rows(kept.frame, schema, DAY)) == list(batch.request_rows(made.frame, schema, DAY))
    assert kept.frame["good"].tolist() == made.frame["good"].tolist()
