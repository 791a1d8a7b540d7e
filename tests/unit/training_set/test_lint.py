"""The lint, fault by fault: each names its column and the remedy."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.dataset.training_data import Tally
from monitoring.settings.model import Schema
from monitoring.training_set.content import read_content
from monitoring.training_set.lint import lint
from tests.support.shipped import DATA

CLEAN: list[str] = []


def with_key(frame: pd.DataFrame, **ids: str) -> pd.DataFrame:
    """Return the rows with a key; ids: of single rows, as r<row>."""
    keys = [f"c{row}" for row in range(len(frame))]
    for row, value in ids.items():
        keys[int(row[1:])] = value
    return frame.assign(customer_id=keys)


def with_missing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        age=frame["age"].where(frame.index != 3),
        savings=frame["savings"].where(frame.index % 10 != 1),
    )


@pytest.mark.parametrize(
    ("change", "errors", "warnings"),
    [
        pytest.param(lambda f: f, CLEAN, CLEAN, id="clean"),
        pytest.param(with_key, CLEAN, CLEAN, id="clean with ids"),
        pytest.param(
            lambda f: with_key(f, r5="", r9="  "),
            [r"customer_id: empty ids: 2 of 1000, the first in row 5: give every row"],
            CLEAN,
            id="empty ids",
        ),
        pytest.param(
            lambda f: with_key(f, r8="c2", r9="c2", r11="c4"),
            [
                r"customer_id: repeated ids: 2, the first \(c2\) in rows 2 and 8: "
                r".*leave the repeats out"
            ],
            CLEAN,
            id="repeated ids",
        ),
        pytest.param(
            lambda f: f[f["credit"] == "1"],
            [
                r"credit: no row of class 0, expected rows of each of \[0, 1\]: give such rows, or"
                r" fix schema.target.classes"
            ],
            CLEAN,
            id="class",
        ),
        pytest.param(
            lambda f: f.assign(age=""),
            [r"age: no row has a value: fill the column, or take .* out of schema.features"],
            CLEAN,
            id="empty column",
        ),
        pytest.param(
            with_missing,
            CLEAN,
            [
                r"savings: missing values: 100 of 1000 \(10 %\), the first in row 1: these rows are"
                r" left out of batch and baseline; fill them in, or set nullable: true",
                r"age: missing values: 1 of 1000 \(0.1 %\), the first in row 3: these rows are",
                r"101 of 1,000 rows \(10.1 %\) are left out of batch and baseline, they have no"
                r" value of age \(1\), savings \(100\)",
            ],
            id="missing values",
        ),
        pytest.param(
            lambda f: f.assign(age="40", other_installments="A143"),
            CLEAN,
            [
                r"other_installments_A143: constant, every row has 1: .*take rows in which it",
                r"age: constant, every row has 40: .*take it out of schema.features",
            ],
            id="constant",
        ),
    ],
)
def test_each_fault_names_its_column_and_the_remedy(
    schema: Schema, tmp_path: Path, change: Any, errors: list[str], warnings: list[str]
) -> None:
    path = tmp_path / "data.csv"
    change(pd.read_csv(DATA, dtype=str)).to_csv(path, index=False)

    tally = Tally()
    findings = lint(read_content(path, schema, tally), schema, tally)

    for texts, patterns in zip(findings, (errors, warnings), strict=True):
        assert len(texts) == len(patterns), texts
        for text, pattern in zip(texts, patterns, strict=True):
            assert re.match(pattern, text)


def test_a_column_that_the_endpoint_does_not_capture_is_an_error(
    schema: Schema, frame: pd.DataFrame
) -> None:
    findings = lint(frame.assign(duration_months=12), schema, Tally(rows=len(frame)))

    (error,) = findings.errors
    assert error.startswith("duration_months: the endpoint does not capture it ")
    assert error.endswith("every ingestion fail: leave it out")
