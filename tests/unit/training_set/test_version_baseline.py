"""The counts of a version: pinned, or counted from its data."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from monitoring.dataset.baseline import Baseline, fingerprint
from monitoring.ledger.workspace import Workspace
from monitoring.services.training_sets import TrainingSets, Version
from monitoring.settings.model import Settings
from monitoring.training_set.content import as_captured
from monitoring.training_set.version_baseline import count_version, load_version_baseline, pin


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """The settings with a state folder of their own."""
    return dataclasses.replace(settings, state_dir=tmp_path / "state")


@pytest.fixture
def training_sets(settings: Settings, frame: pd.DataFrame, tmp_path: Path) -> TrainingSets:
    """The set, with the data of a version on its mount."""
    folder = tmp_path / "mount" / "set" / "version"
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "data.parquet")
    environment = {"DOMINO_TRAINING_SET_PATH": str(tmp_path / "mount")}
    return TrainingSets(settings.training_set.name, environment)


@pytest.fixture
def counted(settings: Settings, frame: pd.DataFrame) -> Baseline:
    return count_version(settings, frame, content_hash="")


def version(number: int) -> Version:
    return Version(number, False, [], {}, None, "set/version")


@pytest.mark.parametrize("pinned", [None, "torn", "of another version"])
def test_a_version_without_a_pinned_baseline_is_counted_from_its_data(
    own: Settings, training_sets: TrainingSets, counted: Baseline, pinned: str | None
) -> None:
    if pinned == "torn":
        path = Workspace.of(own).baseline
        path.parent.mkdir(parents=True)
        path.write_text(pinned)
    elif pinned:
        pin(own, counted, version(2))

    baseline = load_version_baseline(own, training_sets, version(1))

    assert baseline is not None
    assert baseline.number == 1
    assert fingerprint(baseline) == fingerprint(counted)
    shutil.rmtree(training_sets.mount)
    assert load_version_baseline(own, training_sets, version(1)) is None


def test_the_columns_of_a_version_are_found_by_their_names_at_the_endpoint(
    own: Settings, training_sets: TrainingSets, frame: pd.DataFrame, counted: Baseline
) -> None:
    features = [
        dataclasses.replace(feature, as_name=f"x_{feature.name}") for feature in own.schema.features
    ]
    schema = dataclasses.replace(own.schema, features=features)
    renamed = dataclasses.replace(own, schema=schema)
    as_captured(frame, schema).to_parquet(training_sets.mount / "set/version/data.parquet")

    baseline = load_version_baseline(renamed, training_sets, version(1))

    assert baseline is not None
    assert list(baseline.columns) == list(counted.columns)
    assert baseline.columns["age"].missing == 0


def test_the_pinned_baseline_of_the_version_serves_without_its_data(
    own: Settings, training_sets: TrainingSets, counted: Baseline
) -> None:
    shutil.rmtree(training_sets.mount)
    path = pin(own, counted, version(3))

    baseline = load_version_baseline(own, training_sets, version(3))

    assert path == own.state_dir / own.model / "baseline.json"
    assert baseline is not None
    assert baseline.number == 3
    assert fingerprint(baseline) == fingerprint(counted)
