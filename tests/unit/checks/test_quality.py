"""What can't be used, lies outside or was never seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.population import Population
from monitoring.checks import quality
from monitoring.checks.counts import count_features
from monitoring.checks.limits import Limits
from monitoring.dataset import counting
from monitoring.settings.model import Feature, Schema, Settings
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
    assert {alert.subject for alert in record.alerts} == {"age"}
    assert len(record.drift) == (9 if fault == "empty" else 10)
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

    assert alarms == 0  # four standard errors: 3 in 100,000 where the shares are the same


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
