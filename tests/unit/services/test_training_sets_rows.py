"""The rows of a version: the file is the one that pandas writes of the types that are stored."""

from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from monitoring.services.training_sets_rows import CompactRows, stored_types

ROWS = 120_000  # several blocks


def compact_rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    ones = pd.Series(random.integers(0, 2, ROWS))
    return pd.DataFrame(
        {
            "id": pd.Series([f"training_{row}" for row in range(ROWS)], dtype="str"),
            "home_own": ones.astype("int8"),
            "sex": ones.where(ones.index % 7 > 0).astype("Int8"),
            "age": random.integers(20, 70, ROWS),
            # None in the first block: the type must not come from the values there.
            "note": pd.Series([None] * 60_000 + ["late"] * 60_000, dtype="str"),
            "amount": random.standard_normal(ROWS),
            "good": ones == 1,
        }
    )


def test_the_file_has_the_rows_and_types_that_pandas_would_store(tmp_path: Path) -> None:
    frame = compact_rows()
    plain = frame.astype({"home_own": "int64", "sex": "Int64"})
    plain.to_parquet(tmp_path / "plain.parquet")

    CompactRows(frame).to_parquet(tmp_path / "compact.parquet")

    stored = pd.read_parquet(tmp_path / "compact.parquet")
    pd.testing.assert_frame_equal(stored, pd.read_parquet(tmp_path / "plain.parquet"))
    by_pandas, ours = (
        parquet.read_schema(tmp_path / f"{name}.parquet").remove_metadata()
        for name in ("plain", "compact")
    )
    assert ours == by_pandas
    assert stored_types(frame) == {name: str(kind) for name, kind in plain.dtypes.items()}


def test_the_client_is_given_the_columns_by_name() -> None:
    frame = compact_rows()
    assert CompactRows(frame).columns == list(frame)
