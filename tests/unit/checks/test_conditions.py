"""What is reported as new, as ongoing, and as recovered."""

import msgspec

from benchmarks.population import Population
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord, PipelineRecord
from tests.support.world import World, changed, found, names

CONTENT_HASH = ("quality", "training data", "content_hash")
OVERDUE = ("pipeline", "days not ingested", "days_overdue")


def test_a_condition_is_new_once_then_ongoing_and_its_end_is_said_once(world: World) -> None:
    world.evaluate()
    records = [*world.days(3, training_sha256="another"), *world.days(2)]

    assert [found(record) for record in records] == [{CONTENT_HASH}, set(), set(), set(), set()]
    ongoing = [names(record.ongoing) for record in records]
    assert ongoing == [set(), {CONTENT_HASH}, {CONTENT_HASH}, set(), set()]
    recovered = [names(record.recovered) for record in records]
    assert recovered == [set(), set(), set(), {CONTENT_HASH}, set()]
    assert records[1].ongoing[0].text == records[0].alerts[0].text
    assert f"no longer so (on {records[2].day}: " in records[3].recovered[0].text


def test_what_comes_back_after_its_end_is_new_again(world: World) -> None:
    overdue = PipelineRecord(days_overdue=["2025-12-31"])

    records = [world.evaluate(pipeline=one) for one in (overdue, PipelineRecord(), overdue)]

    assert [OVERDUE in found(record) for record in records] == [True, False, True]


def test_every_family_s_alert_goes_on_over_a_missing_day_and_a_new_schema(world: World) -> None:
    overdue = PipelineRecord(days_overdue=["2025-12-31"])
    world.evaluate(pipeline=overdue)
    world.records = [msgspec.structs.replace(world.records[0], schema_hash="another")]

    record = world.evaluate(pipeline=overdue, skip_days=2)

    assert (found(record), names(record.ongoing)) == (set(), {OVERDUE})


def test_a_change_of_release_is_an_event_that_neither_goes_on_nor_recovers(world: World) -> None:
    world.days(2)
    batch = world.batch()
    newer = changed(world.population.answers(batch), release="2")

    records = [world.evaluate(batch, newer) for _ in range(2)]

    assert ("endpoint", "release", "release_changed") in found(records[0])
    assert (records[1].alerts, records[1].ongoing, records[1].recovered) == ([], [], [])


def test_what_can_not_be_checked_any_more_is_not_called_recovered(world: World) -> None:
    """A new release collects its first days again: nobody knows how its score compares."""
    world.days(7)
    batch = world.batch()
    shifted = world.population.answers(batch, shift=0.2)
    before = world.evaluate(batch, shifted)
    assert ("model", "score", "ks") in found(before)

    record = world.evaluate(batch, changed(shifted, release="2"))

    texts = [alert.text for alert in record.recovered if alert.subject == "score"]
    assert texts
    assert all("can't be checked any more" in text for text in texts)


def test_a_full_store_that_may_not_be_listed_any_more_has_not_recovered(
    population: Population, limits: Limits
) -> None:
    world = World(population, limits, storage_bytes_above=10)
    world.evaluate(pipeline=PipelineRecord(storage_bytes=11, storage_objects=1))

    (ended,) = world.evaluate(pipeline=PipelineRecord()).recovered

    assert "can't be checked any more" in ended.text


def without_new_keys(record: DayRecord) -> DayRecord:
    """Return a record as 1.0 wrote it: a window was an alert only when it turned."""
    alerts = [alert for alert in record.alerts if not alert.metric.endswith("_window")]
    return msgspec.structs.replace(record, alerts=alerts, ongoing=[], recovered=[])


def test_a_window_that_a_record_of_1_0_had_reported_earlier_goes_on_and_is_not_new(
    world: World,
) -> None:
    world.days(1)
    world.evaluate(world.drilled(300))
    world.evaluate(world.drilled(300))
    window = world.records[-1].drift[0].window
    assert window
    assert window.alarmed
    world.records[-1] = without_new_keys(world.records[-1])

    record = world.evaluate()

    assert ("drift", "age", "ks_window") in names(record.ongoing)
    assert ("drift", "age", "ks_window") not in found(record)


def test_an_odd_day_that_goes_on_is_no_reference_day(world: World) -> None:
    odd = [world.evaluate(world.drilled(300)) for _ in range(3)]
    sound = world.evaluate()

    reference = world.evaluate().performance.reference.days

    assert not {record.day for record in odd} & set(reference)
    assert sound.day in reference  # its windows still hold the odd days, but it is normal itself
