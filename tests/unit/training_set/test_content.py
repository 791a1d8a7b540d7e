"""The rows of a version: their types, their hash, and what can't be read."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Schema, Target
from monitoring.settings.rules import Label
from monitoring.training_set.content import as_captured, content_hash, read_content
from tests.support.shipped import DATA


def test_the_content_hash_follows_the_content_and_what_each_column_is(
    schema: Schema, frame: pd.DataFrame, tmp_path: Path
) -> None:
    parquet = tmp_path / "data.parquet"
    pd.read_csv(DATA).to_parquet(parquet)
    reference = content_hash(frame, schema)

    one_year_older = frame.assign(age=frame["age"] + (frame.index == 999))
    as_number = [
        dataclasses.replace(feature, type="numerical", group=None)
        if feature.name == "savings_A61"
        else feature
        for feature in schema.features
    ]
    other_schema = dataclasses.replace(schema, features=as_number)

    assert content_hash(read_content(parquet, schema), schema) == reference
    assert content_hash(frame.iloc[::-1], schema) != reference
    assert content_hash(one_year_older, schema) != reference
    assert content_hash(frame.rename(columns={"age": "years"}), schema) != reference
    assert content_hash(frame, other_schema) != reference


def test_the_content_hash_is_the_one_that_old_versions_have_in_their_notes(
    schema: Schema, frame: pd.DataFrame
) -> None:
    expected = "f4195d6c94d955e759a9754da6457604c29672d0b8c508eedb297d57b8ec9d01"
    assert content_hash(frame, schema) == expected


def test_a_version_names_its_columns_as_the_endpoint_captures_them(
    schema: Schema, frame: pd.DataFrame
) -> None:
    features = [
        dataclasses.replace(feature, as_name="age_years") if feature.name == "age" else feature
        for feature in schema.features
    ]
    renamed = dataclasses.replace(schema, features=features)

    captured = as_captured(frame, renamed)

    assert list(captured) == [
        "age_years" if name == "age" else name for name in as_captured(frame, schema)
    ]
    assert content_hash(captured, renamed) != content_hash(frame, schema)


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ([False, True], "bool"),
        ([0.5, 1.0], "float64"),
        ([0, 1], "int64"),
        (["0", "1"], "str"),
        ([0, "good"], "str"),
    ],
)
@pytest.mark.parametrize("file", ["data.csv", "data.parquet"])
def test_classes_of_any_kind_are_stored_as_what_they_are(
    tmp_path: Path, classes: list[Label], kind: str, file: str
) -> None:
    is_mixed = len({type(value) for value in classes}) > 1
    labels = [str(value) for value in classes] if is_mixed else classes
    source = pd.DataFrame({"age": [20, 30], "good": labels})
    if file == "data.csv":
        source.to_csv(tmp_path / file, index=False)
    else:
        source.to_parquet(tmp_path / file)
    schema = Schema(Target("good", classes, classes[1]), [Feature("age", "numerical")])

    frame = read_content(tmp_path / file, schema)

    assert str(frame["good"].dtype) == kind
    assert frame["good"].tolist() == (labels if kind == "str" else classes)


def test_ids_are_text_however_they_are_stored_and_a_fraction_stays_a_fraction(
    schema: Schema, tmp_path: Path
) -> None:
    source = pd.read_csv(DATA)
    ages = source["age"] + 0.5
    path = tmp_path / "data.parquet"
    source.assign(customer_id=range(5_000_000, 5_001_000), age=ages).to_parquet(path)

    frame = read_content(path, schema)

    assert frame["customer_id"].tolist()[:2] == ["5000000", "5000001"]
    assert (str(frame["customer_id"].dtype), str(frame["age"].dtype)) == ("str", "float64")
    assert frame["age"].tolist() == ages.tolist()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.drop(columns="savings"), r"no column savings_A65|no column savings"),
        (
            lambda f: f.assign(credit=f["credit"].where(f.index != 4)),
            r"row 4 .*credit: got '', expected one of \[0, 1\]",
        ),
        (
            lambda f: f.assign(age=f["age"].where(f.index != 6, "old")),
            r"row 6 .*age: got 'old', expected a number",
        ),
        (lambda f: f.iloc[:0], "got no rows, expected the training data"),
    ],
    ids=["missing column", "no class", "text among numbers", "no rows"],
)
def test_data_that_cannot_be_read_as_the_schema_says_name_column_and_row(
    schema: Schema, tmp_path: Path, change: Any, expected: str
) -> None:
    path = tmp_path / "data.csv"
    change(pd.read_csv(DATA, dtype=str)).to_csv(path, index=False)

    with pytest.raises(RefusedError, match=expected):
        read_content(path, schema)
