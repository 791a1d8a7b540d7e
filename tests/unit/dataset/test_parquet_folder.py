"""Training data that are a folder of Parquet files."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from monitoring.dataset import table_file, training_data
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import RefusedError
from monitoring.settings.model import Feature, Settings
from tests.support.shipped import DATA, shipped_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The shipped settings with the sample data in three files of two folders."""
    frame = pd.read_csv(DATA)
    parts = {"a/part-1.parquet": slice(0, 300), "a/part-2.parquet": slice(300, 650)}
    parts["b/part-0.parquet"] = slice(650, 1000)
    for name, rows in parts.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.iloc[rows].to_parquet(path)
    (tmp_path / "data" / "_SUCCESS").touch()
    (tmp_path / "data" / "_temporary").mkdir()
    (tmp_path / "data" / "_temporary" / "half.parquet").write_text("not whole")
    return dataclasses.replace(shipped_settings(), training_data=str(tmp_path / "data"))


def test_a_folder_is_read_like_the_one_file_that_it_would_be(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 200)
    expected = pd.concat(training_data.chunks(DATA, settings.schema))

    with TrainingFile(settings) as data:
        frames = list(training_data.chunks(data.path, settings.schema))

    assert max(map(len, frames)) <= 200
    pd.testing.assert_frame_equal(pd.concat(frames), expected)


def test_the_hash_of_a_folder_changes_with_any_file_and_any_name(settings: Settings) -> None:
    def sha256() -> str:
        with TrainingFile(settings) as data:
            return data.sha256

    folder = Path(settings.training_data)
    first = sha256()

    (folder / "_SUCCESS").write_text("again")
    assert sha256() == first
    (folder / "b/part-0.parquet").rename(folder / "b/part-3.parquet")
    renamed = sha256()
    (folder / "b/part-3.parquet").unlink()
    assert len({first, renamed, sha256()}) == 3


def test_the_names_of_subfolders_are_columns(settings: Settings, tmp_path: Path) -> None:
    frame = pd.read_csv(DATA)
    for region in ("north", "south"):
        path = tmp_path / "regions" / f"region={region}" / "part.parquet"
        path.parent.mkdir(parents=True)
        frame.head(10).to_parquet(path)
    schema = dataclasses.replace(settings.schema, features=[Feature("region", "nominal")])

    read = pd.concat(training_data.chunks(tmp_path / "regions", schema))

    assert read["region"].tolist() == ["north"] * 10 + ["south"] * 10


def test_a_folder_without_parquet_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "data.csv").write_text("a\n1\n")

    with pytest.raises(RefusedError, match=r"empty: no file \*.parquet in this folder"):
        list(training_data.chunks(tmp_path / "empty", settings.schema))


def test_files_with_other_columns_are_refused(settings: Settings) -> None:
    path = Path(settings.training_data) / "b/part-0.parquet"
    pd.read_parquet(path).assign(age="old").to_parquet(path)

    with pytest.raises(RefusedError, match=r"b/part-0.parquet is not like the first"):
        list(training_data.chunks(Path(settings.training_data), settings.schema))
