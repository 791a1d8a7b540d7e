"""What is advised, and why."""

from monitoring.checks.advice import advise
from monitoring.checks.record import Advice
from tests.support.world import World, found


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
    assert advise([], [], [], failed_rows=1) == (
        Advice.LOOK,
        ["1 row failed, see below"],
    )
    assert advise([], [], [], failed_rows=0) == (Advice.NONE, [])
