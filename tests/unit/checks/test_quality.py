"""What can't be used, lies outside or was never seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmarks.population import CONTENT_HASH, Population
from monitoring.checks import quality
from monitoring.checks.counts import count_features
from monitoring.checks.limits import Limits
from monitoring.dataset import counting
from monitoring.settings.model import Feature, Schema, Settings
from monitoring.statistics.binomials import chance_of_at_least
from tests.support.world import World, found

Spoil = Callable[["pd.Series[Any]"], Any]

SPOILED: dict[str, tuple[Spoil, str, str]] = {
    "empty": (lambda column: None, "missing_share", "no value in any of 200 rows"),
    "some missing": (
        lambda column: column.where(column.index >= 12),
        "missing_share",
        "12 of 200 values are missing, 6 %, limit 5 %",
    ),
    "text among numbers": (
        lambda column: column.astype(object).where(column.index >= 3, "n/a"),
        "wrong_type",
        "3 of 200 values",
    ),
    "infinities": (
        lambda column: column.astype(float).where(column.index >= 2, np.inf),
        "infinite",
        "2 of 200 values are infinite",
    ),
    "one value": (lambda column: column * 0 + 30, "one_value", "all 200 rows have the same value"),
    "outliers": (
        lambda column: column.where(column.index >= 40, 300),
        "outlier_share",
        "lie outside",
    ),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_bad_column_is_a_finding_of_that_column_and_the_rest_stays_as_it_is(
    world: World, fault: str
) -> None:
    spoil, metric, text = SPOILED[fault]
    batch = world.batch()
    answers = world.population.answers(batch)
    batch["age"] = spoil(batch["age"])

    record = world.evaluate(batch, answers)

    (alert,) = [alert for alert in record.alerts if alert.metric == metric]
    assert (alert.family, alert.subject) == ("quality", "age")
    assert text in alert.text
    # The answers are of the rows as they were: equal ones now have different answers.
    assert {alert.subject for alert in record.alerts if alert.family != "model"} == {"age"}
    assert len(record.drift) == (11 if fault == "empty" else 12)
    auc = record.performance.metrics["auc"].value
    assert auc
    assert auc > 0.7


def test_a_column_that_is_gone_is_a_finding(world: World) -> None:
    batch = world.batch()
    answers = world.population.answers(batch)

    record = world.evaluate(batch.drop(columns="age"), answers)

    assert ("quality", "age", "missing_share") in found(record)


def test_a_level_that_the_baseline_never_had_is_a_finding(world: World) -> None:
    never = world.population.baseline(world.population.frame.assign(debtors_guarantors_A103=0))
    batch = world.batch()
    batch.loc[5, "savings_A65"] = 2

    record = world.evaluate(batch, baseline=never)

    assert {
        ("quality", "debtors_guarantors_A103", "unseen"),
        ("quality", "savings_A65", "wrong_type"),
    } <= found(record)
    assert not any(
        test.subject == "debtors_guarantors_A103" and test.alarmed for test in record.drift
    )


def test_outliers_that_the_baseline_has_as_well_are_no_finding(
    population: Population, limits: Limits
) -> None:
    frame = population.frame.copy()
    frame["age"] = np.random.default_rng(0).lognormal(3, 1, len(frame))  # 8 % beyond the fences
    world, alarms = World(population, limits), 0
    baseline = population.baseline(frame)
    for seed in range(20):
        batch = world.batch(300)
        batch["age"] = np.random.default_rng([1, seed]).lognormal(3, 1, 300)
        record = world.evaluate(batch, baseline=baseline)
        alarms += ("quality", "age", "outlier_share") in found(record)
        world.records = []
    print(f"seeds 0 to 19: {alarms} alarms")

    assert alarms == 0  # one in 10,000 days


def test_a_few_missing_values_are_a_finding_where_the_baseline_has_none(world: World) -> None:
    """Below the fixed limit of 5 %: the baseline's own share says that it is no accident."""
    batch = world.batch()
    answers = world.population.answers(batch)
    batch["age"] = batch["age"].where(batch.index >= 2)

    record = world.evaluate(batch, answers)

    (alert,) = record.alerts
    assert (alert.family, alert.subject, alert.metric) == ("quality", "age", "missing_share")
    assert "2 of 200 values are missing, 1 %; in the baseline 0 % are" in alert.text


