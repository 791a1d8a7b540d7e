"""The training data: read column by column and chunk by chunk, from CSV or Parquet, on disk or in S3."""

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from monitoring import schema as columns
from monitoring.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from monitoring.config import Schema, Settings

_CHUNK_ROWS = 100_000
_KEPT_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Up to 50,000 rows of each class, drawn evenly, in the file's order; all rows where there are no more.

    frame: one column for each feature, then the target. class_rows: how many rows of each class the whole file has.
    order: a random number for each row of the frame; the smallest ones are an even sample of any smaller size.
    """

    frame: pd.DataFrame
    order: np.ndarray[Any, np.dtype[np.float64]]
    class_rows: dict[int | str, int]


@contextlib.contextmanager
def local_file(settings: "Settings") -> Iterator[tuple[Path, str]]:
    """Give the training data as a file on disk and its SHA-256 (hex); an object in S3 is fetched to a temporary file.

    Raises ConfigError or RefusedError where there is none.
    """
    with contextlib.ExitStack() as stack:
        if settings.training_data.startswith("s3://"):
            from monitoring import object_store

            bucket, key = object_store.split_uri(settings.training_data)
            target = stack.enter_context(tempfile.NamedTemporaryFile(suffix=Path(key).suffix))
            with object_store.opened(object_store.client(settings.s3), bucket, key) as body:
                while block := body.read(1 << 20):
                    target.write(block)
            target.flush()
            path = Path(target.name)
        else:
            path = Path(settings.training_data)
        try:
            file = stack.enter_context(open(path, "rb"))
        except OSError as error:
            raise ConfigError(
                f"training_data: {path}: {error.strerror}; name a CSV or Parquet file, or s3://bucket/key"
            ) from None
        yield path, hashlib.file_digest(file, "sha256").hexdigest()


def chunks(path: Path, schema: "Schema", with_key: bool = False) -> Iterator[pd.DataFrame]:
    """Yield the rows in order, at most 100,000 at a time: the key (if asked for and there), features, target.

    The key is text, empty where it is missing. Indicators are int8 0 or 1, derived from the column of their group where they
    are no columns themselves; numericals are float64 (NaN: missing); the target holds the configured classes. The index counts
    the file's rows from 0. Raises RefusedError naming column and row for a missing column, a value of the wrong kind, a row
    with two levels of a group.
    """
    source, available = _sources(path, schema)
    key = [schema.key] if with_key and schema.key in available else []
    for raw in _raw_chunks(path, [*key, *dict.fromkeys(source.values()), schema.target.name]):
        made: dict[str, Any] = {name: _ids(raw[name]) for name in key}
        texts: dict[str, pd.Series[str]] = {}
        for feature in schema.features:
            column = source[feature.name]
            if feature.type == "numerical":
                made[feature.name] = _numbers(path, raw[column])
                continue
            if column not in texts:
                texts[column] = _texts(raw[column])
            if column == feature.name:
                made[feature.name] = _indicator(path, texts[column])
            else:
                made[feature.name] = (texts[column] == _text(columns.level(feature))).astype("int8")
        made[schema.target.name] = _classes(path, _texts(raw[schema.target.name]), schema.target.classes)
        frame = pd.DataFrame(made, index=raw.index)
        for group, features in columns.groups(schema).items():
            levels = frame[[feature.name for feature in features]].sum(axis=1)
            if (levels > 1).any():
                raise RefusedError(
                    f"{_row(path, levels.index[levels > 1][0])}: two levels of {group} at once; expected at most one"
                )
        yield frame


def missing(path: Path, schema: "Schema") -> dict[str, tuple[int, int]]:
    """Return, for each column of the file that features come from and that has missing values: how many, and the first row.

    `chunks` can't show them: an indicator whose source is missing is 0.
    """
    source, _ = _sources(path, schema)
    found: dict[str, tuple[int, int]] = {}
    for raw in _raw_chunks(path, list(dict.fromkeys(source.values()))):
        for name, column in raw.items():
            empty = column.isna() | (column.astype(str).str.strip() == "")
            if empty.any():
                count, first = found.get(str(name), (0, int(column.index[empty][0])))
                found[str(name)] = (count + int(empty.sum()), first)
    return found


def sample(path: Path, schema: "Schema", generator: np.random.Generator) -> Sample:
    """Draw up to 50,000 rows of each class in one pass; rows with a missing numerical are left out."""
    kept = pd.DataFrame()
    class_rows = dict.fromkeys(schema.target.classes, 0)
    for frame in chunks(path, schema):
        for value in class_rows:
            class_rows[value] += int((frame[schema.target.name] == value).sum())
        frame["_order"] = generator.random(len(frame))
        kept = pd.concat([kept, frame.dropna()])
        by_class = kept.groupby(schema.target.name, sort=False)["_order"]
        kept = kept[by_class.rank() <= _KEPT_ROWS]
    if kept.empty:
        raise RefusedError(f"{path}: no row without missing values; mend the training data")
    return Sample(kept.drop(columns="_order"), kept["_order"].to_numpy(), class_rows)


def _sources(path: Path, schema: "Schema") -> tuple[dict[str, str], list[str]]:
    """Return the file's column that each feature comes from, and every column that the file has."""
    available = _header(path)
    source: dict[str, str] = {}
    for feature in schema.features:
        source[feature.name] = feature.name if feature.name in available else feature.group or feature.name
    needed = dict.fromkeys([*source.values(), schema.target.name])
    if repeated := [name for name in needed if available.count(name) > 1]:
        raise RefusedError(f"{path}: more than one column {', '.join(repeated)}; expected one: rename or remove the others")
    absent = [name for name in needed if name not in available]
    if absent:
        raise RefusedError(
            f"{path}: no column {', '.join(absent)}; expected the column of each feature or of its group, and the target; found"
            f" {', '.join(available)}: mend schema or training_data"
        )
    return source, available


