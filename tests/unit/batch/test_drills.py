"""Drills: their share of the rows, from their day on, and nothing impossible."""

from datetime import date

import numpy as np
import pandas as pd

from monitoring.batch.drills import apply_drills
from monitoring.batch.generate import make_batch
from monitoring.dataset.sample import Sample
from monitoring.settings.model import Drill, Settings
from tests.support.shipped import with_scoring

DAY = date(2026, 3, 1)


def test_a_drill_shifts_its_share_from_its_day_on_and_is_named(
    settings: Settings, sample: Sample
) -> None:
    drill = Drill(feature="age", shift=10, share=0.5, from_day=DAY)
    drilling = with_scoring(settings, drift=[drill])

    plain = make_batch(settings, sample, DAY, 200).frame
    drilled = make_batch(drilling, sample, DAY, 200)
    before = make_batch(drilling, sample, date(2026, 2, 28), 200)

    moved = drilled.frame["age"] - plain["age"]
    assert sorted(moved.unique()) == [0, 10]
    assert (moved == 10).sum() == 100
    assert drilled.drills == ["age +10 for 50% of the rows since 2026-03-01"]
    assert before.drills == []


def test_a_drill_of_a_level_keeps_its_group_possible(settings: Settings, sample: Sample) -> None:
    drill = Drill(feature="savings_A65", shift=1, share=0.5, from_day=DAY)

    frame = make_batch(with_scoring(settings, drift=[drill]), sample, DAY, 200).frame

    assert frame["savings_A65"].sum() >= 100
    assert (frame["savings_A61"] + frame["savings_A65"]).max() == 1


def test_a_drill_of_a_fraction_shifts_values_that_are_fractions(settings: Settings) -> None:
    drill = Drill(feature="age", shift=0.25, share=1.0, from_day=DAY)
    frame = pd.DataFrame({"age": [20.5, 31.25]})

    apply_drills(frame, with_scoring(settings, drift=[drill]), DAY, np.random.default_rng(0))

    assert frame["age"].tolist() == [20.75, 31.5]