@pytest.mark.parametrize("independent", [False, True])
def test_missing_values_as_many_as_the_baselines_are_no_finding_and_five_points_more_are_found(
    population: Population, limits: Limits, independent: bool
) -> None:
    """One class has more of them than the other: the share is that at the batch's class mix."""
    random = np.random.default_rng(3)
    frame = population.frame.copy()
    chance = frame["credit"].map({0: 0.04, 1: 0.005})
    frame["age"] = frame["age"].where(random.random(len(frame)) >= chance)
    rows = 300
    world = World(population, limits, missing_share_above=0.2)
    baseline = population.baseline(frame)
    quiet, more = 0, 0
    for seed in range(60):
        world.records = []
        batch = world.batch(rows)
        draws = np.random.default_rng([1, seed]).random(rows)
        usual = batch["credit"].map({0: 0.04, 1: 0.005})
        sha256 = "another" if independent else CONTENT_HASH
        for added in (0.0, 0.05):
            spoiled = batch.assign(age=batch["age"].where(draws >= usual + added))
            record = world.evaluate(spoiled, [], baseline=baseline, training_sha256=sha256)
            hit = ("quality", "age", "missing_share") in found(record)
            quiet, more = quiet + (hit and not added), more + (hit and bool(added))
    print(f"seeds 0 to 59: quiet {quiet}, five points more {more}")

    assert quiet == 0
    assert more >= (8 if independent else 20)


def test_a_small_baseline_without_missing_values_does_not_say_that_there_are_none(
    population: Population, limits: Limits
) -> None:
    """Of 1,200 rows 30 have none: 1 time in 250 none of them is among the baseline's 200."""
    world = World(population, limits, missing_share_above=0.2)
    baseline = population.baseline(population.frame.sample(200, random_state=0))
    batch = world.batch(1000)
    batch["age"] = batch["age"].where(batch.index >= 30)
    hundred = batch.assign(age=batch["age"].where(batch.index >= 100))

    few = world.evaluate(batch, [], baseline=baseline, training_sha256="another")
    world.records = []
    many = world.evaluate(hundred, [], baseline=baseline, training_sha256="another")

    assert ("quality", "age", "missing_share") not in found(few)
    assert ("quality", "age", "missing_share") in found(many)


def test_five_percent_missing_is_found_on_nearly_every_day(world: World) -> None:
    hits = 0
    for seed in range(60):
        world.records = []
        batch = world.batch(100)
        draws = np.random.default_rng([2, seed]).random(100)
        batch["age"] = batch["age"].where(draws >= 0.05)
        hits += ("quality", "age", "missing_share") in found(world.evaluate(batch, []))
    print(f"seeds 0 to 59: found on {hits} days")

    assert hits >= 57  # 42 % of days by the limit of 5 % alone


def test_outliers_that_one_class_has_are_compared_at_the_batchs_classes(
    population: Population, limits: Limits
) -> None:
    """Bad customers are a third of the training data and half of a batch."""
    frame = population.frame.copy()
    random = np.random.default_rng(0)
    is_far = (frame["credit"] == 0) & (random.random(len(frame)) < 0.4)
    frame["age"] = frame["age"].where(~is_far, 300 + frame["age"])
    world, alarms = World(population, limits), 0
    baseline = population.baseline(frame)
    for seed in range(30):
        world.records = []
        batch = world.batch(300)
        draws = np.random.default_rng([1, seed]).random(300)
        is_far = (batch["credit"] == 0) & (draws < 0.4)
        batch["age"] = batch["age"].where(~is_far, 300 + batch["age"])
        record = world.evaluate(batch, [], baseline=baseline)
        alarms += ("quality", "age", "outlier_share") in found(record)
    print(f"seeds 0 to 29: {alarms} alarms")

    assert alarms == 0


def test_a_column_of_which_most_values_are_equal_has_outliers_beyond_its_range_only(
    population: Population, limits: Limits
) -> None:
    def mostly_zero(rows: int, seed: int) -> Any:
        random = np.random.default_rng(seed)
        return np.where(random.random(rows) < 0.8, 0.0, random.integers(1, 50, rows))

    world = World(population, limits)
    frame = population.frame.assign(age=mostly_zero(len(population.frame), 0))
    baseline = population.baseline(frame)
    usual = world.evaluate(world.batch().assign(age=mostly_zero(200, 1)), [], baseline=baseline)
    far = world.batch().assign(age=mostly_zero(200, 1))
    far.loc[:40, "age"] = 60
    beyond = world.evaluate(far, [], baseline=baseline)

    assert ("quality", "age", "outlier_share") not in found(usual)
    assert usual.quality[7].outside == 0
    assert ("quality", "age", "outlier_share") in found(beyond)
    (text,) = [alert.text for alert in beyond.alerts if alert.metric == "outlier_share"]
    assert "lie outside 0 to 49 or the baseline's range, " in text


