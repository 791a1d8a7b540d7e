"""Equal inputs and their answers: which changed, and by how much."""

from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array

SAME_SCORE = 1e-5
"""Scores that differ by less are the same: what other hardware or another order of sums gives."""


class Repeats(NamedTuple):
    """How many distinct inputs came again, and whose answer was another.

    changed: by class or score; changed_class: by class; largest: the largest change of a score, 0
    where none changed.
    """

    inputs: int
    changed: int
    changed_class: int
    largest: float


def within(keys: Array, classes: Array, scores: Array) -> Repeats:
    """Compare the rows with equal keys (rows,) with each other.

    classes (rows,): codes; scores (rows,): NaN where there is none.
    """
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0][: len(order)])
    if not starts.size:
        return Repeats(0, 0, 0, 0.0)
    sizes = np.diff(np.r_[starts, len(order)])
    class_spread = _spread(classes[order].astype(float), starts)
    return _counted(sizes > 1, class_spread > 0, _spread(scores[order], starts))


def against(today: tuple[Array, Array, Array], earlier: tuple[Array, Array, Array]) -> Repeats:
    """Compare each input of today with the latest earlier answer to it.

    today, earlier: keys, classes and scores (rows,), the latest last.
    """
    keys, classes, scores = today
    known, places = _latest(earlier[0])
    if not known.size or not keys.size:
        return Repeats(0, 0, 0, 0.0)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    came = known[at] == keys
    places = places[at[came]]
    differs = classes[came] != earlier[1][places]
    change = np.nan_to_num(np.abs(scores[came] - earlier[2][places]))

    order = np.argsort(keys[came], kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[came][order]) != 0][: len(order)])
    if not starts.size:
        return Repeats(0, 0, 0, 0.0)
    most = np.maximum.reduceat(change[order], starts)
    any_class = np.maximum.reduceat(differs[order].astype(int), starts) > 0
    return _counted(np.ones(len(starts), bool), any_class, most)


def _latest(keys: Array) -> tuple[Array, Array]:
    """Return the distinct keys in order, and the last place of each."""
    known, from_the_end = np.unique(keys[::-1], return_index=True)
    return known, len(keys) - 1 - from_the_end


def _spread(values: Array, starts: Array) -> Array:
    spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    return np.asarray(np.nan_to_num(spread))


def _counted(came: Array, other_class: Array, change: Array) -> Repeats:
    other_score = change >= SAME_SCORE
    changed = came & (other_class | other_score)
    return Repeats(
        inputs=int(came.sum()),
        changed=int(changed.sum()),
        changed_class=int((came & other_class).sum()),
        largest=float(change[changed].max()) if changed.any() else 0.0,
    )
