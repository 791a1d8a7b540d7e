"""Which days score, predicted class and accuracy are compared with."""

import msgspec

from monitoring.checks.record import Reference
from tests.support.world import World, changed, found


def test_score_and_class_are_collected_first_and_compared_from_the_eighth_day_on(
    world: World,
) -> None:
    parts = [record.performance for record in world.days(8)]

    assert [len(part.reference.days) for part in parts] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [part.reference.is_complete for part in parts] == [False] * 7 + [True]
    assert [len(part.tests) for part in parts] == [0] * 7 + [2]
    assert parts[7].reference.days[0] == "2026-01-01"


def test_a_new_release_is_a_finding_and_starts_the_collection_again(world: World) -> None:
    world.days(8)
    batch = world.batch()
    newer = changed(world.population.answers(batch), release="2")

    first = world.evaluate(batch, newer)
    after = world.evaluate(batch, newer)

    assert ("endpoint", "release", "release_changed") in found(first)
    assert "changed from 1 to 2 since 2026-01-08" in first.alerts[0].text
    assert first.performance.reference == Reference(
        release="2", days=[], days_needed=7, is_complete=False
    )
    assert not after.alerts
    assert after.performance.reference.days == [first.day]


def test_two_releases_within_a_day_are_a_finding_and_that_day_serves_no_reference(
    world: World,
) -> None:
    world.days(2)
    batch = world.batch()
    mixed = [
        msgspec.structs.replace(answer, release=str(1 + answer.index % 2))
        for answer in world.population.answers(batch)
    ]

    record, after = world.evaluate(batch, mixed), world.evaluate()

    assert ("endpoint", "release", "releases") in found(record)
    assert record.endpoint.releases == ["1", "2"]
    assert after.performance.reference.days == []


def test_a_drill_and_an_alarm_serve_no_reference_but_changed_training_data_do_not_hinder_it(
    world: World,
) -> None:
    world.evaluate(drills=["age +10 for 50% of the rows"])
    world.evaluate(world.drilled())
    batch = world.batch()
    world.evaluate(batch, world.population.answers(batch, swapped=True))
    sound = world.days(2, training_sha256="another")

    has_alerts = [bool(record.alerts or record.ongoing) for record in world.records]
    assert has_alerts == [False, True, True, True, True]
    assert world.evaluate().performance.reference.days == [record.day for record in sound]


def test_a_model_that_names_no_release_has_its_reference_days_too(world: World) -> None:
    records = []
    for _ in range(8):
        batch = world.batch()
        unnamed = changed(world.population.answers(batch), release=None)
        records.append(world.evaluate(batch, unnamed))

    assert records[-1].performance.reference.is_complete
    assert not any(record.alerts for record in records)


def test_a_lost_reference_day_is_replaced_by_a_later_one(world: World) -> None:
    world.days(9)
    del world.records[3]

    assert not world.evaluate().performance.reference.is_complete
    assert world.evaluate().performance.reference.is_complete
