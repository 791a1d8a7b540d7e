"""What makes a version useless, and what one should know before it is created."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from monitoring.dataset.schema import column_names, nominals
from monitoring.dataset.training_data import Tally, left_out_text
from monitoring.settings.model import Schema, Target
from monitoring.text import format_percent

_DMM_BINS = 20  # contracts 10


class Findings(NamedTuple):
    """Texts, each with its column and the remedy. errors: the version would be useless."""

    errors: list[str]
    warnings: list[str]


def lint(frame: pd.DataFrame, schema: Schema, tally: Tally) -> Findings:
    """Return what is wrong with the rows of a version.

    frame, tally: as of read_content.
    """
    if frame.empty:
        # No row is left: what else there is to say of the rows follows from that.
        return Findings(list(_empty_columns(tally)) or [left_out_text(tally)], [])

    errors = [
        *_uncaptured_columns(frame, schema),
        *_wrong_ids(frame[schema.key], schema.key),
        *_absent_classes(frame[schema.target.name], schema.target),
        *_empty_columns(tally),
    ]
    warnings = [
        *_left_out_rows(tally),
        *_constant_columns(frame, schema),
        *_many_levels(frame, schema),
    ]
    return Findings(errors, warnings)


def _empty_columns(tally: Tally) -> Iterator[str]:
    for name, values in tally.columns.items():
        if values.rows == tally.rows:
            yield (
                f"{name}: no row has a value: fill the column, or take its features out of"
                " schema.features"
            )


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


def _left_out_rows(tally: Tally) -> Iterator[str]:
    for name, values in tally.columns.items():
        if name not in tally.left_out_by:
            continue
        share = format_percent(values.rows / tally.rows)
        yield (
            f"{name}: missing values: {values.rows} of {tally.rows} ({share}), the first in row"
            f" {values.first_row}: these rows are left out of batch and baseline; fill them in, or"
            " set nullable: true for its features if the model takes missing values"
        )
    if len(tally.left_out_by) > 1:
        yield left_out_text(tally)


def _constant_columns(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    for name in column_names(schema):
        if frame[name].nunique(dropna=False) == 1:
            value = frame[name].iloc[0]
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            yield (
                f"{name}: constant, every row has {shown}: no shift can be measured against it;"
                " take rows in which it varies, or take it out of schema.features"
            )


def _many_levels(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    for name in nominals(schema):
        levels = frame[name].nunique()
        if levels > _DMM_BINS:
            yield (
                f"{name}: {levels} levels; DMM advises against more than {_DMM_BINS} bins, and the"
                " more levels, the larger a shift must be to be seen: group the rare ones"
            )
