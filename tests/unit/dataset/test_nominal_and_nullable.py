"""Columns of categories as they are, and missing values that are part of the model."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.dataset import counting, levels, table_file, training_data
from monitoring.dataset import schema as columns
from monitoring.dataset.baseline import Baseline, from_json, to_json
from monitoring.dataset.training_data import Tally
from monitoring.errors import RefusedError
from monitoring.services.training_sets_rows import stored_types
from monitoring.settings.model import Feature, Schema, Target
from monitoring.settings.rules import Label
from monitoring.training_set.content import read_content

GOOD = Target("good", [0, 1], 1)


def schema_of(*features: Feature) -> Schema:
    return Schema(GOOD, list(features))


def write(folder: Path, kind: str, values: dict[str, list[Any]]) -> Path:
    frame = pd.DataFrame(values)
    path = folder / f"data.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def read(path: Path, schema: Schema, tally: Tally | None = None) -> pd.DataFrame:
    return pd.concat(training_data.chunks(path, schema, tally=tally))


def baseline_of(schema: Schema, frame: pd.DataFrame) -> Baseline:
    return counting.build(
        schema, lambda: [frame], source="set", content_hash="", created_at="2026-01-01T00:00:00Z"
    )


KINDS: list[tuple[list[Any], list[Label]]] = [
    (["red", "NA", "red", "blue"], ["red", "NA", "red", "blue"]),
    ([3, 1, 3, 2], [3, 1, 3, 2]),
    ([True, False, True, True], [True, False, True, True]),
    ([0.5, 1.0, 0.5, 2.0], [0.5, 1, 0.5, 2]),
]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(("values", "expected"), KINDS)
def test_a_nominal_column_is_sent_and_stored_as_what_it_is(
    tmp_path: Path, kind: str, values: list[Any], expected: list[Label]
) -> None:
    schema = schema_of(Feature("color", "nominal"))
    path = write(tmp_path, kind, {"color": values, "good": [0, 1, 0, 1]})

    frame = read(path, schema)
    sent = [columns.request_body(schema, {"color": value}, "x") for value in frame["color"]]
    stored = read_content(path, schema)["color"]

    assert frame["color"].tolist() == expected
    assert list(map(type, frame["color"])) == list(map(type, expected))
    texts = {"red": '"red"', "NA": '"NA"', "blue": '"blue"', True: "true", False: "false"}
    for value, body in zip(expected, sent, strict=True):
        text = texts.get(value, str(value)) if isinstance(value, str | bool) else str(value)
        assert body == f'{{"data":{{"color":{text},"customer_id":"x"}}}}'
    assert stored.tolist() == expected


def test_texts_of_digits_stay_texts_where_a_number_would_lose_something(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("zip,mixed,good\n01234,1,0\n98765,A,1\n")
    schema = schema_of(Feature("zip", "nominal"), Feature("mixed", "nominal"))

    frame = read(tmp_path / "data.csv", schema)

    assert frame["zip"].tolist() == ["01234", "98765"]
    assert frame["mixed"].tolist() == ["1", "A"]


def test_what_a_value_is_depends_on_the_whole_column_and_every_chunk_has_the_same_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 2)
    path = write(tmp_path, "csv", {"color": ["1", "2", "3", "x"], "good": [0, 1, 0, 1]})

    first, second = training_data.chunks(path, schema_of(Feature("color", "nominal")))

    assert first["color"].tolist() == ["1", "2"]
    assert first["color"].dtype == second["color"].dtype


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_of_ids_is_refused(tmp_path: Path, kind: str) -> None:
    ids = [f"id{number}" for number in range(1001)]
    path = write(tmp_path, kind, {"color": ids, "good": [0, 1] * 500 + [0]})

    with pytest.raises(RefusedError, match=r"color: more than 1,000 different values, expected"):
        read(path, schema_of(Feature("color", "nominal")))


def test_a_date_is_no_level(tmp_path: Path) -> None:
    dates = [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02")]
    path = write(tmp_path, "parquet", {"color": dates, "good": [0, 1]})

    with pytest.raises(RefusedError, match=r"color: got .*, expected a text, a number or a bool"):
        read(path, schema_of(Feature("color", "nominal")))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_with_a_missing_value_are_left_out_unless_it_may_be_missing(
    tmp_path: Path, kind: str
) -> None:
    values: dict[str, list[Any]] = {
        "age": [20.0, None, 40.0, 50.0],
        "color": ["red", "blue", None, "red"],
        "owner": [1.0, 0.0, 1.0, None],
        "good": [0, 1, 0, 1],
    }
    path = write(tmp_path, kind, values)
    types = {"age": "numerical", "color": "nominal", "owner": "categorical"}
    strict = schema_of(*(Feature(name, of) for name, of in types.items()))
    loose = schema_of(*(Feature(name, of, nullable=True) for name, of in types.items()))
    strict_tally, loose_tally = Tally(), Tally()

    left = read(path, strict, strict_tally)
    whole = read(path, loose, loose_tally)

    assert left.index.tolist() == [0]
    assert (strict_tally.left_out, strict_tally.left_out_by) == (3, {"age", "color", "owner"})
    assert training_data.left_out_text(strict_tally) == (
        "3 of 4 rows (75 %) are left out of batch and baseline, they have no value of age (1),"
        " color (1), owner (1)"
    )
    assert len(whole) == 4
    assert (loose_tally.left_out, loose_tally.left_out_by) == (0, set())
    assert whole.isna().sum().to_dict() == {"age": 1, "color": 1, "owner": 1, "good": 0}
    stored = read_content(path, loose)
    assert stored[list(types)].isna().sum().tolist() == [1, 1, 1]
    assert stored["age"].dropna().tolist() == [20, 40, 50]
    types = stored_types(stored)
    assert types["age"] == types["owner"] == "Int64"


def test_a_missing_value_is_sent_as_null_only_where_it_may_be_missing() -> None:
    features = [
        Feature("age", "numerical", nullable=True),
        Feature("color", "nominal", nullable=True),
    ]
    schema = schema_of(*features)

    for missing in (None, np.nan, float("nan")):
        body = columns.request_body(schema, {"age": missing, "color": missing}, "x")
        assert body == '{"data":{"age":null,"color":null,"customer_id":"x"}}'
    with pytest.raises((ValueError, TypeError)):
        columns.request_body(schema_of(Feature("age", "numerical")), {"age": np.nan}, "x")


def test_where_one_indicator_of_a_nullable_group_is_missing_all_are(tmp_path: Path) -> None:
    group = [
        Feature("color_red", "categorical", "color", nullable=True),
        Feature("color_blue", "categorical", "color", nullable=True),
    ]
    own: dict[str, list[Any]] = {
        "color_red": [1.0, None, 0.0],
        "color_blue": [0.0, 0.0, 1.0],
        "good": [0, 1, 0],
    }
    derived: dict[str, list[Any]] = {"color": ["red", None, "blue"], "good": [0, 1, 0]}

    for values in (own, derived):
        frame = read(write(tmp_path, "csv", values), schema_of(*group))
        assert frame["color_red"].fillna(-1).tolist() == [1, -1, 0]
        assert frame["color_blue"].fillna(-1).tolist() == [0, -1, 1]


def test_levels_and_missing_values_are_cells_of_the_baseline() -> None:
    features = [
        Feature("age", "numerical", nullable=True),
        Feature("color", "nominal", nullable=True),
        Feature("owner", "categorical", nullable=True),
    ]
    schema = schema_of(*features)
    frame = pd.DataFrame(
        {
            "age": [20.0, 30.0, np.nan, 30.0],
            "color": ["red", None, "blue", "red"],
            "owner": [1.0, 0.0, np.nan, np.nan],
            "good": [0, 0, 1, 1],
        }
    )

    baseline = baseline_of(schema, frame)

    assert baseline.columns["age"].counts.tolist() == [[0, 1, 1, 0, 0], [0, 0, 1, 0, 1]]
    assert baseline.columns["age"].missing == 1
    assert baseline.columns["age"].valued.tolist() == [2, 1]
    assert baseline.columns["color"].levels == ("blue", "red")
    assert baseline.columns["color"].counts.tolist() == [[0, 1, 0, 1], [1, 1, 0, 0]]
    assert baseline.columns["owner"].counts.tolist() == [[1, 1, 0], [0, 0, 2]]
    numbers = baseline.columns["age"].numbers
    assert numbers is not None
    assert numbers.bins.sum() == 4
    assert numbers.bins[:, -1].tolist() == [0, 1]
    assert to_json(from_json(to_json(baseline), Path("baseline.json"))) == to_json(baseline)


def test_a_level_that_the_baseline_has_not_is_in_the_guard_cell() -> None:
    schema = schema_of(Feature("size", "nominal"))
    baseline = baseline_of(schema, pd.DataFrame({"size": [1, 2, 2, 1], "good": [0, 0, 1, 1]}))
    batch = pd.DataFrame({"size": [1, 3, None], "good": [0, 0, 1]})

    cut = baseline.columns["size"].cut
    counted = counting.count(batch, schema.features[0], cut, np.array([0, 0, 1]), 2)

    assert counted.counts.tolist() == [[1, 0, 1], [0, 0, 0]]
    assert counted.missing == 1


def test_a_baseline_without_such_features_is_written_as_before() -> None:
    schema = schema_of(Feature("age", "numerical"), Feature("owner", "categorical"))
    frame = pd.DataFrame({"age": [20.0, 30.0], "owner": [0, 1], "good": [0, 1]})

    text = to_json(baseline_of(schema, frame))

    assert "levels" not in text
    assert "nullable" not in text


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1.5", "2.0"], [1.5, 2]),
        (["-1", "1e3"], [-1, 1000]),
        (["true", "false"], [True, False]),
        (["True", "yes"], ["True", "yes"]),
        (["1", ""], ["1", ""]),
        (["01", "1"], ["01", "1"]),
        (["1e999", "1"], ["1e999", "1"]),
        (["inf", "1"], ["inf", "1"]),
        (["+1", "1"], ["+1", "1"]),
    ],
)
def test_texts_are_read_as_what_all_of_them_can_be(texts: list[str], expected: list[Label]) -> None:
    read_text = levels.text_reader(texts)

    assert [read_text(text) for text in texts] == expected
    assert [type(read_text(text)) for text in texts] == list(map(type, expected))
