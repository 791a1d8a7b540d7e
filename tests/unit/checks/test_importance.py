"""Which features the prediction follows."""

import msgspec

from monitoring.checks.record import FeatureRank
from tests.support.world import World


def test_what_the_model_follows_is_ranked_first(world: World) -> None:
    batch = world.batch(300)
    answers = [
        msgspec.structs.replace(answer, score=0.9 if has_property else 0.1)
        for answer, has_property in zip(
            world.population.answers(batch), batch["property_A121"], strict=True
        )
    ]

    record = world.evaluate(batch, answers)

    first = msgspec.structs.replace(record.importance[0], association=1.0)
    assert first == FeatureRank(feature="property_A121", association=1.0, rank=1, low=1, high=1)
    assert not [alert for alert in record.alerts if str(alert.family) == "importance"]
