"""Counts against pandas and NumPy, chunk by chunk as in one piece."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring.dataset.baseline import Baseline, Column, Numbers, fingerprint, to_json
from monitoring.dataset.counting import build as build_baseline
from monitoring.dataset.counting import count
from monitoring.dataset.training_data import chunks
from monitoring.errors import RefusedError
from monitoring.settings.model import Target
from monitoring.settings.rules import Label
from tests.support.counted import SCHEMA, build, frame_of
from tests.support.shipped import DATA, shipped_settings

AMOUNTS = st.lists(
    st.floats(-1e6, 1e6).map(lambda value: round(value, 2)), min_size=4, max_size=300
)


def amount_of(baseline: Baseline) -> tuple[Column, Numbers]:
    """Return the counts of the feature `amount`."""
    column = baseline.columns["amount"]
    assert column.numbers is not None
    return column, column.numbers


def fences(first: float, third: float) -> tuple[float, float]:
    """Return 1.5 interquartile ranges beyond the quartiles."""
    return first - 1.5 * (third - first), third + 1.5 * (third - first)


# How values are cut.


@hypothesis_settings(max_examples=60, deadline=None)
@given(AMOUNTS)
def test_dmms_bins_are_those_of_numpys_freedman_diaconis_rule_up_to_twenty(
    amounts: list[float],
) -> None:
    frame = frame_of(amounts)
    _, numbers = amount_of(build(frame))
    first, third = np.quantile(amounts, [0.25, 0.75])

    if third > first:
        edges = np.histogram_bin_edges(amounts, "fd")
        if len(edges) > 21 or third - first < 1e-9:
            edges = np.histogram_bin_edges(amounts, 20)
        assert len(numbers.edges) == len(edges)
        assert numbers.edges == pytest.approx(edges, rel=1e-9, abs=1e-6)

    is_constant = numbers.edges[0] == numbers.edges[-1]
    for code in (0, 1):
        of_class = frame["amount"][frame["outcome"] == code]
        assert numbers.bins[code, :-1].sum() == len(of_class)
        expected = np.histogram(of_class, numbers.edges)[0]
        assert is_constant or np.array_equal(expected, numbers.bins[code, :-1])
        assert numbers.bins[code, -1] == 0


def test_many_values_are_put_into_fifty_cells_of_about_equal_mass() -> None:
    column, numbers = amount_of(build(frame_of(np.random.default_rng(0).lognormal(size=20_000))))

    cells = column.counts.sum(axis=0)

    assert len(cells) == 52
    assert cells[0] == cells[-1] == 0
    assert cells[1:-1].min() > 350
    assert cells[1:-1].max() < 450
    assert not numbers.whole


def test_values_outside_the_baseline_get_cells_and_a_guard_bin_of_their_own() -> None:
    _, cut = amount_of(build(frame_of(np.arange(1.0, 51.0))))
    day = pd.DataFrame({"flag": 0, "amount": [0.0, 1.0, 50.0, 51.0, 25.5], "outcome": 1})

    column = count(day, SCHEMA.features[1], cut, np.ones(5, np.int64), 2)

    assert column.counts[1][[0, 1, 50, 51]].tolist() == [1, 1, 1, 1]
    assert column.counts[1, 26] == 1  # 25.5 belongs with 26, the next value of the baseline
    assert column.numbers
    assert column.numbers.bins[1, -1] == 2
    assert column.numbers.outside[1] == 2


def test_a_constant_and_a_missing_column_do_not_stop_the_rest() -> None:
    frame = pd.DataFrame({"flag": [0, 1] * 20, "amount": 5.0, "outcome": [0, 1] * 20})

    constant, numbers = amount_of(build(frame))
    absent = build(frame.drop(columns="amount")).columns["amount"]

    assert constant.counts.tolist() == [[0, 20, 0], [0, 20, 0]]
    assert numbers.bins.sum() == 40
    assert absent.missing == 40
    assert absent.numbers is None


# What is counted.


def test_the_counts_are_those_of_pandas() -> None:
    frame = frame_of(np.random.default_rng(1).integers(18, 70, 500).astype(float))
    baseline = build(frame)
    amount, numbers = amount_of(baseline)
    by_flag = pd.crosstab(frame["outcome"], frame["flag"]).to_numpy()
    by_amount = pd.crosstab(frame["outcome"], frame["amount"]).to_numpy()
    by_class = frame["outcome"].value_counts().sort_index()

    assert baseline.rows == 500
    assert baseline.class_rows.tolist() == by_class.tolist()
    assert baseline.columns["flag"].counts.tolist() == by_flag.tolist()
    assert amount.counts[:, 1:-1].tolist() == by_amount.tolist()  # 52 values, a cell for each
    assert numbers.sums == pytest.approx(frame.groupby("outcome")["amount"].sum().to_numpy())
    assert numbers.whole
    quartiles = frame["amount"].quantile([0.25, 0.75]).tolist()
    assert numbers.fences == pytest.approx(fences(*quartiles))


@pytest.mark.parametrize("rows", [3000, 250_000])  # 250,000: cells and quartiles are of a sample
def test_chunks_give_the_baseline_of_the_whole(rows: int) -> None:
    amounts = np.random.default_rng(0).normal(5000, 1000, rows).round()
    frame, third = frame_of(amounts), rows // 3
    whole = build(frame)

    in_chunks = build(frame[:third], frame[third : third + 1], frame[third + 1 :])

    assert to_json(in_chunks) == to_json(whole)
    column, numbers = amount_of(whole)
    assert column.counts.sum() == rows
    quartiles = np.quantile(amounts, [0.25, 0.75])
    assert numbers.fences == pytest.approx(fences(*quartiles), abs=60)


def test_columns_that_are_cut_alike_add_up() -> None:
    frame = frame_of(np.arange(40.0))
    whole, cut = amount_of(build(frame))
    halves = [
        count(half, SCHEMA.features[1], cut, half["outcome"].to_numpy(np.int64), 2)
        for half in (frame[:15], frame[15:])
    ]

    added = halves[0] + halves[1]

    assert added.numbers
    assert added.counts.tolist() == whole.counts.tolist()
    assert added.numbers.bins.tolist() == cut.bins.tolist()
    assert added.numbers.sums.tolist() == cut.sums.tolist()
    assert added.numbers.outside.tolist() == cut.outside.tolist()


def test_the_fingerprint_of_the_sample_data_is_the_one_in_old_records() -> None:
    schema = shipped_settings().schema

    baseline = build_baseline(
        schema, lambda: chunks(DATA, schema), source="any", content_hash="abc", created_at="any"
    )

    assert fingerprint(baseline) == "510cc116dac5091a"


# What can't be counted.


def test_a_class_without_rows_is_refused() -> None:
    frame = frame_of(np.arange(50.0)).assign(outcome=1)
    message = r"set: got \[0, 50\] rows of the classes \[0, 1\] in column outcome"

    with pytest.raises(RefusedError, match=message):
        build(frame)


@pytest.mark.parametrize(
    "classes", [[0, 1], ["bad", "good"], [False, True], [0.5, 1.0], [0, "good"]]
)
def test_rows_with_another_class_are_left_out(classes: list[Label]) -> None:
    target = Target(name="outcome", classes=classes, positive=classes[1])
    frame = frame_of(np.arange(50.0))
    labels = [classes[code] for code in frame["outcome"]]
    labels[7] = "unknown"

    baseline = build(frame.assign(outcome=labels), schema=replace(SCHEMA, target=target))

    assert baseline.rows == 49


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
def test_what_is_no_number_is_counted_apart(
    values: list[Any], missing: int, wrong: int, infinite: int
) -> None:
    frame = pd.DataFrame({"flag": [0, 1, 0, 1], "amount": values, "outcome": [0, 1, 0, 1]})

    column = build(frame).columns["amount"]

    assert (column.missing, column.wrong, column.infinite) == (missing, wrong, infinite)
    assert column.counts.sum() == 4 - missing - wrong - infinite


def test_an_indicator_knows_only_0_and_1() -> None:
    flags = [0, 1, 2, "x", None, 1.0]
    frame = pd.DataFrame({"flag": flags, "amount": range(6), "outcome": [0, 1] * 3})

    column = build(frame).columns["flag"]

    assert (column.counts.sum(), column.missing, column.wrong) == (3, 1, 2)
