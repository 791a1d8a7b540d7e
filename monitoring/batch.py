"""The day's batch: synthetic rows that look like the training data, the same for the same day.

SMOTEN (imbalanced-learn) on nominal columns makes many times the rows; raking weights bring every level and bin back to its
share in the class, since SMOTEN's vote among neighbors drops what is rare (docs/daily-scoring.md has the measurements).
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from monitoring import schema as columns
from monitoring.errors import RefusedError

if TYPE_CHECKING:
    from monitoring.config import Schema, Settings
    from monitoring.training_data import Sample

Array = np.ndarray[Any, np.dtype[Any]]
BINS = 5
"""Quantile bins of a numerical feature, as SMOTEN sees it."""
_SURPLUS = 10
"""Synthetic rows made for each row wanted, for raking to choose from."""
_DRAWS = 40
"""Synthetic rows made for each reference row at the least: what SMOTEN makes of a row is fixed, so a level that only one
reference row yields is missed with probability exp(-40) instead of failing a night now and then. More rows cost nothing."""
_RAKING_ROUNDS = 50
_RARE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Batch:
    """A day's rows: `frame` has the features and, under the target's name, the actual outcome; row i has the id `<day>_i`."""

    frame: pd.DataFrame
    sha256: str
    drills: list[str]


def generator(settings: "Settings", day: date, purpose: str) -> np.random.Generator:
    """Return the random numbers of a day: the same for the same seed, model, day and purpose, on any machine."""
    text = f"{settings.scoring.seed}/{settings.model}/{day}/{purpose}"
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def row_count(settings: "Settings", day: date) -> int:
    """Return the day's number of rows, drawn evenly from `scoring.rows`, both ends included."""
    low, high = settings.scoring.rows
    return int(generator(settings, day, "rows").integers(low, high, endpoint=True))


def make(settings: "Settings", sample: "Sample", day: date, rows: int) -> Batch:
    """Return the day's batch of `rows` rows.

    Raises RefusedError for a class with too few training rows, or a level above 1 % that no synthetic row has even with a
    single neighbor.
    """
    schema, scoring = settings.schema, settings.scoring
    coder = _Coder(schema, sample.frame)
    codes = coder.codes(sample.frame)
    places = {value: place for place, value in enumerate(schema.target.classes)}
    classes = sample.frame[schema.target.name].map(places).to_numpy()
    wanted = class_counts(schema, scoring.classes, sample.class_rows, rows)
    reference = _reference(schema, sample, classes, scoring.reference_rows, scoring.neighbors)
    # The more neighbors vote, the more easily a rare level loses every vote: fewer bring it back, and save the night.
    for neighbors in range(scoring.neighbors, 0, -1):
        random = generator(settings, day, "batch")
        made, made_classes = _synthetic(codes[reference], classes[reference], wanted, neighbors, random)
        try:
            weights = [
                raking_weights(made[made_classes == place], codes[classes == place], coder.describe, value)
                if wanted[place]
                else None
                for value, place in places.items()
            ]
            break
        except RefusedError:
            if neighbors == 1:
                raise
    parts = []
    for place, count in enumerate(wanted):
        if count:
            own, targets = made[made_classes == place], codes[classes == place]
            drawn = own[random.choice(len(own), size=count, replace=False, p=weights[place])]
            part = coder.decoded(drawn, sample.frame[classes == place], targets, random)
            part[schema.target.name] = schema.target.classes[place]
            parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.iloc[random.permutation(len(frame))].reset_index(drop=True)
    _flip_labels(frame, schema, scoring.label_noise, random)
    drills = _drill(frame, settings, day, random)
    return Batch(frame, hashlib.sha256(to_csv(frame, schema, day)).hexdigest(), drills)


def class_counts(
    schema: "Schema", mix: str | Mapping[int | str, float], class_rows: Mapping[int | str, int], rows: int
) -> list[int]:
    """Return how many rows each class gets, in the order of `target.classes`; the sum is `rows` (largest remainder)."""
    classes = schema.target.classes
    if isinstance(mix, str):
        mix = {value: class_rows[value] if mix == "training" else 1 for value in classes}
    exact = np.array([mix[value] for value in classes], dtype=float)
    exact *= rows / exact.sum()
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: rows - counts.sum()]] += 1
    return [int(count) for count in counts]


