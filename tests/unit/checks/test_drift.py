"""Each feature against the baseline: what is an alert, and what its text says."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from tests.support.world import World, feature, found, names


def test_an_alert_text_is_complete_enough_to_act_on(world: World) -> None:
    drill = "age +10 for 50% of the rows since 2026-01-01"
    record = world.evaluate(world.drilled(300), drills=[drill])
    (text,) = [alert.text for alert in record.alerts]
    print(text)

    for part in (
        "age is ",
        " higher than in training (",
        ", was 35.1); KS 0.",
        "limit 0.",
        "largest change at ",
        "PSI 0.",
        f"a drill is on: {drill}",
    ):
        assert part in text
    (alert,) = record.alerts
    assert alert.value is not None
    assert alert.limit is not None
    assert alert.value > alert.limit > 0
    test = record.drift[0]
    assert (test.subject, test.shown) == ("age", "mean")
    assert test.today - test.baseline == pytest.approx(5, abs=1.5)
    assert set(record.drift[1].bins.labels) == {"0", "1"}


def test_the_alert_of_an_indicator_says_how_much_more_frequent_it_is(world: World) -> None:
    frame = world.batch()
    frame["checking_account_A14"], frame["checking_account_A13"] = 1, 0

    texts = {alert.subject: alert.text for alert in world.evaluate(frame).alerts}

    assert (
        "checking_account_A14 is 68 points more frequent than in training (100 %, was 32.5 %);"
        " PSI 4." in texts["checking_account_A14"]
    )
    assert (
        "checking_account_A13 is 5.8 points less frequent than in training (0 %, was 5.83 %)"
        in texts["checking_account_A13"]
    )


def test_a_shift_smaller_than_the_minimum_psi_is_no_alert_however_certain(
    population: Population, limits: Limits
) -> None:
    for minimum, expected in ((0.02, False), (0.0, True)):
        world = World(population, limits, minimum_psi=minimum)
        batch = world.batch(60_000)
        batch.loc[world.random.choice(60_000, 2400, replace=False), "savings_A65"] = 1
        record = world.evaluate(batch)
        test = feature(record, "savings_A65")

        assert test.value > test.limit
        assert test.psi < 0.02
        assert (("drift", "savings_A65", "psi") in found(record)) is expected


def test_a_shift_inside_one_wide_bin_is_not_hidden_by_it(
    population: Population, limits: Limits
) -> None:
    """Equal-width bins put nearly all of a long-tailed feature into the first.

    The size is then that of the halves.
    """
    world = World(population, limits)
    frame = population.frame.copy()
    frame["age"] = np.random.default_rng(0).lognormal(0, 0.3, len(frame))
    frame.loc[frame.index[:4], "age"] = 1000.0
    batch = world.batch()
    batch["age"] = np.random.default_rng(1).lognormal(0.6, 0.3, len(batch))

    record = world.evaluate(batch, baseline=population.baseline(frame))

    assert ("drift", "age", "ks") in found(record)
    test = record.drift[0]
    assert test.psi_dmm < 0.02
    assert test.psi > 0.5


def test_a_spread_that_changes_alone_is_said_to_be_a_spread(
    population: Population, limits: Limits
) -> None:
    world = World(population, limits)
    frame = population.frame.assign(age=np.tile([40, 50, 60, 50], len(population.frame) // 4))
    batch = world.batch().assign(age=np.tile([20, 80], 100))

    record = world.evaluate(batch, baseline=population.baseline(frame))

    (text,) = [alert.text for alert in record.alerts if alert.family == "drift"]
    assert text.startswith("age is spread differently than in training (mean 50, was 50); KS 0.5")


def test_windows_sum_the_days_under_one_baseline_only(world: World) -> None:
    world.days(3)
    other = world.population.baseline(world.population.frame[:-1])
    before = world.records[-1].drift[0].window
    assert before
    assert before.rows == 600

    world.evaluate(baseline=other)
    window = world.evaluate(baseline=other).drift[0].window

    assert window
    assert window.rows == 400


def test_windows_end_after_window_days(world: World) -> None:
    windows = [record.drift[0].window for record in world.days(9)]
    assert [window and window.rows for window in windows] == [
        None,
        *(400, 600, 800, 1000, 1200, 1400),
        *(1400, 1400),
    ]

    window = world.evaluate(skip_days=5).drift[0].window
    assert window
    assert window.rows == 400


def test_a_window_is_reported_when_it_turns_and_not_again_while_it_lasts(world: World) -> None:
    def slightly_shifted() -> pd.DataFrame:
        batch = world.batch()
        batch.loc[world.random.choice(200, 34, replace=False), "property_A121"] = 1
        return batch

    records = [world.evaluate(slightly_shifted()) for _ in range(12)]
    reported = [("drift", "property_A121", "psi_window") in found(record) for record in records]
    windows = [feature(record, "property_A121").window for record in records]
    print(reported, [window and window.alarmed for window in windows])

    assert sum(reported) == 1
    turned = reported.index(True)
    assert all(window and window.alarmed for window in windows[turned:])
    (text,) = [alert.text for alert in records[turned].alerts if "window" in alert.metric]
    assert text.startswith(f"over {turned + 1} days ({(turned + 1) * 200:,} rows): property_A121 ")
    assert "; PSI 0." in text

    # It goes on, though nothing new is reported.
    window_alert = ("drift", "property_A121", "psi_window")
    assert all(window_alert in names(record.ongoing) for record in records[turned + 1 :])
    assert records[-1].advice == "look"


def test_a_baseline_column_without_values_is_left_out_of_the_tests(world: World) -> None:
    empty = world.population.baseline(world.population.frame.assign(age=np.nan))

    record = world.evaluate(baseline=empty)

    assert "age" not in {test.subject for test in record.drift}
    assert not record.alerts


def test_the_largest_movers_come_first(world: World) -> None:
    record = world.evaluate(world.drilled())

    ratios = [test.value / test.limit for test in record.drift]
    assert ratios == sorted(ratios, reverse=True)
    assert msgspec.to_builtins(record.drift[0])["moved"] == record.drift[0].largest_change
