"""The day's batch: synthetic rows that look like the training data, the same for the same day.

SMOTEN on nominal codes makes many rows, to which the reference rows' own codes come; the day's rows
are drawn from them with weights that bring every level and bin back to its share in the class, and
their numerical values from real rows that are near.
"""

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from monitoring import clock
from monitoring.batch import raking
from monitoring.batch.batch import Batch, to_csv
from monitoring.batch.drills import apply_drills
from monitoring.batch.encoding import Codes, Encoder, Places
from monitoring.batch.labels import class_counts, flip_labels
from monitoring.batch.numericals import Donors, draw_together
from monitoring.batch.pool import Pool, make_pools, reference_rows
from monitoring.batch.randomness import generator, row_count
from monitoring.batch.real_rows import draw_rows
from monitoring.dataset.sample import Sample, count_classes, draw_sample
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import RefusedError
from monitoring.settings.model import Settings, Target
from monitoring.settings.rules import Label
from monitoring.text import format_percent

log = logging.getLogger("monitoring")

_WARNING_POINTS = 2
_REFUSAL_POINTS = 5


def generate(settings: Settings, data: TrainingFile, day: date, rows: int | None) -> Batch:
    """Return the day's batch; rows: their number, None for the day's own.

    The same settings, data and day give the same batch, byte for byte, on any machine. Raises
    ConfigError or RefusedError for training data that can't be read, and as make_batch does.
    """
    sample = draw_sample(data.source.rows, generator(settings, day, "sample"))
    if settings.scoring.source and settings.scoring.classes == "training":
        # The mix of the training data, not that of the rows that the batch is made from.
        sample = replace(sample, class_rows=count_classes(data.rows))
    return make_batch(settings, sample, day, rows or row_count(settings, day))


def try_batch(settings: Settings, data: TrainingFile) -> Batch:
    """Return a batch as today's run would make it.

    Raises RefusedError where it would be refused.
    """
    try:
        return generate(settings, data, clock.today(), rows=None)
    except RefusedError as error:
        source = settings.scoring.source or settings.training_data
        raise RefusedError(f"no batch can be made of {source}: {error}") from None


def make_batch(settings: Settings, sample: Sample, day: date, rows: int) -> Batch:
    """Return the day's batch of `rows` rows, made from a sample of the training data.

    Logs a warning for a level or bin whose share is more than 2 percentage points off its share in
    the class. Raises RefusedError for one more than 5 off, or a class with too few training rows.
    """
    schema, scoring = settings.schema, settings.scoring
    wanted = class_counts(schema.target.classes, scoring.classes, sample.class_rows, rows)

    random = generator(settings, day, "batch")
    if scoring.generator == "rows":
        parts = [draw_rows(sample, schema, wanted, random)]
    else:
        parts = _synthetic_parts(settings, sample, wanted, random)
    frame = pd.concat(parts, ignore_index=True)
    # The classes come mixed, as customers do.
    frame = frame.iloc[random.permutation(len(frame))].reset_index(drop=True)

    flip_labels(frame, schema.target, scoring.label_noise, random)
    drills = apply_drills(frame, settings, day, random)
    sha256 = hashlib.sha256(to_csv(frame, schema, day)).hexdigest()
    return Batch(frame, schema, sha256, drills)


def _synthetic_parts(
    settings: Settings, sample: Sample, wanted: list[int], random: np.random.Generator
) -> list[pd.DataFrame]:
    """Return the rows of each class."""
    scoring = settings.scoring
    training = _CodedSample.of(sample, settings)
    reference = reference_rows(sample, training.codes, training.classes, scoring)
    pools = make_pools(
        training.codes[reference], training.classes[reference], wanted, scoring.neighbors, random
    )
    return [_draw_class(training, code, pool, wanted[code], random) for code, pool in pools.items()]


@dataclass(frozen=True, slots=True)
class _CodedSample:
    """The sample of the training data: codes (rows, columns), classes (rows,)."""

    sample: Sample
    target: Target
    encoder: Encoder
    codes: Codes
    classes: Places

    @classmethod
    def of(cls, sample: Sample, settings: Settings) -> "_CodedSample":
        target = settings.schema.target
        encoder = Encoder(settings.schema, sample.frame)
        code_of_class = {value: code for code, value in enumerate(target.classes)}
        classes = np.asarray(sample.frame[target.name].map(code_of_class), np.int64)
        return cls(sample, target, encoder, encoder.encode(sample.frame), classes)

    def donors(self, code: int) -> Donors:
        """Return the rows of a class in an even random order."""
        of_class = np.flatnonzero(self.classes == code)
        places = of_class[np.argsort(self.sample.order[of_class], kind="stable")]
        values = self.sample.frame[self.encoder.numericals].iloc[places].to_numpy(float)
        return Donors(self.codes[places], values)


def _draw_class(
    training: _CodedSample, code: int, pool: Pool, count: int, random: np.random.Generator
) -> pd.DataFrame:
    """Return rows of one class, drawn from its pool, with their label."""
    donors = training.donors(code)
    label = training.target.classes[code]
    weights, residual = raking.raking_weights(pool.codes, pool.counts, donors.codes)
    check_residual(residual, training.encoder.describe(residual.column, residual.code), label)

    codes = pool.codes[raking.draw_systematically(weights, count, random)]
    rows = training.encoder.decode(codes, draw_together(codes, donors, random))
    rows[training.target.name] = label
    return rows


def check_residual(residual: raking.Residual, level: str, label: Label) -> None:
    """Log a warning for a share more than 2 percentage points off, raise RefusedError above 5.

    level: the level or bin in words; label: the class.
    """
    if residual.points <= _WARNING_POINTS:
        return
    text = (
        f"class {label}: {level}: {format_percent(residual.reached)} of the synthetic rows can have"
        f" it, expected {format_percent(residual.wanted)} as in its training rows"
    )
    if residual.points > _REFUSAL_POINTS:
        raise RefusedError(
            f"{text}: raise scoring.reference_rows, or leave the level or column out of"
            " schema.features"
        )
    log.warning("%s; the difference will show as drift: raise scoring.reference_rows", text)
