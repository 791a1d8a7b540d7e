"""What a day's judgement finds and what it leaves alone, on the sample data with a fitted model's answers."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.limits import Population
from monitoring import checks
from monitoring.errors import RefusedError
from monitoring.model_api import Answer

FIRST = date(2026, 1, 1)


@pytest.fixture(scope="module")
def population():
    return Population()


@pytest.fixture(scope="module")
def limits_path(tmp_path_factory):
    """One file of limits for the whole module: the same sizes come again and again."""
    return tmp_path_factory.mktemp("limits") / "limits.json"


class World:
    """A model's days, one after the other, judged as in production: each day sees the records of those before."""

    def __init__(self, population, limits_path, seed=0, **checks_settings):
        self.population, self.limits_path = population, limits_path
        self.random = np.random.default_rng(seed)
        self.settings = replace(population.settings, checks=replace(population.settings.checks, **checks_settings))
        self.pinned = population.baseline(population.frame)
        self.records = []

    def batch(self, rows=200):
        return self.population.draw((rows // 2, rows // 2), self.random)

    def judge(self, batch=None, answers=None, *, skip_days=0, pinned=None, **arguments):
        batch = self.batch() if batch is None else batch
        answers = self.population.answers(batch) if answers is None else answers
        day = FIRST + timedelta(days=skip_days)
        if self.records:
            day = date.fromisoformat(self.records[-1]["day"]) + timedelta(days=1 + skip_days)
        arguments = {"pipeline": checks.Pipeline(), "training_hash": "sample", **arguments}
        record = checks.judge(
            self.settings, day, batch, answers, pinned or self.pinned, self.records, limits_path=self.limits_path, **arguments
        )
        record = json.loads(json.dumps(record, allow_nan=False))  # what the next day will read
        self.records.append(record)
        return record

    def days(self, count, **arguments):
        return [self.judge(**arguments) for _ in range(count)]


@pytest.fixture
def world(population, limits_path):
    return World(population, limits_path)


def found(record):
    return {(alert["family"], alert["subject"], alert["metric"]) for alert in record["alerts"]}


def drilled(world, rows=200):
    batch = world.batch(rows)
    batch.loc[world.random.choice(rows, rows // 2, replace=False), "age"] += 10
    return batch


@pytest.mark.parametrize("seed", range(5))
def test_sixty_quiet_days_have_at_most_three_alarm_days_and_the_drill_is_found_on_58_of_60(population, limits_path, seed):
    world = World(population, limits_path, seed)
    records = [world.judge(world.batch(300)) for _ in range(60)]
    alarms = [(record["day"], [alert["text"] for alert in record["alerts"]]) for record in records if record["alerts"]]
    print(f"seed {seed}: {alarms}")
    hits = 0
    for _ in range(60):
        world.records = []
        hits += ("drift", "age", "ks") in found(world.judge(drilled(world, 300), []))  # features need no answers
    print(f"seed {seed}: drill found on {hits} of 60 days")

    assert len(alarms) <= 3
    assert hits >= 58


def test_an_alert_text_is_complete_enough_to_act_on(world):
    record = world.judge(drilled(world, 300), drills=["age +10 for 50% of the rows since 2026-01-01"])
    (text,) = [alert["text"] for alert in record["alerts"]]
    print(text)

    for part in ("age: KS 0.", "limit 0.", "for 300 rows at 0.042 % a day", "mean 35.1 -> ", "most moved: ", "DMM's formula",
                 "against its fixed 0.2", "PSI 0.", "a drill is on: age +10 for 50%"):  # fmt: skip
        assert part in text
    (alert,) = record["alerts"]
    assert alert["value"] > alert["limit"] > 0
    test = record["drift"][0]
    assert (test["subject"], test["shown"]) == ("age", "mean")
    assert test["today"] - test["baseline"] == pytest.approx(5, abs=1.5)
    assert {"0", "1"} == set(record["drift"][1]["bins"]["labels"])


def test_a_shift_smaller_than_the_minimum_psi_is_no_alert_however_certain(population, limits_path):
    for minimum, expected in ((0.02, False), (0.0, True)):
        world = World(population, limits_path, minimum_psi=minimum)
        batch = world.batch(60_000)
        batch.loc[world.random.choice(60_000, 2400, replace=False), "savings_A65"] = 1
        record = world.judge(batch)
        test = next(test for test in record["drift"] if test["subject"] == "savings_A65")

        assert test["value"] > test["limit"] and test["psi"] < 0.02
        assert (("drift", "savings_A65", "psi") in found(record)) is expected


def test_a_shift_inside_one_wide_bin_is_not_hidden_by_it(population, limits_path):
    """Equal-width bins put nearly all of a long-tailed feature into the first: the size is then that of the halves."""
    world = World(population, limits_path)
    frame = population.frame.copy()
    frame["age"] = np.random.default_rng(0).lognormal(0, 0.3, len(frame))
    frame.loc[frame.index[:4], "age"] = 1000.0
    pinned, batch = population.baseline(frame), world.batch()
    batch["age"] = np.random.default_rng(1).lognormal(0.6, 0.3, len(batch))

    record = world.judge(batch, pinned=pinned)

    assert ("drift", "age", "ks") in found(record)
    test = record["drift"][0]
    assert test["psi_dmm"] < 0.02 < 0.5 < test["psi"]


@pytest.mark.parametrize("with_score", [True, False])
@pytest.mark.parametrize("rows", [100, 300])
def test_swapped_labels_are_found_on_the_first_day(world, rows, with_score):
    batch = world.batch(rows)
    answers = world.population.answers(batch, swapped=True)
    if not with_score:
        answers = [replace(answer, score=None) for answer in answers]
        world.settings = replace(world.settings, model_api=replace(world.settings.model_api, probability=None))

    record = world.judge(batch, answers)

    assert ("model", "model", "balanced_accuracy") in found(record)
    assert (("model", "model", "auc") in found(record)) is with_score
    assert "swapped" in record["because"][0]
    assert record["advice"] == "look"


@pytest.mark.parametrize("seed", range(5))
def test_a_score_that_shifts_by_a_tenth_is_found_within_two_days_after_the_reference_days(population, limits_path, seed):
    world = World(population, limits_path, seed)
    assert not any(record["alerts"] for record in world.days(7))
    told = set()
    for _ in range(2):
        batch = world.batch()
        told |= found(world.judge(batch, population.answers(batch, shift=0.1)))
    print(f"seed {seed}: {told}")

    assert {("model", "score", "ks"), ("model", "score", "ks_window")} & told


def test_score_and_class_are_collected_first_and_judged_from_the_eighth_day_on(world):
    records = world.days(8)

    assert [len(record["performance"]["reference"]["days"]) for record in records] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [record["performance"]["reference"]["complete"] for record in records] == [False] * 7 + [True]
    assert [len(record["performance"]["tests"]) for record in records] == [0] * 7 + [2]
    assert records[7]["performance"]["reference"]["days"][0] == "2026-01-01"


def test_a_new_release_is_a_finding_and_starts_the_collection_anew(world):
    world.days(8)
    batch = world.batch()
    newer = [replace(answer, release="2") for answer in world.population.answers(batch)]

    changed = world.judge(batch, newer)
    after = world.judge(batch, newer)

    assert ("endpoint", "release", "release_changed") in found(changed)
    assert "changed from 1 to 2 since 2026-01-08" in changed["alerts"][0]["text"]
    assert changed["performance"]["reference"] == {"release": "2", "days": [], "of": 7, "complete": False}
    assert not after["alerts"] and after["performance"]["reference"]["days"] == [changed["day"]]


def test_two_releases_within_a_day_are_a_finding_and_that_day_serves_no_reference(world):
    world.days(2)
    batch = world.batch()
    mixed = [replace(answer, release=str(1 + answer.index % 2)) for answer in world.population.answers(batch)]

    record, after = world.judge(batch, mixed), world.judge()

    assert ("endpoint", "release", "releases") in found(record)
    assert record["endpoint"]["releases"] == ["1", "2"]
    assert after["performance"]["reference"]["days"] == []


def test_a_drill_and_a_day_that_alarmed_serve_no_reference_but_changed_training_data_do_not_hinder_it(world):
    world.judge(drills=["age +10 for 50% of the rows"])
    world.judge(drilled(world))
    batch = world.batch()
    world.judge(batch, world.population.answers(batch, swapped=True))
    sound = world.days(2, training_hash="another")

    assert [len(record["alerts"]) > 0 for record in world.records] == [False, True, True, True, True]
    assert world.judge()["performance"]["reference"]["days"] == [record["day"] for record in sound]


def test_a_model_that_names_no_release_has_its_reference_days_too(world):
    records = []
    for _ in range(8):
        batch = world.batch()
        records.append(world.judge(batch, [replace(answer, release=None) for answer in world.population.answers(batch)]))

    assert records[-1]["performance"]["reference"]["complete"] and not any(record["alerts"] for record in records)


def test_history_breaks_where_the_schema_changes(world):
    world.days(8)
    for record in world.records:
        record["schema_hash"] = "another"

    assert world.judge()["performance"]["reference"]["days"] == []


def test_a_baseline_of_another_schema_is_refused(world):
    with pytest.raises(RefusedError, match=r"sample version 1.*another schema.*create_training_set.py"):
        world.judge(pinned=replace(world.pinned, schema_hash="other"))


def test_windows_sum_the_days_under_one_baseline_only(world):
    world.days(3)
    other = world.population.baseline(world.population.frame[:-1])
    assert world.records[-1]["drift"][0]["window"]["rows"] == 600

    world.judge(pinned=other)
    record = world.judge(pinned=other)

    assert record["drift"][0]["window"]["rows"] == 400


def test_windows_end_after_window_days(world):
    assert [record["drift"][0]["window"] and record["drift"][0]["window"]["rows"] for record in world.days(9)] == [
        None, 400, 600, 800, 1000, 1200, 1400, 1400, 1400,
    ]  # fmt: skip
    assert world.judge(skip_days=5)["drift"][0]["window"]["rows"] == 400


def test_a_window_is_told_when_it_turns_and_not_again_while_it_lasts(world):
    def slightly(share):
        batch = world.batch()
        batch.loc[world.random.choice(200, int(200 * share), replace=False), "property_A121"] = 1
        return batch

    records = [world.judge(slightly(0.17)) for _ in range(12)]
    windows = [("drift", "property_A121", "psi_window") in found(record) for record in records]
    lasting = [next(t["window"] for t in r["drift"] if t["subject"] == "property_A121") for r in records]
    print(windows, [window and window["alarmed"] for window in lasting])

    assert sum(windows) == 1
    turned = windows.index(True)
    assert all(window["alarmed"] for window in lasting[turned:])
    assert records[-1]["advice"] == "look"  # it goes on, though nothing new is told


def test_noisy_labels_are_found_as_a_fall_in_accuracy_and_only_then_is_retraining_advised(world):
    world.days(8)
    records = []
    for _ in range(7):
        batch = world.batch()
        answers = world.population.answers(batch)
        flipped = [batch.index[batch["credit"] == code][:30] for code in (0, 1)]  # of both, so that the class mix stays
        for code in (0, 1):
            batch.loc[flipped[code], "credit"] = 1 - code
        records.append(world.judge(batch, answers))
    told = [record for record in records if ("model", "model", "accuracy_drop") in found(record)]

    assert told and told[-1]["advice"] == "retrain"
    assert any("accuracy at the training mix fell from 0.7" in text for text in told[-1]["because"])


def test_drifting_features_never_advise_retraining(world):
    world.days(8)
    for _ in range(7):
        batch = world.batch()
        batch["checking_account_A14"], batch["checking_account_A13"] = 1, 0
        record = world.judge(batch)

    assert {"drift", "model"} <= {family for family, _, _ in found(world.records[8])}
    assert all(record["advice"] == "look" for record in world.records[8:])
    assert "says nothing about retraining" in record["because"][-1]


def test_a_low_accuracy_is_told_only_when_its_interval_is_wholly_below_the_limit(population, limits_path):
    sure = World(population, limits_path, accuracy_below=0.8).days(2)
    unsure = World(population, limits_path, accuracy_below=0.68).days(2)

    assert [("model", "model", "accuracy") in found(record) for record in sure + unsure] == [True, True, False, False]
    assert ("model", "model", "accuracy_window") in found(sure[1])
    assert sure[1]["advice"] == "retrain"


def failing(answers, places, **changes):
    broken = {"prediction": None, "score": None, "error": "answered 500", **changes}
    return [replace(answer, **broken) if answer.index in places else answer for answer in answers]


def test_failures_and_retries_lower_the_availability(world):
    batch = world.batch(100)
    answers = failing(world.population.answers(batch), {3, 7}, attempts=5, faults=("503",) * 5)
    answers[10] = replace(answers[10], attempts=3, faults=("timeout", "429"))

    record = world.judge(batch, answers)
    endpoint = record["endpoint"]

    assert endpoint["availability"] == pytest.approx(98 / 110)
    assert endpoint["faults"] == {"503": 10, "timeout": 1, "429": 1}
    assert (endpoint["scored"], endpoint["failed"], endpoint["retried"]) == (98, 2, 3)
    assert endpoint["failures"][0] == {"row": "2026-01-01_3", "error": "answered 500", "request_id": None}
    (alert,) = record["alerts"]
    assert (
        "12 of 110 requests brought no usable answer, availability 89.1 %, limit 98 %; 10 x 503, 1 x timeout, 1 x 429"
        in alert["text"]
    )


def test_latencies_are_numpys_percentiles_of_the_scored_rows(population, limits_path):
    world = World(population, limits_path, latency_p95_ms_above=30)
    batch = world.batch(100)
    answers = [replace(answer, latency_ms=float(answer.index)) for answer in population.answers(batch)]

    record = world.judge(batch, answers, pipeline=checks.Pipeline(scoring_seconds=4.0))

    assert record["endpoint"]["latency_ms"] == pytest.approx({"p50": 49.5, "p95": 94.05, "p99": 98.01, "max": 99.0})
    assert record["endpoint"]["rows_per_second"] == 25
    assert found(record) == {("endpoint", "endpoint", "latency_p95_ms")}


@pytest.mark.parametrize("case", ["no answer", "all failed", "few answers"])
def test_a_day_with_hardly_an_answer_is_judged_without_inventing_numbers(world, case):
    world.days(8)
    batch = world.batch(100)
    answers = world.population.answers(batch)
    answers = {"no answer": [], "all failed": failing(answers, range(100)), "few answers": answers[:1]}[case]

    record = world.judge(batch, answers)

    assert ("model", "labels", "label_coverage") in found(record)
    assert record["performance"]["metrics"]["f1_mix"]["value"] is None
    if case != "few answers":
        assert record["performance"]["mean_score"] is None and record["endpoint"]["latency_ms"] == {}
        assert record["performance"]["reference"] == world.records[7]["performance"]["reference"]
        assert ("endpoint", "release", "release_changed") not in found(record)
    assert world.judge()["performance"]["tests"]  # and the day after goes on


BAD = {
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
    "outliers": (lambda column: column.where(column.index >= 40, 300), "outlier_share", "lie outside"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_column_is_a_finding_of_that_column_and_the_rest_stands(world, fault):
    spoil, metric, text = BAD[fault]
    batch = world.batch()
    answers = world.population.answers(batch)
    batch["age"] = spoil(batch["age"])

    record = world.judge(batch, answers)

    (alert,) = [alert for alert in record["alerts"] if alert["metric"] == metric]
    assert (alert["family"], alert["subject"]) == ("quality", "age") and text in alert["text"]
    assert {alert["subject"] for alert in record["alerts"]} == {"age"}
    assert len(record["drift"]) == (9 if fault == "empty" else 10)
    assert record["performance"]["metrics"]["auc"]["value"] > 0.7


def test_a_column_that_is_gone_is_a_finding(world):
    batch = world.batch()
    answers = world.population.answers(batch)

    assert ("quality", "age", "missing_share") in found(world.judge(batch.drop(columns="age"), answers))


def test_a_level_that_the_baseline_never_had_is_a_finding(world):
    never = world.population.baseline(world.population.frame.assign(debtors_guarantors_A103=0))
    batch = world.batch()
    batch.loc[5, "savings_A65"] = 2

    record = world.judge(batch, pinned=never)

    assert {("quality", "debtors_guarantors_A103", "unseen"), ("quality", "savings_A65", "wrong_type")} <= found(record)
    assert not any(test["subject"] == "debtors_guarantors_A103" and test["alarmed"] for test in record["drift"])


def test_a_baseline_column_without_values_is_left_out_of_the_tests(world):
    empty = world.population.baseline(world.population.frame.assign(age=np.nan))

    record = world.judge(pinned=empty)

    assert "age" not in {test["subject"] for test in record["drift"]} and not record["alerts"]


def test_outliers_that_the_baseline_has_as_well_are_no_finding(population, limits_path):
    frame = population.frame.copy()
    frame["age"] = np.random.default_rng(0).lognormal(3, 1, len(frame))  # 8 % beyond the fences
    world, alarms = World(population, limits_path), 0
    pinned = population.baseline(frame)
    for seed in range(20):
        batch = world.batch(300)
        batch["age"] = np.random.default_rng([1, seed]).lognormal(3, 1, 300)
        alarms += ("quality", "age", "outlier_share") in found(world.judge(batch, pinned=pinned))
        world.records = []
    print(f"seeds 0 to 19: {alarms} alarms")

    assert alarms == 0  # four standard errors: 3 in 100,000 where the shares are the same


def test_changed_training_data_are_a_finding_and_make_the_baseline_independent(world):
    same, other = world.judge(), world.judge(training_hash="other")

    assert not same["baseline"]["independent"] and other["baseline"]["independent"]
    assert found(other) == {("quality", "training data", "content_hash")}
    limits = [{test["subject"]: test["limit"] for test in record["drift"]} for record in (same, other)]
    assert all(limits[1][name] > limits[0][name] for name in limits[0])


def test_class_shares_are_compared_with_what_was_asked_for(world):
    batch = world.population.draw((60, 140), world.random)
    for classes, noise, expected in (("training", 0.0, False), ({0: 0.3, 1: 0.7}, 0.0, False), ("balanced", 0.0, True)):
        scoring = replace(world.settings.scoring, classes=classes, label_noise=noise)
        world.settings = replace(world.settings, scoring=scoring)
        record = world.judge(batch)
        assert (("balance", "class 0", "class_share") in found(record)) is expected
    noisy = replace(world.settings.scoring, classes="training", label_noise=0.25)  # 0.3 x 0.75 + 0.7 x 0.25 = 0.4
    world.settings = replace(world.settings, scoring=noisy)
    assert not world.judge(world.population.draw((80, 120), world.random))["alerts"]
    assert world.records[-1]["balance"][0] == pytest.approx(
        {
            "class": 0,
            "actual": 0.4,
            "predicted": world.records[-1]["balance"][0]["predicted"],
            "requested": 0.3,
            "baseline": 0.3,
        }
    )


def test_the_pipeline_tells_missing_and_overdue_days_and_a_full_store(population, limits_path):
    world = World(population, limits_path, storage_bytes_above=1000)
    quiet = checks.Pipeline(duration_seconds=2.0, storage_bytes=1000, storage_objects=3)
    loud = checks.Pipeline(days_missing=("2025-12-30",), days_overdue=("2025-12-28",), storage_bytes=1001, storage_objects=4)

    assert not world.judge(pipeline=quiet)["alerts"]
    assert {metric for _, _, metric in found(world.judge(pipeline=loud))} == {"days_missing", "days_overdue", "storage_bytes"}
    assert not world.judge(pipeline=checks.Pipeline())["alerts"]  # unknown is not full


def test_what_the_model_follows_is_ranked_first(world):
    batch = world.batch(300)
    answers = [replace(answer, score=0.9 if row else 0.1) for answer, row in
               zip(world.population.answers(batch), batch["property_A121"], strict=True)]  # fmt: skip

    record = world.judge(batch, answers)

    assert record["importance"][0] | {"association": 1.0} == {
        "feature": "property_A121", "association": 1.0, "rank": 1, "low": 1, "high": 1,
    }  # fmt: skip
    assert not [alert for alert in record["alerts"] if alert["family"] == "importance"]


def test_limits_are_simulated_once_and_read_from_the_file_after(population, tmp_path):
    path = tmp_path / "limits.json"
    world = World(population, path)
    batch = world.batch()
    first = world.judge(batch)
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(dict.fromkeys(kept, 9.0)))
    world.records = []

    assert len(kept) == 10
    assert {test["limit"] for test in world.judge(batch)["drift"]} == {9.0}
    path.write_text("{torn")
    world.records = []
    assert world.judge(batch)["drift"] == first["drift"]


def test_an_answer_for_another_class_mix_has_limits_of_its_own(world):
    even = world.judge(world.population.draw((100, 100), world.random))
    uneven = world.judge(world.population.draw((20, 180), world.random))

    tests = [{test["subject"]: test for test in record["drift"]} for record in (even, uneven)]
    assert tests[0]["age"]["limit"] != tests[1]["age"]["limit"]
    assert tests[0]["checking_account_A14"]["baseline"] == pytest.approx(0.325, abs=0.001)  # 15.3 % and 49.7 %, half each
    assert tests[1]["checking_account_A14"]["baseline"] == pytest.approx(0.463, abs=0.001)


def test_earlier_records_are_read_back_and_bad_ones_left_out_with_a_note(world, tmp_path):
    for record in world.days(3):
        (tmp_path / f"{record['day']}.json").write_text(json.dumps(record))
    (tmp_path / "2026-01-04.json").write_text('{"version": 99}')
    (tmp_path / "2026-01-05.json").write_text('{"version": 1, "day')
    (tmp_path / "2026-01-06.json").write_text("[]")
    (tmp_path / "history.csv").write_text("day\n")

    records, notes = checks.read_previous(tmp_path, date(2026, 1, 9))

    assert [record["day"] for record in records] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert (
        len(notes) == 3 and "2026-01-04.json: left out; expected a record of version 1, got ValueError: version 99" in notes[0]
    )
    assert [record["day"] for record in checks.read_previous(tmp_path, date(2026, 1, 3))[0]] == ["2026-01-01", "2026-01-02"]


def test_the_reference_days_are_read_however_long_ago_they_were(world, tmp_path):
    record = world.days(8)[-1]
    for number in range(50):
        day = str(FIRST + timedelta(days=number))
        reference = record["performance"]["reference"]
        text = json.dumps({**record, "day": day, "performance": {**record["performance"], "reference": reference}})
        (tmp_path / f"{day}.json").write_text(text)

    records, notes = checks.read_previous(tmp_path, FIRST + timedelta(days=50))

    assert not notes and len(records) == 37
    assert [record["day"] for record in records[:8]] == [*record["performance"]["reference"]["days"], "2026-01-21"]


def test_a_lost_reference_day_is_replaced_by_a_later_one(world):
    world.days(9)
    del world.records[3]

    assert not world.judge()["performance"]["reference"]["complete"]
    assert world.judge()["performance"]["reference"]["complete"]


def test_the_thresholds_for_dmm_are_passed_by_its_formula_as_rarely_as_asked(world):
    thresholds = checks.dmm_thresholds(world.settings, world.pinned, 200)
    passed = 0
    for _ in range(400):
        batch = world.batch()
        for name, limit in thresholds.items():
            counts = world.pinned.columns[name]
            if counts.numbers is None:
                drawn, base = np.bincount(batch[name], minlength=2), counts.counts.sum(axis=0)
            else:
                edges = counts.numbers.edges
                drawn, base = np.histogram(batch[name], edges)[0], np.histogram(world.population.frame[name], edges)[0]
            shares = [np.maximum(part / part.sum(), 1e-4) for part in (drawn, base)]
            passed += ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum() > limit
    print(f"seed 0: {passed} passed in 400 days, asked for {400 * 0.01:g}; {thresholds}")

    assert set(thresholds) == set(world.pinned.columns)
    assert thresholds["age"] > thresholds["savings_A61"] > 0.02
    assert passed <= 12  # 4 expected; P(more than 12) < 0.001


def test_three_classes_are_judged_too(limits_path, population):
    from monitoring.config import Target

    settings = replace(
        population.settings,
        schema=replace(
            population.settings.schema, target=Target(name="credit", classes=["bad", "fair", "good"], positive="good")
        ),
    )
    random = np.random.default_rng(0)
    frame = population.frame.assign(credit=random.choice(["bad", "fair", "good"], len(population.frame)))
    from monitoring import baseline

    pinned = baseline.build(settings.schema, lambda: [frame], source="s", number=None, content_hash="h", created_at="")
    batch = frame.sample(200, random_state=1, ignore_index=True)
    answers = [Answer(i, label, 0.5, 1.0, 1, None, None, "") for i, label in enumerate(batch["credit"])]

    record = checks.judge(settings, FIRST, batch, answers, pinned, [], pipeline=checks.Pipeline(), limits_path=limits_path)

    assert record["performance"]["metrics"]["accuracy"]["value"] == 1
    assert np.array(record["counts"]["confusion"]).shape == (3, 3)
    assert pd.DataFrame(record["balance"])["actual"].sum() == pytest.approx(1)
