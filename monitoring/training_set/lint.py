"""What makes a version useless, and what one should know before it is created."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from monitoring.dataset.schema import column_names
from monitoring.dataset.training_data import MissingValues
from monitoring.settings.model import Schema, Target
from monitoring.text import format_percent


class Findings(NamedTuple):
    """Texts, each with its column and the remedy. errors: the version would be useless."""

    errors: list[str]
    warnings: list[str]


def lint(frame: pd.DataFrame, schema: Schema, missing: Mapping[str, MissingValues]) -> Findings:
    """Return what is wrong with the rows of a version.

    frame: as of read_content. missing: as of training_data.missing.
    """
    rows = len(frame)
    is_empty = {name: values.rows == rows for name, values in missing.items()}
    errors = [
        *_uncaptured_columns(frame, schema),
        *_wrong_ids(frame[schema.key], schema.key),
        *_absent_classes(frame[schema.target.name], schema.target),
    ]
    errors += [
        f"{name}: no row has a value: fill the column, or take its features out of schema.features"
        for name in missing
        if is_empty[name]
    ]
    warnings = [
        _missing_values_text(name, values, rows)
        for name, values in missing.items()
        if not is_empty[name]
    ]
    return Findings(errors, [*warnings, *_constant_columns(frame, schema)])


def _uncaptured_columns(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    captured = [schema.key, *column_names(schema), schema.target.name]
    for name in frame.columns.difference(captured, sort=False):
        yield (
            f"{name}: the endpoint does not capture it (it gets {schema.key} and the features), and"
            " a baseline column that is never captured makes every ingestion fail: leave it out"
        )


def _wrong_ids(ids: "pd.Series[str]", key: str) -> Iterator[str]:
    is_empty = ids == ""
    if is_empty.any():
        yield (
            f"{key}: empty ids: {is_empty.sum()} of {len(ids)}, the first in row"
            f" {ids.index[is_empty][0]}: give every row one, or take the column out of the training"
            " data (the ids are then training_<row>)"
        )

    # keep=False: each of them, so that the message can name the first two rows.
    repeated = ids[~is_empty & ids.duplicated(keep=False)]
    if len(repeated):
        id_ = repeated.iloc[0]
        first, second = repeated.index[repeated == id_][:2]
        yield (
            f"{key}: repeated ids: {repeated.nunique()}, the first ({id_}) in rows {first} and"
            f" {second}: it identifies a row to DMM, so leave the repeats out, or name another"
            " schema.key"
        )


def _absent_classes(labels: "pd.Series[int] | pd.Series[str]", target: Target) -> Iterator[str]:
    present = set(labels.astype(str).unique())
    absent = [str(value) for value in target.classes if str(value) not in present]
    if absent:
        yield (
            f"{target.name}: no row of class {', '.join(absent)}, expected rows of each of"
            f" {target.classes}: give such rows, or fix schema.target.classes"
        )


def _missing_values_text(name: str, values: MissingValues, rows: int) -> str:
    share = format_percent(values.rows / rows)
    return (
        f"{name}: missing values: {values.rows} of {rows} ({share}), the first in row"
        f" {values.first_row}; an indicator made from it is 0 there, a number stays missing: fill"
        " them in, or leave those rows out"
    )


def _constant_columns(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    for name in column_names(schema):
        if frame[name].nunique() == 1:
            yield (
                f"{name}: constant, every row has {frame[name].dropna().iloc[0]:g}: no shift can be"
                " measured against it; take rows in which it varies, or take it out of"
                " schema.features"
            )