def raking_weights(made: Array, targets: Array, describe: Callable[[int, int], str], label: int | str) -> Array:
    """Return a probability for each made row, so that every column's codes have the shares that they have in `targets`.

    made, targets: int arrays of shape (rows, columns); `describe` names a column's code in messages. Iterative proportional
    fitting (Deming and Stephan 1940). Raises RefusedError where no made row has a code whose share in the targets is above 1 %.
    """
    margins = []
    for column in range(targets.shape[1]):
        size = int(targets[:, column].max()) + 1
        shares = np.bincount(targets[:, column], minlength=size) / len(targets)
        present = np.bincount(made[:, column], minlength=size) > 0
        lost = np.flatnonzero(~present & (shares > _RARE_SHARE))
        if len(lost):
            raise RefusedError(
                f"no synthetic row of class {label} has {describe(column, int(lost[0]))}, though {shares[lost[0]]:.1%} of its"
                " training rows have: raise scoring.reference_rows, or leave the level out of schema.features"
            )
        shares = np.where(present, shares, 0)
        margins.append((column, shares / shares.sum(), size))
    weights = np.full(len(made), 1 / len(made))
    for _ in range(_RAKING_ROUNDS):
        for column, shares, size in margins:
            current = np.bincount(made[:, column], weights, minlength=size)
            weights *= np.divide(shares, current, out=np.zeros(size), where=current > 0)[made[:, column]]
    return np.asarray(weights / weights.sum())


def request_rows(frame: pd.DataFrame, schema: "Schema", day: date) -> Iterator[tuple[int, str]]:
    """Yield index and request body of each row."""
    names = columns.column_names(schema)
    for index, values in enumerate(frame[names].itertuples(index=False, name=None)):
        yield index, columns.request_body(schema, dict(zip(names, values, strict=True)), columns.event_id(str(day), index))


def to_csv(frame: pd.DataFrame, schema: "Schema", day: date) -> bytes:
    """Return the batch as the CSV that is kept: id, features, outcome."""
    ids = [columns.event_id(str(day), index) for index in range(len(frame))]
    kept = frame[[*columns.column_names(schema), schema.target.name]].copy()
    kept.insert(0, schema.key, ids)
    return kept.to_csv(index=False, lineterminator="\n").encode()


