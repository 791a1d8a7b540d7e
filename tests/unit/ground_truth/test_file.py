"""The ground truth CSV: classes as the endpoint returns them, and read back as such."""

import io
from datetime import date

import pandas as pd
import pytest

from monitoring.batch.batch import Batch
from monitoring.batch.scored import ScoredBatch
from monitoring.ground_truth import file as ground_truth_file
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Feature, GroundTruth, Schema, Target
from monitoring.settings.rules import Label


@pytest.mark.parametrize(
    ("classes", "texts"),
    [
        ([False, True], ["false", "true"]),
        (["no, never", "yes"], ['"no, never"', "yes"]),
        ([0.5, 1.5], ["0.5", "1.5"]),
        ([0, 1], ["0", "1"]),
    ],
)
def test_classes_of_any_kind_are_written_as_the_endpoint_returns_them(
    classes: list[Label], texts: list[str]
) -> None:
    schema = Schema(Target("good", classes, classes[1]), [Feature("age", "numerical")])
    frame = pd.DataFrame({"age": [20, 30], "good": classes})
    answers = {
        index: Answer(
            index=index,
            prediction=classes[1 - index],
            score=0.25,
            latency_ms=1.0,
            attempts=1,
            release=None,
            request_id=None,
            scored_at="2026-01-01T00:00:00Z",
        )
        for index in (0, 1)
    }
    batch = Batch(frame, schema, sha256="", drills=[])
    content = io.BytesIO()

    ground_truth_file.write(GroundTruth(), content, ScoredBatch(date(2026, 1, 1), batch, answers))

    first, second = texts
    assert content.getvalue().decode().splitlines()[1:] == [
        f"2026-01-01_0,{first},{second},0.25,2026-01-01T00:00:00Z",
        f"2026-01-01_1,{second},{first},0.25,2026-01-01T00:00:00Z",
    ]