def test_quiet_outliers_are_within_the_exact_tail_whatever_the_rows() -> None:
    """Four standard errors of Wilson's interval let through 1e-4 to 6e-4 of small days."""
    for rows in (30, 100, 300):
        for share in (0.05, 0.002):
            distribution = scipy.stats.binom(rows, share)
            first = next(
                hits for hits in range(rows) if chance_of_at_least(hits, rows, share) < 1e-5
            )
            assert distribution.sf(first - 1) < 1e-5
            assert distribution.sf(first - 2) >= 1e-5


def test_numbers_that_are_too_large_to_be_summed_count_as_infinite(
    population: Population, limits: Limits
) -> None:
    world = World(population, limits)
    values = np.random.default_rng(0).uniform(-1, 1, len(population.frame)) * 1.7e308
    baseline = population.baseline(population.frame.assign(age=values))
    overflowing = world.evaluate(world.batch(), [], baseline=baseline)
    batch = world.batch()
    batch["age"] = batch["age"].astype(float)
    batch.loc[3, "age"] = 1e307
    record = world.evaluate(batch, [])

    assert "age" not in {test.subject for test in overflowing.drift}
    (text,) = [alert.text for alert in record.alerts if alert.metric == "infinite"]
    assert text.startswith("age: 1 of 200 values are infinite or beyond 1e150")


def outlier_days(
    settings: Settings, draw: Callable[[int, int, np.random.Generator], Any], seeds: int = 30
) -> int:
    """Return on how many quiet days of 100 rows a class the outliers of a column alarm.

    draw: values of a class. The baseline has 20,000 rows of class 0 and 1,000 of class 1.
    """
    schema = Schema(settings.schema.target, [Feature("amount", "numerical")])

    def table(rows: tuple[int, int], random: np.random.Generator) -> pd.DataFrame:
        amounts = [draw(code, number, random) for code, number in enumerate(rows)]
        return pd.DataFrame({"amount": np.concatenate(amounts), "credit": np.repeat([0, 1], rows)})

    training = table((20_000, 1_000), np.random.default_rng(0))
    baseline = counting.build(
        schema, lambda: [training], source="test", content_hash="", created_at=""
    )
    first = int(np.random.default_rng().integers(1_000_000))
    print(f"seeds from {first}")
    alarms = 0
    for seed in range(first, first + seeds):
        batch = table((100, 100), np.random.default_rng(seed))
        counted = count_features(schema, batch, baseline, independent=False)
        alarms += bool(quality.check(settings.checks, counted)[1])
    return alarms


def test_outliers_are_compared_with_those_of_the_days_own_class_mix(
    population: Population,
) -> None:
    """A third of the rare class is far out: a balanced day has 17 % of it, the baseline 2 %."""

    def draw(code: int, rows: int, random: np.random.Generator) -> Any:
        is_far = random.random(rows) < code / 3
        return random.normal(0, 1, rows) + 20 * is_far

    assert outlier_days(population.settings, draw) == 0


def test_a_column_whose_quartiles_are_equal_has_outliers_only_outside_its_range(
    population: Population,
) -> None:
    """One value in eight is not 0: that is no outlier, however many more of them a day has."""
    rows = np.arange(1000)
    schema = Schema(population.settings.schema.target, [Feature("amount", "numerical")])
    frame = pd.DataFrame({"amount": np.where(rows % 8 == 0, rows % 50, 0), "credit": rows % 2})
    baseline = counting.build(
        schema, lambda: [frame], source="test", content_hash="", created_at=""
    )

    def outlier_alerts(amounts: Any) -> list[str]:
        counted = count_features(schema, frame.assign(amount=amounts), baseline, independent=False)
        alerts = quality.check(population.settings.checks, counted)[1]
        return [alert.metric for alert in alerts if alert.metric == "outlier_share"]

    numbers = baseline.columns["amount"].numbers
    assert numbers
    assert numbers.fences == (0, 48)
    assert outlier_alerts(np.where(rows % 2 == 0, rows % 50, 0)) == []
    assert outlier_alerts(np.where(rows % 8 == 0, 49 + rows, 0)) == ["outlier_share"]
