"""What the rows of a class are drawn from: synthetic rows and the reference rows' own codes.

With their own codes among them every level and bin is there, so that raking can bring each to its
share. The numerical values are drawn anew for both.
"""

from typing import NamedTuple

import numpy as np

from monitoring.batch.encoding import Codes, Places
from monitoring.batch.raking import Weights
from monitoring.dataset.sample import Sample
from monitoring.errors import RefusedError
from monitoring.settings.model import Scoring

_MIN_CLASS_ROWS = 500
_MAX_MIN_CLASS_ROWS = 2000
_ROWS_PER_CODE = 2
"""Reference rows of a class at the least, or all that it has: 500, in wide tables up to 2,000 so
that there are more rows to weigh than shares to meet."""


class Pool(NamedTuple):
    """The different codes of one class (rows, columns), and how often each is there (rows,)."""

    codes: Codes
    counts: Weights


def reference_rows(sample: Sample, codes: Codes, classes: Places, scoring: Scoring) -> Places:
    """Return the places of the rows that SMOTEN sees, ascending.

    codes (rows, columns), classes (rows,): of the sample's rows. Stratified, about
    `scoring.reference_rows` in all, and 500 of each class (or all of it) at the least, more in a
    wide table. Raises RefusedError for a class with fewer rows than SMOTEN needs.
    """
    total = sum(sample.class_rows.values())
    shares_to_meet = int(codes.max(axis=0).sum())
    at_least = min(max(_MIN_CLASS_ROWS, _ROWS_PER_CODE * shares_to_meet), _MAX_MIN_CLASS_ROWS)
    needed = scoring.neighbors + 1
    chosen = []
    for code, (value, rows) in enumerate(sample.class_rows.items()):
        of_class = np.flatnonzero(classes == code)
        if len(of_class) < needed:
            raise RefusedError(
                f"class {value} has {len(of_class)} training rows, scoring.neighbors"
                f" {scoring.neighbors} needs {needed}: lower it, or give more training data"
            )
        quota = max(at_least, needed, round(scoring.reference_rows * rows / total))
        evenly_drawn = np.argsort(sample.order[of_class], kind="stable")[:quota]
        chosen.append(of_class[evenly_drawn])
    return np.sort(np.concatenate(chosen))


def make_pools(
    codes: Codes, classes: Places, wanted: list[int], neighbors: int, random: np.random.Generator
) -> dict[int, Pool]:
    """Return the pool of each class of which any rows are wanted.

    codes, classes: of the reference rows. wanted: by class, the rows that will be drawn.
    """
    # imbalanced-learn takes more than a second to import: only where it is used.
    from monitoring.batch import smoten

    synthetic, synthetic_classes = smoten.synthesize(codes, classes, wanted, neighbors, random)
    pools = {}
    for code, count in enumerate(wanted):
        if count:
            pools[code] = _pool(synthetic[synthetic_classes == code], codes[classes == code])
    return pools


def _pool(synthetic: Codes, own: Codes) -> Pool:
    """Return both together; all rows of one kind count as much as all of the other."""
    rows = np.ascontiguousarray(np.concatenate([synthetic, own]))
    # As bytes: to sort by one column after the other takes ten times as long.
    row_bytes = rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    _, first, place = np.unique(row_bytes, return_index=True, return_inverse=True)
    each = np.repeat([1.0, len(synthetic) / len(own)], [len(synthetic), len(own)])
    return Pool(rows[first], np.bincount(place, each).astype(np.float64))
