"""The training data as the schema has them, every fault named by column and row."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.dataset import table_file, training_data
from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Schema, Target
from tests.support.shipped import DATA, shipped_settings


@pytest.fixture(scope="module")
def schema() -> Schema:
    return shipped_settings().schema


def changed(tmp_path: Path, **columns: Any) -> Path:
    frame = pd.read_csv(DATA, dtype=str)
    for name, (row, value) in columns.items():
        frame.loc[row, name] = value
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    return path


def test_indicators_are_derived_from_the_column_of_their_group(schema: Schema) -> None:
    frame = pd.concat(training_data.chunks(DATA, schema))

    raw = pd.read_csv(DATA)
    is_a14 = (raw["checking_account"] == "A14").astype(int)
    assert frame["checking_account_A14"].tolist() == is_a14.tolist()
    assert frame["savings_A61"].sum() == 603  # data/README.md
    assert frame["age"].tolist() == raw["age"].tolist()
    assert frame["credit"].tolist() == raw["credit"].tolist()


def test_parquet_and_csv_give_the_same_rows_and_the_key_where_there_is_one(
    schema: Schema, tmp_path: Path
) -> None:
    raw = pd.read_csv(DATA)
    raw.insert(0, "customer_id", [f"c{index}" for index in range(len(raw))])
    raw.to_parquet(tmp_path / "data.parquet")
    raw.to_csv(tmp_path / "data.csv", index=False)

    frames = [
        pd.concat(training_data.chunks(tmp_path / name, schema, with_key=True))
        for name in ("data.parquet", "data.csv")
    ]

    pd.testing.assert_frame_equal(frames[0], frames[1], check_dtype=False)
    assert frames[0]["customer_id"].iloc[999] == "c999"


def test_chunks_number_the_rows_of_the_whole_file(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 300)
    pd.read_csv(DATA).to_parquet(tmp_path / "data.parquet")

    for path in (DATA, tmp_path / "data.parquet"):
        frames = list(training_data.chunks(path, schema))
        assert [len(frame) for frame in frames] == [300, 300, 300, 100]
        assert pd.concat(frames).index.tolist() == list(range(1000))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"age": (17, "old")}, r"row 17 .*: age: got 'old', expected a number"),
        ({"age": (17, "inf")}, r"row 17 .*: age: got 'inf', expected a number"),
        ({"credit": (999, "2")}, r"row 999 .*: credit: got '2', expected one of \[0, 1\]"),
        ({"credit": (3, None)}, r"row 3 .*: credit: got '', expected one of \[0, 1\]"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(
    schema: Schema, tmp_path: Path, fault: Any, message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        list(training_data.chunks(changed(tmp_path, **fault), schema))


def test_a_missing_column_is_refused_by_name(schema: Schema, tmp_path: Path) -> None:
    pd.read_csv(DATA).drop(columns=["savings", "age"]).to_csv(tmp_path / "data.csv", index=False)

    with pytest.raises(
        RefusedError, match=r"no column savings, age; .* found checking_account, duration_months"
    ):
        list(training_data.chunks(tmp_path / "data.csv", schema))


def test_two_levels_of_a_group_at_once_are_refused(schema: Schema, tmp_path: Path) -> None:
    frame = pd.concat(training_data.chunks(DATA, schema))
    frame.loc[5, ["savings_A61", "savings_A65"]] = 1
    frame.to_csv(tmp_path / "data.csv", index=False)

    with pytest.raises(RefusedError, match=r"row 5 .*: two levels of savings at once"):
        list(training_data.chunks(tmp_path / "data.csv", schema))


def test_an_indicator_other_than_0_or_1_is_refused(schema: Schema, tmp_path: Path) -> None:
    frame = pd.concat(training_data.chunks(DATA, schema)).astype({"savings_A61": float})
    frame.loc[5, "savings_A61"] = 0.5
    frame.to_parquet(tmp_path / "data.parquet")

    with pytest.raises(RefusedError, match=r"row 5 .*: savings_A61: got '0.5', expected 0 or 1"):
        list(training_data.chunks(tmp_path / "data.parquet", schema))


def test_rows_that_end_with_a_comma_do_not_shift_and_marks_and_line_ends_do_not_matter(
    schema: Schema, tmp_path: Path
) -> None:
    lines = DATA.read_text().splitlines()
    forms = {
        "comma": "\n".join([lines[0], *(f"{row}," for row in lines[1:])]),
        "mark": f"\ufeff{DATA.read_text()}",
        "windows": "\r\n".join(lines),
        "quoted": "\n".join('"' + line.replace(",", '","') + '"' for line in lines),
    }
    expected = pd.concat(training_data.chunks(DATA, schema))

    for name, content in forms.items():
        (tmp_path / name).write_bytes(content.encode())
        frame = pd.concat(training_data.chunks(tmp_path / name, schema))
        pd.testing.assert_frame_equal(frame, expected, obj=name)


def test_a_column_that_comes_twice_is_refused_by_name(schema: Schema, tmp_path: Path) -> None:
    header, *rows = DATA.read_text().splitlines()
    lines = [f"{header},age", *(f"{row},99" for row in rows)]
    (tmp_path / "data.csv").write_text("\n".join(lines))

    with pytest.raises(RefusedError, match="more than one column age"):
        list(training_data.chunks(tmp_path / "data.csv", schema))


def test_levels_and_classes_that_look_like_numbers_or_booleans_are_found(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(
        "release,married,good\nv1.0,True,1.0\nv2.0,False,0\nv1.0,False,1\n"
    )
    features = [
        Feature("release_v1.0", "categorical", "release"),
        Feature("married_True", "categorical", "married"),
    ]
    schema = Schema(Target("good", [0, 1], 1), features)

    frame = pd.concat(training_data.chunks(tmp_path / "data.csv", schema))

    assert frame.to_numpy().tolist() == [[1, 1, 1], [0, 0, 0], [1, 0, 1]]


def test_what_is_no_table_is_refused(schema: Schema, tmp_path: Path) -> None:
    (tmp_path / "rubbish.csv").write_bytes(b"\xff\xfe\x00\x01" * 99)

    with pytest.raises(RefusedError, match=r"rubbish.csv"):
        list(training_data.chunks(tmp_path / "rubbish.csv", schema))


def test_missing_values_are_counted_over_all_chunks(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 300)
    frame = pd.read_csv(DATA, dtype=str)
    frame.loc[[17, 18, 999], "savings"] = [None, "", " "]
    frame.loc[500, "age"] = None
    frame.to_csv(tmp_path / "data.csv", index=False)

    tally = training_data.Tally()
    chunks = list(training_data.chunks(tmp_path / "data.csv", schema, tally=tally))

    assert tally.columns == {"savings": (3, 17), "age": (1, 500)}
    assert (tally.rows, tally.left_out, tally.left_out_by) == (1000, 4, {"savings", "age"})
    assert sorted({17, 18, 500, 999} | set(pd.concat(chunks).index)) == list(range(1000))
    assert len(pd.concat(chunks)) == 996
