"""SMOTEN (imbalanced-learn): many synthetic rows from the codes of some reference rows."""

import warnings

import numpy as np

from monitoring.batch.encoding import Codes
from monitoring.dataset.sample import Sample
from monitoring.errors import RefusedError
from monitoring.settings.model import Scoring

_SURPLUS = 10
"""Synthetic rows for each row wanted, for raking to choose from."""

_DRAWS = 40
"""Synthetic rows for each reference row at the least.

What SMOTEN makes of a row is fixed, so a level that only one reference row yields is missed with
probability exp(-40) instead of failing a night now and then. More rows cost nothing.
"""


def reference_rows(sample: Sample, classes: Codes, scoring: Scoring) -> Codes:
    """Return the places of the rows that SMOTEN sees, ascending.

    classes (rows,): of the sample's rows. Stratified, about `scoring.reference_rows` in all, and
    at least as many of a class as SMOTEN needs. Raises RefusedError for a class with fewer.
    """
    total = sum(sample.class_rows.values())
    needed = scoring.neighbors + 1
    chosen = []
    for code, (value, rows) in enumerate(sample.class_rows.items()):
        of_class = np.flatnonzero(classes == code)
        if len(of_class) < needed:
            raise RefusedError(
                f"class {value} has {len(of_class)} training rows, scoring.neighbors"
                f" {scoring.neighbors} needs {needed}: lower it, or give more training data"
            )
        quota = max(needed, round(scoring.reference_rows * rows / total))
        evenly_drawn = np.argsort(sample.order[of_class], kind="stable")[:quota]
        chosen.append(of_class[evenly_drawn])
    return np.sort(np.concatenate(chosen))


def synthesize(
    codes: Codes, classes: Codes, wanted: list[int], neighbors: int, random: np.random.Generator
) -> tuple[Codes, Codes]:
    """Return synthetic codes (rows, columns) and their classes (rows,).

    codes, classes: of the reference rows. wanted: by class, the rows that will be chosen; of a
    class with any there are many times as many.
    """
    from imblearn.over_sampling import SMOTEN  # 1.4 s to import: only where it is used

    available = np.bincount(classes, minlength=len(wanted))
    strategy = {}
    for code, count in enumerate(wanted):
        if count:
            reference = int(available[code])
            strategy[code] = reference + max(_SURPLUS * count, _DRAWS * reference)

    smoten = SMOTEN(
        sampling_strategy=strategy,
        k_neighbors=neighbors,
        random_state=int(random.integers(2**31)),
    )
    with warnings.catch_warnings():
        # "more samples than the majority class": that is what is asked for.
        warnings.simplefilter("ignore", UserWarning)
        all_codes, all_classes = smoten.fit_resample(codes, classes)
    # The originals come first in what it returns: they are real people's rows and must not go out.
    return all_codes[len(codes) :], all_classes[len(codes) :]
