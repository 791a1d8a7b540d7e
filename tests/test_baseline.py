"""The baseline file: its counts against pandas and NumPy, chunk by chunk as in one piece, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring import baseline as module
from monitoring.config import Feature, Schema, Target
from monitoring.errors import RefusedError

SCHEMA = Schema(
    target=Target(name="outcome", classes=[0, 1], positive=1),
    features=[Feature(name="flag", type="categorical"), Feature(name="amount", type="numerical")],
    key="id",
)


def build(*frames, schema=SCHEMA):
    return module.build(schema, lambda: frames, source="set", number=2, content_hash="abc", created_at="2026-01-01T00:00:00Z")


def frame_of(amounts, seed=0):
    random = np.random.default_rng(seed)
    rows = len(amounts)
    return pd.DataFrame(
        {"flag": random.integers(0, 2, rows), "amount": amounts, "outcome": np.r_[0, 1, random.integers(0, 2, rows)][:rows]}
    )


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 2)), min_size=4, max_size=300))
def test_dmms_bins_are_those_of_numpys_freedman_diaconis_rule_up_to_twenty(amounts):
    frame = frame_of(amounts)
    numbers = build(frame).columns["amount"].numbers
    first, third = np.quantile(amounts, [0.25, 0.75])
    if third > first:
        edges = np.histogram_bin_edges(amounts, "fd")
        if len(edges) > 21 or third - first < 1e-9:
            edges = np.histogram_bin_edges(amounts, 20)
        assert len(numbers.edges) == len(edges)
        assert numbers.edges == pytest.approx(edges, rel=1e-9, abs=1e-6)
    for code in (0, 1):
        own = frame["amount"][frame["outcome"] == code]
        assert numbers.bins[code, :-1].sum() == len(own)
        assert (
            np.array_equal(np.histogram(own, numbers.edges)[0], numbers.bins[code, :-1])
            or numbers.edges[0] == numbers.edges[-1]
        )
        assert numbers.bins[code, -1] == 0


def test_the_counts_are_those_of_pandas():
    frame = frame_of(np.random.default_rng(1).integers(18, 70, 500).astype(float))
    made = build(frame)

    assert made.rows == 500
    assert made.class_rows.tolist() == frame["outcome"].value_counts().sort_index().tolist()
    assert made.columns["flag"].counts.tolist() == pd.crosstab(frame["outcome"], frame["flag"]).to_numpy().tolist()
    by_value = pd.crosstab(frame["outcome"], frame["amount"]).to_numpy()
    assert made.columns["amount"].counts[:, 1:-1].tolist() == by_value.tolist()  # 52 values, a cell for each
    numbers = made.columns["amount"].numbers
    assert numbers.sums == pytest.approx(frame.groupby("outcome")["amount"].sum().to_numpy())
    assert numbers.whole
    low, high = numbers.fences
    quartiles = frame["amount"].quantile([0.25, 0.75])
    assert (low, high) == pytest.approx(
        (2.5 * quartiles.iloc[0] - 1.5 * quartiles.iloc[1], 2.5 * quartiles.iloc[1] - 1.5 * quartiles.iloc[0])
    )


def test_many_values_are_put_into_fifty_cells_of_about_equal_mass():
    made = build(frame_of(np.random.default_rng(0).lognormal(size=20_000)))

    cells = made.columns["amount"].counts.sum(axis=0)

    assert len(cells) == 52 and cells[0] == cells[-1] == 0
    assert cells[1:-1].min() > 350 and cells[1:-1].max() < 450
    assert not made.columns["amount"].numbers.whole


@pytest.mark.parametrize("rows", [3000, 250_000])  # 250,000: cells and quartiles come from a sample
def test_chunks_give_the_baseline_of_the_whole(rows):
    amounts = np.random.default_rng(0).normal(5000, 1000, rows).round()
    frame = frame_of(amounts)
    whole = build(frame)

    assert module.to_json(
        build(frame[: rows // 3], frame[rows // 3 : rows // 3 + 1], frame[rows // 3 + 1 :])
    ) == module.to_json(whole)
    assert whole.columns["amount"].counts.sum() == rows
    first, third = np.quantile(amounts, [0.25, 0.75])
    assert whole.columns["amount"].numbers.fences == pytest.approx(
        (2.5 * first - 1.5 * third, 2.5 * third - 1.5 * first), abs=60
    )


def test_the_file_is_read_back_equal():
    made = build(frame_of(np.random.default_rng(0).normal(50, 10, 300)))

    again = module.from_json(module.to_json(made), Path("baseline.json"))

    assert module.to_json(again) == module.to_json(made)
    assert again.columns["amount"].numbers.fences == made.columns["amount"].numbers.fences
    assert again.classes == (0, 1) and again.source == "set" and again.number == 2


def test_the_fingerprint_follows_the_counts_and_not_the_name():
    frame = frame_of(np.arange(200.0))
    made = build(frame)

    assert module.fingerprint(replace(made, source="other", number=9, created_at="later")) == module.fingerprint(made)
    assert module.fingerprint(build(frame[:-1])) != module.fingerprint(made)


def test_another_version_is_refused_and_the_way_on_is_named():
    text = module.to_json(build(frame_of(np.arange(50.0)))).replace('"version":1', '"version":9')

    with pytest.raises(
        RefusedError, match=r"state/baseline.json: got a baseline of version 9, expected 1; pin the baseline anew"
    ):
        module.from_json(text, Path("state/baseline.json"))


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.99])
def test_a_torn_file_is_refused(share):
    text = module.to_json(build(frame_of(np.arange(50.0))))

    with pytest.raises(RefusedError, match="got a torn"):
        module.from_json(text[: int(len(text) * share)], Path("baseline.json"))


@pytest.mark.parametrize("part", ["columns", "classes", "class_rows", "schema_hash"])
def test_a_file_that_lacks_a_part_is_refused(part):
    data = json.loads(module.to_json(build(frame_of(np.arange(50.0)))))
    del data[part]

    with pytest.raises(RefusedError, match="torn baseline"):
        module.from_json(json.dumps(data), Path("baseline.json"))


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"columns": {}}', '{"version": 1}', '{"version": 1, "columns": []}'])
def test_a_foreign_file_is_refused(text):
    with pytest.raises(RefusedError, match="torn"):
        module.from_json(text, Path("baseline.json"))


def test_a_class_without_rows_is_refused():
    frame = frame_of(np.arange(50.0)).assign(outcome=1)

    with pytest.raises(RefusedError, match=r"set: got \[0, 50\] rows of the classes \[0, 1\] in column outcome"):
        build(frame)


@pytest.mark.parametrize("classes", [[0, 1], ["bad", "good"]])
def test_rows_with_another_class_are_left_out(classes):
    schema = replace(SCHEMA, target=Target(name="outcome", classes=classes, positive=classes[1]))
    frame = frame_of(np.arange(50.0))
    labels = [classes[code] for code in frame["outcome"]]
    labels[7] = "unknown"

    assert build(frame.assign(outcome=labels), schema=schema).rows == 49


@pytest.mark.parametrize(
    ("values", "missing", "wrong", "infinite"),
    [
        ([1.0, np.nan, 3.0, 4.0], 1, 0, 0),
        ([1, "", " ", "x"], 2, 1, 0),
        ([np.inf, -np.inf, 1, 2], 0, 0, 2),
        ([None, None, None, None], 4, 0, 0),
        (["1", "2.5", "-3e2", "inf"], 0, 0, 1),
        ([True, False, True, True], 0, 0, 0),
    ],
)
def test_what_is_no_number_is_counted_apart(values, missing, wrong, infinite):
    frame = pd.DataFrame({"flag": [0, 1, 0, 1], "amount": values, "outcome": [0, 1, 0, 1]})

    column = build(frame).columns["amount"]

    assert (column.missing, column.wrong, column.infinite) == (missing, wrong, infinite)
    assert column.counts.sum() == 4 - missing - wrong - infinite


def test_an_indicator_knows_only_0_and_1():
    frame = pd.DataFrame({"flag": [0, 1, 2, "x", None, 1.0], "amount": range(6), "outcome": [0, 1] * 3})

    column = build(frame).columns["flag"]

    assert (column.counts.sum(), column.missing, column.wrong) == (3, 1, 2)


def test_a_constant_and_a_missing_column_do_not_stop_the_rest():
    frame = pd.DataFrame({"flag": [0, 1] * 20, "amount": 5.0, "outcome": [0, 1] * 20})

    constant, absent = build(frame).columns["amount"], build(frame.drop(columns="amount")).columns["amount"]

    assert constant.counts.tolist() == [[0, 20, 0], [0, 20, 0]] and constant.numbers.bins.sum() == 40
    assert absent.missing == 40 and absent.numbers is None


def test_values_outside_the_baseline_get_cells_and_a_guard_bin_of_their_own():
    pinned = build(frame_of(np.arange(1.0, 51.0)))
    day = pd.DataFrame({"flag": 0, "amount": [0.0, 1.0, 50.0, 51.0, 25.5], "outcome": 1})

    column = module.count(day, SCHEMA.features[1], pinned.columns["amount"].numbers, np.ones(5, int), 2)

    assert column.counts[1][[0, 1, 50, 51]].tolist() == [1, 1, 1, 1]
    assert column.counts[1, 26] == 1  # 25.5 belongs with 26, the next value of the baseline
    assert column.numbers.bins[1, -1] == 2 and column.numbers.outside[1] == 2
