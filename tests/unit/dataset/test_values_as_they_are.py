"""Values are what they are, whichever kind of file they come from."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.dataset import training_data
from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Schema, Target

NUMBER = Feature("number", "numerical")
INDICATOR = Feature("flag", "categorical")


def write(folder: Path, kind: str, columns: dict[str, list[Any]]) -> Path:
    frame = pd.DataFrame(columns)
    path = folder / f"data.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def read(path: Path, *features: Feature) -> pd.DataFrame:
    schema = Schema(Target("good", [0, 1], 1), list(features))
    return pd.concat(training_data.chunks(path, schema))


@pytest.mark.parametrize("level", ["NA", "None", "null", "nan", "N/A", "NaN", "<NA>"])
def test_a_level_that_other_programs_take_for_missing_is_a_level(
    tmp_path: Path, level: str
) -> None:
    (tmp_path / "data.csv").write_text(f"garage,good\n{level},1\nbuilt,0\n{level},1\n")

    feature = Feature(f"garage_{level}", "categorical", "garage")
    schema, tally = Schema(Target("good", [0, 1], 1), [feature]), training_data.Tally()
    frame = pd.concat(training_data.chunks(tmp_path / "data.csv", schema, tally=tally))

    assert tally == training_data.Tally(rows=3)
    assert frame[feature.name].tolist() == [1, 0, 1]


def test_a_class_that_other_programs_take_for_missing_is_a_class(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("number,good\n1,NA\n2,yes\n")
    schema = Schema(Target("good", ["NA", "yes"], "yes"), [NUMBER])

    frame = pd.concat(training_data.chunks(tmp_path / "data.csv", schema))

    assert frame["good"].tolist() == ["NA", "yes"]


def test_a_word_in_a_column_of_numbers_is_refused_with_what_a_missing_value_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "data.csv").write_text("number,good\n1,1\nNA,0\n")

    with pytest.raises(
        RefusedError,
        match=r"row 1 .*: number: got 'NA', expected a number, or an empty field",
    ):
        read(tmp_path / "data.csv", NUMBER)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2026-01-31 12:00"),
        datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        date(2026, 1, 31),
        timedelta(days=1),
    ],
    ids=["datetime", "datetime with zone", "date", "duration"],
)
def test_dates_and_durations_are_no_numbers(tmp_path: Path, kind: str, value: Any) -> None:
    path = write(tmp_path, kind, {"number": [value, value], "good": [0, 1]})

    with pytest.raises(RefusedError, match=r"row 0 .*: number: got .*, expected a number"):
        read(path, NUMBER)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_booleans_work_alike_in_both_kinds_of_file(tmp_path: Path, kind: str) -> None:
    columns = {"number": [True, False], "flag": [False, True], "good": [True, False]}

    frame = read(write(tmp_path, kind, columns), NUMBER, INDICATOR)

    assert frame["number"].tolist() == [1.0, 0.0]
    assert frame["flag"].tolist() == [0, 1]
    assert frame["good"].tolist() == [1, 0]


@pytest.mark.parametrize("words", [("true", "false"), ("TRUE", "FALSE")])
def test_booleans_may_be_spelt_as_other_programs_write_them(
    tmp_path: Path, words: tuple[str, str]
) -> None:
    yes, no = words
    (tmp_path / "data.csv").write_text(f"number,flag,good\n{yes},{no},{yes}\n{no},{yes},{no}\n")

    frame = read(tmp_path / "data.csv", NUMBER, INDICATOR)

    assert frame.to_numpy().tolist() == [[1.0, 0, 1], [0.0, 1, 0]]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_level_that_no_row_has_is_an_error_that_lists_the_levels(
    tmp_path: Path, kind: str
) -> None:
    columns: dict[str, list[Any]] = {"color": ["red", "blue", "NA", "red"], "good": [0, 1, 1, 0]}
    path = write(tmp_path, kind, columns)

    with pytest.raises(
        RefusedError,
        match=r"color: no row has the level green of color_green; found 'NA', 'blue', 'red'",
    ):
        read(
            path,
            Feature("color_red", "categorical", "color"),
            Feature("color_green", "categorical", "color"),
        )


def test_a_level_that_only_the_last_rows_have_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitoring.dataset import table_file

    monkeypatch.setattr(table_file, "CHUNK_ROWS", 2)
    path = write(tmp_path, "csv", {"color": ["red"] * 4 + ["green"], "good": [0, 1, 0, 1, 1]})

    frame = read(path, Feature("color_green", "categorical", "color"))

    assert frame["color_green"].tolist() == [0, 0, 0, 0, 1]
