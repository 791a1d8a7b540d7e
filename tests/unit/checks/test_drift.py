"""Each feature against the baseline: what is an alert, and what its text says."""

from dataclasses import replace

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


def test_the_alert_of_a_group_names_the_level_that_moved_most(world: World) -> None:
    frame = world.batch()
    frame["checking_account_A14"], frame["checking_account_A13"] = 1, 0

    alerts = world.evaluate(frame).alerts
    texts = {alert.subject: alert.text for alert in alerts if alert.family == "drift"}

    assert texts["checking_account"].startswith(
        "checking_account_A14 is 68 points more frequent than in training (100 %, was 32.5 %);"
        " PSI 4."
    )


def test_a_shift_smaller_than_the_minimum_psi_is_no_alert_however_certain(
    population: Population, limits: Limits
) -> None:
    for minimum, expected in ((0.02, False), (0.0, True)):
        world = World(population, limits, minimum_psi=minimum)
        batch = world.batch(60_000)
        batch.loc[world.random.choice(60_000, 2400, replace=False), "savings_A65"] = 1
        record = world.evaluate(batch)
        test = feature(record, "savings")

        assert test.value > test.limit
        assert test.psi < 0.02
        assert (("drift", "savings", "psi") in found(record)) is expected


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
    assert test.psi_dmm is not None
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


@pytest.mark.parametrize("rows", [100, 300])
def test_the_size_of_a_quiet_days_shift_is_not_what_chance_gives(world: World, rows: int) -> None:
    """Chance alone gives a PSI of 19 / rows over 20 bins: that is taken off."""
    sizes = []
    for _ in range(40):
        world.records = []
        sizes.append(feature(world.evaluate(world.batch(rows), []), "age").psi)
    print(f"{rows} rows: {np.round(sizes, 3)}")

    assert np.mean(sizes) < 8 / rows


def test_the_day_gets_the_whole_rate_where_a_window_has_too_many_rows_to_matter(
    world: World,
) -> None:
    budget = 0.01 * 0.765 / 12  # ten features, score and predicted class
    world.days(6)

    last = world.evaluate()
    rates = {test.subject: test.rate for test in last.drift}
    small = world.evaluate(world.batch(20), skip_days=30)

    # A window of 1,400 rows passes its limit with shifts far smaller than minimum_psi.
    assert rates["property_A121"] == pytest.approx(0.95 * budget)
    assert rates["age"] == pytest.approx(0.95 * budget)
    assert small.drift[0].window is None
    assert small.drift[0].rate == pytest.approx(0.95 * budget)

    world.settings = replace(world.settings, checks=replace(world.settings.checks, minimum_psi=0.0))
    world.records = world.records[:6]
    halves = {test.subject: test.rate for test in world.evaluate().drift}
    assert halves["property_A121"] == pytest.approx(0.5 * budget)
    assert halves["age"] == pytest.approx(0.5 * budget)


def test_the_indicators_of_a_group_are_one_test_and_keep_their_own_numbers(world: World) -> None:
    record = world.evaluate()
    group, member = feature(record, "checking_account"), feature(record, "checking_account_A14")

    assert group.bins.labels == [
        "checking_account_A14",
        "checking_account_A13",
        "checking_account (none of its 2 levels)",
    ]
    assert sum(group.bins.today) == pytest.approx(1)
    assert (group.psi_dmm, group.group) == (None, None)
    assert (member.group, member.alarmed) == ("checking_account", False)
    assert member.limit < group.limit
    # Half of the rate of two features for all levels together, and half of one for each of them.
    assert group.rate == pytest.approx(2 * member.rate)
    assert group.rate == pytest.approx(feature(record, "property_A121").rate)
    assert member.psi_dmm is not None
    assert member.shown == "share of 1"
    assert len(record.drift) == 12  # ten features and two groups
    assert feature(record, "property_A121").group is None  # alone in its group


def test_a_lost_level_is_found_as_a_shift_of_its_group(world: World) -> None:
    """For a tenth of the rows no level of checking_account is set any more.

    One PSI over all levels finds fewer of these days than it does with that of each level.
    """
    hits, by_level = 0, 0
    for _ in range(100):
        world.records = []
        batch = world.batch(300)
        lost = world.random.choice(np.flatnonzero(batch["checking_account_A14"]), 30, replace=False)
        batch.loc[lost, "checking_account_A14"] = 0
        record = world.evaluate(batch, [])
        group = feature(record, "checking_account")
        subjects = {alert.subject for alert in record.alerts if alert.metric == "psi"}

        assert group.alarmed is ("checking_account" in subjects)
        assert "checking_account_A14" not in subjects  # the alarm is the group's
        hits += group.alarmed
        by_level += group.alarmed and group.value <= group.limit
    print(f"seed 0: found on {hits} of 100 days, {by_level} of them by the level alone")

    assert hits >= 60
    assert by_level >= 3


def test_the_alert_of_a_level_alone_is_its_groups(world: World) -> None:
    texts = []
    for _ in range(40):
        world.records = []
        batch = world.batch(300)
        lost = world.random.choice(np.flatnonzero(batch["checking_account_A14"]), 28, replace=False)
        batch.loc[lost, "checking_account_A14"] = 0
        record = world.evaluate(batch, [])
        group, level = (
            feature(record, name) for name in ("checking_account", "checking_account_A14")
        )
        if group.alarmed and group.value <= group.limit:
            (alert,) = [one for one in record.alerts if one.subject == "checking_account"]
            assert (alert.value, alert.limit) == (level.value, level.limit)
            assert level.value > level.limit
            texts.append(alert.text)

    assert texts
    assert all("checking_account_A14 is" in text for text in texts)


@pytest.mark.parametrize("rows", [100, 300])
def test_a_group_alarms_on_quiet_days_no_more_often_than_its_features_may(
    population: Population, rows: int
) -> None:
    """At 40 times the usual rate, so that 300 days show it: the day's parts of two features."""
    world = World(population, Limits(), seed=rows, false_alarms_per_day=0.4, minimum_psi=0.0)
    allowed, alarms = 2 * 0.95 * 0.4 * 0.765 / 12, 0
    for _ in range(300):
        world.records = []
        alarms += feature(world.evaluate(world.batch(rows), []), "checking_account").alarmed
    print(f"seed {rows}: {alarms} of 300 quiet days, {allowed:.3f} allowed")

    assert alarms / 300 < allowed + 3 * (allowed * (1 - allowed) / 300) ** 0.5
    assert alarms / 300 > allowed / 4


def test_indicators_that_do_not_exclude_each_other_are_tested_one_by_one(
    population: Population, limits: Limits
) -> None:
    frame = population.frame.assign(savings_A65=1, savings_A61=1)
    world = World(population, limits)

    record = world.evaluate(
        world.batch().assign(savings_A65=1, savings_A61=1), baseline=population.baseline(frame)
    )

    subjects = {test.subject for test in record.drift}
    assert "savings" not in subjects
    assert {"savings_A61", "savings_A65", "checking_account"} <= subjects


def test_a_group_is_tested_over_the_days_of_records_that_had_none(world: World) -> None:
    """Records of 1.0 hold the counts of each indicator: that is all a group needs."""
    world.days(2)
    world.records = [
        msgspec.structs.replace(
            record, drift=[test for test in record.drift if test.subject != "savings"]
        )
        for record in world.records
    ]

    window = feature(world.evaluate(), "savings").window

    assert window
    assert window.rows == 600