def read(path: Path, schema: "Schema", sha256: str | None) -> Batch:
    """Return the batch that an earlier run kept; raises RefusedError where the file isn't the one whose hash is given."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RefusedError(
            f"{path}: {error.strerror}; the day was begun with it: restore it, or start again with --rerun"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise RefusedError(
            f"{path}: changed since the day was begun (SHA-256 {found[:16]}, expected {str(sha256)[:16]}): restore it, or start"
            " the day again with --rerun"
        )
    # keep_default_na: a class named NA is no missing one.
    frame = pd.read_csv(io.BytesIO(content), dtype={schema.target.name: str}, keep_default_na=False).drop(columns=schema.key)
    frame[schema.target.name] = frame[schema.target.name].map({str(value): value for value in schema.target.classes})
    return Batch(frame, found, [])


class _Coder:
    """Turns rows to nominal codes and back: a group to one column (0: none of its features), a numerical to its bin."""

    def __init__(self, schema: "Schema", frame: pd.DataFrame) -> None:
        self.schema = schema
        self.groups = columns.groups(schema)
        self.numericals = columns.numericals(schema)
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        self.edges = {name: np.unique(np.quantile(frame[name], inner)) for name in self.numericals}

    def codes(self, frame: pd.DataFrame) -> Array:
        made = []
        for features in self.groups.values():
            made.append(sum(frame[feature.name].to_numpy(dtype=np.int64) * code for code, feature in enumerate(features, 1)))
        for name in self.numericals:
            made.append(np.searchsorted(self.edges[name], frame[name].to_numpy(), side="right"))
        return np.column_stack(made)

    def describe(self, column: int, code: int) -> str:
        """Return in words what a code of a column stands for."""
        if column < len(self.groups):
            group, features = list(self.groups.items())[column]
            return features[code - 1].name if code else f"none of the features of {group}"
        name = self.numericals[column - len(self.groups)]
        low, high = [-np.inf, *self.edges[name]][code], [*self.edges[name], np.inf][code]
        return f"{name} from {low:g} to below {high:g}"

    def decoded(
        self, codes: Array, reference: pd.DataFrame, reference_codes: Array, random: np.random.Generator
    ) -> pd.DataFrame:
        """Return feature columns for the codes; a numerical value is drawn from the reference rows of the same bin."""
        made: dict[str, Array] = {}
        for column, features in enumerate(self.groups.values()):
            for code, feature in enumerate(features, 1):
                made[feature.name] = (codes[:, column] == code).astype(np.int8)
        for column, name in enumerate(self.numericals, len(self.groups)):
            values, drawn = reference[name].to_numpy(), np.zeros(len(codes))
            for code in np.unique(codes[:, column]):
                here = codes[:, column] == code
                drawn[here] = random.choice(values[reference_codes[:, column] == code], size=int(here.sum()))
            made[name] = drawn.astype(np.int64) if _are_whole(values) else drawn
        return pd.DataFrame(made)[columns.column_names(self.schema)]


def _are_whole(values: Array) -> bool:
    return bool(((values == np.round(values)) & (np.abs(values) < 2**53)).all())  # larger ones are exact as floats only


def _reference(schema: "Schema", sample: "Sample", classes: Array, rows: int, neighbors: int) -> Array:
    """Return the places of the rows that SMOTEN sees: stratified, and at least as many of a class as it needs."""
    total = sum(sample.class_rows.values())
    chosen = []
    for place, value in enumerate(schema.target.classes):
        own = np.flatnonzero(classes == place)
        if len(own) <= neighbors:
            raise RefusedError(
                f"class {value} has {len(own)} training rows, scoring.neighbors {neighbors} needs {neighbors + 1}: lower it, or"
                " give more training data"
            )
        quota = max(neighbors + 1, round(rows * sample.class_rows[value] / total))
        chosen.append(own[np.argsort(sample.order[own], kind="stable")[:quota]])
    return np.sort(np.concatenate(chosen))


def _synthetic(
    codes: Array, classes: Array, wanted: list[int], neighbors: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Return SMOTEN's own rows, many times as many of each class as wanted, and their classes."""
    from imblearn.over_sampling import SMOTEN  # 1.4 s to import: only where it is used

    present = np.bincount(classes, minlength=len(wanted))
    strategy = {
        place: int(present[place]) + max(_SURPLUS * count, _DRAWS * int(present[place]))
        for place, count in enumerate(wanted)
        if count
    }
    smoten = SMOTEN(sampling_strategy=strategy, k_neighbors=neighbors, random_state=int(random.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "more samples than the majority class": that is what is asked for
        made, made_classes = smoten.fit_resample(codes, classes)
    # The originals stand first in what it returns: they are real people's rows and must not go out.
    return made[len(codes) :], made_classes[len(codes) :]


def _flip_labels(frame: pd.DataFrame, schema: "Schema", share: float, random: np.random.Generator) -> None:
    classes, labels = schema.target.classes, frame[schema.target.name].tolist()
    for index in random.choice(len(labels), size=round(share * len(labels)), replace=False):
        others = [value for value in classes if value != labels[index]]
        labels[index] = others[int(random.integers(len(others)))]
    frame[schema.target.name] = labels


def _drill(frame: pd.DataFrame, settings: "Settings", day: date, random: np.random.Generator) -> list[str]:
    """Shift what the drills of the day ask for; return them as text for the manifest and the report."""
    told = []
    for drill in settings.scoring.drift:
        if day < drill.from_day:
            continue
        chosen = random.choice(len(frame), size=round(drill.share * len(frame)), replace=False)
        feature = next(feature for feature in settings.schema.features if feature.name == drill.feature)
        if feature.type == "numerical":
            values = frame[drill.feature].to_numpy(dtype=float)
            values[chosen] += drill.shift
            frame[drill.feature] = values.astype(np.int64) if _are_whole(values) else values
        else:
            same_group = columns.groups(settings.schema)[feature.group or feature.name]
            frame.loc[chosen, [other.name for other in same_group]] = (
                0 if drill.shift > 0 else frame.loc[chosen, [o.name for o in same_group]]
            )
            frame.loc[chosen, drill.feature] = 1 if drill.shift > 0 else 0
        told.append(f"{drill.feature} {drill.shift:+g} for {drill.share:.0%} of the rows since {drill.from_day}")
    return told
