"""The baseline file: read back equal, also an old one; what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring.dataset.baseline import REMEDY, fingerprint, from_json, to_json
from monitoring.errors import RefusedError
from tests.support.counted import build, frame_of
from tests.support.loop import ROOT

PATH = Path("state/baseline.json")


def small_text() -> str:
    return to_json(build(frame_of(np.arange(50.0))))


def test_the_file_is_read_back_equal() -> None:
    baseline = build(frame_of(np.random.default_rng(0).normal(50, 10, 300)))

    again = from_json(to_json(baseline), PATH)

    numbers, numbers_again = baseline.columns["amount"].numbers, again.columns["amount"].numbers
    assert numbers
    assert numbers_again
    assert to_json(again) == to_json(baseline)
    assert numbers_again.fences == numbers.fences
    assert (again.classes, again.source, again.number) == ((0, 1), "set", 2)


def test_an_old_file_is_read_and_written_the_same_to_the_byte() -> None:
    path = ROOT / "tests" / "data" / "baseline-1.0.json"
    text = path.read_text(encoding="utf-8")

    baseline = from_json(text, path)

    assert to_json(baseline) == text
    assert fingerprint(baseline) == "51dc44a9e2b2ea49"
    assert (baseline.rows, baseline.columns["flag"].wrong) == (8, 1)


def test_the_fingerprint_follows_the_counts_and_not_the_name() -> None:
    frame = frame_of(np.arange(200.0))
    baseline = build(frame)
    renamed = replace(baseline, source="other", number=9, created_at="later")

    assert fingerprint(renamed) == fingerprint(baseline)
    assert fingerprint(build(frame[:-1])) != fingerprint(baseline)


def test_another_version_is_refused_and_the_way_on_is_named() -> None:
    text = small_text().replace('"version":1', '"version":9')

    with pytest.raises(RefusedError) as caught:
        from_json(text, PATH)

    expected = f"state/baseline.json: got a baseline of version 9, expected 1; {REMEDY}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.99])
def test_a_torn_file_is_refused(share: float) -> None:
    text = small_text()

    with pytest.raises(RefusedError, match="not a whole baseline"):
        from_json(text[: int(len(text) * share)], PATH)


@pytest.mark.parametrize("part", ["columns", "classes", "class_rows", "schema_hash"])
def test_a_file_that_lacks_a_part_is_refused(part: str) -> None:
    data = json.loads(small_text())
    del data[part]

    with pytest.raises(RefusedError, match=f"not a whole baseline .*{part}"):
        from_json(json.dumps(data), PATH)


@pytest.mark.parametrize(
    "text",
    ["[]", "null", "3", '{"columns": {}}', '{"version": 1}', '{"version": 1, "columns": []}'],
)
def test_a_foreign_file_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="not a whole baseline"):
        from_json(text, PATH)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda data: data["classes"].append(2), "class_rows: got shape"),
        (lambda data: data["class_rows"].append(2), "class_rows: got shape"),
        (lambda data: data["columns"]["flag"]["counts"].pop(), "flag.counts: got shape"),
        (lambda data: data["columns"]["amount"]["numbers"]["uppers"].pop(), "amount.counts: got"),
        (lambda data: data["columns"]["amount"]["numbers"]["bins"].pop(), "amount.bins: got shape"),
        (lambda data: data["columns"]["amount"]["numbers"]["sums"].pop(), "amount.sums: got shape"),
        (lambda data: data["columns"]["flag"]["counts"][0].pop(), "columns"),
        (lambda data: data["columns"]["flag"].update(counts=[[1.5, 2], [3, 4]]), "columns"),
        (lambda data: data["columns"]["flag"].update(counts=[["1", 2], [3, 4]]), "columns"),
        (lambda data: data["columns"]["flag"].update(missing=None), "missing"),
    ],
)
def test_counts_that_do_not_fit_each_other_are_refused_by_name(change: Any, named: str) -> None:
    data = json.loads(small_text())
    change(data)

    with pytest.raises(RefusedError, match=f"not a whole baseline .*{named}"):
        from_json(json.dumps(data), PATH)
