"""The day's batch: synthetic rows that look like the training data, the same for the same day.

SMOTEN on nominal codes makes many times the rows wanted; the day's rows are drawn from them with
weights that bring every level and bin back to its share in the class.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.batch import raking, smoten
from monitoring.batch.batch import Batch, to_csv
from monitoring.batch.drills import apply_drills
from monitoring.batch.encoding import Codes, Encoder
from monitoring.batch.labels import class_counts, flip_labels
from monitoring.batch.randomness import generator, row_count
from monitoring.dataset.sample import Sample, draw_sample
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import RefusedError
from monitoring.settings.model import Settings, Target


def generate(settings: Settings, data: TrainingFile, day: date, rows: int | None) -> Batch:
    """Return the day's batch; rows: their number, None for the day's own.

    The same settings, data and day give the same batch, byte for byte, on any machine. Raises
    ConfigError or RefusedError for training data that can't be read, and as make_batch does.
    """
    sample = draw_sample(data.path, settings.schema, generator(settings, day, "sample"))
    return make_batch(settings, sample, day, rows or row_count(settings, day))


def make_batch(settings: Settings, sample: Sample, day: date, rows: int) -> Batch:
    """Return the day's batch of `rows` rows, made from a sample of the training data.

    Raises RefusedError for a class with too few training rows, or a level above 1 % that no
    synthetic row has even with a single neighbor.
    """
    schema, scoring = settings.schema, settings.scoring
    training = _CodedSample.of(sample, settings)
    wanted = class_counts(schema.target.classes, scoring.classes, sample.class_rows, rows)

    random, pool = _make_pool(settings, training, wanted, day)
    parts = [
        _draw_class(training, pool, code, count, random)
        for code, count in enumerate(wanted)
        if count
    ]
    frame = pd.concat(parts, ignore_index=True)
    # The classes come mixed, as customers do.
    frame = frame.iloc[random.permutation(len(frame))].reset_index(drop=True)

    flip_labels(frame, schema.target, scoring.label_noise, random)
    drills = apply_drills(frame, settings, day, random)
    sha256 = hashlib.sha256(to_csv(frame, schema, day)).hexdigest()
    return Batch(frame, schema, sha256, drills)


@dataclass(frozen=True, slots=True)
class _CodedSample:
    """The sample of the training data: codes (rows, columns), classes (rows,)."""

    sample: Sample
    target: Target
    encoder: Encoder
    codes: Codes
    classes: Codes

    @classmethod
    def of(cls, sample: Sample, settings: Settings) -> "_CodedSample":
        target = settings.schema.target
        encoder = Encoder(settings.schema, sample.frame)
        code_of_class = {value: code for code, value in enumerate(target.classes)}
        classes = np.asarray(sample.frame[target.name].map(code_of_class), np.int64)
        return cls(sample, target, encoder, encoder.encode(sample.frame), classes)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Synthetic rows to draw from: codes (rows, columns), classes (rows,).

    weights: by class, the probability of each of its rows (rows of the class,).
    """

    codes: Codes
    classes: Codes
    weights: dict[int, NDArray[np.float64]]


def _make_pool(
    settings: Settings, training: _CodedSample, wanted: list[int], day: date
) -> tuple[np.random.Generator, _Pool]:
    """Return the pool, and the generator that it was made with, to go on with.

    The more neighbors vote, the more easily a rare level loses every vote: fewer bring it back,
    and save the night.
    """
    scoring = settings.scoring
    reference = smoten.reference_rows(training.sample, training.classes, scoring)
    neighbors = scoring.neighbors
    while True:
        random = generator(settings, day, "batch")
        codes, classes = smoten.synthesize(
            training.codes[reference], training.classes[reference], wanted, neighbors, random
        )
        try:
            return random, _Pool(codes, classes, _weights(training, codes, classes, wanted))
        except RefusedError:
            if neighbors == 1:
                raise
            neighbors -= 1


def _weights(
    training: _CodedSample, codes: Codes, classes: Codes, wanted: list[int]
) -> dict[int, NDArray[np.float64]]:
    return {
        code: raking.raking_weights(
            codes[classes == code],
            training.codes[training.classes == code],
            training.encoder.describe,
            training.target.classes[code],
        )
        for code, count in enumerate(wanted)
        if count
    }


def _draw_class(
    training: _CodedSample, pool: _Pool, code: int, count: int, random: np.random.Generator
) -> pd.DataFrame:
    """Return rows of one class, drawn from the pool without replacement, with their label."""
    codes = pool.codes[pool.classes == code]
    drawn = random.choice(len(codes), size=count, replace=False, p=pool.weights[code])

    is_donor = training.classes == code
    donors, donor_codes = training.sample.frame[is_donor], training.codes[is_donor]
    rows = training.encoder.decode(codes[drawn], donors, donor_codes, random)
    rows[training.target.name] = training.target.classes[code]
    return rows
