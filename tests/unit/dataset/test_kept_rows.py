"""What is kept of the training data: the same rows, of these data only, for their owner only."""

import os
import random
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitoring.dataset import counting, kept_rows, training_data
from monitoring.dataset.baseline import to_json
from monitoring.dataset.sample import count_classes, draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ServiceError
from monitoring.settings.model import Feature, Schema, Settings, Target
from tests.support import damage
from tests.support.shipped import DATA, shipped_settings

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose training data have every type of feature, and missing values."""
    frame = pd.read_csv(DATA, dtype=str)
    frame.loc[[3, 40], "age"] = None
    frame.loc[[5, 6], "purpose"] = None
    frame.loc[[7], "savings"] = None
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    features = [
        Feature("age", "numerical"),
        Feature("credit_amount", "numerical"),
        Feature("purpose", "nominal", nullable=True),
        Feature("savings_A61", "categorical", group="savings", nullable=True),
        Feature("housing_A152", "categorical", group="housing"),
    ]
    schema = Schema(Target("credit", [0, 1], 1), features)
    return replace(shipped_settings(), schema=schema, training_data=str(path))


def rows_of(settings: Settings, cache: Path) -> pd.DataFrame:
    with TrainingFile(settings, cache) as data:
        return pd.concat(data.rows.chunks(), ignore_index=True)


def read_again(settings: Settings) -> pd.DataFrame:
    rows = TrainingRows(Path(settings.training_data), settings.schema)
    return pd.concat(rows.chunks(), ignore_index=True)


def test_kept_rows_sample_and_counts_are_those_of_the_file(
    settings: Settings, tmp_path: Path
) -> None:
    plain = TrainingRows(Path(settings.training_data), settings.schema)
    expected = draw_sample(plain, np.random.default_rng(7))
    with TrainingFile(settings) as uncached:
        counted = to_json(uncached.baseline(NOW))

    for _ in ("first night", "later night"):
        pd.testing.assert_frame_equal(rows_of(settings, tmp_path / "cache"), read_again(settings))
        with TrainingFile(settings, tmp_path / "cache") as data:
            drawn = draw_sample(data.rows, np.random.default_rng(7))
            assert data.rows.tally == plain.tally
            assert count_classes(data.rows) == drawn.class_rows == expected.class_rows
            assert to_json(data.baseline(NOW)) == counted
        assert drawn.order.tolist() == expected.order.tolist()
        assert drawn.frame.reset_index(drop=True).equals(expected.frame.reset_index(drop=True))


def test_a_later_run_does_not_read_the_training_data_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TrainingFile(settings, tmp_path / "cache") as data:
        data.baseline(NOW)

    monkeypatch.setattr(training_data, "chunks", None)
    monkeypatch.setattr(counting, "build", None)
    with TrainingFile(settings, tmp_path / "cache") as data:
        assert data.baseline("later").created_at == "later"
        assert len(pd.concat(data.rows.chunks())) == 998


def test_a_file_changed_by_one_byte_is_noticed_whatever_its_size_and_time(
    settings: Settings, tmp_path: Path
) -> None:
    rows_of(settings, tmp_path / "cache")
    path = Path(settings.training_data)
    before = path.stat()
    path.write_text(path.read_text().replace("1169", "1168", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    assert rows_of(settings, tmp_path / "cache").equals(read_again(settings))
    with TrainingFile(settings, tmp_path / "cache") as data:
        assert data.baseline(NOW).content_hash == data.sha256


def test_another_schema_gets_rows_of_its_own(settings: Settings, tmp_path: Path) -> None:
    rows_of(settings, tmp_path / "cache")
    fewer = replace(settings.schema, features=settings.schema.features[:2])
    other = replace(settings, schema=fewer)

    assert list(rows_of(other, tmp_path / "cache")) == ["age", "credit_amount", "credit"]


def test_a_damaged_cache_is_made_anew(settings: Settings, tmp_path: Path) -> None:
    cache, expected = tmp_path / "cache", read_again(settings)
    with TrainingFile(settings, cache) as data:
        counted = to_json(data.baseline(NOW))
    whole = {path: path.read_bytes() for path in cache.iterdir()}
    assert {path.name for path in whole} == {
        "training_data.arrow",
        "training_data.json",
        "baseline.json",
    }

    for seed in range(30):
        chance = random.Random(seed)
        for path, content in whole.items():
            path.write_bytes(damage.damaged_bytes(content, chance))
        with TrainingFile(settings, cache) as data:
            rows = pd.concat(data.rows.chunks(), ignore_index=True)
            pd.testing.assert_frame_equal(rows, expected, obj=f"seed {seed}")
            assert to_json(data.baseline(NOW)) == counted, f"seed {seed}"


def test_only_the_owner_may_read_what_is_kept(settings: Settings, tmp_path: Path) -> None:
    with TrainingFile(settings, tmp_path / "cache") as data:
        data.baseline(NOW)

    for path in (tmp_path / "cache").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_a_dry_run_keeps_nothing_but_uses_what_is_kept(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    with TrainingFile(settings, cache, is_dry_run=True) as data:
        assert len(pd.concat(data.rows.chunks())) == 998
        data.baseline(NOW)
    assert not cache.exists()

    rows_of(settings, cache)
    monkeypatch.setattr(training_data, "chunks", None)
    with TrainingFile(settings, cache, is_dry_run=True) as data:
        assert len(pd.concat(data.rows.chunks())) == 998


def test_a_cache_that_cannot_be_written_costs_time_only(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("in the way")

    assert rows_of(settings, tmp_path / "cache").equals(read_again(settings))
    assert "will be read again by the next run" in caplog.text
    with TrainingFile(settings, tmp_path / "cache") as data:
        assert data.baseline(NOW).rows == 998
    assert "will be counted again by the next run" in caplog.text


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_data_that_change_while_they_are_read_are_refused_and_not_kept(
    settings: Settings, tmp_path: Path, is_dry_run: bool
) -> None:
    with TrainingFile(settings, tmp_path / "cache", is_dry_run=is_dry_run) as data:
        assert data.sha256
        with open(settings.training_data, "a") as file:
            file.write("\n")
        with pytest.raises(ServiceError, match="changed while it was read"):
            list(data.rows.chunks())
    assert not list(tmp_path.glob("cache/*.json"))


def test_data_without_rows_keep_none(settings: Settings, tmp_path: Path) -> None:
    path = Path(settings.training_data)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with TrainingFile(settings, tmp_path / "cache") as data:
        assert list(data.rows.chunks()) == []
        key = kept_rows.Key(data.sha256, "another schema")
    assert kept_rows.find(tmp_path / "cache" / "training_data", key, path, settings.schema) is None
