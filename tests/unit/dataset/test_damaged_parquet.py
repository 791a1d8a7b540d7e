"""Parquet files that are damaged, or hold what no training data hold: refused, no traceback."""

import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from monitoring.dataset import training_data
from monitoring.errors import RefusedError
from tests.support import damage
from tests.support.shipped import DATA, shipped_settings

SCHEMA = shipped_settings().schema


def read(path: Path) -> int:
    return sum(len(chunk) for chunk in training_data.chunks(path, SCHEMA))


@pytest.mark.parametrize("name", ["age", "credit", "checking_account"])
def test_a_column_of_bytes_that_are_no_text_is_refused(tmp_path: Path, name: str) -> None:
    frame = pd.read_csv(DATA)
    frame[name] = pd.Series([b"\xff\xfe"] * len(frame))
    frame.to_parquet(tmp_path / "data.parquet")

    with pytest.raises(RefusedError, match=r"data\.parquet"):
        read(tmp_path / "data.parquet")


@pytest.mark.parametrize(
    "noted",
    [b"[]", b'{"index_columns": 3}', b'{"index_columns": ["x"], "columns": [{}]}'],
)
def test_what_pandas_noted_of_its_index_may_be_damaged(tmp_path: Path, noted: bytes) -> None:
    table = pa.Table.from_pandas(pd.read_csv(DATA)).replace_schema_metadata({b"pandas": noted})
    parquet.write_table(table, tmp_path / "data.parquet")

    assert read(tmp_path / "data.parquet") == 1000


def test_no_damage_to_a_file_ends_in_a_traceback(tmp_path: Path) -> None:
    seed = 12
    chance = random.Random(seed)
    path = tmp_path / "data.parquet"
    pd.read_csv(DATA).to_parquet(path)
    whole = path.read_bytes()

    for _ in range(40):
        path.write_bytes(b"PAR1" + damage.damaged_bytes(whole[4:], chance))
        try:
            read(path)
        except RefusedError as error:
            assert "data.parquet" in str(error), f"seed {seed}"
