"""What is read as different values is what pandas reads row by row, with the same words."""

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from monitoring.dataset import csv_table, table_file
from monitoring.dataset.encoded import EncodedChunk, encode_frame
from monitoring.errors import RefusedError

NAMES = ["text", "number"]
FIELDS = ["", "a", "b", "NA", " ", "1", "1.0", "x,y", 'say "hi"', "two\nlines", "ä", "None", "0012"]


def spread(chunk: EncodedChunk) -> pd.DataFrame:
    columns = {name: column.spread(column.values) for name, column in chunk.columns.items()}
    return pd.DataFrame(columns, index=chunk.index)


def as_read(path: Path, *, is_encoded: bool) -> tuple[list[list[object]], list[int], str]:
    """Return every row, the rows' numbers, and what was refused."""
    rows: list[list[object]] = []
    numbers: list[int] = []
    frames: Iterator[pd.DataFrame] = table_file.read_chunks(path, NAMES)
    if is_encoded:
        frames = map(spread, table_file.read_encoded(path, NAMES))
    try:
        for frame in frames:
            texts = frame.astype(object).where(frame.notna(), None)
            rows += texts[NAMES].to_numpy().tolist()
            numbers += frame.index.tolist()
    except RefusedError as error:
        return rows, numbers, str(error)
    return rows, numbers, ""


def random_csv(chance: random.Random) -> str:
    """Return a table of any shape that people make: quotes, line ends, odd rows, blank lines."""
    text = io.StringIO()
    names = chance.choice([["text", "number", "other"], ["", "number", "text"], ["text", "number"]])
    end = chance.choice(["\n", "\r\n"])
    dialect = chance.choice(["excel", "unix"])  # fields are quoted where needed, or always
    writer = csv.writer(text, dialect, lineterminator=end)
    writer.writerow(names)
    for _ in range(chance.randrange(12)):
        row = [chance.choice(FIELDS) for _ in names]
        oddity = chance.random()
        if oddity < 0.03:
            row.append(chance.choice(FIELDS))
        elif oddity < 0.06:
            row.pop()
        elif oddity < 0.08:
            text.write(end)
        writer.writerow(row)
    content = text.getvalue()
    if chance.random() < 0.2:
        content = "\ufeff" + content
    return content.rstrip("\r\n") if chance.random() < 0.2 else content


def test_a_csv_is_read_as_pandas_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read_by_pandas = tmp_path / "data.csv", 0

    def counted(frame: pd.DataFrame) -> EncodedChunk:
        nonlocal read_by_pandas
        read_by_pandas += 1
        return encode_frame(frame)

    monkeypatch.setattr(csv_table, "encode_frame", counted)
    for seed in range(600):
        chance = random.Random(seed)
        monkeypatch.setattr(table_file, "CHUNK_ROWS", chance.choice([2, 3, 100]))
        path.write_bytes(random_csv(chance).encode())

        plain, encoded = as_read(path, is_encoded=False), as_read(path, is_encoded=True)

        assert encoded == plain, f"seed {seed}"
    assert 20 < read_by_pandas < 600, "both ways of reading are to be compared"


@pytest.mark.parametrize("seed", range(20))
def test_parquet_is_read_as_pandas_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(table_file, "CHUNK_ROWS", 7)
    missing = chance.choice([0, 0.3])

    def column(values: list[object]) -> list[object]:
        return [None if chance.random() < missing else chance.choice(values) for _ in range(30)]

    numbers = column(chance.choice([[1, 2, 3], [0.5, 1.0, -2.5], [True, False]]))
    texts = pa.array(column(["a", "b", "", "NA"]), pa.string())
    if chance.random() < 0.5:
        texts = texts.dictionary_encode()
    table = pa.table({"text": texts, "number": pa.array(numbers)})
    parquet.write_table(table, tmp_path / "data.parquet")

    plain = as_read(tmp_path / "data.parquet", is_encoded=False)
    assert as_read(tmp_path / "data.parquet", is_encoded=True) == plain


def test_the_values_carry_the_number_of_the_first_row_that_has_them(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,number\nb,1\na,1\n,2\nb,2\na,1\n")

    (chunk,) = table_file.read_encoded(path, NAMES)

    assert chunk.columns["text"].values.index.tolist() == [0, 1, 2]
    assert chunk.columns["number"].values.to_dict() == {0: "1", 2: "2"}
