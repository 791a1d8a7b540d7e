"""The classes of the batch against those requested."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.support.world import World, found


def test_class_shares_are_compared_with_those_requested(world: World) -> None:
    batch = world.population.draw((60, 140), world.random)
    cases: list[tuple[Any, bool]] = [
        ("training", False),
        ({0: 0.3, 1: 0.7}, False),
        ("balanced", True),
    ]
    for classes, expected in cases:
        scoring = replace(world.settings.scoring, classes=classes, label_noise=0.0)
        world.settings = replace(world.settings, scoring=scoring)
        record = world.evaluate(batch)
        assert (("balance", "class 0", "class_share") in found(record)) is expected

    # 0.3 x 0.75 + 0.7 x 0.25 = 0.4
    noisy = replace(world.settings.scoring, classes="training", label_noise=0.25)
    world.settings = replace(world.settings, scoring=noisy)
    record = world.evaluate(world.population.draw((80, 120), world.random))
    assert not record.alerts
    shares = record.balance[0]
    assert msgspec.to_builtins(shares) == pytest.approx(
        {
            "class": 0,
            "actual": 0.4,
            "predicted": shares.predicted,
            "requested": 0.3,
            "baseline": 0.3,
        }
    )


def test_an_empty_batch_has_no_class_shares_to_compare(world: World) -> None:
    record = world.evaluate(world.batch().iloc[:0], [])

    assert not [alert for alert in record.alerts if alert.family == "balance"]
