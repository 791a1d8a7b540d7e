"""What is advised, and why."""

from collections.abc import Callable

import pandas as pd
import pytest

from benchmarks.population import Population
from monitoring.checks.advice import DayVerdict, advise
from monitoring.checks.limits import Limits
from monitoring.checks.record import Advice, DayRecord
from tests.support.world import World, feature, found, names

NORMAL = DayVerdict("2026-01-09")


def with_noisy_labels(world: World, rows_of_each_class: int = 40) -> DayRecord:
    """Evaluate a day on which the model is wrong about more rows, without a change of its inputs.

    Of both classes, so that the class mix stays.
    """
    batch = world.batch()
    answers = world.population.answers(batch)
    flipped = [batch.index[batch["credit"] == code][:rows_of_each_class] for code in (0, 1)]
    for code in (0, 1):
        batch.loc[flipped[code], "credit"] = 1 - code
    return world.evaluate(batch, answers)


def swapped(world: World) -> DayRecord:
    batch = world.batch()
    return world.evaluate(batch, world.population.answers(batch, swapped=True))


def test_drifting_features_never_advise_retraining(world: World) -> None:
    world.days(8)
    for _ in range(7):
        batch = world.batch()
        batch["checking_account_A14"], batch["checking_account_A13"] = 1, 0
        record = world.evaluate(batch)

    assert {"drift", "model"} <= {family for family, _, _ in found(world.records[8])}
    assert all(record.advice == "look" for record in world.records[8:])
    assert "says nothing about retraining" in record.because[-1]


def test_failed_rows_are_to_be_looked_at_though_nothing_alarmed() -> None:
    assert advise([], NORMAL, [], [], failed_rows=1) == (
        Advice.LOOK,
        ["1 row failed, see below"],
    )
    assert advise([], NORMAL, [], [], failed_rows=0) == (Advice.NONE, [])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("bad_day", [swapped, with_noisy_labels])
def test_one_bad_day_never_advises_retraining_and_the_days_after_it_are_called_normal(
    population: Population, limits: Limits, seed: int, bad_day: Callable[[World], DayRecord]
) -> None:
    print(f"seed {seed}")
    world = World(population, limits, seed)
    world.days(9)
    bad = bad_day(world)
    after = world.days(6)

    assert [record.advice for record in [bad, *after]].count(Advice.RETRAIN) == 0
    holding = [record for record in after if any("window" in one[2] for one in held(record))]
    assert holding or bad_day is not swapped
    for record in holding:
        assert any(
            f"today is normal; the window still holds {bad.day}" in text for text in record.because
        ), record.because
    assert world.evaluate().advice == "none"


def held(record: DayRecord) -> set[tuple[str, str, str]]:
    return names([*record.alerts, *record.ongoing])


@pytest.mark.parametrize("seed", range(4))
def test_several_days_that_each_fail_advise_retraining_until_today_is_normal(
    population: Population, limits: Limits, seed: int
) -> None:
    print(f"seed {seed}")
    world = World(population, limits, seed)
    world.days(8)
    worse = [with_noisy_labels(world) for _ in range(4)]
    normal = world.evaluate()

    assert worse[0].advice != "retrain"
    assert worse[-1].advice == "retrain"
    assert f"{worse[-1].day} each fail by themselves" in worse[-1].because[-1]
    assert normal.advice == "look"
    assert any("model: today is normal; the window still holds" in one for one in normal.because)


def test_a_fall_in_accuracy_is_new_once_and_then_goes_on(world: World) -> None:
    world.days(8)
    records = [with_noisy_labels(world) for _ in range(5)]

    drop = ("model", "model", "accuracy_drop")
    assert sum(drop in found(record) for record in records) == 1
    assert drop in names(records[-1].ongoing)


def test_a_window_s_alert_states_the_means_of_the_window_not_of_the_day(world: World) -> None:
    odd = [world.evaluate(world.drilled(300)) for _ in range(2)]
    record = world.evaluate(world.batch(300))

    (text,) = [one.text for one in record.ongoing if one.metric == "ks_window"]
    print(text)
    means = [feature(one, "age").today for one in [*odd, record]]
    assert text.startswith("over 3 days (900 rows): age is ")
    assert f" higher than in training ({sum(means) / 3:.3g}, was 35.1); KS 0." in text


def test_a_window_s_alert_of_an_indicator_states_its_share_over_the_window(world: World) -> None:
    def shifted() -> pd.DataFrame:
        batch = world.batch()
        batch["checking_account_A14"], batch["checking_account_A13"] = 1, 0
        return batch

    world.evaluate(shifted())
    record = world.evaluate()

    (text,) = [
        one.text
        for one in [*record.alerts, *record.ongoing]
        if (one.subject, one.metric) == ("checking_account_A14", "psi_window")
    ]
    share = (1 + feature(record, "checking_account_A14").today) / 2
    assert f"more frequent than in training ({share * 100:.3g} %, was 32.5 %)" in text


def test_the_score_s_window_states_its_own_mean(population: Population, limits: Limits) -> None:
    world = World(population, limits)
    world.days(7)
    batch = world.batch()
    odd = world.evaluate(batch, population.answers(batch, shift=0.2))
    record = world.evaluate()

    texts = [
        one.text
        for one in [*record.alerts, *record.ongoing]
        if (one.subject, one.metric) == ("score", "ks_window")
    ]
    scores = [one.performance.mean_score for one in (odd, record)]
    assert None not in scores
    mean = sum(score for score in scores if score is not None) / 2
    assert f"this release ({mean:.3g}, was 0." in texts[0]
