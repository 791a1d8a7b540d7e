"""Columns, groups, ids, the request body, and the hash of the schema."""

import dataclasses
import json
import math
from datetime import date

import numpy as np
import pytest

from monitoring.dataset import schema
from monitoring.settings.model import Feature, Schema, Target
from monitoring.settings.rules import Label

CREDIT = Schema(
    Target("credit", [0, 1], 1),
    [
        Feature("savings_A65", "categorical", "savings"),
        Feature("age", "numerical"),
        Feature("savings_A61", "categorical", "savings"),
        Feature("foreign", "categorical"),
    ],
)


def test_the_columns_are_named_in_the_order_of_the_configuration() -> None:
    assert schema.column_names(CREDIT) == ["savings_A65", "age", "savings_A61", "foreign"]
    assert schema.numericals(CREDIT) == ["age"]
    assert [schema.level(feature) for feature in CREDIT.features[:1]] == ["A65"]


def test_a_group_holds_its_levels_and_a_feature_without_one_is_its_own() -> None:
    groups = {
        group: [feature.name for feature in features]
        for group, features in schema.groups(CREDIT).items()
    }

    assert groups == {"savings": ["savings_A65", "savings_A61"], "foreign": ["foreign"]}


def test_ids_are_the_day_and_the_index() -> None:
    ids = [schema.event_id(date(2026, 1, 31), index) for index in (0, 10)]

    assert ids == ["2026-01-31_0", "2026-01-31_10"]


@pytest.mark.parametrize("value", [1, True, 1.0, np.int8(1), np.float64(1), np.bool_(True)])
def test_whole_numbers_are_whole_in_a_request(value: object) -> None:
    row = {"savings_A65": value, "age": 35, "savings_A61": 0, "foreign": 0}

    body = schema.request_body(CREDIT, row, "2026-01-31_0")

    data = '{"savings_A65":1,"age":35,"savings_A61":0,"foreign":0,"customer_id":"2026-01-31_0"}'
    assert body == f'{{"data":{data}}}'


def test_a_request_keeps_fractions_and_holds_nothing_else_of_the_row() -> None:
    row = {"savings_A65": 0, "age": 35.5, "savings_A61": 0, "foreign": 0, "credit": 1}

    data = json.loads(schema.request_body(CREDIT, row, "x"))["data"]

    del row["credit"]
    assert data == {**row, "customer_id": "x"}


def test_a_feature_is_sent_by_its_name_at_the_endpoint_and_arguments_with_each_row() -> None:
    features = [Feature("age", "numerical", as_name="age_years"), Feature("foreign", "categorical")]
    named = Schema(CREDIT.target, features)

    body = schema.request_body(named, {"age": 35, "foreign": 0}, "x", {"channel": "b", "n": None})

    assert json.loads(body)["data"] == {
        "age_years": 35,
        "foreign": 0,
        "channel": "b",
        "n": None,
        "customer_id": "x",
    }


@pytest.mark.parametrize(
    ("label", "text"),
    [(1, "1"), ("yes", "yes"), ("True", "True"), (True, "true"), (False, "false"), (0.5, "0.5")],
)
def test_classes_are_written_as_the_endpoint_returns_them(label: Label, text: str) -> None:
    assert schema.label_text(label) == text


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_json_can_not_say_is_no_request(bad: float) -> None:
    row = {"savings_A65": 0, "age": bad, "savings_A61": 0, "foreign": 0}

    with pytest.raises(ValueError, match="not JSON compliant"):
        schema.request_body(CREDIT, row, "x")


def test_the_hash_changes_with_what_a_column_means_and_only_with_that() -> None:
    features = CREDIT.features
    renamed = Feature("age", "numerical", as_name="age_years")
    as_categorical = Feature("age", "categorical")
    without_group = Feature("savings_A65", "categorical")
    changed = [
        dataclasses.replace(CREDIT, key="id"),
        dataclasses.replace(CREDIT, target=Target("credit", [0, 1], 0)),
        dataclasses.replace(CREDIT, target=Target("credit", ["0", "1"], "1")),
        dataclasses.replace(CREDIT, features=features[:3]),
        dataclasses.replace(CREDIT, features=[*features[:1], as_categorical, *features[2:]]),
        dataclasses.replace(CREDIT, features=[*features[:1], renamed, *features[2:]]),
        dataclasses.replace(CREDIT, features=[without_group, *features[1:]]),
    ]

    hashes = [schema.schema_hash(each) for each in (CREDIT, *changed)]

    assert len(set(hashes)) == len(hashes)
    assert schema.schema_hash(dataclasses.replace(CREDIT)) == hashes[0]
    assert hashes[0] == "82f84c00ea254be6"  # it is in old manifests