def _is_parquet(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _header(path: Path) -> list[str]:
    try:
        if _is_parquet(path):
            import pyarrow.parquet as parquet

            return list(parquet.read_schema(path).names)
        # Read as a row: of a header pandas would rename what comes twice.
        return [str(name) for name in pd.read_csv(path, header=None, nrows=1, dtype=str, encoding="utf-8").iloc[0]]
    except (ValueError, OSError) as error:
        raise RefusedError(f"{path}: neither CSV with a header nor Parquet: {error}") from None


def _raw_chunks(path: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    first = 0
    try:
        if _is_parquet(path):
            import pyarrow.parquet as parquet

            for batch in parquet.ParquetFile(path).iter_batches(batch_size=_CHUNK_ROWS, columns=names):
                frame = batch.to_pandas()
                frame.index = pd.RangeIndex(first, first + len(frame))
                first += len(frame)
                yield frame
        else:
            # index_col: or else rows that end with a comma would lose their first field to an index, and shift.
            with pd.read_csv(
                path, usecols=names, dtype=str, chunksize=_CHUNK_ROWS, encoding="utf-8", index_col=False
            ) as reader:
                yield from reader
    except (ValueError, OSError) as error:
        raise RefusedError(f"{path}: can't be read: {error}") from None


def _texts(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the values as text, whole numbers and booleans as digits, missing ones as an empty text."""
    text = column.astype(str).where(column.notna(), "")
    return text.map({value: _text(value) for value in text.unique()})


def _text(value: str) -> str:
    return {"True": "1", "False": "0"}.get(value) or re.sub(r"^([+-]?\d+)\.0$", r"\1", value)


def _ids(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the key as text: numbers as digits, text as it stands but for blanks around it, missing ones as an empty text."""
    return _texts(column) if pd.api.types.is_numeric_dtype(column) else column.astype(str).str.strip().where(column.notna(), "")


def _numbers(path: Path, column: "pd.Series[Any]") -> "pd.Series[float]":
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = (numbers.isna() & column.notna()) | np.isinf(numbers)
    if bad.any():
        row = column.index[bad][0]
        raise RefusedError(f"{_row(path, row)}: {column.name}: got {column[row]!r}, expected a number")
    return numbers


def _indicator(path: Path, text: "pd.Series[str]") -> "pd.Series[int]":
    bad = ~text.isin(["0", "1", ""])
    if bad.any():
        row = text.index[bad][0]
        raise RefusedError(f"{_row(path, row)}: {text.name}: got {text[row]!r}, expected 0 or 1")
    return (text == "1").astype("int8")


def _classes(path: Path, text: "pd.Series[str]", classes: list[int | str]) -> "pd.Series[Any]":
    found = text.map({_text(str(value)): value for value in classes})
    if found.isna().any():
        row = text.index[found.isna()][0]
        raise RefusedError(f"{_row(path, row)}: {text.name}: got {text[row]!r}, expected one of {classes}")
    return found


def _row(path: Path, row: Any) -> str:
    return f"{path}, row {row} (counted from 0 without the header)"
