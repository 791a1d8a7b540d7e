"""The record of a day: what its JSON is, and that earlier ones are read."""

import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from monitoring.checks import record as records
from monitoring.checks.record import finite, to_json
from tests.support.world import World

KEYS = [
    *("version", "model", "day", "made_at", "schema_hash", "baseline", "drills", "dmm_psi_limit"),
    *("minimum_psi", "rows", "counts", "endpoint", "performance", "balance", "quality"),
    *("importance", "drift", "pipeline", "alerts", "advice", "because"),
    *("ongoing", "recovered"),  # since 1.1
]
TEST_KEYS = ["subject", "test", "rate", "value", "limit", "psi", "rows", "alarmed", "window"]


def test_the_keys_of_the_json_and_their_order_are_those_of_the_first_version(world: World) -> None:
    world.days(7)
    content = json.loads(to_json(world.evaluate(world.drilled())))

    assert list(content) == KEYS
    assert list(content["counts"]) == ["features", "confusion", "score", "score_sums"]
    assert list(content["counts"]["features"]["age"]) == ["cells", "bins"]
    assert list(content["counts"]["features"]["savings_A61"]) == ["cells"]
    assert list(content["endpoint"]) == [
        *("scored", "failed", "not_sent", "attempts", "retried", "availability"),
        *("availability_interval", "faults", "latency_ms", "rows_per_second", "releases"),
        "failures",
    ]
    assert list(content["performance"]) == [
        *("metrics", "mean_score", "label_coverage", "reference", "window", "tests", "score_bins")
    ]
    assert list(content["performance"]["metrics"]["auc"]) == ["value", "low", "high"]
    assert list(content["performance"]["reference"]) == ["release", "days", "of", "complete"]
    assert list(content["performance"]["tests"][0]) == TEST_KEYS
    assert list(content["drift"][0]) == [
        *TEST_KEYS,
        *("psi_dmm", "shown", "today", "baseline", "moved", "bins"),
    ]
    assert list(content["drift"][0]["window"]) == ["value", "limit", "psi", "rows", "alarmed"]
    assert list(content["balance"][0]) == ["class", "actual", "predicted", "requested", "baseline"]
    assert list(content["alerts"][0]) == [
        *("family", "subject", "metric", "value", "limit", "side", "text")
    ]


def test_a_day_without_scores_has_no_keys_for_them(world: World) -> None:
    batch = world.batch()
    answers = [
        msgspec.structs.replace(answer, score=None) for answer in world.population.answers(batch)
    ]

    content = json.loads(to_json(world.evaluate(batch, answers)))

    assert list(content["counts"]) == ["features", "confusion"]
    assert content["performance"]["score_bins"] is None


def test_a_record_with_more_keys_than_are_known_is_read(world: World, tmp_path: Path) -> None:
    record = world.evaluate()
    content = {**json.loads(to_json(record)), "later": {"key": 1}}
    (tmp_path / "day.json").write_text(json.dumps(content))

    assert records.read(tmp_path / "day.json") == record


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_what_is_not_finite_is_none_in_a_record_and_null_in_json(value: float) -> None:
    assert finite(value) is None
    assert to_json(records.Measure(float(value))).startswith(b'{"value":null')  # type: ignore[arg-type]
