"""Batches made of other rows than the training data's, and of real ones."""

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from monitoring.batch.generate import generate
from monitoring.batch.inputs import batch_inputs, changed_inputs
from monitoring.dataset import counting, training_data
from monitoring.dataset.schema import column_names
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError, RefusedError
from monitoring.settings.model import Settings
from tests.support.shipped import DATA, with_scoring

DAY = date(2026, 3, 1)


@pytest.fixture
def held_out(settings: Settings, tmp_path: Path) -> Settings:
    """The settings with a source of 40 rows, 10 of class 0, all of them aged 90 and more."""
    frame = pd.read_csv(DATA, dtype=str)
    rows = pd.concat([frame[frame["credit"] == "0"][:10], frame[frame["credit"] == "1"][:30]])
    rows = rows.assign(age=[str(90 + place) for place in range(40)])
    # One row for each level of a feature, or else it is refused.
    path = tmp_path / "held_out.csv"
    indicators = pd.concat(training_data.chunks(DATA, settings.schema))
    own = indicators.loc[rows.index].assign(age=rows["age"])
    own.to_csv(path, index=False)
    return with_scoring(settings, source=str(path))


def drawn(settings: Settings, day: date = DAY, rows: int = 40) -> pd.DataFrame:
    with TrainingFile(settings) as data:
        return generate(settings, data, day, rows).frame


@pytest.mark.parametrize("generator", ["smoten", "rows"])
def test_a_batch_is_made_from_the_source(held_out: Settings, generator: str) -> None:
    frame = drawn(with_scoring(held_out, generator=generator))

    assert frame["age"].min() >= 90
    assert frame["credit"].value_counts().to_dict() == {0: 20, 1: 20}


def test_real_rows_come_once_a_day_while_they_last(held_out: Settings) -> None:
    settings = with_scoring(held_out, generator="rows", classes={0: 0.25, 1: 0.75})

    whole, more = drawn(settings, rows=40), drawn(settings, rows=60)
    some = [drawn(settings, DAY + timedelta(days=number), rows=20) for number in range(3)]

    assert sorted(whole["age"]) == list(range(90, 130))
    assert more["age"].value_counts().max() == 2
    assert set(more["age"]) == set(range(90, 130))
    assert all(frame["age"].is_unique for frame in some)
    assert len({tuple(frame["age"]) for frame in some}) == 3
    pd.testing.assert_frame_equal(drawn(settings, rows=40), whole)


def test_real_rows_are_rows_of_the_source(settings: Settings) -> None:
    frame = drawn(with_scoring(settings, generator="rows"), rows=200)

    names = [*column_names(settings.schema), "credit"]
    source = pd.concat(training_data.chunks(DATA, settings.schema))
    known = set(source[names].astype(int).itertuples(index=False, name=None))
    assert set(frame[names].astype(int).itertuples(index=False, name=None)) <= known


def test_the_training_mix_is_that_of_the_training_data(held_out: Settings) -> None:
    frame = drawn(with_scoring(held_out, generator="rows", classes="training"), rows=20)

    assert frame["credit"].value_counts().to_dict() == {0: 6, 1: 14}


def test_a_class_without_rows_is_refused(held_out: Settings) -> None:
    path = Path(str(held_out.scoring.source))
    frame = pd.read_csv(path)
    frame[frame["credit"] == 1].to_csv(path, index=False)

    with pytest.raises(RefusedError, match="class 0 has no row to draw from"):
        drawn(with_scoring(held_out, generator="rows"))


def test_a_source_that_does_not_exist_is_named_by_its_key(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"scoring.source: none.csv: No such file"):
        drawn(with_scoring(settings, source="none.csv"))


def test_another_source_or_generator_is_a_change_and_old_manifests_have_neither(
    held_out: Settings, settings: Settings
) -> None:
    before = batch_inputs(settings, DAY, "a" * 64)
    old = {name: value for name, value in before.items() if value is not None}
    now = batch_inputs(with_scoring(held_out, generator="rows"), DAY, "a" * 64, "b" * 64)

    assert changed_inputs(old, before) == []
    assert {text.partition(":")[0] for text in changed_inputs(old, now)} == {"source", "generator"}


def test_a_baseline_beside_a_source_is_independent_and_not_changed(held_out: Settings) -> None:
    from monitoring.checks.inputs import DayInputs
    from tests.support.world import scored

    baseline = counting.build(
        held_out.schema,
        lambda: training_data.chunks(DATA, held_out.schema),
        source="training data",
        content_hash="a" * 64,
        created_at="2026-01-01T00:00:00Z",
    )
    day = scored(held_out, DAY, drawn(held_out), [])

    inputs = DayInputs(settings=held_out, scored=day, baseline=baseline, training_sha256="a" * 64)
    changed = dataclasses.replace(inputs, training_sha256="b" * 64)

    assert (inputs.is_baseline_independent, inputs.has_training_data_changed) == (True, False)
    assert (changed.is_baseline_independent, changed.has_training_data_changed) == (True, True)
