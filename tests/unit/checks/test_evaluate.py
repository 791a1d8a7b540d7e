"""What the evaluation of a day finds and what it leaves alone, with a fitted model's answers."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from benchmarks.population import Population
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.dataset import counting
from monitoring.errors import RefusedError
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Target
from tests.support.world import FIRST, World, failing, feature, found, scored


@pytest.mark.parametrize("seed", range(5))
def test_sixty_quiet_days_have_at_most_three_alarm_days_and_the_drill_is_found_on_58_of_60(
    population: Population, limits: Limits, seed: int
) -> None:
    world = World(population, limits, seed)
    records = [world.evaluate(world.batch(300)) for _ in range(60)]
    alarms = [
        (record.day, [alert.text for alert in record.alerts]) for record in records if record.alerts
    ]
    print(f"seed {seed}: {alarms}")
    hits = 0
    for _ in range(60):
        world.records = []
        # features need no answers
        hits += ("drift", "age", "ks") in found(world.evaluate(world.drilled(300), []))
    print(f"seed {seed}: drill found on {hits} of 60 days")

    assert len(alarms) <= 3
    assert hits >= 58


def test_history_breaks_where_the_schema_changes(world: World) -> None:
    world.days(8)
    world.records = [
        msgspec.structs.replace(record, schema_hash="another") for record in world.records
    ]

    assert world.evaluate().performance.reference.days == []


def test_a_baseline_of_another_schema_is_refused(world: World) -> None:
    with pytest.raises(
        RefusedError, match=r"sample version 1.*another schema.*create_training_set.py"
    ):
        world.evaluate(baseline=replace(world.baseline, schema_hash="other"))


@pytest.mark.parametrize("case", ["no answer", "all failed", "few answers"])
def test_a_day_with_hardly_an_answer_is_evaluated_without_inventing_numbers(
    world: World, case: str
) -> None:
    world.days(8)
    frame = world.batch(100)
    all_answers = world.population.answers(frame)
    answers = {
        "no answer": [],
        "all failed": failing(all_answers, range(100)),
        "few answers": all_answers[:1],
    }[case]

    record = world.evaluate(frame, answers)

    assert ("model", "labels", "label_coverage") in found(record)
    assert record.performance.metrics["f1_mix"].value is None
    if case != "few answers":
        assert record.performance.mean_score is None
        assert record.endpoint.latency_ms == {}
        assert record.performance.reference == world.records[7].performance.reference
        assert ("endpoint", "release", "release_changed") not in found(record)
    assert world.evaluate().performance.tests  # and the day after goes on


def test_changed_training_data_are_a_finding_and_make_the_baseline_independent(
    world: World,
) -> None:
    same, other = world.evaluate(), world.evaluate(training_sha256="other")

    assert not same.baseline.independent
    assert other.baseline.independent
    assert found(other) == {("quality", "training data", "content_hash")}
    limits = [{test.subject: test.limit for test in record.drift} for record in (same, other)]
    assert all(limits[1][name] > limits[0][name] for name in limits[0])


def test_an_answer_for_another_class_mix_has_limits_of_its_own(world: World) -> None:
    even = world.evaluate(world.population.draw((100, 100), world.random))
    uneven = world.evaluate(world.population.draw((20, 180), world.random))

    assert feature(even, "age").limit != feature(uneven, "age").limit
    # 15.3 % and 49.7 %, half each
    assert feature(even, "checking_account_A14").baseline == pytest.approx(0.325, abs=0.001)
    assert feature(uneven, "checking_account_A14").baseline == pytest.approx(0.463, abs=0.001)


def test_three_classes_are_evaluated_too(limits: Limits, population: Population) -> None:
    target = Target(name="credit", classes=["bad", "fair", "good"], positive="good")
    shipped = population.settings
    settings = replace(shipped, schema=replace(shipped.schema, target=target))
    random = np.random.default_rng(0)
    labels = random.choice(["bad", "fair", "good"], len(population.frame))
    frame = population.frame.assign(credit=labels)
    pinned = counting.build(
        settings.schema, lambda: [frame], source="s", content_hash="h", created_at=""
    )
    batch = frame.sample(200, random_state=1, ignore_index=True)
    answers = [
        Answer(index, label, 0.5, 1.0, 1, None, None, "")
        for index, label in enumerate(batch["credit"])
    ]

    record = evaluate(
        DayInputs(
            settings=settings,
            scored=scored(settings, FIRST, batch, answers),
            baseline=pinned,
            limits=limits,
        )
    )

    assert record.performance.metrics["accuracy"].value == 1
    assert np.array(record.counts.confusion).shape == (3, 3)
    assert sum(shares.actual for shares in record.balance) == pytest.approx(1)
