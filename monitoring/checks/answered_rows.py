"""What the endpoint answered to which inputs, as arrays that days can be compared by."""

import logging
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from monitoring.batch import batch as batches
from monitoring.batch.scored import ScoredBatch
from monitoring.dataset.schema import column_names, schema_hash
from monitoring.errors import RefusedError
from monitoring.ledger import journal
from monitoring.ledger.entry import DayEntry
from monitoring.settings.model import Schema, Settings
from monitoring.settings.rules import Label
from monitoring.statistics.arrays import Array

log = logging.getLogger("monitoring")

_MAX_DAYS = 30
_MANTISSA = 2.0**40  # of numbers: a CSV gives back all but the last digits


class AnsweredRows(NamedTuple):
    """The scored rows of a day, in the order of the batch.

    keys (rows,): a hash of the inputs and the release, so that equal keys should have equal
    answers. classes (rows,): codes. scores (rows,): NaN where there is none.
    """

    day: str
    keys: Array
    classes: Array
    scores: Array

    @classmethod
    def of(cls, scored: ScoredBatch, schema: Schema) -> Self:
        """Return the rows of a day that have an answer."""
        in_order = (scored.answers[index] for index in sorted(scored.answers))
        answers = [answer for answer in in_order if answer.is_scored]
        index = np.array([answer.index for answer in answers], np.int64)
        codes: dict[Label | None, int] = {
            value: code for code, value in enumerate(schema.target.classes)
        }
        releases = pd.Series([answer.release or "" for answer in answers], dtype=object)
        keys = _combined(
            _input_keys(scored.batch.frame, schema)[index],
            pd.util.hash_array(releases.to_numpy(), categorize=True),
        )
        return cls(
            scored.day.isoformat(),
            keys,
            np.array([codes.get(answer.prediction, -1) for answer in answers], np.int64),
            np.array([np.nan if answer.score is None else answer.score for answer in answers]),
        )


def read_earlier(settings: Settings, entry: DayEntry) -> list[AnsweredRows]:
    """Return the answers of the last days before the entry's that are in state, oldest first.

    Of `checks.window_days` days, at most 30, whose rows went to the same address under the same
    schema. A day whose files are gone or torn is left out.
    """
    workspace = entry.workspace
    days = [day for day in workspace.known_days() if day < entry.day]
    wanted = min(settings.checks.window_days, _MAX_DAYS)
    read = []
    for day in days[-wanted:]:
        try:
            rows = _read_day(settings, DayEntry(workspace, entry.model, day))
        except (OSError, ValueError, KeyError, RefusedError) as error:
            log.info("%s: its answers are not compared with the day's: %s", day, error)
            continue
        if rows is not None:
            read.append(rows)
    return read


def _read_day(settings: Settings, entry: DayEntry) -> AnsweredRows | None:
    """Return a day's answers; None where they are of another endpoint or schema."""
    known, schema = entry.known, settings.schema
    is_same = known.model_url == settings.model_api.url
    if not is_same or known.schema_hash != schema_hash(schema) or not known.batch_sha256:
        return None
    workspace = entry.workspace
    batch = batches.read(workspace.batch(entry.day), schema, known.batch_sha256, known.drills)
    path = workspace.journal(entry.day)
    answers = journal.read_answers(path, known.batch_sha256, len(batch))
    return AnsweredRows.of(ScoredBatch(entry.day, batch, answers), schema)


def _input_keys(frame: pd.DataFrame, schema: Schema) -> Array:
    """Return a hash of each row's features (rows,)."""
    keys = np.zeros(len(frame), np.uint64)
    for name in column_names(schema):
        if name in frame:
            keys = _combined(keys, _hashes(frame[name]))
    return keys


def _hashes(column: "pd.Series[Any]") -> Array:
    if pd.api.types.is_numeric_dtype(column):
        mantissa, exponent = np.frexp(column.to_numpy(dtype=float, na_value=np.nan))
        rounded = np.ldexp(np.round(mantissa * _MANTISSA) / _MANTISSA, exponent)
        # One bit pattern for 0 and for what is missing.
        return pd.util.hash_array(np.where(np.isnan(rounded), np.nan, rounded + 0.0))
    return pd.util.hash_array(column.astype(str).to_numpy(dtype=object))


def _combined(keys: Array, hashes: Array) -> Array:
    return np.asarray(keys * np.uint64(0x9E3779B97F4A7C15) ^ hashes)
